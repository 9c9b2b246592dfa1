"""Two shorter ways through the house: an urgent answer until a second clinician has signed, and somebody who returns."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.house import Service
from tests.integration.journeys import stages
from tests.integration.journeys.people import INTERPRETER, Journey, scored

WHY = "Seen twice today; a sister stays with the patient until the first session."
#: What admission asks for, all of it put off in an emergency.
GATE = ("identity", "F02", "F03", "F04", "suicide_screen", "withdrawal_check", "F20", "placement", "F27")


def arrive(service: Service) -> Journey:
    one = Journey(service, stages.PERSON)
    stages.referral(one)
    return one


def acknowledge(one: Journey, flag: dict[str, Any]) -> None:
    done = {"action": "Sat with the patient", "seen_by": "Dr Olu Testperson", "outcome": "stays"}
    assert one.clinician.post(f"/flags/{flag['id']}/acknowledgement", {}).status_code == 422
    closed = one.clinician.ok("POST", f"/flags/{flag['id']}/acknowledgement", done)
    assert closed["state"] == "acknowledged"


def test_an_urgent_answer_until_a_second_clinician_has_signed(service: Service) -> None:
    one = arrive(service)
    stages.safe_contact(one)
    one.sign("F04", one.own, language="es")
    one.later()
    told = one.instrument("phq-9", one.own, scored("phq9", (2, 2, 1, 2, 1, 2, 1, 1, 1)))
    assert [who["phone"] for who in told["help"]["contacts"]] == ["988", "+1-555-0142"]
    (flag,) = one.flags()
    assert (flag["code"], flag["owner_role"], flag["state"]) == ("suicide_item_positive", "intake", "open")
    clock = datetime.fromisoformat(flag["due_at"]) - datetime.fromisoformat(flag["raised_at"])
    assert clock == timedelta(minutes=15)
    waiting = one.intake.ok("GET", "/flags")["items"]
    assert [(who["patient_id"], who["contact"]["name"]) for who in waiting] == [
        (one.patient_id, "Dr Olu Testperson")
    ]
    listed = one.intake.ok("GET", "/work-list")["items"][0]
    assert (listed["patient_id"], listed["open_flags"], listed["flag_severity"]) == (
        one.patient_id,
        1,
        "urgent",
    )
    assert one.refused()[-1] == "open_emergency"
    assert one.gate("LEAVE") == ["f22_missing"]

    yes = scored("asq", (1, 0, 1, 0, 1))
    screen = one.instrument("asq", one.intake, yes, interpreter_id=INTERPRETER["interpreter_id"])
    assert screen["result"]["band"] == "acute_positive"
    urgent = {who["code"]: who for who in one.flags()}
    assert set(urgent) == {"suicide_item_positive", "urgent_high"}
    assert urgent["urgent_high"]["owner_role"] == "clinician"
    for which in urgent.values():
        acknowledge(one, which)
    assert "open_emergency" not in one.refused()

    one.later()
    plan = {
        "warning_signs": ["I stop answering the phone"],
        "coping": ["a walk to the river"],
        "professionals": [{"name": "Crisis line", "phone": "988"}],
        "safer_surroundings": "The key is with a neighbour.",
        "naloxone": "given",
        "given_on": one.today.isoformat(),
    }
    plan_id = one.clinician.ok("POST", f"{one.path}/safety-plans", plan)["id"]
    assert one.gate("LEAVE") == []

    seen = one.clinician.ok("GET", f"/episodes/{one.episode_id}/placement")
    assert (seen["suggestion"], seen["rules"][0]["id"]) == ("EMERGENCY", "P-01")
    assert one.gate("ADMIT")[-1] == "open_emergency", "what the rules found is a flag like any other"
    (found,) = [which for which in one.flags() if which["source"] == "placement"]
    acknowledge(one, found)
    safeguard = {
        "follow_up_at": (service.clock.now() + timedelta(hours=20)).isoformat(),
        "safety_plan_id": plan_id,
    }
    made = one.decide("2.1", override={"code": "clinical_judgment", "text": WHY}, safeguard=safeguard)
    assert (made["state"], made["suggested"]) == ("awaiting_second", "EMERGENCY")
    assert "placement_incomplete" in one.refused()
    second = f"/placement-decisions/{made['id']}/second"
    assert one.clinician.post(second, {"note": "I sign for myself."}).status_code == 403
    assert one.second.ok("POST", second, {"note": "Seen, I agree."})["state"] == "signed"
    assert not {"placement_incomplete", "placement_missing", "open_emergency"} & set(one.refused())


def test_somebody_who_returns_confirms_and_is_screened_anew(service: Service) -> None:
    first = arrive(service)
    stages.safe_contact(first)
    first.instrument("phq-9", first.own, scored("phq9", (1, 1, 1, 2, 1, 1, 1, 0, 0)))
    first.consent("specific", stages.DOCTOR, "TREAT", ["attendance"])
    for item in GATE:
        path = f"{first.path}/packet/{item}/emergency-skip"
        first.clinician.ok("POST", path, {"reason": "Brought by ambulance"})
    first.intake.ok("POST", f"/episodes/{first.episode_id}/admission")
    ending = {"type": "lost_contact", "on": first.today.isoformat(), "reason": "moved", "summary": "One day."}
    first.clinician.ok("POST", f"/episodes/{first.episode_id}/discharge", ending)

    told_at = service.clock.now().isoformat().replace("+00:00", "Z")
    service.clock.advance(timedelta(days=100))
    service.accounts.clear()
    again = replace(Journey(service, first.person), patient_id=first.patient_id, reader=first.reader)
    found = again.intake.ok("POST", "/patients/search", _sought())["items"]
    assert [who["id"] for who in found] == [first.patient_id]
    again.assign(again.clinician)
    body = {"unit": "U1", "opened_on": again.today.isoformat(), "track": "sud"}
    course = again.intake.ok("POST", f"{again.path}/episodes", body)
    again.episode_id = course["id"]
    assert course["readmission_of"] == first.episode_id

    known = {one["field"]: one for one in again.intake.ok("GET", f"{again.path}/prefill")["items"]}
    assert (known["channels"]["source"], known["channels"]["still_right"]) == ("demographics", True)
    assert known["interpreter"]["value"] == {"needed": True, "language": "es"}
    assert (known["video"]["source"], known["video"]["recorded_at"]) == ("form F16, version 2026-11", told_at)
    assert known["video"]["still_right"] is True
    assert not [field for field in known if field.startswith(("phq", "asq"))]

    assert len(again.refused()) == len(GATE), "nothing of the last stay admits anybody"
    assert (again.task("F16"), again.task("F09")) == ("not_started", "done"), "a consent in force holds"
    draft: dict[str, Any] = {"instrument": "phq-9", "status": "draft", "answers": {}}
    begun = again.intake.ok("POST", f"{again.path}/assessments", draft)
    assert begun["answers"] == {}
    trend = again.clinician.ok("GET", f"{again.path}/assessments")["trends"]["phq-9"]
    assert [point["total"] for point in trend] == [8], "the last score is on record, and in nobody's new form"


def _sought() -> dict[str, Any]:
    return {name: stages.PERSON[name] for name in ("given_name", "family_name", "birth_date")}
