"""What a packet must not take for done, and whom it must not forget."""

from datetime import timedelta
from typing import Any

from tests.house import Service
from tests.integration.admission.packet.desk import PERSON, Desk


def progress_note(desk: Desk) -> None:
    body = {"kind": "progress_note", "unit": "U1", "content": "Synthetic note.", "labels": ["SUD"]}
    written = desk.clinician.post(f"/patients/{desk.patient_id}/items", body)
    assert written.status_code == 201, written.text


def event(desk: Desk, kind: str) -> None:
    body = {"kind": kind, "occurred_on": desk.today}
    recorded = desk.clinician.post(f"/patients/{desk.patient_id}/events", body)
    assert recorded.status_code == 201, recorded.text


def test_an_urgent_flag_of_the_absorbed_chart_keeps_the_survivor_from_being_admitted(
    service: Service,
) -> None:
    desk = Desk(service)
    other: dict[str, Any] = desk.intake.post("/patients", PERSON).json()
    positive = {"asq.1": 1, "asq.2": 0, "asq.3": 0, "asq.4": 0, "asq.5": 1}
    form = {"instrument": "asq", "status": "completed", "answers": positive}
    assert desk.intake.post(f"/patients/{other['id']}/assessments", form).status_code == 201
    assert "open_emergency" not in desk.gate("ADMIT")
    merge = {"merged_id": other["id"], "reason": "Registered twice", "evidence": "Seen with both papers"}
    merged = desk.intake.post(f"/patients/{desk.patient_id}/merges", merge)
    assert merged.status_code == 201, merged.text
    assert "open_emergency" in desk.gate("ADMIT")


def test_a_note_of_the_former_stay_does_not_bill_the_next(service: Service) -> None:
    desk = Desk(service)
    progress_note(desk)
    assert "note_missing" not in desk.gate("BILL")
    ended = desk.clinician.post(
        f"/episodes/{desk.episode_id}/steps",
        {"kind": "not_admit", "on": desk.today, "reason": "Did not come"},
    )
    assert ended.status_code in (200, 201), ended.text
    service.clock.advance(timedelta(days=30))
    service.accounts.clear()
    again = Desk.__new__(Desk)
    again.service, again.patient_id = service, desk.patient_id
    again.intake = service.client("intake")
    again.today = service.clock.now().astimezone(service.program.zone).date().isoformat()
    again.episode_id = again.refer()
    assert "note_missing" in again.gate("BILL")


def test_nothing_is_signed_for_somebody_who_has_died(service: Service) -> None:
    desk = Desk(service)
    event(desk, "death")
    signed = desk.sign("F04")
    assert (signed.status_code, signed.json()["code"]) == (409, "form_not_now")
    by_account = desk.sign("F04", who=desk.patient, device="own_device")
    assert by_account.status_code in (404, 409), by_account.text
    assert desk.task("F04")["status"] == "not_started"
