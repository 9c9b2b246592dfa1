"""The end of an episode over HTTP: discharge with what comes next, and the summary."""

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from service.admission.careplan import discharge as operations
from service.admission.careplan.content import Aftercare
from service.admission.careplan.discharge import Discharge, DischargeType, NewDischarge
from service.edge.context import state_of
from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import IsoDate, LongText, StrictModel, Uuid
from service.edge.strict import StrictRoute
from service.work import Work

router = APIRouter(tags=["care_plans"], route_class=StrictRoute)

TypeName = Literal[
    "completed", "transferred", "administrative", "against_advice", "lost_contact", "deceased", "incarcerated"
]


class DischargeBody(StrictModel):
    """How the episode ended. Without a summary one is due by the profile's deadline."""

    type: DischargeType = Field(strict=False)
    on: IsoDate
    reason: LongText
    aftercare: Aftercare = Aftercare()
    summary: LongText | None = None
    risk: LongText | None = Field(default=None, description="Against advice: what was said about the risk.")
    naloxone_offered: bool | None = None
    reentry: LongText | None = Field(default=None, description="Against advice: how to come back.")


class SummaryBody(StrictModel):
    summary: LongText


class ConsentInForceModel(BaseModel):
    consent_id: Uuid
    kind: str
    until: IsoDate | None


class DischargeModel(BaseModel):
    id: Uuid
    patient_id: Uuid
    episode_id: Uuid
    version: int
    finished: bool
    type: TypeName
    on: IsoDate
    recorded_at: str
    admitted_on: IsoDate | None
    level: str | None
    reason: str
    risk: str | None
    naloxone_offered: bool | None
    reentry: str | None
    aftercare: Aftercare
    events: list[str]
    consents_in_force: list[ConsentInForceModel]
    summary: str | None
    due_at: str
    due_source: str
    written_at: str | None


@router.post(
    "/episodes/{episode_id}/discharge",
    status_code=201,
    response_model=DischargeModel,
    summary="Discharge: the plan completed, events recorded, consents ended, in one act",
)
async def discharge_patient(request: Request, episode_id: Uuid, body: DischargeBody) -> Response:
    books = state_of(request).care_plans
    new = NewDischarge(
        type=body.type,
        on=body.on,
        reason=body.reason,
        aftercare=body.aftercare,
        summary=body.summary,
        risk=body.risk,
        naloxone_offered=body.naloxone_offered,
        reentry=body.reentry,
    )

    def create(work: Work) -> tuple[UUID, Discharge]:
        return operations.discharge(work, books, episode_id, new)

    return _one(201, await perform_once(request, create, operations.read))


@router.get(
    "/discharges/{discharge_id}", response_model=DischargeModel, summary="One discharge, with its summary"
)
async def read_discharge(request: Request, discharge_id: Uuid) -> Response:
    return _one(200, await perform(request, lambda work: operations.read(work, discharge_id)))


@router.put("/discharges/{discharge_id}", response_model=DischargeModel, summary="Write or amend the summary")
async def write_discharge_summary(request: Request, discharge_id: Uuid, body: SummaryBody) -> Response:
    version = if_match(request)
    written = await perform(
        request,
        lambda work: operations.write_summary(work, discharge_id, body.summary, expected=version),
    )
    return _one(200, written)


def _one(status: int, one: Discharge) -> Response:
    view: dict[str, Any] = {
        **one.content,
        "id": one.id,
        "patient_id": one.patient_id,
        "episode_id": one.episode_id,
        "version": one.version,
        "finished": one.finished,
    }
    return reply(status, view, etag=one.version)
