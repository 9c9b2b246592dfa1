"""Legal holds over HTTP: placed, read, lifted."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from service.api.key_shapes import HoldModel, HoldsModel, LiftingBody, NewHoldBody
from service.custody.holds import operations
from service.custody.holds.hold import Hold, NewHold
from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.work import Work

router = APIRouter(prefix="/legal-holds", tags=["custody"], route_class=StrictRoute)

OfPatient = Annotated[Uuid | None, Query(alias="patient", description="Holds on this patient only.")]


@router.post("", status_code=201, response_model=HoldModel, summary="Hold a patient's record, or the program")
async def place_hold(request: Request, body: NewHoldBody) -> Response:
    new = NewHold(body.patient_id, body.owner_id, body.reason)

    def create(work: Work) -> tuple[UUID, Hold]:
        made = operations.place_hold(work, new)
        return made.id, made

    return _one(201, await perform_once(request, create, operations.read_hold))


@router.get("", response_model=HoldsModel, summary="Legal holds, newest first")
async def list_holds(
    request: Request, patient: OfPatient = None, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    before = read_cursor(cursor)
    page = await perform(
        request,
        lambda work: operations.list_holds(work, patient_id=patient, before=before, at_most=limit),
    )
    more = write_cursor(page.holds[-1].id) if page.more else None
    return reply(200, {"items": [_view(one) for one in page.holds], "next_cursor": more})


@router.get("/{hold_id}", response_model=HoldModel, summary="One legal hold")
async def read_hold(request: Request, hold_id: Uuid) -> Response:
    return _one(200, await perform(request, lambda work: operations.read_hold(work, hold_id)))


@router.post("/{hold_id}/lifting", response_model=HoldModel, summary="Lift a hold, with the reason")
async def lift_hold(request: Request, hold_id: Uuid, body: LiftingBody) -> Response:
    version = if_match(request) if "if-match" in request.headers else None

    def act(work: Work) -> tuple[UUID, Hold]:
        return hold_id, operations.lift_hold(work, hold_id, body.reason, version=version)

    return _one(200, await perform_once(request, act, operations.read_hold))


def _view(one: Hold) -> dict[str, Any]:
    return {
        "id": one.id,
        "patient_id": one.patient_id,
        "state": one.state.value,
        "owner_id": one.owner_id,
        "reason": one.reason,
        "placed_by": one.placed_by,
        "placed_at": one.placed_at,
        "lifted_by": one.lifted_by,
        "lifted_at": one.lifted_at,
        "lifting": one.lifting,
        "version": one.version,
    }


def _one(status: int, one: Hold) -> Response:
    return reply(status, _view(one), etag=one.version)
