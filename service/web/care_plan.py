"""A care plan as pages: begun, shown with what the rules say of it and where that is mended, signed, reviewed, followed.

Every act is one of the API's operations; the buttons are those of the table of states (lifecycle.py). A patient is
shown the patient's copy and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.access.actions import Action
from service.access.caller import CallerKind
from service.admission.careplan import hours, operations
from service.admission.careplan.content import Content
from service.admission.careplan.lifecycle import TRANSITIONS, Act, acts_from
from service.admission.careplan.operations import Shown
from service.admission.careplan.parts import Decided, GoalState, SignerKind, Weeks
from service.admission.careplan.patient_copy import copy_for
from service.admission.careplan.plan import CarePlan
from service.edge.context import state_of
from service.edge.forms import read_form
from service.edge.models import Uuid
from service.edge.state import State
from service.errors import ConsentryError, Invalid
from service.people.at_law import years
from service.people.facts import patient_facts, program_day
from service.people.operations import open_patient_name
from service.web import cookies
from service.web.care_plan_findings import ShownFinding, shown_finding
from service.web.care_plan_kinds import DAYS
from service.web.entering import read_day
from service.web.heading import Heading, heading_of, staff_names, us_day
from service.web.medical_words import LABELS
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

_PLANS: Final = 50
_REVIEW: Final = timedelta(days=30)
STATUS: Final = {
    "draft": "Draft",
    "active": "In force",
    "on_hold": "On hold",
    "completed": "Completed",
    "revoked": "Revoked",
}
SIGNERS: Final = {
    SignerKind.CLINICIAN.value: "I sign as the clinician",
    SignerKind.SUPERVISOR.value: "I sign second, as the supervisor of a trainee",
    SignerKind.PATIENT.value: "The patient’s word",
    SignerKind.GUARDIAN.value: "The guardian signs",
}
DECISIONS: Final = {
    Decided.AGREES.value: "Agrees, and signs",
    Decided.DISAGREES.value: "Disagrees, and signs",
    Decided.DECLINED.value: "Declines to sign",
    Decided.UNABLE.value: "Cannot sign now",
}
GOAL_STATES: Final = {one.value: one.value.replace("_", " ").capitalize() for one in GoalState}


@dataclass(frozen=True, slots=True)
class Hours:
    """Planned hours of odd and of even weeks, and what the level asks for."""

    odd: float
    even: float
    least: float | None
    most: float | None
    source: str

    @property
    def fits(self) -> bool:
        return self.least is None or (
            self.least <= min(self.odd, self.even) and max(self.odd, self.even) <= (self.most or self.least)
        )


@dataclass(frozen=True, slots=True, repr=False)
class PlanPage:
    heading: Heading
    shown: Shown
    findings: tuple[ShownFinding, ...]
    hours: Hours
    names: Mapping[UUID, str]
    offers: Mapping[str, str]
    writable: bool
    may_sign: bool
    acts: tuple[tuple[str, str], ...]

    @property
    def plan(self) -> CarePlan:
        return self.shown.plan


@router.get("/patients/{patient_id}/care-plans")
async def plans_page(request: Request, patient_id: Uuid) -> Response:
    return await _list(request, patient_id)


@router.post("/patients/{patient_id}/care-plans")
async def begin_plan(request: Request, patient_id: Uuid) -> Response:
    sent = await read_form(request)
    cookies.check_form(request, sent, cookies.SESSION)
    books = state_of(request).care_plans

    def create(work: Work) -> tuple[UUID, UUID]:
        today = program_day(work)
        starts = read_day(sent.get("starts_on", "")) or today
        content = Content(
            starts_on=starts,
            review_on=starts + _REVIEW,
            time_zone=work.program.timezone,
            level=sent.get("level", "").strip()[:40] or "2.1",
            preliminary="preliminary" in sent,
        )
        made, _ = operations.begin(work, books, patient_id, None, content)
        return made, made

    def again(work: Work, made: UUID) -> UUID:
        return operations.read(work, books, made).plan.id

    try:
        made = await perform_once_on_page(request, sent, create, again)
    except Invalid as error:
        return await _list(request, patient_id, 422, error=error)
    return go(f"/care-plans/{made}")


@router.get("/care-plans/{plan_id}")
async def plan_page(request: Request, plan_id: Uuid) -> Response:
    return await show(request, plan_id)


@router.get("/care-plans/{plan_id}/copy")
async def copy_page(request: Request, plan_id: Uuid) -> Response:
    return await show(request, plan_id, copy=True)


async def show(
    request: Request,
    plan_id: UUID,
    status: int = 200,
    *,
    copy: bool = False,
    error: ConsentryError | None = None,
    sent: Mapping[str, str] | None = None,
) -> Response:
    """The plan, or the patient's copy of it. `sent`: what was typed with the act that was refused."""
    books = state_of(request).care_plans

    def unit(work: Work) -> tuple[Viewer, PlanPage, bool]:
        shown = operations.read(work, books, plan_id)
        own = work.caller.kind is CallerKind.PATIENT
        return viewer_of(request, work), _page(work, state_of(request), shown), own or copy

    viewer, page, for_patient = await perform_on_page(request, unit)
    if for_patient:
        document = copy_for(page.plan, books.plans)
        return render("care_plan_copy.html", 200, viewer, page=page, copy=document, day=us_day)
    return render(
        "care_plan.html",
        status,
        viewer,
        page=page,
        error=error,
        sent=sent or {},
        once=once_key(),
        statuses=STATUS,
        signers=SIGNERS,
        decisions=DECISIONS,
        goal_states=GOAL_STATES,
        weekdays=DAYS,
        day=us_day,
        label_words=LABELS,
    )


