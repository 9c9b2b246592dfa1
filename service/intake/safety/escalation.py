"""What happens to a flag when its clock runs out: it goes to the on-call clinicians, and somebody asks why it lay.

Run by the service for one program at a time. Nothing is opened for it: a clock is a clear column, so this needs no
permission to read about patients, and a failing vault does not keep it from running.
"""

from typing import Final

from service.access.actions import Action
from service.intake.safety import records
from service.intake.safety.flag import Act, after
from service.people.reviews import ReviewKind, open_review
from service.work import Work

#: So many in one unit; the rest are due at the next run.
MOST_AT_ONCE: Final = 200


def escalate_due(work: Work) -> int:
    """Hand on the flags that are overdue, each with an entry and, the first time, a review; returns how many. One that
    somebody took after that has its clock again, and is nobody's alone any more when that has run out too.

    A unit that finds none records nothing, and needs not: it was allowed nothing.
    """
    book, escalated = work.access.safety, 0
    for stored in records.overdue_flags(work.db, work.caller.program_id, work.now, MOST_AT_ONCE):
        state = after(stored.state, Act.ESCALATE)
        if state is None:
            continue
        entry_id = work.record(
            action=Action.FLAG_ESCALATE,
            object_kind="safety_flag",
            object_id=stored.id,
            object_version=stored.version,
            patient_id=stored.patient_id,
            detail={"from": stored.owner_role.value, "to": book.overdue_owner.value},
        )
        records.escalate_flag(
            work.db, stored.id, state=state, owner=book.overdue_owner, now=work.now, entry_id=entry_id
        )
        if book.overdue_review and stored.escalated_at is None:
            open_review(
                work,
                kind=ReviewKind.FLAG_OVERDUE,
                patient_id=stored.patient_id,
                subject_id=stored.id,
                account_id=stored.owner_id,
            )
        escalated += 1
    return escalated
