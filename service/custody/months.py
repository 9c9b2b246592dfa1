"""Months of the trail: made ahead by a job, detached past retention by an operator; both stand in the trail.

What is detached is no longer searched; it is neither dropped nor out of the verifier's sight (docs/decisions/0012).
"""

from typing import Final

from service.access.actions import Action
from service.store import partitions
from service.work import Work

KIND: Final = "audit_entry"


def months_ahead(work: Work) -> int:
    """Make the months that are missing; how many. A job of every program, whoever comes first makes them."""
    made = partitions.make_ahead(work.db)
    if made:
        work.record(
            action=Action.LEDGER_STATUS, object_kind=KIND, object_id=None, detail={"months_made": list(made)}
        )
    return len(made)


def detach_months(work: Work, years: int) -> tuple[str, ...]:
    """Detach the months that ended more than `years` ago. The operator's alone; refused by the database below six."""
    work.require(Action.PROGRAM_MANAGE, object_kind=KIND)
    gone = partitions.detach_older(work.db, years)
    work.record(
        action=Action.LEDGER_STATUS,
        object_kind=KIND,
        object_id=None,
        detail={"months_detached": list(gone), "years": years},
    )
    return gone
