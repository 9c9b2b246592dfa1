"""The check digit of SNOMED CT identifiers (Verhoeff's dihedral scheme), so that an invented code stops the start."""

import re

_FORM = re.compile(r"[1-9][0-9]{5,17}")
#: The dihedral group of ten, and the permutation applied once more at each place.
_TIMES = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_PERMUTED = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def is_snomed_code(code: str) -> bool:
    """Has the form of a SNOMED CT identifier, with the right check digit."""
    if _FORM.fullmatch(code) is None:
        return False
    check = 0
    for place, digit in enumerate(reversed(code)):
        check = int(_TIMES[check][int(_PERMUTED[place % 8][int(digit)])])
    return check == 0
