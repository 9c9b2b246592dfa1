"""The medical intake over HTTP: what is asked, a section's draft and completion, entries, the review."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from service.access.actions import Action
from service.access.caller import CallerKind
from service.api.medical_shapes import (
    ClosingBody,
    EntryBody,
    ErrorBody,
    FormBody,
    FormModel,
    OverviewModel,
    RemovedModel,
    SectionListModel,
    SectionModel,
    SectionStateModel,
    form_shape,
    overview_shape,
    section_shape,
    state_shape,
    writing_of,
)
from service.edge.context import state_of
from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import Uuid
from service.edge.strict import StrictRoute
from service.errors import Code, NotFound
from service.intake.medical import operations
from service.intake.medical.book import Absent
from service.intake.medical.views import FormView, Overview, SectionView
from service.intake.medical.writing import Writing
from service.work import Work

router = APIRouter(tags=["intake"], route_class=StrictRoute)

Version = Annotated[int | None, Query(ge=1, le=10**9)]


@router.get("/intake/sections", response_model=SectionListModel, summary="What the medical intake asks")
async def list_sections(request: Request) -> Response:
    book = state_of(request).medical

    def unit(work: Work) -> list[dict[str, Any]]:
        work.require(Action.INSTRUMENT_READ)
        work.record(action=Action.INSTRUMENT_READ, object_kind="intake_section", object_id=None)
        return [section_shape(one) for one in book.sections.values()]

    sections = await perform(request, unit)
    return reply(
        200, {"version": book.version, "non_answers": [one.value for one in Absent], "items": sections}
    )


@router.get("/intake/sections/{key}", response_model=SectionModel, summary="One section")
async def read_section_definition(request: Request, key: str) -> Response:
    book = state_of(request).medical

    def unit(work: Work) -> dict[str, Any]:
        work.require(Action.INSTRUMENT_READ)
        section = book.find(key)
        if section is None:
            raise NotFound(Code.NOT_FOUND, "There is no such section.")
        work.record(action=Action.INSTRUMENT_READ, object_kind="intake_section", object_id=None)
        return section_shape(section)

    return reply(200, await perform(request, unit))


@router.get(
    "/patients/{patient_id}/medical",
    response_model=OverviewModel,
    summary="Every section: how far it is, what is missing, what must be read",
)
async def read_medical_intake(request: Request, patient_id: Uuid) -> Response:
    book = state_of(request).medical
    overview = await perform(request, lambda work: operations.read_overview(work, book, patient_id))
    return reply(200, overview_shape(overview))


@router.get(
    "/patients/{patient_id}/medical/{section}", response_model=SectionStateModel, summary="One section"
)
async def read_medical_section(request: Request, patient_id: Uuid, section: str) -> Response:
    book = state_of(request).medical
    view = await perform(request, lambda work: operations.read_section(work, book, patient_id, section))
    return _section(200, view)


@router.put(
    "/patients/{patient_id}/medical/{section}",
    response_model=SectionStateModel,
    summary='Save answers (If-Match; "0" for a section not begun)',
)
async def save_medical_section(request: Request, patient_id: Uuid, section: str, body: FormBody) -> Response:
    book, expected = state_of(request).medical, if_match(request)

    def unit(work: Work) -> SectionView | None:
        writing = writing_of(body, patient=_is_patient(work), expected=expected, final=False)
        return operations.save_section(work, book, patient_id, section, writing)

    return _section(200, await perform(request, unit))


@router.post(
    "/patients/{patient_id}/medical/{section}/completion",
    response_model=SectionStateModel,
    summary="Close a section: 422 with what is missing",
)
async def complete_medical_section(
    request: Request, patient_id: Uuid, section: str, body: ClosingBody
) -> Response:
    book = state_of(request).medical
    expected = if_match(request) if "if-match" in request.headers else None

    def create(work: Work) -> tuple[UUID, SectionView | None]:
        writing = Writing(expected=expected, final=True, reason=body.reason or "Completed")
        return patient_id, operations.save_section(work, book, patient_id, section, writing)

    def again(work: Work, made: UUID) -> SectionView | None:
        return operations.read_section(work, book, made, section)

    return _section(200, await perform_once(request, create, again))


@router.post(
    "/patients/{patient_id}/medical/{section}/entries",
    status_code=201,
    response_model=FormModel,
    summary="An entry of a list: a substance, a medicine, an allergy, a treatment",
)
async def add_medical_entry(request: Request, patient_id: Uuid, section: str, body: EntryBody) -> Response:
    book = state_of(request).medical

    def create(work: Work) -> tuple[UUID, FormView | None]:
        writing = writing_of(body, patient=_is_patient(work), expected=None, final=body.completed)
        return operations.add_entry(work, book, patient_id, section, writing)

    return _form(201, await perform_once(request, create, operations.read_form))


@router.get("/medical/{item_id}", response_model=FormModel, summary="One form, now or as it was")
async def read_medical_form(request: Request, item_id: Uuid, version: Version = None) -> Response:
    return _form(200, await perform(request, lambda work: operations.read_form(work, item_id, version)))


@router.put("/medical/{item_id}", response_model=FormModel, summary="Change an entry (If-Match)")
async def change_medical_entry(request: Request, item_id: Uuid, body: EntryBody) -> Response:
    book, expected = state_of(request).medical, if_match(request)

    def unit(work: Work) -> FormView | None:
        writing = writing_of(body, patient=_is_patient(work), expected=expected, final=body.completed)
        return operations.change_entry(work, book, item_id, writing)

    return _form(200, await perform(request, unit))


@router.post(
    "/medical/{item_id}/error", response_model=RemovedModel, summary="Entered in error: it stays readable"
)
async def mark_medical_error(request: Request, item_id: Uuid, body: ErrorBody) -> Response:
    def create(work: Work) -> tuple[UUID, UUID]:
        return item_id, operations.remove_entry(work, item_id, body.reason)

    def again(work: Work, made: UUID) -> UUID:
        return operations.remove_entry(work, made, body.reason, replay=True)

    removed = await perform_once(request, create, again)
    return reply(200, {"id": removed, "state": "entered_in_error"})


@router.post(
    "/patients/{patient_id}/medical-review",
    response_model=OverviewModel,
    summary="A medical reviewer signs: 422 with what is missing, 409 while an urgent finding waits",
)
async def review_medical_intake(request: Request, patient_id: Uuid) -> Response:
    book = state_of(request).medical

    def create(work: Work) -> tuple[UUID, Overview]:
        return patient_id, operations.review(work, book, patient_id)

    def again(work: Work, made: UUID) -> Overview:
        return operations.review(work, book, made, replay=True)

    return reply(200, overview_shape(await perform_once(request, create, again)))


def _is_patient(work: Work) -> bool:
    return work.caller.kind is CallerKind.PATIENT


def _section(status: int, view: SectionView | None) -> Response:
    if view is None:
        raise RuntimeError("a unit that accepts nothing answers with an error")
    return reply(status, state_shape(view), etag=view.head.version)


def _form(status: int, view: FormView | None) -> Response:
    if view is None:
        raise RuntimeError("a unit that accepts nothing answers with an error")
    return reply(status, form_shape(view), etag=view.version)
