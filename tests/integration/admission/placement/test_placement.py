"""Placement through the whole service: suggested with reasons, decided by a clinician, signed twice where it must be."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from service.admission.placement.rules import STATEMENT
from tests.house import Service, open_program
from tests.integration.admission.placement.conftest import CALM, Referral

WHY = "The patient has a bed at home and a nurse in the family."


def later(referral: Referral, hours: int) -> str:
    return (referral.service.clock.now() + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


def hand_off(referral: Referral, **more: Any) -> dict[str, Any]:
    return {
        "facility": "Synthetic County Hospital",
        "at": later(referral, 2),
        "ground": "emergency",
        "sent": ["medication list", "last screens"],
        "naloxone_given": True,
        "crisis_card_given": True,
    } | more


def test_the_suggestion_shows_every_reason_and_where_each_fact_comes_from(
    referral: Referral, service: Service
) -> None:
    referral.facts |= {"use_at_home": True}
    said = referral.suggestion(referral.intake)
    assert said["statement"] == STATEMENT
    assert said["suggestion"] == "IOP_CONDITIONS"
    assert [one["id"] for one in said["rules"]] == ["P-17", "P-22"]
    fact = said["rules"][0]["facts"][0]
    assert (fact["fact"], fact["value"], fact["source"]) == ("use_at_home", True, "synthetic.use_at_home")
    assert UUID(fact["author_id"]) == referral.author
    assert fact["recorded_at"] == referral.entered.isoformat().replace("+00:00", "Z")
    assert said["rules"][0]["dimensions"] == [
        {"edition": 4, "number": 5, "name": "Recovery environment interactions"}
    ]
    assert said["would_change"] == [{"rule": "P-17", "facts": ["use_at_home", "support_person"]}]
    assert said["missing"] == []
    assert said["expires_at"] > said["computed_at"]
    entry = service.entries(action="placement.read")[-1]
    assert entry["detail"]["rule_set"] == said["rule_set_version"]
    assert "P-17" not in str(entry["detail"]), "what was said is not in the ledger"


def test_who_may_ask_and_who_may_decide(referral: Referral, service: Service) -> None:
    body = referral.body()
    path = f"/episodes/{referral.episode_id}/placement-decisions"
    assert referral.intake.post(path, body).status_code == 403
    assert service.client("compliance").get(f"/episodes/{referral.episode_id}/placement").status_code == 403
    stranger = service.client(service.account("clinician", name="stranger"))
    assert stranger.get(f"/episodes/{referral.episode_id}/placement").status_code == 403
    assert stranger.post(path, body).status_code == 403
    assert referral.patient.get(f"/episodes/{referral.episode_id}/placement").status_code == 404
    other = open_program(service.house)
    assert other.client("clinician").get(f"/episodes/{referral.episode_id}/placement").status_code == 404
    assert referral.clinician.get(f"/episodes/{uuid4()}/placement").status_code == 404
    assert referral.clinician.post(path, body).status_code == 201


def test_a_decision_as_suggested_needs_no_reason_and_holds_only_the_decision(
    referral: Referral, service: Service
) -> None:
    tool = {
        "name": "licensed tool",
        "edition": 3,
        "level": "2.1",
        "ratings": [{"dimension": 4, "rating": 2}, {"dimension": 6, "rating": 1}],
        "completed_on": service.clock.now().date().isoformat(),
    }
    made = referral.decide(tool=tool, rationale="Needs structure on weekdays.")
    assert (made["state"], made["overridden"], made["level"]) == ("signed", False, "2.1")
    assert [(one["name"], one["in_fourth"]) for one in made["tool"]["ratings"]] == [
        ("Readiness to change", None),
        ("Recovery/living environment", 5),
    ]
    assert made["basis"]["rules"][0]["id"] == "P-22"
    item = referral.clinician.get(f"/items/{made['id']}").json()
    assert item["kind"] == "level_of_care"
    assert item["categories"] == ["SUD"]
    assert set(item["content"]) == {
        "level",
        "edition",
        "start_date",
        "patient_view",
        "offered_alternatives",
        "rationale",
        "licensed_tool",
        "decided_by",
        "decided_at",
        "second_by",
    }
    assert item["content"]["licensed_tool"]["ratings"] == {"4": 2, "6": 1}, "never relabelled"
    assert referral.clinician.get(f"/placement-decisions/{made['id']}").json() == made
    entry = service.entries(action="placement.decide")[-1]
    assert entry["detail"] == {
        "state": "signed",
        "rule_set": made["basis"]["rule_set_version"],
        "overridden": False,
    }


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        (None, "override"),
        ({"code": "whim", "text": WHY}, "override.code"),
        ({"code": "other", "text": "   too    short   "}, "override.text"),
        ({"code": "bed_or_slot_unavailable", "text": WHY}, "override.interim_plan"),
        ({"code": "payer_denied", "text": WHY, "denial_id": "D-1"}, "override.appeal_offered"),
        ({"code": "data_wrong", "text": WHY, "wrong_fact": "weather"}, "override.wrong_fact"),
    ],
    ids=["none", "code", "text", "interim", "appeal", "fact"],
)
def test_another_decision_says_why(referral: Referral, override: dict[str, Any] | None, fault: str) -> None:
    answer = referral.decide("1.5", status=422, override=override)
    assert answer["code"] == "placement_invalid"
    assert [one["field"] for one in answer["errors"]] == [fault]


def test_a_reason_that_says_what_its_code_asks_for_is_accepted(referral: Referral) -> None:
    denied = {"code": "payer_denied", "text": WHY, "denial_id": "D-1", "appeal_offered": True}
    made = referral.decide("1.5", override=denied)
    assert (made["state"], made["overridden"]) == ("signed", True)
    assert made["override"]["denial_id"] == "D-1"
    assert "override" not in referral.clinician.get(f"/items/{made['id']}").json()["content"]
    answer = referral.decide("2.1", status=422, override=denied)
    assert answer["errors"][0]["code"] == "not_applicable"


def test_below_a_higher_level_a_second_clinician_signs(referral: Referral, service: Service) -> None:
    referral.facts["home_safe"] = False
    plan = referral.item("safety_plan")
    former = referral.item("safety_plan", dated_on="2025-01-05")
    override = {"code": "clinical_judgment", "text": WHY}
    refused = referral.decide("2.1", status=422, override=override)
    assert [one["field"] for one in refused["errors"]] == ["safeguard"]
    for safeguard, field in (
        ({"follow_up_at": later(referral, 25), "safety_plan_id": plan}, "safeguard.follow_up_at"),
        ({"follow_up_at": later(referral, 20)}, "safeguard"),
        ({"follow_up_at": later(referral, 20), "safety_plan_id": str(uuid4())}, "safeguard.safety_plan_id"),
        ({"follow_up_at": later(referral, 20), "clearance_id": plan}, "safeguard.clearance_id"),
        ({"follow_up_at": later(referral, 20), "safety_plan_id": former}, "safeguard.safety_plan_id"),
    ):
        refused = referral.decide("2.1", status=422, override=override, safeguard=safeguard)
        assert [one["field"] for one in refused["errors"]] == [field]
    safeguard = {"follow_up_at": later(referral, 20), "safety_plan_id": plan}
    first = referral.decide("2.1", override=override, safeguard=safeguard)
    assert (first["state"], first["needs_second"]) == ("awaiting_second", True)
    assert referral.clinician.get(f"/items/{first['id']}").json()["state"] == "draft"
    path = f"/placement-decisions/{first['id']}/second"
    own = referral.clinician.post(path, {"note": "I sign for myself."})
    assert own.status_code == 403
    assert service.entries(action="placement.second")[-1]["detail"]["reason"] == "own_decision"
    signed = referral.second.post(path, {"note": "Seen, I agree."})
    assert signed.status_code == 200, signed.text
    assert (signed.json()["state"], signed.json()["second_note"]) == ("signed", "Seen, I agree.")
    item = referral.clinician.get(f"/items/{first['id']}").json()
    assert (item["state"], item["content"]["second_by"]) == ("final", str(service.accounts["second"].id))
    again = referral.second.post(path, {"note": "Once more."})
    assert (again.status_code, again.json()["code"]) == (409, "placement_state")


def test_with_what_the_rule_names_beside_the_level_it_is_no_override(referral: Referral) -> None:
    referral.facts["home_safe"] = False
    made = referral.decide("2.1", arranged=["safe_shelter"])
    assert (made["state"], made["overridden"], made["arranged"]) == ("signed", False, ["safe_shelter"])
    assert "safe_shelter" not in referral.clinician.get(f"/items/{made['id']}").text


def test_a_second_signature_comes_before_the_patient_was_to_be_seen(referral: Referral) -> None:
    referral.facts["failed_iop_90d"] = True
    safeguard = {"follow_up_at": later(referral, 2), "clearance_id": referral.item("progress_note")}
    override = {"code": "clinical_judgment", "text": WHY}
    first = referral.decide("2.1", override=override, safeguard=safeguard)
    referral.wait(timedelta(hours=3))
    answer = referral.second.post(f"/placement-decisions/{first['id']}/second", {"note": "Late."})
    assert (answer.status_code, answer.json()["code"]) == (409, "placement_state")


def test_who_is_referred_out_is_handed_over_warmly(referral: Referral, service: Service) -> None:
    referral.facts["needs_24h_medical"] = True
    bare = referral.decide("3.7", status=422)
    assert [one["field"] for one in bare["errors"]] == ["hand_off"]
    cold = hand_off(referral, ground="consent", consent_id=str(uuid4()), sent=[], naloxone_given=False)
    answer = referral.decide("3.7", status=422, hand_off=cold | {"crisis_card_given": False})
    assert {one["field"] for one in answer["errors"]} == {
        "hand_off.sent",
        "hand_off.consent_id",
        "hand_off.naloxone_given",
        "hand_off.crisis_card_given",
    }
    made = referral.decide("3.7", hand_off=hand_off(referral))
    assert made["state"] == "signed"
    assert "County" not in referral.clinician.get(f"/items/{made['id']}").text


def test_a_suggestion_that_no_longer_holds_is_not_decided_on(referral: Referral, service: Service) -> None:
    body = referral.body()
    path = f"/episodes/{referral.episode_id}/placement-decisions"
    referral.facts["homicidal_intent"] = True
    answer = referral.clinician.post(path, body)
    assert (answer.status_code, answer.json()["code"]) == (409, "suggestion_stale")
    shown = answer.json()["suggestion"]
    assert shown["suggestion"] == "EMERGENCY"
    denied = service.entries(action="placement.decide", outcome="deny")[-1]
    assert denied["detail"]["reason"] == "suggestion_stale"
    referral.facts["homicidal_intent"] = False
    assert referral.clinician.post(path, body).status_code == 201, "the facts are those it was made of again"
    referral.facts["last_use_h_alcohol_sedative"] += 1
    assert referral.clinician.post(path, body).status_code == 201, "an hour more is no new fact"
    referral.facts["last_use_d_any"] = 3
    assert referral.clinician.post(path, body).status_code == 409, "until a rule says so"
    forged = body | {"suggestion": {"computed_at": later(referral, 1), "hash": body["suggestion"]["hash"]}}
    assert referral.clinician.post(path, forged).status_code == 409
    referral.wait(timedelta(hours=25))
    assert referral.clinician.post(path, body).status_code == 409


def test_an_emergency_raises_its_flag_once(referral: Referral, service: Service) -> None:
    referral.facts["homicidal_intent"] = True
    referral.suggestion(referral.intake)
    referral.suggestion()
    raised = [one for one in referral.flags() if one["instrument"] == "placement"]
    assert [(one["code"], one["severity"]) for one in raised] == [("placement_p_02", "urgent")]
    done = {
        "action": "Stayed with the patient until the evaluation",
        "seen_by": "Dr Olu Testperson",
        "outcome": "stays",
    }
    answer = referral.clinician.post(f"/flags/{raised[0]['id']}/acknowledgement", done)
    assert answer.status_code == 200, answer.text
    referral.suggestion()
    assert len([one for one in referral.flags() if one["instrument"] == "placement"]) == 1, "acted on"
    referral.wait(timedelta(minutes=2))
    referral.entered = service.clock.now() - timedelta(minutes=1)
    referral.suggestion()
    again = [one for one in referral.flags() if one["instrument"] == "placement"]
    assert len(again) == 2, "entered anew since"


def test_screens_speak_and_grow_old(referral: Referral) -> None:
    referral.wait(timedelta(minutes=1))
    acute = referral.answer("asq", CALM | {"asq.1": 1, "asq.5": 1})
    said = referral.suggestion()
    assert (said["suggestion"], said["rules"][0]["id"]) == ("EMERGENCY", "P-01")
    assert said["rules"][0]["facts"][0]["item_id"] == acute
    referral.wait(timedelta(hours=80))
    referral.entered = referral.service.clock.now()
    old = referral.suggestion()
    assert [one["id"] for one in old["rules"]] == ["P-01", "P-00"], (
        "an old worry stays, and a new screen is asked"
    )
    assert (old["suggestion"], old["stale"]) == ("EMERGENCY", ["asq"])
    assert set(old["missing"]) == {"suicide_band", "asq"}


def test_a_later_decision_supersedes_and_what_was_decided_stays(referral: Referral, service: Service) -> None:
    first = referral.decide()
    service.clock.set(service.clock.now() + timedelta(minutes=5))
    referral.facts["use_at_home"] = True
    second = referral.decide(rationale="With a family session.")
    page = referral.clinician.get(f"/episodes/{referral.episode_id}/placement-decisions").json()
    assert [(one["id"], one["state"]) for one in page["items"]] == [
        (second["id"], "signed"),
        (first["id"], "superseded"),
    ]
    kept = referral.clinician.get(f"/placement-decisions/{first['id']}").json()
    assert kept["basis"] == first["basis"], "frozen as it was"
    one = referral.clinician.get(f"/episodes/{referral.episode_id}/placement-decisions", params={"limit": 1})
    assert [each["id"] for each in one.json()["items"]] == [second["id"]]
    rest = referral.clinician.get(
        f"/episodes/{referral.episode_id}/placement-decisions",
        params={"limit": 1, "cursor": one.json()["next_cursor"]},
    ).json()
    assert ([each["id"] for each in rest["items"]], rest["next_cursor"]) == ([first["id"]], None)


def test_a_payer_gets_the_decision_and_nothing_of_the_rules(referral: Referral, service: Service) -> None:
    """O7: what leaves is the item; the suggestion's words are looked for in everything that is handed out."""
    referral.facts |= {"use_at_home": True, "readiness": "low"}
    override = {"code": "clinical_judgment", "text": WHY}
    made = referral.decide("1.5", override=override, rationale="Weekly sessions are wanted.")
    plan = referral.recipient(
        {"type": "entity", "name": "Acme Health Plan (synthetic)", "covered_entity": True}, "health_plan"
    )
    referral.signed(
        {
            "kind": "specific",
            "disclosers": ["U1"],
            "recipients": [{"recipient_id": plan}],
            "scope": {"kinds": ["level_of_care"], "labels": "all", "description": "the level of care"},
            "purposes": ["HPAYMT"],
            "expiry": {"kind": "date", "date": "2026-12-31"},
            "statements": {
                "revocation": True,
                "revocation_how": True,
                "hipaa_redisclosure": True,
                "redisclosure_potential": True,
                "refusal_consequences": True,
            },
            "form": "electronic",
        }
    )
    answer = referral.disclose(plan, "HPAYMT", items=[made["id"]])
    assert answer.status_code == 201, answer.text
    package = referral.clinician.get(f"/disclosures/{answer.json()['id']}/package", params={"format": "json"})
    assert package.status_code == 200
    assert "Weekly sessions are wanted." in package.text
    for word in (
        "IOP_CONDITIONS",
        "P-17",
        "P-22",
        "Suggestion",
        "use_at_home",
        "readiness",
        WHY,
        "clinical_judgment",
    ):
        assert word not in package.text, word


