"""Visits and their two ledgers, gates, safety plans, and the end of an episode with what follows from it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from service.api.discharge import DischargeModel
from service.api.safety_plans import SafetyPlanModel
from service.api.visits import GatesModel, HoursModel, VisitModel
from tests.house import Service
from tests.integration.admission.careplan.ward import Ward
from tests.integration.disclosure.office import CLINIC_ONLY, SPECIFIC

SAFETY: dict[str, Any] = {
    "warning_signs": ["I stop answering the phone"],
    "coping": ["a walk to the river"],
    "people": [{"name": "Sam Testperson"}],
    "professionals": [{"name": "Crisis line", "phone": "988"}],
    "safer_surroundings": "The key is with a neighbour.",
    "overdose_plan": "Naloxone is by the door.",
    "naloxone": "given",
}
NEXT: dict[str, Any] = {
    "level": "1.5",
    "provider": "Elm Family Clinic",
    "medicines": [{"name": "naltrexone", "purpose": "maud", "prescriber": "Dr Test"}],
    "naloxone": True,
    "follow_up_30": True,
}


def fields(answer: Any) -> set[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return {(one["field"], one["code"]) for one in answer.json()["errors"]}


def test_visits_are_kept_as_attendance_and_nothing_else(ward: Ward, service: Service) -> None:
    made = ward.visit(code="CBT", remote=True)
    assert VisitModel.model_validate(made).model_dump(mode="json") == made
    assert (made["format"], made["remote"], made["outcome"]) == ("group", True, "attended")
    item = ward.clinician.get(f"/items/{made['id']}").json()
    assert (item["kind"], item["categories"]) == ("attendance", ["SUD"])
    path = f"/episodes/{ward.episode_id}/visits"
    body = {"held_on": ward.day(0), "minutes": 60, "outcome": "attended", "format": "group"}
    assert fields(ward.clinician.post(path, body | {"held_on": ward.day(1)})) == {("held_on", "implausible")}
    assert fields(ward.clinician.post(path, body | {"held_on": ward.day(-1)})) == {("held_on", "implausible")}
    assert fields(ward.clinician.post(path, body | {"outcome": "excused"})) == {("reason", "missing")}
    assert fields(ward.clinician.post(path, body | {"code": "YOGA"})) == {("code", "unknown_code")}
    assert ward.clinician.post(path, body | {"minutes": 0}).status_code == 422
    assert ward.intake.post(path, body).status_code == 403
    service.clock.set(service.clock.now() + timedelta(seconds=1))
    ward.visit(outcome="excused", reason="court date")
    listed = ward.clinician.get(f"{path}?limit=1").json()
    assert [one["outcome"] for one in listed["items"]] == ["excused"]
    rest = ward.intake.get(path, params={"cursor": listed["next_cursor"]}).json()
    assert ([one["id"] for one in rest["items"]], rest["next_cursor"]) == ([made["id"]], None)
    key = {"Idempotency-Key": "visit-once"}
    first, again = (ward.clinician.post(path, body, headers=key).json() for _ in range(2))
    assert first == again


def test_a_visit_in_error_is_read_and_counted_nowhere(ward: Ward, service: Service) -> None:
    made = ward.visit()
    hours = f"/episodes/{ward.episode_id}/hours"
    assert ward.clinician.get(hours).json()["items"][-1]["delivered_hours"] == 3.0
    path, why = f"/visits/{made['id']}/error", {"reason": "Another Testperson was there"}
    assert ward.clinician.post(path, {}).status_code == 422
    assert ward.intake.post(path, why).status_code == 403
    assert ward.clinician.post(f"/visits/{ward.episode_id}/error", why).status_code == 404
    key = {"Idempotency-Key": "visit-in-error"}
    first, again = (ward.clinician.post(path, why, headers=key) for _ in range(2))
    assert (first.status_code, again.json()) == (200, first.json()), first.text
    body = first.json()
    assert VisitModel.model_validate(body).model_dump(mode="json") == body
    assert (body["state"], body["error_reason"], body["version"]) == ("entered_in_error", why["reason"], 2)
    assert ward.clinician.post(path, why).json()["code"] == "visit_in_error"
    assert ward.clinician.get(hours).json()["items"][-1]["delivered_hours"] == 0.0
    listed = ward.clinician.get(f"/episodes/{ward.episode_id}/visits").json()["items"]
    assert [(one["id"], one["state"]) for one in listed] == [(made["id"], "entered_in_error")]


def test_planned_and_delivered_hours_stand_side_by_side(ward: Ward) -> None:
    ward.in_force()
    monday = -ward.today.weekday()
    ward.wait(timedelta(days=28))
    weeks = {7: ("attended", 540, None), 14: ("missed", 540, "Below the 9 hours"), 21: ("excused", 540, None)}
    for offset, (outcome, minutes, _) in weeks.items():
        ward.visit(monday + offset, outcome, minutes=minutes, reason="court")
    answer = ward.clinician.get(f"/episodes/{ward.episode_id}/hours").json()
    assert HoursModel.model_validate(answer).model_dump(mode="json") == answer
    found = {one["first"]: one for one in answer["items"]}
    for offset, (outcome, _, warning) in weeks.items():
        week = found[ward.day(monday + offset)]
        assert (
            week["planned_hours"],
            week[f"{'delivered' if outcome == 'attended' else outcome}_hours"],
        ) == (9.0, 9.0)
        assert (week["warning"] or "").startswith(warning or "") and (week["warning"] is None) == (
            warning is None
        )
    current = answer["items"][-1]
    assert current["warning"] is None, "the week is not over"


def test_three_days_missed_in_a_row_make_a_task(ward: Ward, service: Service) -> None:
    ward.wait(timedelta(days=4))
    ward.visit(0, "missed")
    ward.visit(1, "missed")
    assert ward.clinician.get(f"/patients/{ward.patient_id}/flags").json()["items"] == []
    ward.visit(2, "missed")
    ward.visit(3, "missed")
    (flag,) = ward.clinician.get(f"/patients/{ward.patient_id}/flags").json()["items"]
    assert (flag["code"], flag["severity"], flag["state"]) == ("step_up_missed_days", "same_day", "open")
    assert len(service.entries(action="flag.raise")) == 1


def test_gates_show_what_is_met_and_move_nobody(ward: Ward) -> None:
    path = f"/episodes/{ward.episode_id}/gates"
    before = ward.clinician.get(path).json()
    assert GatesModel.model_validate(before).model_dump(mode="json") == before
    assert ({one["state"] for one in before["gates"]}, before["ready"]) == ({"unknown"}, False)
    given = SAFETY | {"given_on": ward.day(0)}
    safety = ward.clinician.post(f"/patients/{ward.patient_id}/safety-plans", given).json()["id"]
    leaving = ward.plan()["leaving"] | {
        "aftercare": {
            "last_group_on": ward.day(20),
            "first_on": ward.day(27),
            "relapse_plan_given_on": ward.day(0),
        }
    }
    plan = ward.in_force(leaving=leaving, safety={"naloxone": "has", "safety_plan": safety})["id"]
    ward.visit(0, minutes=480)
    ward.visit(0, "missed", minutes=121)
    ward.act(plan, "values", {"code": "use_days", "value": 0, "on": ward.day(0)})
    for goal in ("g1", "g2"):
        answer = ward.act(plan, f"goals/{goal}/status", {"state": "revised", "note": "with the patient"})
        assert answer.status_code == 200, answer.text
    after = ward.clinician.get(path).json()
    states = {one["id"]: one["state"] for one in after["gates"]}
    assert states == {
        "G1": "not_met",
        "G2": "met",
        "G3": "unknown",
        "G4": "unknown",
        "G5": "unknown",
        "G6": "met",
        "G7": "met",
        "G8": "met",
    }
    assert after["ready"] is False
    course = ward.clinician.get(f"/episodes/{ward.episode_id}").json()
    assert course["state"] == "admitted"


def test_a_positive_answer_asks_for_a_safety_plan_and_closes_a_gate(ward: Ward) -> None:
    body = {"instrument": "phq-9", "status": "completed", "answers": {f"phq9.{n}": 1 for n in range(1, 10)}}
    answer = ward.clinician.post(f"/patients/{ward.patient_id}/assessments", body)
    assert answer.status_code == 201, answer.text
    gates = ward.clinician.get(f"/episodes/{ward.episode_id}/gates").json()["gates"]
    assert gates[2]["state"] == "not_met"
    made = ward.begin()
    assert "CP-11" in {one["rule"] for one in made["findings"] if one["field"] == "safety.safety_plan"}
    assert made["basis"]["assessments"] == [
        {"item_id": answer.json()["id"], "instrument": "phq-9", "version": 1}
    ]


def test_safety_plans_are_made_read_and_changed(ward: Ward) -> None:
    path = f"/patients/{ward.patient_id}/safety-plans"
    given = SAFETY | {"given_on": ward.day(0)}
    assert fields(ward.clinician.post(path, given | {"coping": [], "given_on": ward.day(1)})) == {
        ("coping", "missing"),
        ("given_on", "future"),
    }
    made = ward.clinician.post(path, given).json()
    assert SafetyPlanModel.model_validate(made).model_dump(mode="json") == made
    one = f"/safety-plans/{made['id']}"
    assert ward.clinician.get(f"/items/{made['id']}").json()["categories"] == ["PSY", "SUD"]
    assert ward.clinician.put(one, given, version=9).status_code == 412
    assert ward.clinician.put(one, given).status_code == 428
    changed = ward.clinician.put(one, given | {"after_event": "a bad week"}, version=1)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert ward.patient.get(one).json()["plan"]["after_event"] == "a bad week"
    listed = ward.clinician.get(path).json()
    assert [(each["id"], each["version"]) for each in listed["items"]] == [(made["id"], 2)]
    stranger = ward.service.client(ward.service.account("clinician", name="stranger"))
    assert stranger.get(one).status_code == 403
    assert ward.clinician.get(f"/safety-plans/{ward.visit()['id']}").status_code == 404


def test_discharge_ends_the_plan_the_episode_and_the_consents_in_one_act(
    ward: Ward, service: Service
) -> None:
    plan = ward.in_force()["id"]
    ending = ward.signed(CLINIC_ONLY | {"expiry": {"kind": "end_of_treatment"}})["id"]
    lasting = ward.signed(SPECIFIC)["id"]
    body = {"type": "completed", "on": ward.day(0), "reason": "all gates met", "aftercare": NEXT}
    path = f"/episodes/{ward.episode_id}/discharge"
    assert fields(ward.clinician.post(path, body | {"aftercare": {}})) == {("aftercare", "missing")}
    assert ward.clinician.post(path, body | {"on": ward.day(1)}).status_code == 422
    assert ward.intake.post(path, body).status_code == 403
    key = {"Idempotency-Key": "discharge-once"}
    answer = ward.clinician.post(path, body, headers=key)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert DischargeModel.model_validate(made).model_dump(mode="json") == made
    assert ward.clinician.post(path, body, headers=key).json()["id"] == made["id"]
    assert (made["finished"], made["events"]) == (False, ["discharge", "end_of_treatment"])
    assert made["consents_in_force"] == [{"consent_id": lasting, "kind": "specific", "until": "2026-12-31"}]
    assert ward.clinician.get(f"/care-plans/{plan}").json()["status"] == "completed"
    assert ward.clinician.get(f"/episodes/{ward.episode_id}").json()["state"] == "discharged"
    assert ward.read(ending)["state"] == "expired"
    assert ward.read(lasting)["state"] == "active"
    assert ward.clinician.post(path, body).json()["code"] == "episode_state"
    kept = service.entries(object_id=ward.episode_id, action="episode.move", outcome="permit")
    assert (len(kept), kept[0]["detail"]["type"], kept[0]["detail"]["plans"]) == (1, "completed", [plan])

    one = f"/discharges/{made['id']}"
    assert ward.patient.get(one).status_code == 404, "a summary still to be written"
    assert ward.clinician.put(one, {"summary": "Twelve weeks."}, version=7).status_code == 412
    ward.wait(timedelta(days=16))
    written = ward.clinician.put(one, {"summary": "Twelve weeks."}, version=1)
    assert (written.status_code, written.json()["finished"]) == (200, True)
    assert service.entries(object_id=made["id"])[-1]["detail"]["late"] is True
    assert ward.patient.get(one).json()["summary"] == "Twelve weeks."
    late = ward.clinician.post(
        f"/patients/{ward.patient_id}/care-plans", ward.plan(episode_id=ward.episode_id)
    )
    assert fields(late) == {("episode_id", "ended")}


@pytest.mark.parametrize(
    ("kind", "more", "events"),
    [
        ("transferred", {"aftercare": NEXT}, ["transfer", "discharge", "end_of_treatment"]),
        ("lost_contact", {"summary": "No answer since May."}, ["discharge", "end_of_treatment"]),
        ("deceased", {}, ["death", "discharge", "end_of_treatment"]),
        (
            "against_advice",
            {"risk": "talked over", "reentry": "any day", "naloxone_offered": True},
            ["discharge", "end_of_treatment"],
        ),
    ],
    ids=["transferred", "lost_contact", "deceased", "against_advice"],
)
def test_how_an_episode_ends_is_what_is_recorded(
    ward: Ward, kind: str, more: dict[str, Any], events: list[str]
) -> None:
    body = {"type": kind, "on": ward.day(0), "reason": "as it was"}
    path = f"/episodes/{ward.episode_id}/discharge"
    if kind == "against_advice":
        assert fields(ward.clinician.post(path, body)) == {
            ("risk", "missing"),
            ("reentry", "missing"),
            ("naloxone_offered", "missing"),
        }
    made = ward.clinician.post(path, body | more)
    assert made.status_code == 201, made.text
    assert (made.json()["events"], made.json()["finished"]) == (events, "summary" in more)
    happened = {one["kind"] for one in ward.intake.get(f"/patients/{ward.patient_id}/events").json()["items"]}
    assert happened >= set(events)


def test_treatment_goes_on_in_another_episode(ward: Ward) -> None:
    other = {"unit": "U2", "opened_on": ward.day(0)}
    assert ward.clinician.post(f"/patients/{ward.patient_id}/episodes", other).status_code == 201
    ending = ward.signed(CLINIC_ONLY | {"expiry": {"kind": "event", "event": "end_of_treatment"}})["id"]
    body = {"type": "administrative", "on": ward.day(0), "reason": "rules of the house"}
    made = ward.clinician.post(f"/episodes/{ward.episode_id}/discharge", body)
    assert made.json()["events"] == ["discharge"]
    assert ward.read(ending)["state"] == "active"
    assert UUID(made.json()["id"])
