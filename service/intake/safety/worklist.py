"""The flags of the whole program that wait for somebody: urgent first, then by the clock.

A row is shown whole to whoever may act on it. An overdue flag is nobody's alone any more, so everybody who reads the
work list sees that it is there and whom to call; what it is about stays closed to those who do not work with the
patient. As in a search, each patient shown has an entry of their own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.intake.safety import records
from service.intake.safety.flag import RaisedFlag
from service.intake.safety.kept import opened_flag
from service.intake.subject import facts_of_person
from service.work import Work

#: The soonest due are looked at, no more: a program with more open flags than this needs people, not a longer list.
MOST_LISTED: Final = 500


class Whose(StrEnum):
    """Which flags: those I took, those of my roles that nobody took, or all."""

    ME = "me"
    ROLE = "role"
    ALL = "all"


@dataclass(frozen=True, slots=True, repr=False)
class Listed:
    """One row. `closed`: the caller may know that it waits and whom to call, not what it is about."""

    flag: RaisedFlag
    closed: bool


@dataclass(frozen=True, slots=True, repr=False)
class FlagList:
    rows: tuple[Listed, ...]
    more: bool


def waiting(work: Work, whose: Whose, *, after: UUID | None, at_most: int) -> FlagList:
    """Open flags from the one after `after`, by severity and clock; an unknown `after` begins at the beginning."""
    work.require(Action.WORK_LIST_READ, object_kind="safety_flag")
    stored = records.open_flags_of_program(work.db, work.caller.program_id, MOST_LISTED)
    opened = [opened_flag(work, one) for one in stored if _asked(work, whose, one)]
    in_order = sorted(opened, key=lambda one: one.urgency)
    ids = [one.id for one in in_order]
    start = ids.index(after) + 1 if after is not None and after in ids else 0
    rows = list(islice(_shown(work, in_order[start:]), at_most + 1))
    page = tuple(rows[:at_most])
    work.record(
        action=Action.WORK_LIST_READ,
        object_kind="safety_flag",
        object_id=None,
        detail={"owner": whose.value, "listed": len(page)},
    )
    for patient_id in dict.fromkeys(row.flag.patient_id for row in page):
        work.record(
            action=Action.WORK_LIST_READ, object_kind="patient", object_id=patient_id, patient_id=patient_id
        )
    return FlagList(page, more=len(rows) > at_most)


def _shown(work: Work, flags: Iterable[RaisedFlag]) -> Iterator[Listed]:
    """The rows this caller sees, in order; who may act is asked once for each patient, and only as far as is read."""
    may_act: dict[UUID, bool] = {}
    for one in flags:
        if one.patient_id not in may_act:
            facts = facts_of_person(work, one.patient_id)
            # who may take it: a licence that has run out hides no alarm from who treats the patient
            may_act[one.patient_id] = work.permits(Action.FLAG_ASSIGN, facts)
        allowed = may_act[one.patient_id]
        if allowed or one.escalated_at is not None:
            yield Listed(one, closed=not allowed)


def _asked(work: Work, whose: Whose, one: records.StoredFlag) -> bool:
    caller = work.caller
    match whose:
        case Whose.ME:
            return one.owner_id == caller.account_id
        case Whose.ROLE:
            return one.owner_role in caller.roles and one.owner_id in (None, caller.account_id)
        case Whose.ALL:
            return True
