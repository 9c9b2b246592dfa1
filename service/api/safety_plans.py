"""Safety plans over HTTP: made with the patient, given to the patient, changed after every event (F22)."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from service.admission.careplan import safety_plans
from service.admission.careplan.safety_plans import KeptSafetyPlan, SafetyPlan
from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.work import Work

router = APIRouter(tags=["care_plans"], route_class=StrictRoute)


class SafetyPlanBody(SafetyPlan):
    """The steps, in the order in which they are taken."""


class SafetyPlanModel(BaseModel):
    id: Uuid
    patient_id: Uuid
    version: int
    plan: SafetyPlan
    author_id: Uuid
    changed_at: str


class SafetyPlansModel(BaseModel):
    items: list[SafetyPlanModel]
    next_cursor: str | None


@router.post(
    "/patients/{patient_id}/safety-plans",
    status_code=201,
    response_model=SafetyPlanModel,
    summary="Make a safety plan with the patient",
)
async def make_safety_plan(request: Request, patient_id: Uuid, body: SafetyPlanBody) -> Response:
    plan = _plan(body)

    def create(work: Work) -> tuple[UUID, KeptSafetyPlan]:
        return safety_plans.make(work, patient_id, plan)

    return _one(201, await perform_once(request, create, safety_plans.read))


@router.get("/patients/{patient_id}/safety-plans", response_model=SafetyPlansModel, summary="Newest first")
async def list_safety_plans(
    request: Request, patient_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    before = read_cursor(cursor)
    found, last = await perform(
        request, lambda work: safety_plans.list_of(work, patient_id, before=before, at_most=limit)
    )
    more = None if last is None else write_cursor(last)
    return reply(200, {"items": [_view(one) for one in found], "next_cursor": more})


@router.get("/safety-plans/{safety_plan_id}", response_model=SafetyPlanModel, summary="One safety plan")
async def read_safety_plan(request: Request, safety_plan_id: Uuid) -> Response:
    return _one(200, await perform(request, lambda work: safety_plans.read(work, safety_plan_id)))


@router.put("/safety-plans/{safety_plan_id}", response_model=SafetyPlanModel, summary="The next version")
async def change_safety_plan(request: Request, safety_plan_id: Uuid, body: SafetyPlanBody) -> Response:
    version, plan = if_match(request), _plan(body)
    changed = await perform(
        request, lambda work: safety_plans.change(work, safety_plan_id, plan, expected=version)
    )
    return _one(200, changed)


def _plan(body: SafetyPlanBody) -> SafetyPlan:
    return SafetyPlan(**{name: getattr(body, name) for name in SafetyPlan.model_fields})


def _one(status: int, one: KeptSafetyPlan) -> Response:
    return reply(status, _view(one), etag=one.version)


def _view(one: KeptSafetyPlan) -> dict[str, Any]:
    return {
        "id": one.id,
        "patient_id": one.patient_id,
        "version": one.version,
        "plan": one.plan.model_dump(mode="json"),
        "author_id": one.author_id,
        "changed_at": one.changed_at,
    }
