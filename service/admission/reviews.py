"""Reviews that fall due while nobody looks: the unit of a job, in one program, as the system caller.

A placement is looked at again on the day its care plan is reviewed (placement.md, O6). Whoever opens the patient raises
the task; here it is raised without anybody opening anything, once, by the same rule.
"""

from typing import Final

from service.access.actions import Action
from service.admission.found import records as found
from service.admission.placement.again import look_again
from service.admission.placement.book import PlacementBook
from service.admission.waiting import records as waiting
from service.people.episodes.operations import opened
from service.people.facts import program_day
from service.work import Work

#: Those due last come first, so that the reviews of today are never behind old ones that lie unanswered.
MOST_AT_ONCE: Final = 200


def due_reviews(work: Work, book: PlacementBook) -> int:
    """Look again at every placement whose care plan is due for review; returns how many tasks were raised. A
    unit that finds none opens nothing and records nothing.
    """
    stored = waiting.to_be_reviewed(work.db, work.caller.program_id, program_day(work), MOST_AT_ONCE)
    if not stored:
        return 0
    work.require(Action.PLACEMENT_READ, object_kind="placement")
    work.record(
        action=Action.PLACEMENT_READ,
        object_kind="placement",
        object_id=None,
        detail={"looked_at": [str(row.id) for row in stored]},
    )
    patients = {row.patient_id for row in stored}
    before = len(found.flags(work.db, patients))
    for row in stored:
        look_again(work, book, opened(work, row))
    return len(found.flags(work.db, patients)) - before
