"""A section of the medical intake and the entries of its list, saved and completed from a page."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.edge.context import state_of
from service.edge.forms import read_form
from service.edge.models import Uuid
from service.errors import Code, Invalid, Stale
from service.intake.medical import operations
from service.intake.medical.views import FormView, SectionView
from service.intake.medical.writing import Writing
from service.web import cookies
from service.web.medical_carried import unchosen, writing_in
from service.web.medical_page import MOST_FIELDS, Place, compare, form_of, show
from service.web.pages import (
    PageRoute,
    go,
    perform_on_page,
    perform_once_on_page,
)
from service.work import Work

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_MOST_REASON: Final = 4000


@router.get("/patients/{patient_id}/medical/{section}")
async def section_page(request: Request, patient_id: Uuid, section: str) -> Response:
    return await show(request, Place(patient_id, section))


@router.post("/patients/{patient_id}/medical/{section}")
async def save_section(request: Request, patient_id: Uuid, section: str) -> Response:
    sent = await read_form(request, most=MOST_FIELDS)
    cookies.check_form(request, sent, cookies.SESSION)
    place, book = Place(patient_id, section), state_of(request).medical
    _, form = form_of(book, place)

    def save(work: Work) -> SectionView | None:
        writing = writing_in(work, form, sent)
        if not writing.given:
            return operations.read_section(work, book, patient_id, section)
        return operations.save_section(work, book, patient_id, section, writing)

    if unchosen(sent):
        return await compare(request, place, sent, again=True)
    try:
        saved = await perform_on_page(request, save)
    except Stale as stale:
        return await compare(request, place, sent, stale)
    except Invalid as error:
        return await show(request, place, 422, sent=sent, error=error)
    if sent.get("act") == "complete" and saved is not None:
        return await _complete(request, place, saved, sent)
    if saved is not None and (saved.flags or (saved.own or {}).get("words")):
        return await show(request, place, raised=saved.flags, help_words=saved.own)
    return go(place.path)


async def _complete(request: Request, place: Place, saved: SectionView, sent: Mapping[str, str]) -> Response:
    """What was typed is saved by now; when something is missing, that is all that is said."""
    book, reason = state_of(request).medical, sent.get("reason", "").strip()[:_MOST_REASON] or "Completed"
    writing = Writing(expected=saved.head.version, final=True, reason=reason)

    def unit(work: Work) -> SectionView | None:
        return operations.save_section(work, book, place.patient_id, place.key, writing)

    try:
        whole = await perform_on_page(request, unit)
    except Invalid as error:
        return await show(request, place, 422, error=error, raised=saved.flags)
    flags = saved.flags if whole is None else (*saved.flags, *whole.flags)
    if flags or (saved.own or {}).get("words"):
        return await show(request, place, raised=flags, help_words=saved.own)
    return go(f"/patients/{place.patient_id}/medical")


@router.get("/patients/{patient_id}/medical/{section}/new")
async def new_entry_page(request: Request, patient_id: Uuid, section: str) -> Response:
    return await show(request, Place(patient_id, section, entry=True))


@router.post("/patients/{patient_id}/medical/{section}/new")
async def add_entry(request: Request, patient_id: Uuid, section: str) -> Response:
    sent = await read_form(request, most=MOST_FIELDS)
    cookies.check_form(request, sent, cookies.SESSION)
    place, book = Place(patient_id, section, entry=True), state_of(request).medical
    _, form = form_of(book, place)

    def create(work: Work) -> tuple[UUID, FormView | None]:
        writing = writing_in(work, form, sent, final=sent.get("act") != "save")
        return operations.add_entry(work, book, patient_id, section, writing)

    try:
        await perform_once_on_page(request, sent, create, operations.read_form)
    except Invalid as error:
        return await show(request, place, 422, sent=sent, error=error)
    return go(place.section_path)


@router.get("/patients/{patient_id}/medical/{section}/{item_id}")
async def entry_page(request: Request, patient_id: Uuid, section: str, item_id: Uuid) -> Response:
    return await show(request, Place(patient_id, section, entry=True, item_id=item_id))


@router.post("/patients/{patient_id}/medical/{section}/{item_id}")
async def change_entry(request: Request, patient_id: Uuid, section: str, item_id: Uuid) -> Response:
    sent = await read_form(request, most=MOST_FIELDS)
    cookies.check_form(request, sent, cookies.SESSION)
    place, book = Place(patient_id, section, entry=True, item_id=item_id), state_of(request).medical
    _, form = form_of(book, place)

    if unchosen(sent):
        return await compare(request, place, sent, again=True)

    def unit(work: Work) -> FormView | None:
        writing = writing_in(work, form, sent, final=sent.get("act") != "save")
        return operations.change_entry(work, book, item_id, writing)

    try:
        await perform_on_page(request, unit)
    except Stale as stale:
        return await compare(request, place, sent, stale)
    except Invalid as error:
        return await show(request, place, 422, sent=sent, error=error)
    return go(place.section_path)


@router.post("/patients/{patient_id}/medical/{section}/{item_id}/error")
async def mark_error(request: Request, patient_id: Uuid, section: str, item_id: Uuid) -> Response:
    sent = await read_form(request)
    cookies.check_form(request, sent, cookies.SESSION)
    reason = sent.get("reason", "").strip()[:_MOST_REASON]
    if not reason:
        raise Invalid(Code.INVALID_REQUEST, "Say why it is taken back. Go back and write down the reason.")

    def create(work: Work) -> tuple[UUID, UUID]:
        return item_id, operations.remove_entry(work, item_id, reason)

    def again(work: Work, made: UUID) -> UUID:
        return operations.remove_entry(work, made, reason, replay=True)

    await perform_once_on_page(request, sent, create, again)
    known = state_of(request).medical.find(section) is not None  # a diagnosis is in no section
    return go(f"/patients/{patient_id}/medical" + (f"/{section}" if known else ""))
