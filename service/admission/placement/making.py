"""A decision on the level of care as it is made: what stands around it, what it keeps, what its item says.

For the act that decides, which is allowed already.
"""

from typing import Any
from uuid import UUID

from service.admission.placement.considering import Considered, PlacementRules
from service.admission.placement.decision import Circumstances, NewDecision, Verdict
from service.admission.placement.kept import Basis, PlacementDecision
from service.admission.placement.lifecycle import DecisionState
from service.consent import records as consents
from service.ids import new_id
from service.people.episodes.episode import Episode
from service.people.facts import program_day
from service.record.operations import items_for_decision
from service.work import Work


def circumstances_of(work: Work, episode: Episode, new: NewDecision) -> Circumstances:
    """What the rules of a decision ask beside it: items it names, as far as they are of this stay, and consents."""
    wanted = new.safeguard.linked if new.safeguard else frozenset[UUID]()
    linked = items_for_decision(work, episode.patient_id, wanted) if wanted else ()
    active = consents.active_of(work, episode.patient_id) if new.hand_off else ()
    today = program_day(work)
    return Circumstances(
        now=work.now,
        today=today,
        opened_on=episode.opened_on,
        # a plan or a finding of a former stay says nothing about this patient today
        linked={one.id: one.kind for one in linked if one.dated_on >= episode.opened_on},
        consents=frozenset(one.id for one in active if one.expires_on is None or one.expires_on >= today),
    )


def made_of(
    work: Work,
    rules: PlacementRules,
    episode: Episode,
    found: Considered,
    new: NewDecision,
    verdict: Verdict,
) -> PlacementDecision:
    """The decision with everything it rests on, frozen as it was; in force unless it takes a second one."""
    return PlacementDecision(
        id=new_id(work.now),
        patient_id=episode.patient_id,
        episode_id=episode.id,
        state=DecisionState.AWAITING_SECOND if verdict.downwards else DecisionState.SIGNED,
        version=1,
        rule_set=found.suggestion.rule_set_version,
        overridden=verdict.overridden,
        decided_at=work.now,
        decided_by=work.caller.account_id,
        second_at=None,
        second_by=None,
        basis=Basis(
            suggestion=found.suggestion,
            readings=found.readings,
            stale=tuple(sorted(found.stale)),
            computed_at=found.computed_at,
            given=new,
            downwards=verdict.downwards,
            look_again_after_days=rules.book.demands.reevaluation.day,
        ),
    )


def content_of(one: PlacementDecision) -> dict[str, Any]:
    """What the record item says: the decision, and nothing of what the rules said or why it is another one."""
    given, tool = one.basis.given, one.basis.given.tool
    return {
        "level": given.level,
        "edition": given.edition,
        "start_date": given.start_date.isoformat(),
        "patient_view": given.patient_view.value,
        "offered_alternatives": list(given.offered_alternatives),
        "rationale": given.rationale,
        "licensed_tool": None
        if tool is None
        else {
            "name": tool.name,
            "edition": tool.edition,
            "level": tool.level,
            "ratings": {str(dimension): rating for dimension, rating in sorted(tool.ratings.items())},
            "completed_on": tool.completed_on.isoformat(),
        },
        "decided_by": str(one.decided_by),
        "decided_at": one.decided_at.isoformat(),
        "second_by": None if one.second_by is None else str(one.second_by),
    }
