"""A part of a care plan as a form: a problem, a goal, an objective, an intervention, an hour, the person, the end.

A draft is saved; a plan in force is changed by a review that carries the new text, as the API has it. Whoever was
overtaken sees the part as it is now beside what they typed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.access.caller import CallerKind
from service.admission.careplan import operations, signing
from service.admission.careplan.content import Content
from service.admission.careplan.lifecycle import Act, acts_from
from service.admission.careplan.operations import Shown
from service.admission.careplan.plan import CarePlan
from service.edge.context import state_of
from service.edge.forms import read_form
from service.edge.models import Uuid
from service.edge.state import State
from service.errors import Code, ConsentryError, Invalid, NotFound, Stale
from service.intake.safety.raising import open_flags
from service.web import care_plan_fields as parts
from service.web import cookies
from service.web.care_plan_acts import review_in
from service.web.care_plan_fields import Document
from service.web.care_plan_kinds import KINDS, Choices, Kind, choices_for
from service.web.heading import Heading, heading_of
from service.web.medical_carried import version_in
from service.web.pages import PageRoute, Viewer, go, perform_on_page, render, viewer_of
from service.work import Work

router = APIRouter(route_class=PageRoute, include_in_schema=False)

#: A part with rows has a few empty ones to fill in.
_EMPTY_ROWS = 2
_MOST_FIELDS = 400


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a plan. `goal` is set for an objective; `key` is `new` for one that is not there yet."""

    plan_id: UUID
    kind: str
    goal: str
    key: str

    @property
    def path(self) -> str:
        return "/".join(
            one for one in (f"/care-plans/{self.plan_id}/parts/{self.kind}", self.goal, self.key) if one
        )


@dataclass(frozen=True, slots=True, repr=False)
class PartPage:
    heading: Heading
    plan: CarePlan
    part: Document
    choices: Mapping[str, Choices]


