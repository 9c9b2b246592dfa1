"""The packet over HTTP: read, decided about, prefilled, listed; and nobody types a status."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import event

from tests.house import Service
from tests.integration.admission.packet.desk import Desk


def test_before_an_episode_there_is_a_packet_and_nothing_to_decide(service: Service) -> None:
    desk = Desk(service, episode=False)
    packet = desk.packet()
    assert packet["episode_id"] is None and packet["ready_for_admission"] is False
    desk.signed("F04")
    assert desk.task("F04")["status"] == "done"
    assert (
        desk.decide("F13", "waiver", desk.clinician, reason="Has nobody").json()["code"]
        == "packet_item_state"
    )
    # what was signed on the day of the referral counts in the episode
    desk.episode_id = desk.refer()
    assert desk.task("F04")["status"] == "done" and desk.packet()["episode_id"] == desk.episode_id


def test_waived_with_a_role_and_a_reason_and_some_never(service: Service) -> None:
    desk = Desk(service)
    key = {"Idempotency-Key": "waive-once"}
    first, again = (
        desk.decide("F13", "waiver", desk.clinician, reason="Has nobody", headers=key) for _ in range(2)
    )
    assert (first.status_code, first.json()["status"]) == (200, "waived"), first.text
    assert again.json() == first.json() and first.headers["etag"] == '"1"'
    assert first.json()["why"] == "Waived (clinician): Has nobody"
    for item in ("F02", "F04", "suicide_screen", "placement"):
        refused = desk.decide(item, "waiver", desk.compliance, reason="In a hurry")
        assert (refused.status_code, refused.json()["code"]) == (409, "packet_item_not_waivable"), item
    assert desk.decide("F03", "waiver", reason="In a hurry").status_code == 403  # intake waives nothing
    twice = desk.decide("F13", "waiver", desk.clinician, reason="Again")
    assert (twice.status_code, twice.json()["code"]) == (409, "packet_item_state")
    stale = desk.decide("F13", "needs-fix", reason="x", version=0)
    assert (stale.status_code, stale.json()["code"]) == (412, "version_stale")
    assert desk.decide("F03", "waiver", desk.clinician, reason="Knows them", version=7).status_code == 412
    two_lines = desk.decide("F03", "waiver", desk.clinician, reason="One\ntwo")
    assert (two_lines.status_code, two_lines.json()["code"]) == (422, "packet_item_invalid")
    assert desk.decide("F99", "waiver", desk.clinician, reason="x").status_code == 404
    entry = service.entries(action="packet.waive", outcome="permit")[0]
    assert entry["detail"] == {"item": "F13", "decided": "waived"}


def test_sent_back_and_put_right(service: Service) -> None:
    desk = Desk(service)
    early = desk.decide("F04", "needs-fix", reason="Nothing there")
    assert (early.status_code, early.json()["state"]) == (409, "not_started")
    desk.signed("F04")
    service.clock.advance(timedelta(minutes=1))
    back = desk.decide("F04", "needs-fix", reason="Signed on the wrong line")
    assert (back.json()["status"], back.json()["why"]) == ("needs_fix", "Signed on the wrong line")
    assert desk.gate("SCREEN") == ["f04_needs_fix"]
    service.clock.advance(timedelta(minutes=1))
    desk.signed("F04")
    assert desk.task("F04")["status"] == "done" and desk.gate("SCREEN") == []


def test_assigned_to_a_role_or_to_somebody_who_has_it(service: Service) -> None:
    desk = Desk(service)
    given = desk.decide("F03", "assignment", role="clinician", account_id=str(desk.clinician.who.id))
    assert (given.json()["owner"], given.json()["assignee_id"]) == ("clinician", str(desk.clinician.who.id))
    for account in (str(desk.intake.who.id), str(uuid4()), str(desk.patient.who.id)):
        wrong = desk.decide("F03", "assignment", role="clinician", account_id=account)
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "account_id")
    freed = desk.decide("F03", "assignment", role="intake")
    assert (freed.json()["owner"], freed.json()["assignee_id"], freed.json()["version"]) == (
        "intake",
        None,
        2,
    )


def test_skipped_in_an_emergency_with_a_follow_up_for_each(service: Service) -> None:
    desk = Desk(service)
    for item in ("F02", "F04"):
        skipped = desk.decide(item, "emergency-skip", desk.clinician, reason="Unconscious at the door")
        assert (skipped.status_code, skipped.json()["key"]) == (200, f"{item}:after_emergency"), skipped.text
        assert skipped.json()["why"] == "Skipped in an emergency: Unconscious at the door"
    tasks = desk.tasks()
    assert {"F02", "F04"} & set(tasks) == set() and tasks["F04:after_emergency"]["blocks"] == []
    due = tasks["F04:after_emergency"]["due"]
    assert due == (service.clock.now() + timedelta(hours=24)).isoformat().replace("+00:00", "Z")
    assert desk.gate("SCREEN") == []
    again = desk.decide("F04", "emergency-skip", desk.clinician, reason="Still")
    assert again.status_code == 404  # it is the follow-up that is there now
    taken = desk.decide("F04:after_emergency", "assignment", role="clinician")
    assert taken.json()["owner"] == "clinician"
    service.clock.advance(timedelta(minutes=5))
    desk.signed("F04")
    assert desk.task("F04:after_emergency")["status"] == "done"
    done = desk.decide("identity", "emergency-skip", desk.patient, reason="No")
    assert done.status_code == 404  # a patient skips nothing
    desk.signed("F03", outcome="given")
    refused = desk.decide("F03", "emergency-skip", reason="No need")
    assert (refused.status_code, refused.json()["code"]) == (409, "packet_item_state")


def test_a_status_cannot_be_typed(service: Service) -> None:
    desk = Desk(service)
    path = f"/patients/{desk.patient_id}/packet/F04"
    for body in ({"reason": "x", "status": "done"}, {"status": "done"}):
        assert desk.clinician.post(f"{path}/waiver", body).status_code == 422
    for method in ("PUT", "PATCH", "POST"):
        assert desk.clinician.request(method, path, json={"status": "done"}).status_code in (404, 405)
    described = service.house.http.get("/openapi.json").json()["components"]["schemas"]
    for name in ("ItemReasonBody", "ItemAssignmentBody", "NewSignatureBody", "AdmissionBody"):
        assert "status" not in described[name]["properties"]
    assert desk.task("F04")["status"] == "not_started"


def test_a_consent_and_its_refusal_and_its_end_show_on_its_item(service: Service) -> None:
    desk = Desk(service)
    no = desk.sign("F05", "declined")
    assert (no.status_code, no.json()["outcome"]) == (201, "declined"), no.text
    task = desk.task("F05")
    assert (task["status"], task["why"]) == ("declined", "Would rather not.")
    assert desk.sign("F05", "signed").status_code == 422  # a consent is signed as a consent


def test_prefill_shows_source_and_date_and_no_screening_answer(service: Service) -> None:
    desk = Desk(service)
    desk.signed("F16")
    draft = {"instrument": "asq", "status": "draft", "answers": {"asq.1": 1}}
    assert desk.intake.post(f"/patients/{desk.patient_id}/assessments", draft).status_code == 201
    known = desk.intake.get(f"/patients/{desk.patient_id}/prefill").json()["items"]
    by_field = {one["field"]: one for one in known}
    assert (
        by_field["birth_date"]["value"] == "1988-04-12" and by_field["birth_date"]["source"] == "demographics"
    )
    assert (by_field["video"]["form"], by_field["video"]["still_right"]) == ("F16", False)
    assert not any("asq" in one["field"] for one in known)
    assert desk.compliance.get(f"/patients/{desk.patient_id}/prefill").status_code == 403
    assert service.entries(object_kind="prefill")[-1]["outcome"] in ("permit", "deny")


def test_the_suggestion_is_shown_to_whoever_may_read_it(service: Service) -> None:
    desk = Desk(service)
    assert desk.packet()["level_of_care"]["suggestion"] is not None
    assert desk.packet(desk.compliance)["level_of_care"] == {"suggestion": None, "reasons": []}
    stranger = service.client(service.account("clinician", name="stranger"))
    assert stranger.get(f"/patients/{desk.patient_id}/intake").status_code == 403


# -- the work list


def names(answer: object) -> list[str]:
    return [one["given_name"] for one in answer.json()["items"]]  # type: ignore[attr-defined]


def test_the_work_list_puts_safety_first_and_shows_nobody_unseen(service: Service) -> None:
    for name in ("Ada", "Bea", "Cleo"):
        desk = Desk(service, given_name=name, birth_date="1980-02-03")
    answers = {f"asq.{number}": 0 for number in range(1, 5)} | {"asq.1": 1, "asq.5": 1}
    flagged = desk.intake.post(
        f"/patients/{desk.patient_id}/assessments",
        {"instrument": "asq", "status": "completed", "answers": answers},
    )
    assert flagged.json()["flags"], flagged.text
    listed = desk.intake.get("/work-list?view=mine")
    everybody = names(listed)
    assert everybody[0] == "Cleo" and sorted(everybody) == ["Ada", "Bea", "Cleo"], listed.text
    first, second = listed.json()["items"][:2]
    assert first["open_flags"] and first["flag_severity"] == "urgent" and second["open_flags"] == 0
    assert second["blocking"] == "SCREEN"
    assert [task["owner"] for task in first["tasks"]] == ["intake"] * len(first["tasks"])
    assert desk.gate("LEAVE") == ["f22_missing"] and "open_emergency" in desk.gate("ADMIT")
    shown = [one for one in service.entries(action="work_list.read") if one["patient_id"]]
    assert len(shown) == 3
    # a page at a time, each patient once
    page = desk.intake.get("/work-list?limit=2").json()
    rest = desk.intake.get(f"/work-list?limit=2&cursor={page['next_cursor']}").json()
    assert [one["given_name"] for one in (*page["items"], *rest["items"])] == everybody
    assert rest["next_cursor"] is None
    # clinicians see the patients they work with; compliance no names
    assert names(desk.clinician.get("/work-list?view=waiting_patient")) == everybody
    stranger = service.client(service.account("clinician", name="stranger"))
    assert names(stranger.get("/work-list?view=waiting_patient")) == []
    assert names(desk.compliance.get("/work-list?view=waiting_patient")) == [None] * 3


def test_the_views_of_the_work_list(service: Service) -> None:
    desk = Desk(service)
    assert names(desk.intake.get("/work-list?view=overdue")) == []
    assert names(desk.intake.get("/work-list?view=expiring")) == []
    outside = desk.intake.get("/work-list?view=waiting_outside").json()["items"]
    assert [task["key"] for one in outside for task in one["tasks"]] == ["F18"]
    desk.signed("F13", "F03", outcome="given")
    service.clock.advance(timedelta(days=80))
    later = service.client(service.account("intake", name="later"))
    overdue = {task["key"] for task in later.get("/work-list?view=overdue").json()["items"][0]["tasks"]}
    assert {"F02", "F04", "suicide_screen"} <= overdue and not {"F03", "F13", "F14"} & overdue
    expiring = later.get("/work-list?view=expiring").json()["items"]
    assert [(task["key"], task["expires_on"]) for task in expiring[0]["tasks"]] == [("F13", "2026-08-30")]
    assert later.get("/work-list?view=everything").status_code == 422


def test_a_list_of_many_reads_each_concept_once(service: Service) -> None:
    desk = Desk(service)
    said: list[str] = []

    def listen(*given: object) -> None:
        said.append(str(given[2]))

    def listed(patients: int) -> list[str]:
        said.clear()
        answer = desk.intake.get("/work-list?limit=50")
        assert len(answer.json()["items"]) == patients, answer.text
        return list(said)

    engine = service.house.state.engine.sync_engine
    event.listen(engine, "before_cursor_execute", listen)
    try:
        one = listed(1)
        for number in range(6):
            Desk(service, given_name=f"Many{number}", birth_date="1975-05-05")
        seven = listed(7)
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    for table in ("form_signature", "assessment", "intake_entry", "safety_flag", "packet_item", "placement",
                  "record_item", "visit", "message"):  # fmt: skip
        assert count(seven, table) == count(one, table), table
    # what grows is the entry for each patient shown, and their key where it is not cached yet
    assert len(seven) - len(one) <= 6 * 3, len(seven)


def count(statements: list[str], table: str) -> int:
    return sum(f"FROM {table}" in statement or f"JOIN {table}" in statement for statement in statements)


@pytest.mark.parametrize("role", ["administrator", "director", "requester"])
def test_who_sees_no_packet(service: Service, role: str) -> None:
    desk = Desk(service)
    who = service.client(role, purpose="HOPERAT")
    assert who.get(f"/patients/{desk.patient_id}/intake").status_code in (403, 404)
    assert who.get("/work-list").status_code in (403, 404)
