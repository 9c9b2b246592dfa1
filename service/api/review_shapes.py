"""Shapes of the queue of reviews: what the act itself opened, and what the rules of review found in the trail."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from service.custody.findings.lifecycle import WAITING
from service.custody.findings.operations import Finding
from service.edge.models import Instant, IsoDate, LongText, StrictModel, Uuid
from service.people.reviews import Review

StateOf = Literal["open", "closed"]
Kind = Literal[
    "emergency_access", "emergency_disclosure", "integrity", "consent_doubt", "flag_overdue", "finding"
]


class DecisionBody(StrictModel):
    """What came of it. A finding: justified, not_justified, needs_more; any other review: the other words."""

    decision: Literal["appropriate", "inappropriate", "incident", "justified", "not_justified", "needs_more"]
    reason: LongText


class ReviewedGrantModel(BaseModel):
    """Break-glass access as its holder explained it."""

    starts_at: Instant
    ends_at: Instant
    nature: str
    why_no_consent: str


class FoundEntryModel(BaseModel):
    """An entry of the trail a finding rests on: read it at /audit/entries/{id}."""

    id: Uuid
    occurred_at: Instant
    noted_at: Instant


class FindingDecisionModel(BaseModel):
    """One decision; none is taken back, the newest counts."""

    id: Uuid
    decision: Literal["justified", "not_justified", "needs_more"]
    decided_by: Uuid
    decided_at: Instant
    reason: str


class FindingModel(BaseModel):
    """What a rule found, in words and figures. `entries` and `decisions` are empty in a list."""

    rule: str
    severity: Literal["high", "medium", "low"]
    state: Literal["open", "needs_more", "justified", "not_justified"]
    day: IsoDate = Field(description="Of the program's calendar.")
    begins_at: Instant
    ends_at: Instant
    actor_name: str | None
    text: str
    counted: str
    look: str
    cite: str
    conf: Literal["law", "policy", "unsure"]
    count: int
    threshold: int
    facts: int = Field(description="How many entries it rests on; the first 200 are in `entries`.")
    version: int
    changed_at: Instant
    entries: list[FoundEntryModel]
    decisions: list[FindingDecisionModel]


class ListedReviewModel(BaseModel):
    id: Uuid
    kind: Kind
    patient_id: Uuid | None
    subject_id: Uuid = Field(description="The grant, disclosure, consent or finding it is about.")
    account_id: Uuid | None = Field(description="Whose act it is about.")
    state: StateOf = Field(description="Open while it waits for somebody.")
    opened_at: Instant
    closed_at: Instant | None
    closed_by: Uuid | None
    decision: Literal["appropriate", "inappropriate", "incident"] | None
    reason: str | None
    finding: FindingModel | None = None


class ReviewModel(ListedReviewModel):
    grant: ReviewedGrantModel | None


class ReviewsModel(BaseModel):
    items: list[ListedReviewModel]
    next_cursor: str | None


def listed(one: Review | Finding) -> dict[str, Any]:
    """One row of the queue."""
    return _finding(one) if isinstance(one, Finding) else _review(one)


def view(one: Review | Finding) -> dict[str, Any]:
    """One of the queue, with what it rests on."""
    if isinstance(one, Finding):
        return _finding(one) | {"grant": None}
    grant = one.grant and {
        "starts_at": one.grant.starts_at,
        "ends_at": one.grant.ends_at,
        "nature": one.grant.nature,
        "why_no_consent": one.grant.why_no_consent,
    }
    return _review(one) | {"grant": grant}


def _review(review: Review) -> dict[str, Any]:
    return {
        "id": review.id,
        "kind": review.kind.value,
        "patient_id": review.patient_id,
        "subject_id": review.subject_id,
        "account_id": review.account_id,
        "state": review.state.value,
        "opened_at": review.opened_at,
        "closed_at": review.closed_at,
        "closed_by": review.closed_by,
        "decision": None if review.decision is None else review.decision.value,
        "reason": review.reason,
        "finding": None,
    }


def _finding(one: Finding) -> dict[str, Any]:
    waits = one.state in WAITING
    last = one.decisions[-1] if one.decisions and not waits else None
    return {
        "id": one.id,
        "kind": "finding",
        "patient_id": one.patient_id,
        "subject_id": one.id,
        "account_id": one.actor_id,
        "state": "open" if waits else "closed",
        "opened_at": one.raised_at,
        "closed_at": None if waits else one.changed_at,
        "closed_by": None if last is None else last.decided_by,
        "decision": None,
        "reason": None,
        "finding": {
            "rule": one.rule,
            "severity": one.severity,
            "state": one.state.value,
            "day": one.day,
            "begins_at": one.begins_at,
            "ends_at": one.ends_at,
            "actor_name": one.actor_name,
            "text": one.explained.text,
            "counted": one.explained.counted,
            "look": one.explained.look,
            "cite": one.explained.cite,
            "conf": one.explained.conf,
            "count": one.explained.count,
            "threshold": one.explained.threshold,
            "facts": one.facts,
            "version": one.version,
            "changed_at": one.changed_at,
            "entries": [
                {"id": fact.about_id, "occurred_at": fact.occurred_at, "noted_at": fact.noted_at}
                for fact in one.entries
            ],
            "decisions": [
                {
                    "id": decision.id,
                    "decision": decision.decision.value,
                    "decided_by": decision.decided_by,
                    "decided_at": decision.decided_at,
                    "reason": decision.reason,
                }
                for decision in one.decisions
            ],
        },
    }
