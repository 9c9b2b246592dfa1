"""How many flags wait, for the header of a page: a number, and nothing of what they are about.

It counts the rows the list of waiting flags would show this caller. Nothing is opened, so nobody's record is read.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.intake.safety import records
from service.intake.subject import facts_of_person
from service.work import Work

#: As far as is counted; beyond that the number says "and more".
MOST_COUNTED: Final = 50


@dataclass(frozen=True, slots=True)
class Waiting:
    """`more`: there are more than were counted."""

    flags: int
    overdue: int
    more: bool


def count_waiting(work: Work, purpose: str) -> Waiting:
    """Inside an act that is allowed already, for somebody who may read the work list for this purpose."""
    stored = records.open_flags_of_program(work.db, work.caller.program_id, MOST_COUNTED + 1)
    may_act: dict[UUID, bool] = {}
    for one in stored[:MOST_COUNTED]:
        if one.patient_id not in may_act:
            facts = facts_of_person(work, one.patient_id)
            # who may take it: a licence that has run out hides no alarm from who treats the patient
            decision = work.access.decide(Action.FLAG_ASSIGN, work.caller, purpose, facts)
            may_act[one.patient_id] = decision.permitted
    shown = [one for one in stored[:MOST_COUNTED] if one.escalated_at is not None or may_act[one.patient_id]]
    overdue = sum(one.due_at <= work.now for one in shown)
    return Waiting(len(shown), overdue, more=len(stored) > MOST_COUNTED)
