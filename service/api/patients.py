"""Patients over HTTP: register, search, read, change, history."""

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import Instant, IsoDate, ShortText, StrictModel, Uuid
from service.edge.strict import StrictRoute
from service.people import operations
from service.people.operations import FormerVersion, Patient, Search
from service.work import Work

router = APIRouter(tags=["patients"], route_class=StrictRoute)


class AddressModel(StrictModel):
    """A postal address by its lines."""

    line1: ShortText | None = None
    line2: ShortText | None = None
    city: ShortText | None = None
    state: ShortText | None = None
    postal_code: ShortText | None = None
    country: ShortText | None = None


class IdentifierModel(StrictModel):
    """A number somebody gave the patient: `system` says who, such as an insurer or a hospital."""

    system: ShortText
    value: ShortText


class ContactModel(StrictModel):
    """Somebody to call. Not a consent: what may be said to them is decided by consents alone."""

    name: ShortText
    relationship: ShortText | None = None
    phone: ShortText | None = None
    email: ShortText | None = None
    emergency: bool | None = None
    note: ShortText | None = None


class _Details(StrictModel):
    sex: Literal["female", "male", "other", "unknown"] | None = None
    phone: ShortText | None = None
    email: ShortText | None = None
    address: ShortText | AddressModel | None = None
    language: ShortText | None = None
    interpreter_needed: bool | None = None


class NewPatientBody(_Details):
    given_name: ShortText
    family_name: ShortText
    birth_date: IsoDate
    identifiers: list[IdentifierModel] = Field(default_factory=list[IdentifierModel], max_length=50)
    contacts: list[ContactModel] = Field(default_factory=list[ContactModel], max_length=50)


class PatientPatchBody(_Details):
    """A JSON merge patch (RFC 7396): what is left out stays, null removes."""

    given_name: ShortText | None = None
    family_name: ShortText | None = None
    birth_date: IsoDate | None = None
    identifiers: list[IdentifierModel] | None = Field(default=None, max_length=50)
    contacts: list[ContactModel] | None = Field(default=None, max_length=50)


class SoughtIdentifier(StrictModel):
    """An identifier to look for; without `system`, in any system."""

    value: ShortText
    system: ShortText | None = None


class SearchBody(StrictModel):
    """A family or given name with the birth date, or an identifier; all that is given must match."""

    family_name: ShortText | None = None
    given_name: ShortText | None = None
    birth_date: IsoDate | None = None
    identifier: ShortText | SoughtIdentifier | None = None


class DuplicateModel(BaseModel):
    """A registered patient who may be the same person, and why."""

    id: Uuid
    reasons: list[str]


class DemographicsModel(BaseModel):
    given_name: str
    family_name: str
    birth_date: IsoDate
    sex: str | None
    phone: str | None
    email: str | None
    address: str | dict[str, str | None] | None
    identifiers: list[IdentifierModel]
    language: str | None
    interpreter_needed: bool | None
    contacts: list[ContactModel]


class PatientModel(DemographicsModel):
    id: Uuid
    version: int
    state: str
    created_at: Instant
    changed_at: Instant


class RegisteredPatientModel(PatientModel):
    possible_duplicates: list[DuplicateModel]


class PatientsModel(BaseModel):
    items: list[PatientModel]
    next_cursor: str | None


class FormerVersionModel(DemographicsModel):
    version: int
    replaced_at: Instant


class HistoryModel(BaseModel):
    """Former versions, newest first."""

    current_version: int
    items: list[FormerVersionModel]
    next_cursor: str | None


@router.post(
    "/patients", summary="Register a patient", status_code=201, response_model=RegisteredPatientModel
)
async def register_patient(request: Request, body: NewPatientBody) -> Response:
    document = body.model_dump(mode="json", exclude_none=True)

    def create(work: Work) -> tuple[UUID, Patient]:
        made = operations.register_patient(work, document)
        return made.id, made

    def render(work: Work, patient_id: UUID) -> Patient:
        return operations.read_patient(work, patient_id, with_duplicates=True)

    made = await perform_once(request, create, render)
    duplicates = [
        {"id": one.patient_id, "reasons": [reason.value for reason in one.reasons]}
        for one in made.possible_duplicates
    ]
    return reply(201, _patient_view(made) | {"possible_duplicates": duplicates}, etag=made.version)


@router.post("/patients/search", summary="Find patients", response_model=PatientsModel)
async def search_patients(request: Request, body: SearchBody) -> Response:
    search = Search(
        family_name=body.family_name,
        given_name=body.given_name,
        birth_date=body.birth_date,
        identifier=_sought(body.identifier),
    )
    found = await perform(request, lambda work: operations.find_patients(work, search))
    return reply(200, {"items": [_patient_view(one) for one in found], "next_cursor": None})


@router.get("/patients/{patient_id}", summary="One patient", response_model=PatientModel)
async def show_patient(request: Request, patient_id: Uuid) -> Response:
    read = await perform(request, lambda work: operations.read_patient(work, patient_id))
    return reply(200, _patient_view(read), etag=read.version)


@router.patch("/patients/{patient_id}", summary="Change a patient's details", response_model=PatientModel)
async def change_patient(request: Request, patient_id: Uuid, body: PatientPatchBody) -> Response:
    version = if_match(request)
    patch = body.model_dump(mode="json", exclude_unset=True)
    changed = await perform(request, lambda work: operations.change_patient(work, patient_id, version, patch))
    return reply(200, _patient_view(changed), etag=changed.version)


@router.get("/patients/{patient_id}/history", summary="Former details", response_model=HistoryModel)
async def show_history(request: Request, patient_id: Uuid) -> Response:
    current, former = await perform(request, lambda work: operations.read_history(work, patient_id))
    items = [_former_view(one) for one in former]
    return reply(200, {"current_version": current.version, "items": items, "next_cursor": None})


def _sought(given: str | SoughtIdentifier | None) -> tuple[str | None, str] | None:
    match given:
        case None:
            return None
        case str():
            return None, given
        case SoughtIdentifier():
            return given.system, given.value


_DETAILS = (
    "given_name",
    "family_name",
    "birth_date",
    "sex",
    "phone",
    "email",
    "address",
    "language",
    "interpreter_needed",
)


def _details_view(document: Any) -> dict[str, Any]:
    details = {name: document.get(name) for name in _DETAILS}
    return details | {name: document.get(name, []) for name in ("identifiers", "contacts")}


def _patient_view(read: Patient) -> dict[str, Any]:
    return {
        "id": read.id,
        "version": read.version,
        "state": read.state,
        **_details_view(read.demographics),
        "created_at": read.created_at,
        "changed_at": read.changed_at,
    }


def _former_view(former: FormerVersion) -> dict[str, Any]:
    return {
        "version": former.version,
        **_details_view(former.demographics),
        "replaced_at": former.replaced_at,
    }
