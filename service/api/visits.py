"""Visits, hours and step-down gates of an episode over HTTP."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from service.admission.careplan import visiting
from service.admission.careplan.hours import rounded
from service.admission.careplan.visit import Outcome, Visit
from service.admission.careplan.visiting import Ledger, NewVisit
from service.admission.placement.operations import note_missed
from service.edge.context import state_of
from service.edge.deps import perform, perform_once, reply
from service.edge.models import IsoDate, LongText, ShortText, StrictModel, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.work import Work

router = APIRouter(tags=["care_plans"], route_class=StrictRoute)

FormatName = Literal["group", "individual", "family", "assessment", "medication", "other"]


class VisitBody(StrictModel):
    """A session as it was held or missed. What was said in it, and whether there was use, stands elsewhere."""

    held_on: IsoDate
    minutes: Annotated[int, Field(ge=1, le=720)]
    outcome: Outcome = Field(strict=False)
    format: FormatName
    remote: bool = False
    code: Annotated[str, Field(min_length=1, max_length=40)] | None = Field(
        default=None, description="The catalogue's code of what was done."
    )
    reason: ShortText | None = Field(default=None, description="Needed when it is excused.")


class VisitModel(BaseModel):
    id: Uuid
    patient_id: Uuid
    episode_id: Uuid
    held_on: IsoDate
    minutes: int
    outcome: Literal["attended", "missed", "excused"]
    format: str
    remote: bool
    code: str | None
    reason: str | None
    state: Literal["recorded", "entered_in_error"]
    error_reason: str | None
    version: int


class VisitErrorBody(StrictModel):
    """Why it should not be in this chart."""

    reason: LongText


class VisitsModel(BaseModel):
    items: list[VisitModel]
    next_cursor: str | None


class WeekModel(BaseModel):
    """Two ledgers, side by side; `warning` says why a week has to be looked at."""

    first: IsoDate
    planned_hours: float
    delivered_hours: float
    missed_hours: float
    excused_hours: float
    transition: bool
    warning: str | None


class HoursModel(BaseModel):
    items: list[WeekModel]
    next_cursor: str | None


class GateModel(BaseModel):
    id: str
    name: str
    text: str
    state: Literal["met", "not_met", "unknown"]
    facts: dict[str, str | int | float | None]
    note: str | None


class GatesModel(BaseModel):
    """`ready`: every gate is met. A step down is a clinician's act all the same."""

    episode_id: Uuid
    gates: list[GateModel]
    ready: bool


@router.post(
    "/episodes/{episode_id}/visits",
    status_code=201,
    response_model=VisitModel,
    summary="Record a visit: attended, missed, excused",
)
async def record_visit(request: Request, episode_id: Uuid, body: VisitBody) -> Response:
    books, rules = state_of(request).care_plans, state_of(request).placement
    new = NewVisit(body.held_on, body.minutes, body.outcome, body.format, body.remote, body.code, body.reason)

    def create(work: Work) -> tuple[UUID, Visit]:
        made = visiting.record_visit(work, books, episode_id, new)
        if new.outcome is Outcome.MISSED:
            note_missed(work, rules, episode_id)
        return made

    return reply(201, _visit(await perform_once(request, create, visiting.read_visit)))


@router.post(
    "/visits/{visit_id}/error",
    response_model=VisitModel,
    summary="Entered in error: it stays readable, and nothing counts it",
)
async def mark_visit_error(request: Request, visit_id: Uuid, body: VisitErrorBody) -> Response:
    def create(work: Work) -> tuple[UUID, Visit]:
        return visit_id, visiting.mark_error(work, visit_id, body.reason)

    def again(work: Work, made: UUID) -> Visit:
        return visiting.mark_error(work, made, body.reason, replay=True)

    return reply(200, _visit(await perform_once(request, create, again)))


@router.get("/episodes/{episode_id}/visits", response_model=VisitsModel, summary="Last recorded first")
async def list_visits(
    request: Request, episode_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    before = read_cursor(cursor)
    found, last = await perform(
        request, lambda work: visiting.list_visits(work, episode_id, before=before, at_most=limit)
    )
    more = None if last is None else write_cursor(last)
    return reply(200, {"items": [_visit(one) for one in found], "next_cursor": more})


@router.get(
    "/episodes/{episode_id}/hours", response_model=HoursModel, summary="Hours planned and delivered, by week"
)
async def read_hours(request: Request, episode_id: Uuid) -> Response:
    books = state_of(request).care_plans
    found = await perform(request, lambda work: visiting.hours_of(work, books, episode_id))
    return reply(200, {"items": [_week(one) for one in found], "next_cursor": None})


@router.get(
    "/episodes/{episode_id}/gates",
    response_model=GatesModel,
    summary="Step-down gates: met, not met or unknown; nothing is moved",
)
async def read_gates(request: Request, episode_id: Uuid) -> Response:
    books = state_of(request).care_plans
    found = await perform(request, lambda work: visiting.gates_of(work, books, episode_id))
    gates = [
        {
            "id": one.id,
            "name": one.name,
            "text": one.text,
            "state": one.state.value,
            "facts": dict(one.shown),
            "note": one.note,
        }
        for one in found.gates
    ]
    return reply(200, {"episode_id": episode_id, "gates": gates, "ready": found.ready})


def _visit(one: Visit) -> dict[str, Any]:
    form, _, remote = one.format.partition(":")
    return {
        "id": one.id,
        "patient_id": one.patient_id,
        "episode_id": one.episode_id,
        "held_on": one.held_on,
        "minutes": one.minutes,
        "outcome": one.outcome.value,
        "format": form,
        "remote": bool(remote),
        "code": one.code,
        "reason": one.reason,
        "state": "recorded" if one.error is None else "entered_in_error",
        "error_reason": one.error,
        "version": one.version,
    }


def _week(one: Ledger) -> dict[str, Any]:
    return {
        "first": one.week.first,
        "planned_hours": rounded(one.week.planned),
        "delivered_hours": rounded(one.week.delivered),
        "missed_hours": rounded(one.week.missed),
        "excused_hours": rounded(one.week.excused),
        "transition": one.week.transition,
        "warning": one.short,
    }
