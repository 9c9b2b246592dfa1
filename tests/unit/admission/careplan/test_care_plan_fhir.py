"""The plan as FHIR R4: the resources validate, the references meet, and what a patient gets says less."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from fhir.resources.R4B.careplan import CarePlan as CarePlanOfR4B
from fhir.resources.R4B.goal import Goal as GoalOfR4B

from service.admission.careplan.parts import GoalState, Status
from service.admission.careplan.patient_copy import copy_for
from service.admission.careplan.plan import CarePlan, Kept
from service.fhir.care_plan import bundle_of
from service.labels import Label
from tests.unit.admission.careplan.plans import ACCOUNT, BOOK, NOW, OTHER, PLAN, content

PLAN_ID = UUID("00000000-0000-7000-8000-00000000c0de")
#: R4 elements our resources may have: https://hl7.org/fhir/R4/careplan.html, goal.html. What is not listed is no FHIR.
CARE_PLAN = {
    *(
        "resourceType",
        "id",
        "meta",
        "text",
        "status",
        "intent",
        "category",
        "title",
        "subject",
        "period",
        "created",
    ),
    *("addresses", "goal", "activity", "supportingInfo", "note"),
}
DETAIL = {"code", "status", "description", "goal", "scheduledTiming", "performer"}
REPEAT = {"frequency", "period", "periodUnit", "duration", "durationUnit", "dayOfWeek", "timeOfDay"}
GOAL = {
    *(
        "resourceType",
        "id",
        "meta",
        "lifecycleStatus",
        "achievementStatus",
        "category",
        "description",
        "subject",
    ),
    *("startDate", "target", "addresses", "note"),
}
TARGET = {"measure", "detailQuantity", "detailString", "dueDate"}
PLAN_STATUS = {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"}
ACTIVITY_STATUS = {"not-started", "scheduled", "in-progress", "on-hold", "completed", "cancelled", "stopped"}
LIFECYCLE = {"proposed", "planned", "accepted", "active", "on-hold", "completed", "cancelled", "rejected"}
ACHIEVED = {"in-progress", "improving", "worsening", "no-change", "achieved", "sustaining", "not-achieved"}


def plan(status: Status = Status.ACTIVE, **parts: Any) -> CarePlan:
    used = [{"item_id": str(OTHER), "instrument": "phq-9", "version": 2}]
    kept = Kept.model_validate(
        {"content": content(**parts), "basis": {"placement": str(ACCOUNT), "assessments": used}}
    )
    return CarePlan(
        id=PLAN_ID,
        patient_id=ACCOUNT,
        episode_id=OTHER,
        unit="U1",
        status=status,
        version=3,
        author_id=ACCOUNT,
        labels=frozenset({Label.SUD, Label.PSY}),
        kept=kept,
        created_at=NOW,
        changed_at=datetime(2026, 5, 5, tzinfo=UTC),
    )


def resources(one: CarePlan, **options: Any) -> list[dict[str, Any]]:
    bundle = bundle_of(one, BOOK, **options)
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "collection")
    for entry in bundle["entry"]:
        assert entry["fullUrl"] == f"urn:uuid:{entry['resource']['id']}"
    return [entry["resource"] for entry in bundle["entry"]]


@pytest.mark.parametrize("status", Status, ids=lambda one: one.value)
def test_every_resource_has_the_elements_and_codes_of_r4(status: Status) -> None:
    """Held against fhir.resources as well, which accepts any code: the codes are compared here."""
    care_plan, *goals = resources(plan(status))
    CarePlanOfR4B.model_validate(care_plan)
    for goal in goals:
        GoalOfR4B.model_validate(goal)
    assert care_plan.keys() <= CARE_PLAN
    assert (care_plan["intent"], care_plan["status"] in PLAN_STATUS) == ("plan", True)
    assert care_plan["category"][0]["coding"][0]["code"] == "assess-plan"
    assert care_plan["text"]["div"].startswith('<div xmlns="http://www.w3.org/1999/xhtml">')
    for activity in care_plan["activity"]:
        detail = activity["detail"]
        assert detail.keys() <= DETAIL
        assert detail["status"] in ACTIVITY_STATUS
        assert detail["scheduledTiming"]["repeat"].keys() <= REPEAT
    assert len(goals) == 2
    for goal in goals:
        assert goal.keys() <= GOAL
        assert goal["lifecycleStatus"] in LIFECYCLE
        for target in goal["target"]:
            assert target.keys() <= TARGET
            assert "measure" in target, "gol-1: a detail needs its measure"
    assert {one["reference"] for one in care_plan["goal"]} == {f"urn:uuid:{one['id']}" for one in goals}


def test_goals_carry_words_targets_and_milestones() -> None:
    first, second = resources(plan())[1:]
    assert first["description"]["text"] == PLAN["goals"][0]["own_words"]
    assert first["target"] == [
        {
            "measure": {
                "coding": [{"system": "urn:consentry:care-plan", "code": "use_days"}],
                "text": "No day of use in 14 days",
            },
            "detailQuantity": {"value": 0},
            "dueDate": "2026-07-01",
        }
    ]
    assert [(one["detailString"], one["dueDate"]) for one in second["target"]] == [
        ("down by 50 %", "2026-06-15"),
        ("down by 25 %", "2026-05-25"),
    ]


@pytest.mark.parametrize("state", GoalState, ids=lambda one: one.value)
def test_every_state_of_a_goal_has_its_codes(state: GoalState) -> None:
    goal = resources(plan(goals=[PLAN["goals"][0] | {"state": state.value}, PLAN["goals"][1]]))[1]
    assert goal["lifecycleStatus"] in LIFECYCLE
    achievement = goal.get("achievementStatus")
    if state in (GoalState.PROPOSED, GoalState.CANCELLED):
        assert achievement is None
    else:
        assert achievement["coding"][0]["code"] in ACHIEVED
    held = resources(
        plan(Status.ON_HOLD, goals=[PLAN["goals"][0] | {"state": state.value}, PLAN["goals"][1]])
    )[1]
    assert held["lifecycleStatus"] == "on-hold"


def test_comparators_become_those_of_a_quantity() -> None:
    measure = {"source": "count", "code": "x", "comparator": "le", "target": 11, "unit": "points"}
    objective = PLAN["goals"][0]["objectives"][0] | {"measure": measure}
    goal = resources(plan(goals=[PLAN["goals"][0] | {"objectives": [objective]}, PLAN["goals"][1]]))[1]
    assert goal["target"][0]["detailQuantity"] == {"value": 11, "comparator": "<=", "unit": "points"}


def test_sensitivity_goes_along_and_text_is_escaped() -> None:
    words = [PLAN["goals"][0] | {"own_words": "<script>no</script> drinks"}, PLAN["goals"][1]]
    care_plan, *_ = resources(plan(goals=words))
    assert [one["code"] for one in care_plan["meta"]["security"]] == ["R", "PSY", "SUD"]
    assert "<script>" not in care_plan["text"]["div"]


def test_the_patient_is_not_shown_what_the_plan_was_justified_with() -> None:
    own, staff = resources(plan(), for_patient=True)[0], resources(plan())[0]
    assert "supportingInfo" not in own
    assert [one["reference"] for one in staff["supportingInfo"]] == [
        f"QuestionnaireResponse/{OTHER}/_history/2",
        f"Observation/{ACCOUNT}",
    ]


def test_an_empty_plan_is_a_plan_still() -> None:
    bare = plan(Status.DRAFT, goals=[], interventions=[], slots=[], problems=[])
    (care_plan,) = resources(replace(bare, kept=Kept(content=bare.content)))
    assert not {"goal", "activity", "addresses", "supportingInfo"} & care_plan.keys()


def test_the_copy_names_no_third_party_and_is_the_same_for_any_remark() -> None:
    """CP-21: two plans that differ only in what others said are the same to the patient."""
    said = [{"text": "Cooks for others"}, {"text": "His sister says he lies", "third_party": True}]
    one, other = plan(), plan(person={"strengths": said})
    assert copy_for(one, BOOK) == copy_for(other, BOOK)
    assert copy_for(one, BOOK)["strengths"] == ["Cooks for others"]
    assert copy_for(one, BOOK)["problems"][0]["seen_in"] == ["TAPS-1 positive"]
