"""Patients over HTTP: register, search, read, change, history."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.api.patient_shapes import (
    ContactMarkBody,
    ContactMarkModel,
    DuplicatesModel,
    HistoryModel,
    NewPatientBody,
    PatientModel,
    PatientPatchBody,
    PatientsModel,
    PatientViewModel,
    RegisteredPatientModel,
    SearchBody,
    SoughtIdentifier,
    duplicates_view,
    former_view,
    patient_view,
)
from service.consent.acts import authority_over
from service.consent.signers import required_signers
from service.edge.context import state_of
from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import Uuid
from service.edge.strict import StrictRoute
from service.people import operations, searching
from service.people.duplicates import Duplicate
from service.people.endangerment.operations import Lowered, lower_mark
from service.people.operations import Patient
from service.people.relationships.signatories import signatories
from service.people.searching import Search
from service.work import Work

router = APIRouter(tags=["patients"], route_class=StrictRoute)


@router.post(
    "/patients", summary="Register a patient", status_code=201, response_model=RegisteredPatientModel
)
async def register_patient(request: Request, body: NewPatientBody) -> Response:
    document = body.model_dump(mode="json", by_alias=True, exclude_none=True)

    def create(work: Work) -> tuple[UUID, Patient]:
        made = operations.register_patient(work, document)
        return made.id, made

    def render(work: Work, patient_id: UUID) -> Patient:
        return operations.read_patient(work, patient_id, with_duplicates=True)

    made = await perform_once(request, create, render)
    found = {"possible_duplicates": duplicates_view(made.possible_duplicates)}
    return reply(201, patient_view(made) | found, etag=made.version)


@router.post(
    "/patients/{patient_id}/duplicates",
    summary="Look again for others who may be the same person",
    response_model=DuplicatesModel,
)
async def recheck_duplicates(request: Request, patient_id: Uuid) -> Response:
    def look(work: Work) -> tuple[UUID, tuple[Duplicate, ...]]:
        return patient_id, operations.look_for_duplicates(work, patient_id)

    found = await perform_once(request, look, operations.look_for_duplicates)
    return reply(200, {"id": patient_id, "possible_duplicates": duplicates_view(found)})


@router.post("/patients/search", summary="Find patients", response_model=PatientsModel)
async def search_patients(request: Request, body: SearchBody) -> Response:
    search = Search(
        family_name=body.family_name,
        given_name=body.given_name,
        birth_date=body.birth_date,
        identifier=_sought(body.identifier),
    )
    found = await perform(request, lambda work: searching.find_patients(work, search))
    return reply(200, {"items": [patient_view(one) for one in found], "next_cursor": None})


@router.get("/patients/{patient_id}", summary="One patient", response_model=PatientViewModel)
async def show_patient(request: Request, patient_id: Uuid) -> Response:
    book = state_of(request).rulebook

    def read(work: Work) -> tuple[Patient, dict[str, Any]]:
        found = operations.read_patient(work, patient_id)
        required = required_signers(authority_over(work, book, patient_id))
        return found, {"required": required, "signatories": signatories(work, patient_id)}

    found, may_sign = await perform(request, read)
    return reply(200, patient_view(found) | {"may_sign": may_sign}, etag=found.version)


@router.patch("/patients/{patient_id}", summary="Change a patient's details", response_model=PatientModel)
async def change_patient(request: Request, patient_id: Uuid, body: PatientPatchBody) -> Response:
    version = if_match(request)
    patch = body.model_dump(mode="json", by_alias=True, exclude_unset=True)
    changed = await perform(request, lambda work: operations.change_patient(work, patient_id, version, patch))
    return reply(200, patient_view(changed), etag=changed.version)


@router.post(
    "/patients/{patient_id}/contact-mark/lowering",
    summary="Take away that a screen found danger at home (compliance, with a reason)",
    response_model=ContactMarkModel,
)
async def lower_contact_mark(request: Request, patient_id: Uuid, body: ContactMarkBody) -> Response:
    def act(work: Work) -> tuple[UUID, Lowered]:
        return patient_id, lower_mark(work, patient_id, body.reason)

    def again(work: Work, made: UUID) -> Lowered:
        return lower_mark(work, made, body.reason, replay=True)

    done = await perform_once(request, act, again)
    shown = {"id": done.id, "version": done.version, "sdv": done.endangered}
    return reply(200, shown, etag=done.version)


@router.get("/patients/{patient_id}/history", summary="Former details", response_model=HistoryModel)
async def show_history(request: Request, patient_id: Uuid) -> Response:
    current, former = await perform(request, lambda work: operations.read_history(work, patient_id))
    items = [former_view(one) for one in former]
    return reply(200, {"current_version": current.version, "items": items, "next_cursor": None})


def _sought(given: str | SoughtIdentifier | None) -> tuple[str | None, str] | None:
    match given:
        case None:
            return None
        case str():
            return None, given
        case SoughtIdentifier():
            return given.system, given.value
