"""Charts of one person over HTTP: merged, unmerged, and the history of both."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import Instant, LongText, StrictModel, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.people.merging import operations
from service.people.merging.merge import Difference, Merge, NewMerge
from service.work import Work

router = APIRouter(tags=["patients"], route_class=StrictRoute)


class ConfirmedModel(StrictModel):
    """A difference, and why it is one person all the same."""

    difference: Annotated[Difference, Field(strict=False)]
    reason: LongText


class NewMergeBody(StrictModel):
    """`merged_id` is absorbed by the patient of the address: it takes nothing new from then on."""

    merged_id: Uuid
    reason: LongText
    evidence: LongText = Field(description="How it is known: papers seen, who was asked.")
    confirm_differences: list[ConfirmedModel] = Field(default_factory=list[ConfirmedModel], max_length=10)


class UndoingBody(StrictModel):
    reason: LongText


class UndoneModel(BaseModel):
    reason: str
    by: Uuid
    at: Instant


class MergeModel(BaseModel):
    id: Uuid
    patient_id: Uuid
    merged_id: Uuid
    state: str
    reason: str
    evidence: str
    differences: dict[str, str] = Field(description="Each difference with the reason given for it.")
    by: Uuid
    merged_at: Instant
    undone: UndoneModel | None
    version: int


class MergesModel(BaseModel):
    items: list[MergeModel]
    next_cursor: str | None


@router.post(
    "/patients/{patient_id}/merges",
    status_code=201,
    response_model=MergeModel,
    summary="Take another chart for the same person's",
)
async def merge_charts(request: Request, patient_id: Uuid, body: NewMergeBody) -> Response:
    new = NewMerge(
        merged_id=body.merged_id,
        reason=body.reason,
        evidence=body.evidence,
        confirmed={one.difference: one.reason for one in body.confirm_differences},
    )

    def create(work: Work) -> tuple[UUID, Merge]:
        made = operations.merge_charts(work, patient_id, new)
        return made.id, made

    return _one(201, await perform_once(request, create, operations.read_merge))


@router.get(
    "/patients/{patient_id}/merges", response_model=MergesModel, summary="Merges of a chart, newest first"
)
async def list_merges(
    request: Request, patient_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    before = read_cursor(cursor)
    found, more = await perform(
        request, lambda work: operations.list_merges(work, patient_id, before=before, at_most=limit)
    )
    following = write_cursor(found[-1].id) if more else None
    return reply(200, {"items": [_view(one) for one in found], "next_cursor": following})


@router.post("/merges/{merge_id}/undoing", response_model=MergeModel, summary="Undo a merge")
async def unmerge_charts(request: Request, merge_id: Uuid, body: UndoingBody) -> Response:
    version = if_match(request) if "if-match" in request.headers else None

    def act(work: Work) -> tuple[UUID, Merge]:
        return merge_id, operations.unmerge_charts(work, merge_id, body.reason, version=version)

    return _one(200, await perform_once(request, act, operations.read_merge))


def _view(one: Merge) -> dict[str, Any]:
    undone = one.undone
    return {
        "id": one.id,
        "patient_id": one.patient_id,
        "merged_id": one.merged_id,
        "state": one.state.value,
        "reason": one.reason,
        "evidence": one.evidence,
        "differences": dict(one.differences),
        "by": one.by,
        "merged_at": one.merged_at,
        "undone": None if undone is None else {"reason": undone.reason, "by": undone.by, "at": undone.at},
        "version": one.version,
    }


def _one(status: int, one: Merge) -> Response:
    return reply(status, _view(one), etag=one.version)
