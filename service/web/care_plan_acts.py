"""Acts on a care plan from its page: signed, put in force, reviewed, held, ended; a goal's step.

Every act is one of the API's operations, done once however often its button was pressed; refused, the page says why
and keeps what was typed.
"""

from collections.abc import Callable, Mapping
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.admission.careplan import goals, operations, signing
from service.admission.careplan.content import Content
from service.admission.careplan.goals import NewStep, NewValue
from service.admission.careplan.lifecycle import Act
from service.admission.careplan.parts import Decided, GoalState, SignerKind
from service.admission.careplan.signing import NewReview, NewSignature
from service.edge.context import state_of
from service.edge.forms import read_form
from service.edge.models import Uuid
from service.edge.state import State
from service.errors import Code, Conflict, Invalid, Stale
from service.web import cookies
from service.web.care_plan import DECISIONS, GOAL_STATES, SIGNERS, show
from service.web.entering import read_day
from service.web.medical_carried import version_in
from service.web.pages import (
    PageRoute,
    go,
    perform_once_on_page,
)
from service.work import Work

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.post("/care-plans/{plan_id}/signatures")
async def sign_plan(request: Request, plan_id: Uuid) -> Response:
    def act(work: Work, state: State, sent: Mapping[str, str], version: int) -> None:
        kind, decision = sent.get("kind", ""), sent.get("decision", "")
        if kind not in SIGNERS:
            raise Invalid(Code.CARE_PLAN_INVALID, "Say who signs.")
        patient = kind == SignerKind.PATIENT.value
        new = NewSignature(
            kind=SignerKind(kind),
            name=_line(sent, "name")
            if kind in (SignerKind.PATIENT.value, SignerKind.GUARDIAN.value)
            else None,
            decision=Decided(decision) if patient and decision in DECISIONS else None,
            reason=_line(sent, "reason"),
            trainee="trainee" in sent,
        )
        signing.sign(work, state.care_plans, plan_id, new, expected=version)

    return await _act(request, plan_id, act)


@router.post("/care-plans/{plan_id}/activation")
async def activate_plan(request: Request, plan_id: Uuid) -> Response:
    def act(work: Work, state: State, sent: Mapping[str, str], version: int) -> None:
        signing.activate(work, state.care_plans, plan_id, expected=version)

    return await _act(request, plan_id, act)


@router.post("/care-plans/{plan_id}/reviews")
async def review_plan(request: Request, plan_id: Uuid) -> Response:
    def act(work: Work, state: State, sent: Mapping[str, str], version: int) -> None:
        signing.review(work, state.care_plans, plan_id, review_in(sent), expected=version)

    return await _act(request, plan_id, act)


@router.post("/care-plans/{plan_id}/status")
async def settle_plan(request: Request, plan_id: Uuid) -> Response:
    def act(work: Work, state: State, sent: Mapping[str, str], version: int) -> None:
        chosen = sent.get("act", "")
        if chosen not in (Act.HOLD, Act.RESUME, Act.COMPLETE, Act.REVOKE):
            raise Invalid(Code.CARE_PLAN_INVALID, "This cannot be done with a care plan.")
        reason = _reason(sent)
        signing.settle(work, state.care_plans, plan_id, Act(chosen), reason, expected=version)

    return await _act(request, plan_id, act)


@router.post("/care-plans/{plan_id}/goals/{goal}")
async def step_goal(request: Request, plan_id: Uuid, goal: str) -> Response:
    def act(work: Work, state: State, sent: Mapping[str, str], version: int) -> None:
        to = sent.get("state", "")
        if to not in GOAL_STATES:
            raise Invalid(Code.CARE_PLAN_INVALID, "Say what has become of the goal.")
        step = NewStep(GoalState(to), _line(sent, "note", 4000), _value_in(sent))
        goals.step(work, state.care_plans, plan_id, goal, step, expected=version)

    return await _act(request, plan_id, act)


def review_in(sent: Mapping[str, str], content: Content | None = None) -> NewReview:
    """A review as it was sent; Invalid when its day cannot be read."""
    next_on, summary = read_day(sent.get("next_on", "")), _line(sent, "summary", 4000)
    if next_on is None or summary is None:
        raise Invalid(Code.CARE_PLAN_INVALID, "A review says what was found, and the day of the next one.")
    return NewReview(summary, next_on, "patient_took_part" in sent, content)


# -- inside -----------------------------------------------------------------------------------------------------------


async def _act(
    request: Request, plan_id: UUID, act: Callable[[Work, State, Mapping[str, str], int], None]
) -> Response:
    """One act on a plan, once; refused, the page says why and keeps what was typed."""
    sent = await read_form(request)
    cookies.check_form(request, sent, cookies.SESSION)
    state, version = state_of(request), version_in(sent)

    def create(work: Work) -> tuple[UUID, None]:
        act(work, state, sent, version)
        return plan_id, None

    def again(work: Work, made: UUID) -> None:
        operations.read(work, state.care_plans, made)

    try:
        await perform_once_on_page(request, sent, create, again)
    except (Invalid, Conflict, Stale) as error:
        status = 422 if isinstance(error, Invalid) else 409
        return await show(request, plan_id, status, error=error, sent=sent)
    return go(f"/care-plans/{plan_id}")


def _value_in(sent: Mapping[str, str]) -> NewValue | None:
    """The measured value beside a goal's step, if there is one."""
    typed, day = sent.get("value", "").strip(), read_day(sent.get("on", ""))
    objective = _line(sent, "objective", 20)
    if not typed:
        return None
    try:
        number = float(typed)
    except ValueError:
        number = float("nan")
    if day is None or objective is None or not -1e6 < number < 1e6:
        raise Invalid(
            Code.CARE_PLAN_INVALID, "A measured value has a number, a day and the objective it belongs to."
        )
    code = _line(sent, f"code:{objective}", 40) or ""
    value = int(number) if number == int(number) else number
    return NewValue(code=code, value=value, on=day, objective=objective)


def _reason(sent: Mapping[str, str]) -> str:
    reason = _line(sent, "reason", 4000)
    if reason is None:
        raise Invalid(Code.CARE_PLAN_INVALID, "Say why.")
    return reason


def _line(sent: Mapping[str, str], name: str, most: int = 200) -> str | None:
    return sent.get(name, "").strip()[:most] or None
