"""What is true of a patient's intake, as far as anybody knows: the conditions on which items and blocks depend.

None means that nobody knows. What that means is said per condition in the packet's file, never assumed here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from service.admission.packet.model import Known

CONDITIONS: Final = (
    "minor",
    "telehealth",
    "court_mandated",
    "self_pay",
    "positive_suicide_screen",
    "withdrawal_risk",
    "priority_group",
)

#: The age at which everybody signs for themselves in the packet, whatever a state says of single consents.
ADULT: Final = 18


@dataclass(frozen=True, slots=True)
class Situation:
    """Facts of one patient in one episode."""

    minor: Known = None
    telehealth: Known = None
    court_mandated: Known = None
    self_pay: Known = None
    positive_suicide_screen: Known = None
    withdrawal_risk: Known = None
    priority_group: Known = None

    def knows(self, condition: str) -> Known:
        """The condition by its name in the file; KeyError for one that does not exist."""
        if condition not in CONDITIONS:
            raise KeyError(condition)
        return getattr(self, condition)


def any_of(values: Iterable[Known]) -> Known:
    """True when one is; False when all are known not to be; else nobody knows."""
    found = tuple(values)
    if any(value is True for value in found):
        return True
    return False if found and all(value is False for value in found) else None


def birthday(born: date, age: int = ADULT) -> date:
    """The day somebody completes `age` years; born on February 29, they do so on March 1 of a common year."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)


def day_of(value: object) -> date | None:
    """A day as an entry has it, or None for what is no day."""
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None
