"""Whether a caller and a patient may be family or share a household, or a patient works here. Pure.

Compared in memory, after both are opened, and kept nowhere: an index of family names or addresses alone would tell too
much to whoever guesses (people/finding.py). A name is compared without case, accents and titles.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from service.vault.blindindex import normalise_name

#: What stands before or after a name in how staff are called.
_TITLES: Final = frozenset(
    {"dr", "mr", "mrs", "ms", "mx", "prof", "md", "do", "np", "rn", "lcsw", "lmhc", "casac", "phd", "psyd"}
    | {"jr", "sr", "ii", "iii"}
)
_SHORTER: Final = {
    "street": "st", "avenue": "ave", "road": "rd", "drive": "dr", "lane": "ln", "boulevard": "blvd", "court": "ct",
    "place": "pl", "apartment": "apt", "suite": "ste", "north": "n", "south": "s", "east": "e", "west": "w",
}  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """What likeness is judged by, normalised. `place`: postal code and town, of which one must be the same."""

    families: frozenset[str]
    given: str = ""
    born: str = ""
    line: str = ""
    place: frozenset[str] = frozenset()

    @property
    def identities(self) -> frozenset[tuple[str, str, str]]:
        """Names with the birth date: who the person is, where all of it is known."""
        known = self.given and self.born
        return (
            frozenset((family, self.given, self.born) for family in self.families) if known else frozenset()
        )


def same_surname(one: Person, other: Person) -> bool:
    return bool(one.families & other.families)


def same_address(one: Person, other: Person) -> bool:
    return bool(one.line) and one.line == other.line and bool(one.place & other.place)


def patient_of(document: Mapping[str, Any]) -> Person:
    """A patient's demographics, former family names with the present one."""
    aliases = cast("Iterable[Mapping[str, Any]]", document.get("aliases") or ())
    names = [document.get("family_name"), *(alias.get("family_name") for alias in aliases)]
    line, place = _address(document.get("address"))
    return Person(
        families=_families(names),
        given=normalise_name(str(document.get("given_name") or "")),
        born=str(document.get("birth_date") or ""),
        line=line,
        place=place,
    )


def member_of_staff(display_name: str, particulars: Mapping[str, Any]) -> Person:
    """A member of staff: by what was said of them, and where no name was said, by what they are called."""
    called = [word for word in display_name.split(",")[0].split() if _plain(word) not in _TITLES]
    family = particulars.get("family_name") or (called[-1] if called else "")
    given = particulars.get("given_name") or (called[0] if len(called) > 1 else "")
    line, place = _address(particulars.get("address"))
    return Person(
        families=_families([family]),
        given=normalise_name(str(given)),
        born=str(particulars.get("birth_date") or ""),
        line=line,
        place=place,
    )


def _families(names: Iterable[object]) -> frozenset[str]:
    return frozenset(normal for name in names if name and (normal := normalise_name(str(name))))


def _address(given: object) -> tuple[str, frozenset[str]]:
    """The line of the street, and what says where it is. An address in one piece: up to its first comma."""
    if isinstance(given, str):
        line, _, rest = given.partition(",")
        return _street(line), frozenset(
            _plain(word) for word in rest.replace(",", " ").split() if _plain(word)
        )
    if not isinstance(given, Mapping):
        return "", frozenset()
    parts = cast("Mapping[str, object]", given)
    postal = _plain(str(parts.get("postal_code") or ""))[:5]
    city = _plain(str(parts.get("city") or ""))
    return _street(str(parts.get("line1") or "")), frozenset(one for one in (postal, city) if one)


def _street(line: str) -> str:
    return " ".join(_SHORTER.get(word, word) for one in line.split() if (word := _plain(one)))


def _plain(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())
