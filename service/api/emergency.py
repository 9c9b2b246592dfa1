"""Break-glass over HTTP: opened, looked at by its holder, ended."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from service.edge.deps import perform, perform_once, reply
from service.edge.models import Instant, LongText, StrictModel, Uuid
from service.edge.strict import StrictRoute
from service.people.emergency import operations
from service.people.emergency.grants import Grant
from service.work import Work

router = APIRouter(tags=["patients"], route_class=StrictRoute)


class EmergencyBody(StrictModel):
    """What the emergency is, and why the patient's consent or a relationship cannot be waited for."""

    nature: LongText
    why_no_consent: LongText


class GrantModel(BaseModel):
    id: Uuid
    patient_id: Uuid
    account_id: Uuid
    starts_at: Instant
    ends_at: Instant
    nature: str
    why_no_consent: str


@router.post(
    "/patients/{patient_id}/emergency-access",
    status_code=201,
    response_model=GrantModel,
    summary="Read this patient's record for an hour, in an emergency; reviewed afterwards",
)
async def open_emergency_access(request: Request, patient_id: Uuid, body: EmergencyBody) -> Response:
    def create(work: Work) -> tuple[UUID, Grant]:
        made = operations.open_emergency(work, patient_id, body.nature, body.why_no_consent)
        return made.id, made

    made = await perform_once(request, create, operations.read_emergency)
    return reply(201, _view(made))


@router.get("/emergency-access/{grant_id}", response_model=GrantModel, summary="One of your own grants")
async def read_emergency_access(request: Request, grant_id: Uuid) -> Response:
    return reply(200, _view(await perform(request, lambda work: operations.read_emergency(work, grant_id))))


@router.post(
    "/emergency-access/{grant_id}/ending", response_model=GrantModel, summary="End it before the hour is over"
)
async def end_emergency_access(request: Request, grant_id: Uuid) -> Response:
    def act(work: Work) -> tuple[UUID, Grant]:
        return grant_id, operations.end_emergency(work, grant_id)

    return reply(200, _view(await perform_once(request, act, operations.read_emergency)))


def _view(grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "patient_id": grant.patient_id,
        "account_id": grant.account_id,
        "starts_at": grant.starts_at,
        "ends_at": grant.ends_at,
        "nature": grant.nature,
        "why_no_consent": grant.why_no_consent,
    }