# -- inside -----------------------------------------------------------------------------------------------------------


async def _list(
    request: Request, patient_id: UUID, status: int = 200, *, error: ConsentryError | None = None
) -> Response:
    def unit(work: Work) -> tuple[Viewer, Heading, tuple[CarePlan, ...], bool, str]:
        plans, _ = operations.list_of(work, patient_id, before=None, at_most=_PLANS)
        facts = patient_facts(work, patient_id)
        may = facts is not None and work.permits(Action.CARE_PLAN_WRITE, facts)
        today = program_day(work).isoformat()
        return viewer_of(request, work), heading_of(work, patient_id), plans, may, today

    viewer, heading, plans, may_begin, today = await perform_on_page(request, unit)
    return render(
        "care_plans.html",
        status,
        viewer,
        heading=heading,
        plans=plans,
        may_begin=may_begin,
        today=today,
        statuses=STATUS,
        day=us_day,
        error=error,
        once=once_key(),
    )


def _page(work: Work, state: State, shown: Shown) -> PlanPage:
    plan, book = shown.plan, state.care_plans.plans
    facts = patient_facts(work, plan.patient_id)
    accounts = [one.account_id for one in (*plan.kept.signatures, *plan.kept.reviews)]
    may_write = facts is not None and work.permits(Action.CARE_PLAN_WRITE, facts)
    may_sign = facts is not None and work.permits(Action.CARE_PLAN_SIGN, facts)
    offered = acts_from(plan.status)
    return PlanPage(
        heading=heading_of(work, plan.patient_id),
        shown=shown,
        findings=tuple(
            shown_finding(plan.content, one)
            for one in sorted(shown.findings, key=lambda one: one.severity.value)
        ),
        hours=_hours(work, state, plan),
        names=staff_names(work, accounts),
        offers={offer.code: offer.name for offer in book.offers.values()},
        writable=(may_write and Act.EDIT in offered) or (may_sign and Act.REVIEW in offered),
        may_sign=may_sign,
        acts=tuple(
            (act.value, TRANSITIONS[plan.status, act].label)
            for act in offered
            if (may_sign if TRANSITIONS[plan.status, act].action is Action.CARE_PLAN_SIGN else may_write)
        ),
    )


def _hours(work: Work, state: State, plan: CarePlan) -> Hours:
    book = state.care_plans.plans
    born = read_day(open_patient_name(work, plan.patient_id)["birth_date"])
    age = None if born is None else years(born, plan.content.starts_on)
    limit = book.hour_limit(plan.content.level, age, work.program.state)
    return Hours(
        odd=hours.rounded(hours.planned(plan.content, book, Weeks.ODD)),
        even=hours.rounded(hours.planned(plan.content, book, Weeks.EVEN)),
        least=None if limit is None else limit.least / 60,
        most=None if limit is None else limit.most / 60,
        source="" if limit is None else limit.source,
    )
