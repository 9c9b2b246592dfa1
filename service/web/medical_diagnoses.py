"""A diagnosis as a form: what a clinician finds, criterion by criterion; severity and code follow from the tables."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.edge.context import state_of
from service.edge.forms import read_form
from service.edge.models import Uuid
from service.errors import Code, Conflict, ConsentryError, Invalid, NotFound, Stale
from service.intake.medical import diagnosing, operations
from service.intake.medical.book import MedicalBook
from service.intake.medical.diagnosis import CRITERIA, NewDiagnosis, Remission, severity_of
from service.intake.medical.views import FormView
from service.web import cookies
from service.web.entering import read_day
from service.web.heading import Heading, heading_of
from service.web.medical_carried import version_in
from service.web.pages import (
    PageRoute,
    Viewer,
    go,
    once_key,
    perform_on_page,
    perform_once_on_page,
    render,
    viewer_of,
)
from service.work import Work

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_MOST: Final = 200
REMISSIONS: Final = {Remission.EARLY.value: "Early (3 to 12 months)", Remission.SUSTAINED.value: "Sustained"}


@router.get("/patients/{patient_id}/diagnoses/new")
async def new_diagnosis_page(request: Request, patient_id: Uuid) -> Response:
    return await _show(request, patient_id, None)


@router.post("/patients/{patient_id}/diagnoses/new")
async def record_diagnosis(request: Request, patient_id: Uuid) -> Response:
    sent = await read_form(request)
    cookies.check_form(request, sent, cookies.SESSION)
    book = state_of(request).medical

    def create(work: Work) -> tuple[UUID, FormView]:
        return diagnosing.record_diagnosis(work, book, patient_id, _new(sent), diagnosing.Asked())

    try:
        await perform_once_on_page(request, sent, create, operations.read_form)
    except (Invalid, Conflict) as error:
        return await _show(request, patient_id, None, 422, sent=sent, error=error)
    return go(f"/patients/{patient_id}/medical")


@router.get("/patients/{patient_id}/diagnoses/{item_id}")
async def diagnosis_page(request: Request, patient_id: Uuid, item_id: Uuid) -> Response:
    return await _show(request, patient_id, item_id)


@router.post("/patients/{patient_id}/diagnoses/{item_id}")
async def change_diagnosis(request: Request, patient_id: Uuid, item_id: Uuid) -> Response:
    sent = await read_form(request)
    cookies.check_form(request, sent, cookies.SESSION)
    book, expected = state_of(request).medical, version_in(sent)
    asked = diagnosing.Asked(reason=_line(sent, "reason"))

    def unit(work: Work) -> FormView:
        return diagnosing.change_diagnosis(work, book, item_id, _new(sent), asked, expected=expected)

    try:
        await perform_on_page(request, unit)
    except (Invalid, Conflict, Stale) as error:
        status = 409 if isinstance(error, Stale) else 422
        return await _show(request, patient_id, item_id, status, sent=sent, error=error)
    return go(f"/patients/{patient_id}/medical")


def _new(sent: Mapping[str, str]) -> NewDiagnosis:
    """What was sent, as the operation takes it."""
    day = read_day(sent.get("dated_on", ""))
    if day is None:
        raise Invalid(Code.DIAGNOSIS_INVALID, "Say on which day the diagnosis was made.")
    remission = sent.get("remission", "")
    return NewDiagnosis(
        substance=_line(sent, "substance"),
        specific=_line(sent, "specific"),
        criteria=tuple(number for number in range(1, CRITERIA + 1) if f"criterion:{number}" in sent),
        code=_line(sent, "code"),
        remission=Remission(remission) if remission in REMISSIONS else None,
        controlled_environment="controlled_environment" in sent,
        dated_on=day,
    )


def _line(sent: Mapping[str, str], name: str) -> str | None:
    return sent.get(name, "").strip()[:_MOST] or None


def _typed(book: MedicalBook, content: Mapping[str, Any]) -> dict[str, str]:
    """A diagnosis as the fields that would send it; the plain code follows from them and is not typed."""
    typed = {name: str(content.get(name) or "") for name in ("substance", "specific", "remission")}
    code = book.codes.get(str(content.get("code", "")))
    typed["code"] = "" if code is None or (content.get("substance") and not code.replaces) else code.code
    typed["dated_on"] = str(content.get("dated_on", ""))
    typed |= {f"criterion:{number}": "yes" for number in content.get("criteria", ())}
    return typed | ({"controlled_environment": "yes"} if content.get("controlled_environment") else {})


async def _show(
    request: Request,
    patient_id: UUID,
    item_id: UUID | None,
    status: int = 200,
    *,
    sent: Mapping[str, str] | None = None,
    error: ConsentryError | None = None,
) -> Response:
    """The form. After a change elsewhere what is kept now stands above what was typed, and nothing is overwritten."""
    book = state_of(request).medical

    def unit(work: Work) -> tuple[Viewer, Heading, FormView | None]:
        found, _ = diagnosing.list_diagnoses(work, patient_id, after=None, at_most=100)
        one = next((each for each in found if each.item_id == item_id), None)
        return viewer_of(request, work), heading_of(work, patient_id), one

    viewer, heading, one = await perform_on_page(request, unit)
    if item_id is not None and one is None:
        raise NotFound(Code.NOT_FOUND, "There is no such diagnosis.")
    content: Mapping[str, Any] = {} if one is None else one.answers
    stale = isinstance(error, Stale)
    count = len(content.get("criteria", ()))
    return render(
        "diagnosis.html",
        status,
        viewer,
        heading=heading,
        one=one,
        kept=f"{content['code']} {content['title']}, {count} of {CRITERIA} criteria, {severity_of(count) or '–'}"
        if content
        else "",
        typed=_typed(book, content) if sent is None else sent,
        version=sent["version"]
        if sent is not None and one is not None and not stale
        else one and one.version,
        classes={key: each.label for key, each in book.classes.items()},
        criteria=range(1, CRITERIA + 1),
        remissions=REMISSIONS,
        faults=() if error is None else tuple((_field(each.field), each.message) for each in error.errors),
        error=error,
        stale=stale,
        once=once_key(),
    )


def _field(path: str) -> str:
    return (
        path if path in ("substance", "specific", "criteria", "code", "remission", "reason") else "dated_on"
    )
