"""A care plan as FHIR R4: a collection of one CarePlan (US Core category `assess-plan`) and its Goals.

https://hl7.org/fhir/R4/careplan.html; US Core CarePlan asks for text, status, intent, category and subject (memory).
Pure mapping: what is shown here was decided when the plan was read. Sensitivity goes along as security labels of the
resources (HL7 v3 ActCode), so that whoever receives them can keep apart what has to be kept apart.
"""

from datetime import UTC
from html import escape
from typing import Any, Final
from uuid import uuid5

from service.admission.careplan.book import CarePlanBook
from service.admission.careplan.content import Content, Intervention, Slot
from service.admission.careplan.parts import Status
from service.admission.careplan.plan import CarePlan
from service.fhir.goal import LOCAL, goal_resource
from service.fhir.vocabulary import security

_CATEGORY: Final = "http://hl7.org/fhir/us/core/CodeSystem/careplan-category"
_STATUS: Final = {
    Status.DRAFT: "draft",
    Status.ACTIVE: "active",
    Status.ON_HOLD: "on-hold",
    Status.COMPLETED: "completed",
    Status.REVOKED: "revoked",
}
_ACTIVITY: Final = {
    Status.DRAFT: "not-started",
    Status.ACTIVE: "in-progress",
    Status.ON_HOLD: "on-hold",
    Status.COMPLETED: "completed",
    Status.REVOKED: "cancelled",
}
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def bundle_of(plan: CarePlan, book: CarePlanBook, *, for_patient: bool = False) -> dict[str, Any]:
    """The Bundle. Ids of goals follow from the plan's id and the goal's key: the same in every export."""
    goals = {one.key: str(uuid5(plan.id, one.key)) for one in plan.content.goals}
    meta = _meta(plan)
    resources = [
        _care_plan(plan, book, goals, for_patient=for_patient) | {"meta": meta},
        *(
            goal_resource(plan, one, resource_id=goals[one.key], for_patient=for_patient) | {"meta": meta}
            for one in plan.content.goals
        ),
    ]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": _instant(plan),
        "entry": [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in resources],
    }


def _care_plan(
    plan: CarePlan, book: CarePlanBook, goals: dict[str, str], *, for_patient: bool
) -> dict[str, Any]:
    content = plan.content
    resource: dict[str, Any] = {
        "resourceType": "CarePlan",
        "id": str(plan.id),
        "text": {"status": "generated", "div": _narrative(plan)},
        "status": _STATUS[plan.status],
        "intent": "plan",
        "category": [{"coding": [{"system": _CATEGORY, "code": "assess-plan"}]}],
        "title": "Preliminary care plan" if content.preliminary else "Care plan",
        "subject": {"reference": f"Patient/{plan.patient_id}"},
        "period": _period(content),
        "created": _instant(plan),
    }
    if problems := [{"display": one.statement} for one in content.problems]:
        resource["addresses"] = problems
    if goals:
        resource["goal"] = [{"reference": f"urn:uuid:{one}"} for one in goals.values()]
    if activities := [_activity(plan, one, book, goals) for one in content.interventions]:
        resource["activity"] = activities
    if not for_patient and (basis := _basis(plan)):
        resource["supportingInfo"] = basis
    return resource


def _activity(plan: CarePlan, one: Intervention, book: CarePlanBook, goals: dict[str, str]) -> dict[str, Any]:
    offer = book.offers.get(one.code)
    name = one.code if offer is None else offer.name
    detail: dict[str, Any] = {
        "code": {"coding": [{"system": LOCAL, "code": one.code}], "text": name},
        "status": _ACTIVITY[plan.status],
        "description": f"{name}, {one.format.value}",
    }
    if aims := [goals[goal.key] for goal in plan.content.goals if one.key in goal.interventions]:
        detail["goal"] = [{"reference": f"urn:uuid:{aim}"} for aim in aims]
    slots = [slot for slot in plan.content.slots if slot.intervention == one.key]
    if timing := _timing(one, slots):
        detail["scheduledTiming"] = timing
    if one.role is not None:
        detail["performer"] = [{"display": one.role}]
    return {"detail": detail}


def _timing(one: Intervention, slots: list[Slot]) -> dict[str, Any]:
    repeat: dict[str, Any] = {}
    if one.times is not None and one.per_days is not None:
        repeat |= {"frequency": one.times, "period": one.per_days, "periodUnit": "d"}
    minutes = {slot.minutes for slot in slots} or ({one.minutes} if one.minutes else set())
    if len(minutes) == 1:
        repeat |= {"duration": minutes.pop(), "durationUnit": "min"}
    if slots:
        repeat["dayOfWeek"] = [
            day for number, day in enumerate(_DAYS) if any(s.weekday == number for s in slots)
        ]
        repeat["timeOfDay"] = sorted({f"{slot.starts:%H:%M}:00" for slot in slots})
    return {"repeat": repeat} if repeat else {}


def _basis(plan: CarePlan) -> list[dict[str, Any]]:
    basis = plan.kept.basis
    found = [
        {"reference": f"QuestionnaireResponse/{one.item_id}/_history/{one.version}"}
        for one in basis.assessments
    ]
    if basis.placement is not None:
        found.append({"reference": f"Observation/{basis.placement}"})
    return found


def _period(content: Content) -> dict[str, str]:
    period = {"start": content.starts_on.isoformat()}
    return period if content.ends_on is None else period | {"end": content.ends_on.isoformat()}


def _meta(plan: CarePlan) -> dict[str, Any]:
    return {
        "versionId": str(plan.version),
        "lastUpdated": _instant(plan),
        "security": security(plan.labels),
    }


def _narrative(plan: CarePlan) -> str:
    """XHTML in which everything that was typed is escaped."""
    goals = "".join(f"<li>{escape(one.own_words)}</li>" for one in plan.content.goals)
    until = escape(plan.content.review_on.isoformat())
    listed = f"<ul>{goals}</ul>" if goals else ""
    return f'<div xmlns="http://www.w3.org/1999/xhtml"><p>Care plan, to be reviewed by {until}.</p>{listed}</div>'


def _instant(plan: CarePlan) -> str:
    return plan.changed_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
