"""Sensitivity labels of a record item (HL7 v3-ActCode, ActInformationSensitivityPolicy).

Sensitivity says what an item is about; it does not say which law governs it (that is `regime`, from the unit the item
came from). An item nobody has labelled is treated as sensitive, never as ordinary.
"""

from collections.abc import Iterable
from enum import StrEnum


class Label(StrEnum):
    SUD = "SUD"
    PSY = "PSY"
    HIV = "HIV"
    STD = "STD"
    SDV = "SDV"
    REPRO = "REPRO"


#: Legacy systems send ETH ("substance abuse") where SUD is meant; it is a separate top code in HL7, not a parent.
_READ_AS = {"ETH": Label.SUD}


class UnknownLabel(ValueError):
    """A label outside the list: the caller turns it into a field error."""


def read_labels(codes: Iterable[str]) -> frozenset[Label]:
    """Labels for the codes given; raises UnknownLabel for a code that is not ours (unknown is never ordinary)."""
    labels: set[Label] = set()
    for code in codes:
        if code in _READ_AS:
            labels.add(_READ_AS[code])
            continue
        try:
            labels.add(Label(code))
        except ValueError:
            raise UnknownLabel("unknown sensitivity label") from None
    return frozenset(labels)
