"""One queue of two kinds: reviews that an act opened for itself, and what the rules of review found in the trail.

Neither is copied into the other: each is read, decided and kept where it is at home. Ids carry the time they were made,
so both are in one order, the longest waiting first, and one cursor goes through both.
"""

from collections.abc import Sequence
from heapq import merge
from uuid import UUID

from service.access.actions import Action
from service.custody.findings import operations
from service.custody.findings.lifecycle import FindingDecision
from service.custody.findings.operations import Finding, Wanted
from service.errors import Code, FieldError, Invalid
from service.people import reviews
from service.people.reviews import Review, ReviewDecision, ReviewState
from service.work import Work

Waiting = Review | Finding


def list_queue(
    work: Work, state: ReviewState | None, wanted: Wanted, *, after: UUID | None, at_most: int
) -> Sequence[Waiting]:
    """Both kinds; only findings where something is asked that only they have (a rule, a caller, a patient)."""
    found = operations.list_findings(work, wanted, after=after, at_most=at_most)
    if any((wanted.rule, wanted.actor_id, wanted.patient_id)):
        return found
    opened = reviews.list_reviews(work, state=state, after=after, at_most=at_most)
    return list(merge(opened, found, key=lambda one: one.id))[:at_most]


def read_one(work: Work, review_id: UUID) -> Waiting:
    """One of either kind."""
    if operations.find_finding(work, review_id):
        return operations.read_finding(work, review_id)
    return reviews.read_review(work, review_id)


def decide_one(work: Work, review_id: UUID, decision: str, reason: str) -> Waiting:
    """Say what came of one of either kind; Invalid for a decision that belongs to the other."""
    if operations.find_finding(work, review_id):
        found = _among(work, Action.FINDING_DECIDE, FindingDecision, decision)
        return operations.decide(work, review_id, FindingDecision(found), reason)
    opened = _among(work, Action.REVIEW_CLOSE, ReviewDecision, decision)
    return reviews.close_review(work, review_id, ReviewDecision(opened), reason)


def _among(
    work: Work, action: Action, kind: type[FindingDecision] | type[ReviewDecision], decision: str
) -> str:
    known = [one.value for one in kind]
    if decision not in known:
        work.require(action, object_kind="review")  # whoever may not decide learns nothing of what is decided
        fault = FieldError("decision", "unknown_code", f"One of: {', '.join(known)}.")
        raise Invalid(Code.INVALID_REQUEST, "This is no decision about this review.", (fault,))
    return decision
