"""The queue of what a compliance officer has to look at, over HTTP: opened by an act, or found in the trail."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from service.api.review_shapes import DecisionBody, ReviewModel, ReviewsModel, listed, view
from service.custody.findings import queue
from service.custody.findings.operations import Wanted
from service.custody.findings.queue import Waiting
from service.edge.deps import perform, perform_once, reply
from service.edge.models import ShortText, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.people.reviews import ReviewState
from service.work import Work

router = APIRouter(prefix="/audit", tags=["audit"], route_class=StrictRoute)

StateName = Annotated[Literal["open", "closed"] | None, Query(description="Both when left out.")]
RuleName = Annotated[ShortText | None, Query(description="Findings of this rule alone.")]
Actor = Annotated[Uuid | None, Query(description="Findings about this caller alone.")]
Patient = Annotated[Uuid | None, Query(description="Findings about this patient alone.")]


@router.get(
    "/reviews", response_model=ReviewsModel, summary="Reviews and findings, the longest waiting first"
)
async def list_reviews(
    request: Request,
    state: StateName = None,
    rule: RuleName = None,
    actor: Actor = None,
    patient: Patient = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    after = read_cursor(cursor)
    wanted = Wanted(None if state is None else state == "open", rule, actor, patient)
    which = None if state is None else ReviewState(state)
    found = await perform(
        request, lambda work: queue.list_queue(work, which, wanted, after=after, at_most=limit + 1)
    )
    page = found[:limit]
    more = write_cursor(page[-1].id) if len(found) > limit else None
    return reply(200, {"items": [listed(one) for one in page], "next_cursor": more})


@router.get("/reviews/{review_id}", response_model=ReviewModel, summary="One review or finding, explained")
async def read_review(request: Request, review_id: Uuid) -> Response:
    return reply(200, view(await perform(request, lambda work: queue.read_one(work, review_id))))


@router.post(
    "/reviews/{review_id}",
    response_model=ReviewModel,
    summary="Say what came of it, with a reason; never of your own act",
)
async def close_review(request: Request, review_id: Uuid, body: DecisionBody) -> Response:
    def act(work: Work) -> tuple[UUID, Waiting]:
        return review_id, queue.decide_one(work, review_id, body.decision, body.reason)

    return reply(200, view(await perform_once(request, act, queue.read_one)))
