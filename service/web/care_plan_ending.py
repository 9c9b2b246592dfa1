"""How near a patient is to less care, and the end of an episode, as pages. Nothing is moved by looking at it."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from service.access.actions import Action
from service.admission.careplan import discharge as operations
from service.admission.careplan import visiting
from service.admission.careplan.content import Aftercare
from service.admission.careplan.discharge import Discharge, DischargeType, NewDischarge
from service.admission.careplan.visiting import Gates
from service.edge.context import state_of
from service.edge.forms import read_form
from service.edge.models import Uuid
from service.errors import Code, Conflict, ConsentryError, FieldError, Invalid, Stale
from service.people.episodes import operations as episodes
from service.people.episodes.episode import Episode
from service.people.facts import program_day
from service.web import cookies
from service.web.entering import read_day
from service.web.heading import Heading, heading_of, us_day
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

_MOST: Final = 4000
TYPES: Final = {one.value: one.value.replace("_", " ").capitalize() for one in DischargeType}
STATES: Final = {"met": ("Met", "done"), "not_met": ("Not met", "deny"), "unknown": ("Not known", "partial")}


@router.get("/episodes/{episode_id}/gates")
async def gates_page(request: Request, episode_id: Uuid) -> Response:
    books = state_of(request).care_plans

    def unit(work: Work) -> tuple[Viewer, Heading, Gates]:
        found = visiting.gates_of(work, books, episode_id)
        patient_id = _episode(work, episode_id).patient_id
        return viewer_of(request, work), heading_of(work, patient_id), found

    viewer, heading, found = await perform_on_page(request, unit)
    return render("gates.html", 200, viewer, heading=heading, found=found, states=STATES)


@router.get("/episodes/{episode_id}/discharge")
async def discharge_page(request: Request, episode_id: Uuid) -> Response:
    return await _form(request, episode_id)


@router.post("/episodes/{episode_id}/discharge")
async def discharge(request: Request, episode_id: Uuid) -> Response:
    sent = await read_form(request)
    cookies.check_form(request, sent, cookies.SESSION)
    books = state_of(request).care_plans

    def create(work: Work) -> tuple[UUID, Discharge]:
        return operations.discharge(work, books, episode_id, _new(sent))

    try:
        made = await perform_once_on_page(request, sent, create, operations.read)
    except (Invalid, Conflict) as error:
        return await _form(request, episode_id, 422, sent=sent, error=error)
    return go(f"/discharges/{made.id}")


@router.get("/discharges/{discharge_id}")
async def discharged_page(request: Request, discharge_id: Uuid) -> Response:
    return await _discharged(request, discharge_id)


@router.post("/discharges/{discharge_id}")
async def write_summary(request: Request, discharge_id: Uuid) -> Response:
    sent = await read_form(request)
    cookies.check_form(request, sent, cookies.SESSION)
    summary, version = sent.get("summary", "").strip()[:_MOST], version_in(sent)
    if not summary:
        missing = Invalid(Code.DISCHARGE_INVALID, "Write the summary.")
        return await _discharged(request, discharge_id, 422, sent=sent, error=missing)
    try:
        await perform_on_page(
            request, lambda work: operations.write_summary(work, discharge_id, summary, expected=version)
        )
    except Stale as error:
        return await _discharged(request, discharge_id, 409, sent=sent, error=error)
    return go(f"/discharges/{discharge_id}")


# -- inside -----------------------------------------------------------------------------------------------------------


def _episode(work: Work, episode_id: UUID) -> Episode:
    return episodes.authorised_episode(work, Action.EPISODE_READ, episode_id)


def _new(sent: Mapping[str, str]) -> NewDischarge:
    kind, day = sent.get("type", ""), read_day(sent.get("on", ""))
    if kind not in TYPES or day is None:
        faults = [
            FieldError(name, "missing", words)
            for name, words, absent in (
                ("type", "Say how the episode ended.", kind not in TYPES),
                ("on", "Give the day, such as 02/28/2026.", day is None),
            )
            if absent
        ]
        raise Invalid(Code.DISCHARGE_INVALID, "The discharge cannot be recorded like this.", faults)
    naloxone = {"yes": True, "no": False}.get(sent.get("naloxone_offered", ""))
    return NewDischarge(
        type=DischargeType(kind),
        on=day,
        reason=_text(sent, "reason") or "",
        aftercare=_aftercare(sent),
        summary=_text(sent, "summary"),
        risk=_text(sent, "risk"),
        naloxone_offered=naloxone,
        reentry=_text(sent, "reentry"),
    )


def _aftercare(sent: Mapping[str, str]) -> Aftercare:
    given: dict[str, Any] = {
        "level": _text(sent, "level", 40),
        "provider": _text(sent, "provider", 200),
        "first_on": read_day(sent.get("first_on", "")),
        "meetings": _text(sent, "meetings", 200),
        "follow_up_30": "follow_up_30" in sent,
        "follow_up_90": "follow_up_90" in sent,
    }
    try:
        return Aftercare.model_validate(given)
    except ValidationError:
        fault = FieldError("aftercare", "invalid", "What comes next cannot be kept like this.")
        raise Invalid(
            Code.DISCHARGE_INVALID, "The discharge cannot be recorded like this.", [fault]
        ) from None


def _text(sent: Mapping[str, str], name: str, most: int = _MOST) -> str | None:
    return sent.get(name, "").replace("\r\n", "\n").strip()[:most] or None


async def _form(
    request: Request,
    episode_id: UUID,
    status: int = 200,
    *,
    sent: Mapping[str, str] | None = None,
    error: ConsentryError | None = None,
) -> Response:
    """The form, with how the gates stand: a discharge asks no gate, and whoever decides has seen them."""
    books = state_of(request).care_plans

    def unit(work: Work) -> tuple[Viewer, Heading, Gates, str]:
        found = visiting.gates_of(work, books, episode_id)
        patient_id = _episode(work, episode_id).patient_id
        today = program_day(work).isoformat()
        return viewer_of(request, work), heading_of(work, patient_id), found, today

    viewer, heading, found, today = await perform_on_page(request, unit)
    faults = {one.field: one.message for one in (() if error is None else error.errors)}
    return render(
        "discharge.html",
        status,
        viewer,
        heading=heading,
        found=found,
        episode_id=episode_id,
        types=TYPES,
        given={"on": today} if sent is None else sent,
        faults=faults,
        error=error,
        once=once_key(),
    )


async def _discharged(
    request: Request,
    discharge_id: UUID,
    status: int = 200,
    *,
    sent: Mapping[str, str] | None = None,
    error: ConsentryError | None = None,
) -> Response:
    def unit(work: Work) -> tuple[Viewer, Heading, Discharge]:
        one = operations.read(work, discharge_id)
        return viewer_of(request, work), heading_of(work, one.patient_id), one

    viewer, heading, one = await perform_on_page(request, unit)
    return render(
        "discharged.html",
        status,
        viewer,
        heading=heading,
        one=one,
        types=TYPES,
        typed=one.content["summary"] or "" if sent is None else sent.get("summary", ""),
        stale=isinstance(error, Stale),
        error=error,
        day=us_day,
    )
