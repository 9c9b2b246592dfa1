"""What stands before a step is asked by the server, not only shown; and who is shown why."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.ids import new_id
from service.intake.medical import records
from service.people.facts import load_patient
from service.work import Work
from tests.house import Service
from tests.integration.admission.packet.desk import Desk

CALM = {f"asq.{number}": 0 for number in range(1, 5)}
WHY = "The patient has a bed at home and a nurse in the family."


def decision(desk: Desk) -> dict[str, Any]:
    seen = desk.clinician.get(f"/episodes/{desk.episode_id}/placement").json()
    return {
        "level": "2.1",
        "start_date": desk.service.clock.now().date().isoformat(),
        "patient_view": "agrees",
        "suggestion": {"computed_at": seen["computed_at"], "hash": seen["hash"]},
        "override": {"code": "clinical_judgment", "text": WHY},
    }


def places(desk: Desk) -> tuple[str, str]:
    return f"/episodes/{desk.episode_id}/placement-decisions", f"/patients/{desk.patient_id}/level-of-care"


def again(desk: Desk) -> None:
    """After some nights: everybody signs in anew."""
    service = desk.service
    service.accounts.clear()
    service.account("clinician", related_to=[desk.patient_id])
    desk.intake, desk.clinician = service.client("intake"), service.client("clinician")


def test_no_level_of_care_before_the_consent_to_care_and_none_that_ran_out(service: Service) -> None:
    desk = Desk(service, birth_date="2012-04-12")
    body = decision(desk)
    named = ["f25_missing", "f04_missing"]
    for path in places(desk):
        refused = desk.clinician.post(path, body)
        assert (refused.status_code, refused.json()["code"]) == (409, "screening_blocked")
        assert [one["code"] for one in refused.json()["missing"]] == desk.gate("SCREEN") == named
    denied = service.entries(action="placement.decide")[-1]
    assert (denied["outcome"], denied["detail"]["missing"]) == ("deny", named)

    grown = Desk(service)
    made = grown.clinician.post(places(grown)[0], decision(grown))
    assert made.json()["missing"][0]["item"] == "F04"
    grown.signed("F04")
    assert grown.clinician.post(places(grown)[0], decision(grown)).status_code == 201
    assert "placement_missing" not in grown.gate("ADMIT")
    service.clock.advance(timedelta(days=7))
    again(grown)
    codes = [one["code"] for one in grown.admit().json()["missing"]]
    assert "placement_expired" in codes and grown.task("placement")["status"] == "expired"
    assert grown.clinician.post(places(grown)[1], decision(grown)).status_code == 201
    assert not {"placement_expired", "placement_missing"} & set(grown.gate("ADMIT"))


def test_only_a_clinician_finds_that_consent_cannot_be_waited_for(service: Service) -> None:
    desk = Desk(service)
    refused = desk.decide("F04", "emergency-skip", reason="Unconscious at the door")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    denied = service.entries(action="packet.work")[-1]
    assert (denied["outcome"], denied["detail"]) == (
        "deny",
        {"code": "not_permitted", "item": "F04", "reason": "clinician_finds"},
    )
    assert desk.task("F04")["status"] == "not_started" and desk.gate("SCREEN") == ["f04_missing"]
    assert desk.decide("F02", "emergency-skip", reason="Unconscious at the door").status_code == 200
    found = desk.decide("F04", "emergency-skip", desk.clinician, reason="Unconscious; Dr Testperson saw")
    assert (found.status_code, desk.gate("SCREEN")) == (200, [])


def section(desk: Desk, key: str, version: int = 0, **answers: Any) -> str:
    """A section answered and closed; from `version` on, changed."""
    path = f"/patients/{desk.patient_id}/medical/{key}"
    body = {"answers": {name: {"value": value} for name, value in answers.items()}}
    made = desk.clinician.put(path, body | ({"reason": "Asked again"} if version else {}), version=version)
    assert made.status_code == 200, made.text
    if not version:
        closed = desk.clinician.post(f"{path}/completion", {})
        assert closed.status_code == 200, closed.text
    return str(made.json()["head"]["item_id"])


def reviewed(desk: Desk, item: str) -> None:
    """A clinician has read this part of the medical intake and signs for it."""

    def act(work: Work) -> None:
        work.authorised(Action.MEDICAL_REVIEW, lambda work: load_patient(work, UUID(desk.patient_id)))
        records.review(work.db, [UUID(item)], work.now, work.caller.account_id, work.entry_id)
        work.record(action=Action.MEDICAL_REVIEW, object_kind="item", object_id=UUID(item))

    desk.service.work(desk.clinician.who.caller, act)


BREATHING = ("cough", "fever", "night_sweats", "weight_loss", "exposure")


def test_a_cough_keeps_the_group_shut_until_a_clinician_has_looked(service: Service) -> None:
    desk, calm = Desk(service), Desk(service)
    section(calm, "tuberculosis_screen", **dict.fromkeys(BREATHING, False))
    assert "tb_not_cleared" not in calm.gate("GROUP")
    item = section(desk, "tuberculosis_screen", **dict.fromkeys(BREATHING, False) | {"exposure": True})
    assert {"tb_not_cleared"} == {"tb_not_cleared", "f21_missing", "f21_incomplete"} & set(desk.gate("GROUP"))
    reviewed(desk, item)
    assert "tb_not_cleared" not in desk.gate("GROUP")


def test_a_label_makes_no_old_answer_fresh(service: Service) -> None:
    desk = Desk(service, episode=False)
    item = section(desk, "tuberculosis_screen", **dict.fromkeys(BREATHING, False))
    service.clock.advance(timedelta(days=3))
    again(desk)
    desk.today = service.clock.now().astimezone(service.program.zone).date().isoformat()
    desk.episode_id = desk.refer()
    assert desk.task("F21")["status"] == "not_started"
    raised = desk.clinician.post(f"/items/{item}/labels", {"raise": ["HIV"], "reason": "Told by the patient"})
    assert raised.status_code == 200 and raised.json()["changed"] is True, raised.text
    assert desk.task("F21")["status"] == "not_started"
    section(desk, "tuberculosis_screen", version=3, **dict.fromkeys(BREATHING, False))
    assert desk.task("F21")["status"] == "done"


def test_compliance_sees_what_is_asked_for_and_by_which_rule_and_not_why(service: Service) -> None:
    desk = Desk(service)
    secret = f"Detox at {new_id(service.clock.now())}"
    desk.sign("F04", "declined", reason=secret)
    desk.signed("F02", outcome="given")
    desk.decide("F02", "needs-fix", reason=secret)
    desk.decide("withdrawal_check", "waiver", desk.clinician, reason=secret)
    section(desk, "tuberculosis_screen", **dict.fromkeys(BREATHING, True))
    body = {"instrument": "asq", "status": "completed", "answers": CALM | {"asq.4": 1, "asq.5": 1}}
    assert desk.intake.post(f"/patients/{desk.patient_id}/assessments", body).status_code == 201
    own = desk.packet()
    assert str(own).count(secret) >= 4 and own["flags"] and "tb_not_cleared" in desk.gate("GROUP")

    shown = desk.packet(desk.compliance)
    assert secret not in str(shown) and shown["flags"] == [] and shown["level_of_care"]["reasons"] == []
    assert {task["why"] for task in shown["tasks"]} == {""}
    asked = {task["key"]: task for task in shown["tasks"]}
    assert asked.keys() == {task["key"] for task in own["tasks"]} and all(
        t["citation"] for t in shown["tasks"]
    )
    general = {"open_emergency": "An urgent flag is open."}
    codes: set[str] = set()
    for gate in shown["gates"]:
        for one in gate["missing"]:
            codes.add(one["code"])
            if one["item"] in asked:
                assert one["words"].endswith(f"Asked for by: {asked[one['item']]['citation']}.")
            else:
                assert one["words"] == general.get(one["code"], one["words"])
    assert {"f04_declined", "f02_needs_fix", *general} <= codes and "tb_not_cleared" not in codes
    listed = desk.compliance.get("/work-list?view=overdue").json()["items"]
    assert secret not in str(listed)
    service.clock.advance(timedelta(days=8))
    service.accounts.clear()
    late = service.client("compliance", purpose="HOPERAT").get("/work-list?view=overdue").json()["items"]
    assert late and {task["why"] for entry in late for task in entry["tasks"]} == {""}
