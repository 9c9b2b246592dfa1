"""A goal of a care plan as FHIR R4 Goal (https://hl7.org/fhir/R4/goal.html): one resource each, a target per objective.

The person's own words are the description, as the Joint Commission asks for them; codes of measures are local, because
only codes that were looked up are given as LOINC (policies/instruments/codes).
"""

from datetime import date
from typing import Any, Final

from service.admission.careplan.content import Goal, Milestone, Objective
from service.admission.careplan.parts import Comparator, GoalState, Number, Status
from service.admission.careplan.plan import CarePlan

LOCAL: Final = "urn:consentry:care-plan"
_LIFECYCLE: Final = {
    GoalState.PROPOSED: "proposed",
    GoalState.IN_PROGRESS: "active",
    GoalState.ACHIEVED: "completed",
    GoalState.REVISED: "active",
    GoalState.NOT_ACHIEVED: "completed",
    GoalState.CANCELLED: "cancelled",
}
_ACHIEVEMENT: Final = {
    GoalState.IN_PROGRESS: "in-progress",
    GoalState.ACHIEVED: "achieved",
    GoalState.REVISED: "in-progress",
    GoalState.NOT_ACHIEVED: "not-achieved",
}
_ACHIEVEMENTS: Final = "http://terminology.hl7.org/CodeSystem/goal-achievement"
_CATEGORIES: Final = "http://terminology.hl7.org/CodeSystem/goal-category"
#: Comparators a Quantity can carry; the others are said in words.
_QUANTITY: Final = {
    Comparator.LESS: "<",
    Comparator.AT_MOST: "<=",
    Comparator.AT_LEAST: ">=",
    Comparator.MORE: ">",
}


def goal_resource(plan: CarePlan, goal: Goal, *, resource_id: str, for_patient: bool) -> dict[str, Any]:
    """One Goal. For the patient without what the problem rests on."""
    resource: dict[str, Any] = {
        "resourceType": "Goal",
        "id": resource_id,
        "lifecycleStatus": _lifecycle(plan, goal),
        "category": [{"coding": [{"system": _CATEGORIES, "code": "behavioral"}]}],
        "description": {"text": goal.own_words or "Not said yet."},
        "subject": {"reference": f"Patient/{plan.patient_id}"},
        "startDate": plan.content.starts_on.isoformat(),
    }
    if goal.state in _ACHIEVEMENT:
        resource["achievementStatus"] = {
            "coding": [{"system": _ACHIEVEMENTS, "code": _ACHIEVEMENT[goal.state]}]
        }
    if targets := [target for one in goal.objectives for target in _targets(one)]:
        resource["target"] = targets
    problem = next((one for one in plan.content.problems if one.key == goal.problem), None)
    if problem is not None:
        resource["addresses"] = [{"display": problem.statement}]
    notes = [one.note for one in plan.kept.steps if one.goal == goal.key and one.note]
    if notes and not for_patient:
        resource["note"] = [{"text": note} for note in notes]
    return resource


def _lifecycle(plan: CarePlan, goal: Goal) -> str:
    """A goal of a plan that is no longer, or not yet, followed has no state of its own."""
    match plan.status:
        case Status.REVOKED:
            return "cancelled"
        case Status.ON_HOLD:
            return "on-hold"
        case Status.DRAFT:
            return "proposed"
        case Status.ACTIVE | Status.COMPLETED:
            return _LIFECYCLE[goal.state]


def _targets(one: Objective) -> list[dict[str, Any]]:
    measure = {"coding": [{"system": LOCAL, "code": one.measure.code}], "text": one.statement}
    found: list[dict[str, Any]] = []
    if one.measure.target is not None:
        found.append(_target(measure, one, one.measure.target, one.due))
    elif one.due is not None:
        found.append({"dueDate": one.due.isoformat()})
    found.extend(_milestone(measure, one, each) for each in one.milestones)
    return found


def _milestone(measure: dict[str, Any], one: Objective, milestone: Milestone) -> dict[str, Any]:
    return _target(measure, one, milestone.target, milestone.due)


def _target(measure: dict[str, Any], one: Objective, value: Number, due: date | None) -> dict[str, Any]:
    """Goal.target: a detail needs its measure (gol-1); a value that is a change from the baseline stays words."""
    target: dict[str, Any] = {"measure": measure}
    comparator = one.measure.comparator
    if comparator in (Comparator.DOWN_BY, Comparator.DOWN_BY_PERCENT):
        unit = "%" if comparator is Comparator.DOWN_BY_PERCENT else one.measure.unit or ""
        target["detailString"] = f"down by {value:g} {unit}".strip()
    else:
        quantity: dict[str, Any] = {"value": value}
        if comparator is not None and comparator in _QUANTITY:
            quantity["comparator"] = _QUANTITY[comparator]
        if one.measure.unit is not None:
            quantity["unit"] = one.measure.unit
        target["detailQuantity"] = quantity
    if due is not None:
        target["dueDate"] = due.isoformat()
    return target