def test_the_episode_of_now_is_decided_on_by_patient(referral: Referral, service: Service) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    body = referral.body()
    path = f"/patients/{referral.patient_id}/level-of-care"
    first = referral.clinician.post(path, body, headers=key)
    again = referral.clinician.post(path, body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert first.json()["episode_id"] == referral.episode_id
    other = service.client("intake").post(
        "/patients", {"given_name": "Sam", "family_name": "Testperson", "birth_date": "1991-01-01"}
    )
    service.relate(service.accounts["clinician"], other.json()["id"])
    none = referral.clinician.post(f"/patients/{other.json()['id']}/level-of-care", body)
    assert (none.status_code, none.json()["code"]) == (409, "placement_state")


def test_the_report_counts_overrides_and_names_nobody(referral: Referral, service: Service) -> None:
    referral.decide()
    referral.decide("1.5", override={"code": "patient_choice_or_refusal", "text": WHY})
    referral.facts["homicidal_intent"] = True
    safeguard = {"follow_up_at": later(referral, 20), "clearance_id": referral.item("progress_note")}
    referral.decide("2.1", override={"code": "clinical_judgment", "text": WHY}, safeguard=safeguard)
    today = service.clock.now().date().isoformat()
    compliance = service.client("compliance", purpose="HOPERAT")
    answer = compliance.get("/reports/placement", params={"from": today, "to": today})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "from": today,
        "to": today,
        "decided": 3,
        "overridden": 2,
        "rate_percent": 67,
        "awaiting_second": 1,
        "by_code": {"clinical_judgment": 1, "patient_choice_or_refusal": 1},
        "by_class": {
            "EMERGENCY": {"decided": 1, "overridden": 1},
            "IOP": {"decided": 2, "overridden": 1},
        },
        "unreadable": 0,
        "alerts": ["override_rate", "unsigned_emergency_override"],
    }
    assert referral.patient_id not in answer.text
    assert (
        referral.clinician.get("/reports/placement", params={"from": today, "to": today}).status_code == 403
    )
    wide = compliance.get("/reports/placement", params={"from": "2020-01-01", "to": today})
    assert wide.status_code == 422
    with service.house.superuser() as db:
        db.execute("SET session_replication_role = replica")
        db.execute(
            "UPDATE placement SET overridden = NOT overridden WHERE program_id = %s", [service.program_id]
        )
    unread = compliance.get("/reports/placement", params={"from": today, "to": today}).json()
    assert unread["unreadable"] == 3, "a clear column that was changed by hand opens nothing"
