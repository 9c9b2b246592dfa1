"""The queue of what a compliance officer has to look at, over HTTP."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from service.edge.deps import perform, perform_once, reply
from service.edge.models import Instant, LongText, StrictModel, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.people import reviews
from service.people.reviews import Review, ReviewDecision, ReviewState
from service.work import Work

router = APIRouter(prefix="/audit", tags=["audit"], route_class=StrictRoute)

StateName = Annotated[Literal["open", "closed"] | None, Query(description="Both when left out.")]


class DecisionBody(StrictModel):
    decision: ReviewDecision = Field(strict=False)
    reason: LongText


class ReviewedGrantModel(BaseModel):
    """Break-glass access as its holder explained it."""

    starts_at: Instant
    ends_at: Instant
    nature: str
    why_no_consent: str


class ListedReviewModel(BaseModel):
    id: Uuid
    kind: Literal["emergency_access", "emergency_disclosure", "integrity", "consent_doubt", "flag_overdue"]
    patient_id: Uuid | None
    subject_id: Uuid = Field(description="The grant, disclosure or consent it is about.")
    account_id: Uuid | None = Field(description="Whose act it is about.")
    state: Literal["open", "closed"]
    opened_at: Instant
    closed_at: Instant | None
    closed_by: Uuid | None
    decision: Literal["appropriate", "inappropriate", "incident"] | None
    reason: str | None


class ReviewModel(ListedReviewModel):
    grant: ReviewedGrantModel | None


class ReviewsModel(BaseModel):
    items: list[ListedReviewModel]
    next_cursor: str | None


@router.get("/reviews", response_model=ReviewsModel, summary="Reviews, the longest waiting first")
async def list_reviews(
    request: Request, state: StateName = None, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    after = read_cursor(cursor)
    wanted = None if state is None else ReviewState(state)
    found = await perform(
        request, lambda work: reviews.list_reviews(work, state=wanted, after=after, at_most=limit + 1)
    )
    page = found[:limit]
    more = write_cursor(page[-1].id) if len(found) > limit else None
    return reply(200, {"items": [_listed(one) for one in page], "next_cursor": more})


@router.get("/reviews/{review_id}", response_model=ReviewModel, summary="One review")
async def read_review(request: Request, review_id: Uuid) -> Response:
    return reply(200, _view(await perform(request, lambda work: reviews.read_review(work, review_id))))


@router.post(
    "/reviews/{review_id}",
    response_model=ReviewModel,
    summary="Say what came of it, once; never of your own act",
)
async def close_review(request: Request, review_id: Uuid, body: DecisionBody) -> Response:
    def act(work: Work) -> tuple[UUID, Review]:
        return review_id, reviews.close_review(work, review_id, body.decision, body.reason)

    return reply(200, _view(await perform_once(request, act, reviews.read_review)))


def _listed(review: Review) -> dict[str, Any]:
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
    }


def _view(review: Review) -> dict[str, Any]:
    grant = review.grant and {
        "starts_at": review.grant.starts_at,
        "ends_at": review.grant.ends_at,
        "nature": review.grant.nature,
        "why_no_consent": review.grant.why_no_consent,
    }
    return _listed(review) | {"grant": grant}
