"""What a member of staff is to a patient. One primary clinician at a time: who answers for the plan is in no doubt."""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum


class StaffRole(StrEnum):
    PRIMARY_CLINICIAN = "primary_clinician"
    COUNSELOR = "counselor"
    NURSE = "nurse"
    CASE_MANAGER = "case_manager"
    #: In for somebody, for a time.
    COVERING = "covering"


#: A role with a first and a last day (None: open).
Period = tuple[StaffRole | None, date, date | None]


def taken(role: StaffRole | None, starts_on: date, ends_on: date | None, others: Iterable[Period]) -> bool:
    """Whether somebody else is primary clinician on a day of this period; every other role can be shared."""
    if role is not StaffRole.PRIMARY_CLINICIAN:
        return False
    return any(
        other is role and (ends_on is None or begins <= ends_on) and (until is None or starts_on <= until)
        for other, begins, until in others
    )