class _Faulty(Exception):
    """What was sent is no part of a plan: faults by field."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("faulty")
        self.faults = faults


@router.get("/care-plans/{plan_id}/parts/{kind}")
async def frame_page(request: Request, plan_id: Uuid, kind: str) -> Response:
    return await _show(request, Place(plan_id, kind, "", ""))


@router.post("/care-plans/{plan_id}/parts/{kind}")
async def save_frame(request: Request, plan_id: Uuid, kind: str) -> Response:
    return await _save(request, Place(plan_id, kind, "", ""))


@router.get("/care-plans/{plan_id}/parts/{kind}/{key}")
async def part_page(request: Request, plan_id: Uuid, kind: str, key: str) -> Response:
    return await _show(request, Place(plan_id, kind, "", key))


@router.post("/care-plans/{plan_id}/parts/{kind}/{key}")
async def save_part(request: Request, plan_id: Uuid, kind: str, key: str) -> Response:
    return await _save(request, Place(plan_id, kind, "", key))


@router.get("/care-plans/{plan_id}/parts/objective/{goal}/{key}")
async def objective_page(request: Request, plan_id: Uuid, goal: str, key: str) -> Response:
    return await _show(request, Place(plan_id, "objective", goal, key))


@router.post("/care-plans/{plan_id}/parts/objective/{goal}/{key}")
async def save_objective(request: Request, plan_id: Uuid, goal: str, key: str) -> Response:
    return await _save(request, Place(plan_id, "objective", goal, key))


# -- inside -----------------------------------------------------------------------------------------------------------


def _kind(place: Place) -> Kind:
    kind = KINDS.get(place.kind)
    if kind is None or (kind.letter is None) is not (place.key == ""):
        raise NotFound(Code.NOT_FOUND, "There is no such part of a care plan.")
    return kind


async def _save(request: Request, place: Place) -> Response:
    sent = await read_form(request, most=_MOST_FIELDS)
    cookies.check_form(request, sent, cookies.SESSION)
    kind, version, books = _kind(place), version_in(sent), state_of(request).care_plans

    def unit(work: Work) -> Shown:
        shown = operations.read(work, books, place.plan_id)
        plan = shown.plan
        if plan.version != version:
            raise Stale(Code.VERSION_STALE, "This care plan has changed since you opened this page.")
        content = _content(plan.content, kind, place, sent)
        if Act.EDIT in acts_from(plan.status):
            return operations.save(work, books, plan.id, content, expected=version)
        return signing.review(work, books, plan.id, review_in(sent, content), expected=version)

    try:
        await perform_on_page(request, unit)
    except _Faulty as faulty:
        return await _show(request, place, 422, sent=sent, faults=faulty.faults)
    except (Invalid, Stale) as error:
        status = 409 if isinstance(error, Stale) else 422
        return await _show(request, place, status, sent=sent, error=error)
    return go(f"/care-plans/{place.plan_id}")


def _content(content: Content, kind: Kind, place: Place, sent: Mapping[str, str]) -> Content:
    take = parts.without_part if sent.get("act") == "remove" else None
    if take is not None and kind.letter is not None:
        made, faults = take(content, kind, place.goal, place.key)
    else:
        made, faults = parts.with_part(content, kind, place.goal, place.key, sent)
    if made is None:
        raise _Faulty(faults)
    return made


async def _show(
    request: Request,
    place: Place,
    status: int = 200,
    *,
    sent: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
    error: ConsentryError | None = None,
) -> Response:
    kind, state = _kind(place), state_of(request)

    def unit(work: Work) -> tuple[Viewer, PartPage]:
        shown = operations.read(work, state.care_plans, place.plan_id)
        return viewer_of(request, work), _page(work, state, place, kind, shown)

    viewer, page = await perform_on_page(request, unit)
    kept = parts.typed_of(kind, page.part)
    typed = kept if sent is None else sent
    stale = isinstance(error, Stale)
    return render(
        "care_plan_part.html",
        status,
        viewer,
        page=page,
        place=place,
        kind=kind,
        typed=typed,
        version=page.plan.version if sent is None or stale else version_in(sent),
        rows={
            field.name: 1 + _EMPTY_ROWS + _last_row(field.name, typed)
            for field in kind.fields
            if field.kind == "rows"
        },
        differences=_differences(kind, kept, typed) if stale else (),
        faults=dict(faults or {}),
        error=error,
        draft=Act.EDIT in acts_from(page.plan.status),
    )


def _page(work: Work, state: State, place: Place, kind: Kind, shown: Shown) -> PartPage:
    """The part for those who may change it; a patient finds no such page."""
    plan = shown.plan
    part = parts.part_of(plan.content, kind, place.goal, place.key)
    changeable = {Act.EDIT, Act.REVIEW} & set(acts_from(plan.status))
    if part is None or work.caller.kind is CallerKind.PATIENT or not changeable:
        raise NotFound(Code.NOT_FOUND, "This part of the care plan is not there to be changed.")
    flags = [(str(one.id), one.flag.message) for one in open_flags(work, plan.patient_id)]
    known = {flag for flag, _ in flags}
    flags += [(flag, "A flag that is closed by now") for flag in part.get("flags", ()) if flag not in known]
    return PartPage(
        heading=heading_of(work, plan.patient_id),
        plan=plan,
        part=part,
        choices=choices_for(plan.content, state.care_plans.plans, flags),
    )


def _last_row(name: str, typed: Mapping[str, str]) -> int:
    """The number of the last row that is there, -1 for none."""
    numbers = [
        int(number)
        for one in typed
        if one.startswith(f"{name}:") and (number := one.split(":")[1]).isdigit() and typed[one]
    ]
    return max(numbers, default=-1)


def _differences(
    kind: Kind, kept: Mapping[str, str], typed: Mapping[str, str]
) -> tuple[tuple[str, str, str], ...]:
    """(label, what is kept now, what was typed here), field by field."""
    found: list[tuple[str, str, str]] = []
    for field in kind.fields:
        now, here = (_words(field.name, one) for one in (kept, typed))
        if now != here:
            found.append((field.label, now or "–", here or "–"))
    return tuple(found)


def _words(name: str, fields: Mapping[str, str]) -> str:
    said = [text for one, text in sorted(fields.items()) if one == name and text]
    said += [
        text if text != "yes" else one.rpartition(":")[2]
        for one, text in sorted(fields.items())
        if one.startswith(f"{name}:") and text
    ]
    return ", ".join(said)
