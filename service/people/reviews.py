"""Reviews: what a compliance officer has to look at. The act that needs looking at opens one, a person closes it.

Nothing closes itself, what is closed stays closed, and nobody reviews their own act: a review that its subject could
end would be a form, not a review (45 CFR 164.308(a)(1)(ii)(D)).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.errors import Code, Conflict, IntegrityError, Refused
from service.ids import new_id
from service.people.emergency import records
from service.people.emergency.grants import Grant, opened
from service.people.emergency.records import REVIEW_ROW, StoredReview
from service.vault.envelope import RowKey
from service.work import Denial, Loaded, Work


class ReviewKind(StrEnum):
    """What makes somebody look."""

    #: A clinician opened a record under a break-glass grant.
    EMERGENCY_ACCESS = "emergency_access"
    #: Records left the program in a medical emergency (2.51).
    EMERGENCY_DISCLOSURE = "emergency_disclosure"
    #: Something stored did not verify.
    INTEGRITY = "integrity"
    #: Somebody doubts that a consent is what it says (2.31(c)(4)).
    CONSENT_DOUBT = "consent_doubt"
    #: The clock of a safety flag ran out before anybody said what was done.
    FLAG_OVERDUE = "flag_overdue"


class ReviewState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class ReviewDecision(StrEnum):
    APPROPRIATE = "appropriate"
    INAPPROPRIATE = "inappropriate"
    #: To be treated as a security incident or breach (45 CFR 164.402).
    INCIDENT = "incident"


@dataclass(frozen=True, slots=True, repr=False)
class Review:
    """One review. `account_id` is whose act it is about; decision and reason None while it is open."""

    id: UUID
    kind: ReviewKind
    patient_id: UUID | None
    subject_id: UUID
    account_id: UUID | None
    state: ReviewState
    opened_at: datetime
    closed_at: datetime | None = None
    closed_by: UUID | None = None
    decision: ReviewDecision | None = None
    reason: str | None = None
    #: The grant that is reviewed, with what its holder wrote; only where one review is read.
    grant: Grant | None = None


def open_review(
    work: Work, *, kind: ReviewKind | str, patient_id: UUID | None, subject_id: UUID, account_id: UUID | None
) -> UUID:
    """Ask for a review of an act, in the transaction of that act and after it was recorded; an entry of its own."""
    review_id = new_id(work.now)
    stored = StoredReview(
        id=review_id,
        program_id=work.caller.program_id,
        kind=ReviewKind(kind).value,
        patient_id=patient_id,
        subject_id=subject_id,
        account_id=account_id,
        state=ReviewState.OPEN.value,
        opened_at=work.now,
    )
    entry_id = work.record(
        action=Action.REVIEW_OPEN,
        object_kind="review",
        object_id=review_id,
        patient_id=patient_id,
        detail={"kind": stored.kind, "subject": str(subject_id)},
    )
    records.insert_review(work.db, stored, entry_id)
    return review_id


def review_waits(work: Work, kind: ReviewKind, subject_id: UUID) -> bool:
    """Whether somebody is asked to look at this already."""
    return records.review_waits(work.db, kind.value, subject_id)


def list_reviews(
    work: Work, *, state: ReviewState | None, after: UUID | None, at_most: int
) -> tuple[Review, ...]:
    """Reviews in the order they were opened; the longest waiting first."""
    work.require(Action.REVIEW_LIST, object_kind="review")
    stored = records.reviews(work.db, None if state is None else state.value, after, at_most)
    found = tuple(_opened(work, one) for one in stored)
    work.record(
        action=Action.REVIEW_LIST, object_kind="review", object_id=None, detail={"listed": len(found)}
    )
    return found


def read_review(work: Work, review_id: UUID) -> Review:
    """One review; of break-glass access also what was given as its reason."""
    stored = work.authorised(Action.REVIEW_LIST, lambda work: _load(work, review_id))
    work.record(
        action=Action.REVIEW_LIST, object_kind="review", object_id=review_id, patient_id=stored.patient_id
    )
    return _with_grant(work, _opened(work, stored))


def close_review(work: Work, review_id: UUID, decision: ReviewDecision, reason: str) -> Review:
    """Say what came of it. Refused for the one whose act it is; Conflict `review_closed` when somebody has said so
    already: a decision is not changed by a second one.
    """
    stored = work.authorised(Action.REVIEW_CLOSE, lambda work: _load(work, review_id, closing=True))
    if stored.account_id == work.caller.account_id:
        work.refuse(
            Refused(Code.NOT_PERMITTED, "Nobody reviews their own act."),
            Denial(
                action=Action.REVIEW_CLOSE,
                object_kind="review",
                object_id=review_id,
                patient_id=stored.patient_id,
                detail={"reason": "own_act"},
            ),
        )
    if stored.state != ReviewState.OPEN.value:
        raise Conflict(Code.REVIEW_CLOSED, "This review has been closed already.")
    closed = replace(
        _opened(work, stored),
        state=ReviewState.CLOSED,
        closed_at=work.now,
        closed_by=work.caller.account_id,
        decision=decision,
        reason=reason,
    )
    finding = {"of": _of(closed), "decision": decision.value, "reason": reason}
    sealed = work.seal(REVIEW_ROW, _key(stored), {"finding": finding})["finding"]
    row = replace(
        stored,
        state=closed.state.value,
        closed_at=closed.closed_at,
        closed_by=closed.closed_by,
        finding=sealed,
    )
    records.close_review(work.db, row, work.entry_id)
    work.record(
        action=Action.REVIEW_CLOSE,
        object_kind="review",
        object_id=review_id,
        patient_id=stored.patient_id,
        detail={"kind": stored.kind, "decision": decision.value, "subject": str(stored.subject_id)},
        payload=finding,
    )
    return _with_grant(work, closed)


def _load(work: Work, review_id: UUID, *, closing: bool = False) -> Loaded[StoredReview] | None:
    find = records.review_for_update if closing else records.review_by_id
    stored = find(work.db, review_id)
    if stored is None:
        return None
    return Loaded(stored, Facts(program=stored.program_id), "review", stored.id, patient_id=stored.patient_id)


def _with_grant(work: Work, review: Review) -> Review:
    if review.kind is not ReviewKind.EMERGENCY_ACCESS:
        return review
    reviewed = records.grant_by_id(work.db, review.subject_id)
    return replace(review, grant=None if reviewed is None else opened(work, reviewed))


def _key(stored: StoredReview) -> RowKey:
    return RowKey(stored.program_id, stored.id, 1, stored.patient_id)


def _opened(work: Work, stored: StoredReview) -> Review:
    """IntegrityError when a closed review has no finding, or one about another act, decision-maker or moment."""
    read = Review(
        id=stored.id,
        kind=ReviewKind(stored.kind),
        patient_id=stored.patient_id,
        subject_id=stored.subject_id,
        account_id=stored.account_id,
        state=ReviewState(stored.state),
        opened_at=stored.opened_at,
        closed_at=stored.closed_at,
        closed_by=stored.closed_by,
    )
    if read.state is ReviewState.OPEN and stored.finding is None:
        return read
    kept = work.open_if_kept(REVIEW_ROW, _key(stored), {"finding": stored.finding})
    if kept is None:
        return read
    finding: Any = kept["finding"]
    if finding is None or finding["of"] != _of(read):
        raise IntegrityError
    return replace(read, decision=ReviewDecision(finding["decision"]), reason=str(finding["reason"]))


def _of(review: Review) -> list[str]:
    """What a finding is about: the clear columns, in one order."""
    return [
        review.state.value,
        review.kind.value,
        str(review.subject_id),
        str(review.account_id),
        str(review.closed_by),
    ]
