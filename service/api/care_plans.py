"""Care plans over HTTP: drafted, signed, put in force, reviewed, followed; the patient's copy; as FHIR."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from service.access.caller import CallerKind
from service.admission.careplan import goals, operations, signing
from service.admission.careplan.goals import NewStep, NewValue
from service.admission.careplan.lifecycle import Act
from service.admission.careplan.operations import Shown
from service.admission.careplan.patient_copy import copy_for
from service.admission.careplan.signing import NewReview, NewSignature
from service.api.care_plan_shapes import (
    ActivationBody,
    BundleModel,
    CarePlanModel,
    GoalStatusBody,
    NewPlanBody,
    PatientPlanModel,
    PlanBody,
    PlansModel,
    ReviewBody,
    SignatureBody,
    StatusBody,
    ValueBody,
    content_of,
    plan_line,
    plan_view,
)
from service.edge.context import state_of
from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.fhir.care_plan import bundle_of
from service.work import Work

router = APIRouter(tags=["care_plans"], route_class=StrictRoute)

Audience = Annotated[
    Literal["staff", "patient"], Query(description="`patient`: the copy without third parties.")
]
GoalKey = Annotated[str, Path(pattern="^[a-z][a-z0-9_-]{0,19}$")]


@router.post(
    "/patients/{patient_id}/care-plans",
    status_code=201,
    response_model=CarePlanModel,
    summary="Begin a care plan; the draft says what it lacks",
)
async def begin_care_plan(request: Request, patient_id: Uuid, body: NewPlanBody) -> Response:
    books, content = state_of(request).care_plans, content_of(body)

    def create(work: Work) -> tuple[UUID, Shown]:
        return operations.begin(work, books, patient_id, body.episode_id, content)

    made = await perform_once(request, create, lambda work, plan_id: operations.read(work, books, plan_id))
    return _one(request, 201, made)


@router.get("/patients/{patient_id}/care-plans", response_model=PlansModel, summary="Newest first")
async def list_care_plans(
    request: Request, patient_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    before = read_cursor(cursor)
    plans, last = await perform(
        request, lambda work: operations.list_of(work, patient_id, before=before, at_most=limit)
    )
    more = None if last is None else write_cursor(last)
    return reply(200, {"items": [plan_line(one) for one in plans], "next_cursor": more})


@router.get(
    "/care-plans/{plan_id}",
    response_model=CarePlanModel | PatientPlanModel,
    summary="One care plan; a patient gets the patient's copy",
)
async def read_care_plan(request: Request, plan_id: Uuid, audience: Audience = "staff") -> Response:
    books = state_of(request).care_plans

    def unit(work: Work) -> tuple[Shown, bool]:
        shown = operations.read(work, books, plan_id)
        return shown, work.caller.kind is CallerKind.PATIENT

    shown, own = await perform(request, unit)
    if own or audience == "patient":
        return reply(200, copy_for(shown.plan, books.plans), etag=shown.plan.version)
    return _one(request, 200, shown)


@router.get(
    "/care-plans/{plan_id}/fhir", response_model=BundleModel, summary="As FHIR R4: CarePlan and Goals"
)
async def read_care_plan_fhir(request: Request, plan_id: Uuid) -> Response:
    books = state_of(request).care_plans

    def unit(work: Work) -> tuple[Shown, bool]:
        shown = operations.read(work, books, plan_id)
        return shown, work.caller.kind is CallerKind.PATIENT

    shown, own = await perform(request, unit)
    return reply(200, bundle_of(shown.plan, books.plans, for_patient=own))


@router.put(
    "/care-plans/{plan_id}",
    response_model=CarePlanModel,
    summary="Save a draft; what was signed is signed anew",
)
async def save_care_plan(request: Request, plan_id: Uuid, body: PlanBody) -> Response:
    version, books, content = if_match(request), state_of(request).care_plans, content_of(body)
    saved = await perform(
        request, lambda work: operations.save(work, books, plan_id, content, expected=version)
    )
    return _one(request, 200, saved)


@router.post(
    "/care-plans/{plan_id}/signatures",
    status_code=201,
    response_model=CarePlanModel,
    summary="Sign: clinician, supervisor, guardian; the patient's word, or why there is none",
)
async def sign_care_plan(request: Request, plan_id: Uuid, body: SignatureBody) -> Response:
    books, version = state_of(request).care_plans, _version(request)
    new = NewSignature(body.kind, body.name, body.decision, body.reason, body.trainee)

    def act(work: Work) -> tuple[UUID, Shown]:
        return plan_id, signing.sign(work, books, plan_id, new, expected=version)

    return _one(
        request, 201, await perform_once(request, act, lambda work, made: operations.read(work, books, made))
    )


@router.post(
    "/care-plans/{plan_id}/activation",
    response_model=CarePlanModel,
    summary="Put it in force; every error of the rules is named at once",
)
async def activate_care_plan(request: Request, plan_id: Uuid, _body: ActivationBody) -> Response:
    books, version = state_of(request).care_plans, _version(request)

    def act(work: Work) -> tuple[UUID, Shown]:
        return plan_id, signing.activate(work, books, plan_id, expected=version)

    return _one(
        request, 200, await perform_once(request, act, lambda work, made: operations.read(work, books, made))
    )


@router.post(
    "/care-plans/{plan_id}/reviews",
    status_code=201,
    response_model=CarePlanModel,
    summary="Reviewed today, next review by a day within the profile's",
)
async def review_care_plan(request: Request, plan_id: Uuid, body: ReviewBody) -> Response:
    books, version = state_of(request).care_plans, _version(request)
    content = None if body.plan is None else content_of(body.plan)
    new = NewReview(body.summary, body.next_on, body.patient_took_part, content)

    def act(work: Work) -> tuple[UUID, Shown]:
        return plan_id, signing.review(work, books, plan_id, new, expected=version)

    return _one(
        request, 201, await perform_once(request, act, lambda work, made: operations.read(work, books, made))
    )


@router.post(
    "/care-plans/{plan_id}/status",
    response_model=CarePlanModel,
    summary="Hold, resume, complete, revoke; a draft is revoked when it is given up",
)
async def settle_care_plan(request: Request, plan_id: Uuid, body: StatusBody) -> Response:
    books, version = state_of(request).care_plans, _version(request)
    chosen = Act(body.act)

    def act(work: Work) -> tuple[UUID, Shown]:
        return plan_id, signing.settle(work, books, plan_id, chosen, body.reason, expected=version)

    return _one(
        request, 200, await perform_once(request, act, lambda work, made: operations.read(work, books, made))
    )


@router.post(
    "/care-plans/{plan_id}/values",
    status_code=201,
    response_model=CarePlanModel,
    summary="Keep a measured value; days of use in a row raise a flag",
)
async def measure_care_plan(request: Request, plan_id: Uuid, body: ValueBody) -> Response:
    books, version, new = state_of(request).care_plans, _version(request), _value(body)

    def act(work: Work) -> tuple[UUID, Shown]:
        return plan_id, goals.measure(work, books, plan_id, new, expected=version)

    return _one(
        request, 201, await perform_once(request, act, lambda work, made: operations.read(work, books, made))
    )


@router.post(
    "/care-plans/{plan_id}/goals/{goal}/status",
    response_model=CarePlanModel,
    summary="A goal's new state, by a dated value or a clinician's note",
)
async def step_goal(request: Request, plan_id: Uuid, goal: GoalKey, body: GoalStatusBody) -> Response:
    books, version = state_of(request).care_plans, _version(request)
    new = NewStep(body.state, body.note, None if body.value is None else _value(body.value))

    def act(work: Work) -> tuple[UUID, Shown]:
        return plan_id, goals.step(work, books, plan_id, goal, new, expected=version)

    return _one(
        request, 200, await perform_once(request, act, lambda work, made: operations.read(work, books, made))
    )


def _value(body: ValueBody) -> NewValue:
    return NewValue(body.code, body.value, body.on, body.goal, body.objective, body.note)


def _version(request: Request) -> int | None:
    """The version the caller read, where saying so is welcome and not required: the state decides anyway."""
    return if_match(request) if "if-match" in request.headers else None


def _one(request: Request, status: int, shown: Shown) -> Response:
    return reply(status, plan_view(shown, state_of(request).care_plans.plans), etag=shown.plan.version)
