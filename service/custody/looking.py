"""The look at all rows that decide, night after night: what is not as the service wrote it becomes an incident.

A decision looks at the rows it rests on; what no decision asked for since it was bent is found here. Each pass takes a
page of rows in its own transaction and writes down how far it came (`store/looking.py`).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.errors import Code
from service.ledger.entry import Outcome
from service.people.reviews import ReviewKind, open_review, review_waits
from service.store.looking import Look, keep_look, last_look, look_on
from service.store.rowcodes import codes_of
from service.store.sweep import BadRow
from service.work import Work

#: From the beginning of one look to that of the next.
EVERY: Final = timedelta(hours=20)
#: Rows a pass takes. A code costs some 15 microseconds: a tenth of a second at most.
AT_ONCE: Final = 2_000
#: Bad rows of one pass that are named and get a review of their own; the incident says how many there were.
NAMED: Final = 20


def look_at_rows(work: Work) -> int:
    """Go on with the look at this program's rows, or begin one when it is time; how many bad ones this pass found."""
    look = _under_way(work)
    if look is None:
        return 0
    codes, left, bad = codes_of(work.db), AT_ONCE, list[BadRow]()
    while left > 0 and look.ended_at is None:
        further, found = look_on(work.db, codes, look, left, work.now)
        left -= further.seen - look.seen
        bad += found
        look = further
    keep_look(work.db, look)
    if bad:
        _report(work, bad)
    return len(bad)


def _under_way(work: Work) -> Look | None:
    last = last_look(work.db, work.caller.program_id)
    if last is None or (last.ended_at is not None and work.now - last.began_at >= EVERY):
        return Look(work.caller.program_id, work.now)
    return last if last.ended_at is None else None


def _report(work: Work, bad: Sequence[BadRow]) -> None:
    """One incident, and for each row a review that waits for somebody; a row whose review waits gets no second one."""
    named = "; ".join(f"{one.table} {one.key} {one.fault.name.lower()}" for one in bad[:NAMED])
    work.record(
        action=Action.INTEGRITY_FAILED,
        object_kind="service",
        object_id=None,
        outcome=Outcome.DENY,
        detail={"code": Code.INTEGRITY.value, "rows": len(bad), "first": named},
    )
    for one in bad[:NAMED]:
        subject = UUID(one.key.split()[0])
        if not review_waits(work, ReviewKind.INTEGRITY, subject):
            open_review(work, kind=ReviewKind.INTEGRITY, patient_id=None, subject_id=subject, account_id=None)
