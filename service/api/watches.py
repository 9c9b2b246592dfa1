"""Watched charts, and what likeness of staff with patients is judged by, over HTTP."""

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from service.custody.findings.watching import operations
from service.custody.findings.watching.operations import Watch, WatchKind
from service.edge.deps import perform, perform_once, reply
from service.edge.models import Instant, IsoDate, LongText, ShortText, StrictModel, Uuid
from service.edge.strict import StrictRoute
from service.work import Work

router = APIRouter(route_class=StrictRoute)


class NewWatchModel(StrictModel):
    """Why accesses to a chart are looked at: `vip` a person in the public eye, `coworker` somebody who works here."""

    kind: Literal["vip", "coworker"]
    reason: LongText


class EndWatchModel(StrictModel):
    reason: LongText


class WatchModel(BaseModel):
    id: Uuid
    patient_id: Uuid
    kind: Literal["vip", "coworker"]
    state: Literal["watched", "ended"]
    version: int
    reason: str
    set_at: Instant
    set_by: Uuid
    ended_at: Instant | None
    ended_reason: str | None


class WatchesModel(BaseModel):
    items: list[WatchModel]


class HomeModel(StrictModel):
    """A postal address, as far as it is compared."""

    line1: ShortText
    city: ShortText | None = None
    postal_code: ShortText | None = None


class StaffParticularsModel(StrictModel):
    """Compared with patients whose charts this member of staff opens; replaces what was said before, shown to nobody."""

    family_name: ShortText | None = None
    given_name: ShortText | None = None
    birth_date: IsoDate | None = None
    address: HomeModel | None = None


class KeptParticularsModel(BaseModel):
    id: Uuid = Field(description="The account's.")
    fields: list[str] = Field(description="What was said; the values are not shown.")


@router.post(
    "/patients/{patient_id}/watches",
    status_code=201,
    response_model=WatchModel,
    tags=["audit"],
    summary="Watch a chart: who opens it is asked why",
)
async def watch_patient(request: Request, patient_id: Uuid, body: NewWatchModel) -> Response:
    def act(work: Work) -> tuple[UUID, Watch]:
        made = operations.watch(work, patient_id, WatchKind(body.kind), body.reason)
        return made.id, made

    return reply(201, _view(await perform_once(request, act, operations.read_watch)))


@router.get(
    "/patients/{patient_id}/watches",
    response_model=WatchesModel,
    tags=["audit"],
    summary="Whether a chart is watched, and was",
)
async def list_watches(request: Request, patient_id: Uuid) -> Response:
    found = await perform(request, lambda work: operations.watches_of(work, patient_id))
    return reply(200, {"items": [_view(one) for one in found]})


@router.post(
    "/watches/{watch_id}/end",
    response_model=WatchModel,
    tags=["audit"],
    summary="Watch a chart no longer, with a reason",
)
async def end_watch(request: Request, watch_id: Uuid, body: EndWatchModel) -> Response:
    def act(work: Work) -> tuple[UUID, Watch]:
        return watch_id, operations.end_watch(work, watch_id, body.reason)

    return reply(200, _view(await perform_once(request, act, operations.read_watch)))


@router.post(
    "/users/{user_id}/particulars",
    response_model=KeptParticularsModel,
    tags=["administration"],
    summary="Say what likeness of a member of staff with patients is judged by",
)
async def keep_particulars(request: Request, user_id: Uuid, body: StaffParticularsModel) -> Response:
    said = body.model_dump(mode="json", exclude_none=True)

    def act(work: Work) -> tuple[UUID, tuple[str, ...]]:
        return user_id, operations.keep_staff(work, user_id, said)

    fields = await perform_once(request, act, operations.fields_of_staff)
    return reply(200, {"id": user_id, "fields": list(fields)})


def _view(one: Watch) -> dict[str, Any]:
    return {
        "id": one.id,
        "patient_id": one.patient_id,
        "kind": one.kind.value,
        "state": one.state,
        "version": one.version,
        "reason": one.reason,
        "set_at": one.set_at,
        "set_by": one.set_by,
        "ended_at": one.ended_at,
        "ended_reason": one.ended_reason,
    }
