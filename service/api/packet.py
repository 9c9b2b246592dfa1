"""The packet over HTTP: what there is to do, for one patient or today; what people decide about it; admission."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from service.access.caller import CallerKind
from service.admission import admit
from service.admission.packet import deciding, operations, worklist
from service.admission.packet.model import PacketItem
from service.admission.packet.suggested import suggested
from service.admission.packet.worklist import View
from service.api.packet_shapes import (
    AdmissionModel,
    PacketModel,
    PrefillModel,
    TaskModel,
    WorkListModel,
    admission_view,
    entry_view,
    known_view,
    packet_view,
    task_view,
)
from service.edge.context import state_of
from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import IsoDate, ShortText, StrictModel, Uuid
from service.edge.paging import Cursor, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.work import Work

router = APIRouter(tags=["packet"], route_class=StrictRoute)

#: `F04`, `suicide_screen`, or a follow-up such as `F04:re_offer`.
ItemKey = Annotated[str, Path(pattern=r"^[A-Za-z0-9_]{1,40}(:[a-z_]{1,20})?$", max_length=61)]
ListLimit = Annotated[int, Query(ge=1, le=50)]


class ItemReasonBody(StrictModel):
    """Why, in one line."""

    reason: ShortText


class ItemAssignmentBody(StrictModel):
    """A role, and one member of staff who has it if somebody takes it."""

    role: Literal["intake", "clinician", "compliance"]
    account_id: Uuid | None = None


class AdmissionBody(StrictModel):
    """The day of admission; today if it is left out."""

    on: IsoDate | None = Field(default=None)


@router.get(
    "/patients/{patient_id}/intake",
    response_model=PacketModel,
    summary="The packet as of now: what is to be done, by when, what it blocks, and what keeps each gate shut",
)
async def read_packet(request: Request, patient_id: Uuid) -> Response:
    state = state_of(request)

    def act(work: Work) -> dict[str, Any]:
        own = work.caller.kind is CallerKind.PATIENT
        packet = operations.read_packet(work, state.packet, patient_id)
        found = None if own else suggested(work, state.placement, packet)
        return packet_view(packet, found, own=own)

    return reply(200, await perform(request, act))


@router.get(
    "/patients/{patient_id}/prefill",
    response_model=PrefillModel,
    summary="What is known already, with source and date; never an answer of a screening form",
)
async def read_prefill(request: Request, patient_id: Uuid) -> Response:
    library = state_of(request).packet
    known = await perform(request, lambda work: operations.known_of(work, library, patient_id))
    return reply(200, {"items": [known_view(one) for one in known]})


@router.get(
    "/work-list",
    response_model=WorkListModel,
    summary="What is to be done today: a flag first, then what blocks the next step",
)
async def read_work_list(
    request: Request, view: View = View.MINE, limit: ListLimit = 25, cursor: Cursor = None
) -> Response:
    library, after = state_of(request).packet, read_cursor(cursor)
    page = await perform(
        request, lambda work: worklist.work_list(work, library, view, after=after, at_most=limit)
    )
    more = None if page.last is None else write_cursor(page.last)
    return reply(200, {"items": [entry_view(one) for one in page.entries], "next_cursor": more})


@router.post(
    "/patients/{patient_id}/packet/{item}/waiver",
    response_model=TaskModel,
    summary="Let an item go, with a reason; some never can be",
)
async def waive_item(request: Request, patient_id: Uuid, item: ItemKey, body: ItemReasonBody) -> Response:
    return await _decided(request, patient_id, item, deciding.Waiver(body.reason))


@router.post(
    "/patients/{patient_id}/packet/{item}/assignment",
    response_model=TaskModel,
    summary="Say whose task it is",
)
async def assign_item(
    request: Request, patient_id: Uuid, item: ItemKey, body: ItemAssignmentBody
) -> Response:
    return await _decided(request, patient_id, item, deciding.Assignment(body.role, body.account_id))


@router.post(
    "/patients/{patient_id}/packet/{item}/needs-fix",
    response_model=TaskModel,
    summary="Send back what was handed in, with what is wrong",
)
async def send_item_back(request: Request, patient_id: Uuid, item: ItemKey, body: ItemReasonBody) -> Response:
    return await _decided(request, patient_id, item, deciding.Return(body.reason))


@router.post(
    "/patients/{patient_id}/packet/{item}/emergency-skip",
    response_model=TaskModel,
    summary="Skip a step in an emergency; what is answered is the follow-up that asks for it later",
)
async def skip_item(request: Request, patient_id: Uuid, item: ItemKey, body: ItemReasonBody) -> Response:
    return await _decided(request, patient_id, item, deciding.Skip(body.reason))


@router.post(
    "/episodes/{episode_id}/admission",
    response_model=AdmissionModel,
    summary="Admit; refused with everything that is missing",
)
async def admit_patient(request: Request, episode_id: Uuid, body: AdmissionBody) -> Response:
    library = state_of(request).packet

    def act(work: Work) -> tuple[UUID, admit.Admission]:
        return episode_id, admit.admit(work, library, episode_id, body.on)

    made = await perform_once(
        request, act, lambda work, made_id: admit.read_admission(work, library, made_id)
    )
    return reply(200, admission_view(made), etag=made.episode.version)


async def _decided(request: Request, patient_id: Uuid, item: str, decision: deciding.Decision) -> Response:
    """Decide about an item, once. Saying which version the caller read is welcome and not required: the state decides
    anyway.
    """
    library = state_of(request).packet
    version = if_match(request) if "if-match" in request.headers else None

    def act(work: Work) -> tuple[UUID, PacketItem]:
        done = deciding.decide(work, library, patient_id, item, decision, version)
        return done.row_id, done.item

    shown = await perform_once(request, act, lambda work, row: deciding.read_item(work, library, row))
    return reply(200, task_view(shown), etag=shown.version)
