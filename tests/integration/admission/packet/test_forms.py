"""Forms over HTTP: one event at a time, whole, in the words in force, by somebody who can decide, and kept."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.house import Service, open_program
from tests.integration.admission.packet.desk import Desk


def test_a_signed_form_is_kept_whole_and_a_newer_event_supersedes_it(service: Service) -> None:
    desk = Desk(service)
    key = {"Idempotency-Key": "sign-once"}
    first, again = (desk.sign("F16", witness="Wim Witnessperson", headers=key) for _ in range(2))
    assert (first.status_code, again.json()["id"]) == (201, first.json()["id"]), first.text
    kept = first.json()
    assert (
        kept["document"] == desk.text("F16")["document"] and kept["text_sha256"] == desk.text("F16")["sha256"]
    )
    assert kept["signer"] == {"role": "patient", "name": "Pia Packetperson", "authority": None}
    assert (kept["witness"], kept["witness_account"]) == ("Wim Witnessperson", str(desk.intake.who.id))
    assert (kept["reader"]["how"], kept["device"], kept["answers"]["video"]) == ("self", "staff_device", True)
    service.clock.advance(timedelta(seconds=1))  # of two at one instant neither is the newer
    second = desk.sign("F16", "declined").json()
    assert "id" in second, second
    listed = desk.intake.get(f"/patients/{desk.patient_id}/forms?form=F16").json()["items"]
    assert [(one["id"], one["outcome"]) for one in listed] == [
        (second["id"], "declined"), (kept["id"], "signed"),
    ]  # fmt: skip
    assert listed[0]["superseded_at"] is None and listed[1]["superseded_at"] is not None
    old = desk.clinician.get(f"/form-signatures/{kept['id']}").json()
    assert old["document"] == kept["document"] and old["answers"] == kept["answers"]
    page = desk.intake.get(f"/patients/{desk.patient_id}/forms?limit=1").json()
    rest = desk.intake.get(f"/patients/{desk.patient_id}/forms?limit=1&cursor={page['next_cursor']}").json()
    assert [one["id"] for one in (*page["items"], *rest["items"])] == [second["id"], kept["id"]]
    assert [one["detail"] for one in service.entries(action="form.sign")] == [
        {"form": "F16", "outcome": outcome, "version": "2026-11"} for outcome in ("signed", "declined")
    ]


def test_what_is_not_whole_is_refused_and_changes_nothing(service: Service) -> None:
    desk = Desk(service)
    old = desk.sign("F04", text_sha256="0" * 64)
    assert (old.status_code, old.json()["code"]) == (409, "form_text_changed")
    assert old.json()["sha256"] == desk.text("F04")["sha256"]
    other_version = desk.sign("F04", text_version="2020-01")
    assert other_version.json()["code"] == "form_text_changed"
    blank = desk.sign("F24", answers={}, signer=None, attestation=None)
    assert (blank.status_code, blank.json()["code"]) == (422, "form_invalid")
    assert {one["field"] for one in blank.json()["errors"]} == {
        "signer", "answers.photo", "answers.video", "answers.research", "answers.alumni",
    }  # fmt: skip
    french = desk.body("F04") | {"language": "fr"}
    path = f"/patients/{desk.patient_id}/forms"
    assert desk.intake.post(f"{path}/F04", french).json()["errors"][0]["field"] == "language"
    for key in ("F99", "vital_signs", "all"):
        assert desk.intake.post(f"{path}/{key}", desk.body("F04")).status_code == 404, key
    assert desk.intake.post(path, desk.body("F04")).status_code == 405  # there is no way to sign several
    assert {task["status"] for task in desk.tasks().values()} == {"not_started"}
    assert service.entries(action="form.sign", outcome="permit") == []


def test_in_spanish_and_through_an_interpreter(service: Service) -> None:
    desk = Desk(service, interpreter_needed=True, language="es")
    spanish = desk.text("F04", "es")
    assert (
        spanish["title"] == "Consentimiento para la atención"
        and spanish["sha256"] != desk.text("F04")["sha256"]
    )
    assert desk.sign("F04", language="es").json()["errors"][0]["code"] == "interpreter_needed"
    named = {"how": "interpreter", "interpreter_id": "INT-17", "interpreter_name": "Ines Interpreterperson"}
    kept = desk.sign("F04", language="es", reader=named)
    assert (kept.status_code, kept.json()["reader"]) == (201, named), kept.text
    assert desk.task("F04")["status"] == "done"


def intoxicated(desk: Desk, value: bool, version: int) -> None:
    said = {"intoxicated_now": {"value": value}, "needs_24h_medical": {"value": False},
            "medical_unstable": {"value": False}}  # fmt: skip
    path = f"/patients/{desk.patient_id}/medical/medical_status"
    body: dict[str, Any] = {"answers": said} | ({"reason": "Looked again"} if version else {})
    answer = desk.intake.put(path, body, version=version)
    assert answer.status_code == 200, answer.text
    if not version:
        assert desk.intake.post(f"{path}/completion").status_code == 200


def test_nobody_signs_under_the_influence_and_it_is_offered_again(service: Service) -> None:
    desk = Desk(service)
    intoxicated(desk, True, 0)
    key = {"Idempotency-Key": "not-now"}
    for _ in range(2):
        refused = desk.sign("F02", "given", headers=key)
        assert (refused.status_code, refused.json()["code"]) == (409, "form_not_now"), refused.text
    own = desk.patient.post(f"/patients/{desk.patient_id}/forms/F04", desk.body("F04", device="own_device"))
    assert (own.status_code, own.json()["code"]) == (409, "form_not_now"), own.text
    tasks = desk.tasks()
    assert tasks["F02"]["blocks"] == ["ADMIT"] and tasks["F02"]["status"] == "not_started"
    again = tasks["F02:re_offer"]
    assert (again["status"], again["owner"], again["blocks"]) == ("not_started", "intake", [])
    assert again["due"] and "under the influence" in again["why"]
    assert desk.intake.get(f"/patients/{desk.patient_id}/forms").json()["items"] == []
    # what staff note of their own work, and a guardian's signature, wait for nobody
    assert desk.sign("identity", "given").status_code == 201
    intoxicated(desk, False, 2)
    service.clock.advance(timedelta(minutes=5))
    desk.signed("F02", outcome="given")
    tasks = desk.tasks()
    assert (tasks["F02"]["status"], tasks["F02:re_offer"]["status"]) == ("done", "done")


def test_who_cannot_decide_now_signs_nothing_until_a_clinician_finds_otherwise(service: Service) -> None:
    desk = Desk(service)
    intoxicated(desk, False, 0)
    path, now = f"/patients/{desk.patient_id}/medical/medical_status", 2
    by_intake = {"answers": {"has_capacity": {"value": False}}, "reason": "Looks lost"}
    assert desk.intake.put(path, by_intake, version=now).status_code == 422, "a clinician's finding"
    for capacity, expected in ((False, 409), (True, 201)):
        body = {"answers": {"has_capacity": {"value": capacity}}, "reason": "Seen by the clinician"}
        written = desk.clinician.put(path, body, version=now)
        assert written.status_code == 200, written.text
        now = int(written.headers["etag"].strip('"'))
        answer = desk.sign("F04")
        assert answer.status_code == expected, answer.text
        if expected == 409:
            assert answer.json()["code"] == "form_not_now"
            assert desk.tasks()["F04:re_offer"]["status"] == "not_started"


def test_a_patient_signs_their_own_and_sees_their_own_list_only(service: Service) -> None:
    desk = Desk(service)
    assert desk.text("F04", who=desk.patient)["title"] == "Consent to care"
    path = f"/patients/{desk.patient_id}/forms"
    assert desk.patient.post(f"{path}/F04", desk.body("F04", device="own_device")).status_code == 201
    given = desk.patient.post(f"{path}/F02", desk.body("F02", "given"))
    assert given.json()["errors"][0]["code"] == "not_yours"
    mine = desk.packet(desk.patient)
    assert mine["flags"] == mine["gates"] == [] and mine["level_of_care"]["suggestion"] is None
    assert {task["waits_for"] for task in mine["tasks"]} == {"patient"}
    assert {task["why"] for task in mine["tasks"]} == {""}
    other = Desk(service, given_name="Otto", birth_date="1970-01-01")
    for answer in (
        desk.patient.get(f"/patients/{other.patient_id}/intake"),
        desk.patient.post(f"/patients/{other.patient_id}/forms/F04", desk.body("F04")),
        desk.patient.get("/work-list"),
        open_program(service.house).client("intake").get(f"/patients/{desk.patient_id}/intake"),
        desk.intake.get(f"/form-signatures/{uuid4()}"),
        desk.intake.get("/forms/F99"),
    ):
        assert answer.status_code == 404, answer.text


def test_a_minor_is_signed_for_and_asked_again_at_18(service: Service) -> None:
    desk = Desk(service, birth_date="2010-06-11")  # 15 on June 1, 2026; New York: 16
    assert desk.gate("SCREEN") == ["f25_missing", "f04_missing"]
    assert desk.sign("F04").json()["errors"][0]["code"] == "not_allowed"
    parent = {"role": "parent", "name": "Pat Packetperson", "authority": "Birth certificate seen"}
    assert desk.sign("F04", signer=parent).status_code == 201
    desk.signed("F25", outcome="given")
    assert desk.gate("SCREEN") == []
    # two years and ten days later, the day of the birthday
    service.clock.advance(timedelta(days=741))
    fresh = desk.packet(fresh_intake(desk))
    tasks = {task["key"]: task for task in fresh["tasks"]}
    assert "F25" not in tasks
    assert (tasks["F04"]["status"], "18 now" in tasks["F04"]["why"]) == ("not_started", True)


def fresh_intake(desk: Desk) -> Any:
    """Somebody whose session has not run out meanwhile."""
    return desk.service.client(desk.service.account("intake", name=f"later-{uuid4()}"))


@pytest.mark.parametrize("role", ["compliance", "administrator", "director"])
def test_who_may_not_sign_for_anybody(service: Service, role: str) -> None:
    desk = Desk(service)
    who = service.client(role, purpose="HOPERAT")
    assert desk.sign("F04", who=who).status_code == 403
    assert service.entries(action="form.sign")[-1]["outcome"] == "deny"


def test_a_signature_that_somebody_turns_with_the_database_admits_nobody(service: Service) -> None:
    desk = Desk(service)
    kept = desk.sign("F04", "declined").json()
    with service.house.superuser() as db:
        db.execute("SET session_replication_role = replica")
        db.execute("UPDATE form_signature SET outcome = 'signed' WHERE id = %s", [kept["id"]])
    assert desk.intake.get(f"/patients/{desk.patient_id}/intake").json()["code"] == "integrity"
    assert desk.admit().json()["code"] == "integrity"
