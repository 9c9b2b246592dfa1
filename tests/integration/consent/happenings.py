"""What happens around a consent at the desk, each in one line: signed for, revoked, ruled on, ended."""

import base64
from typing import Any

from service.cli.operator import Operator
from service.consent.ending_by_event import expire_past
from tests.integration.consent.desk import Desk

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n and the rest of a drawing").decode()


def revocation(desk: Desk, **change: Any) -> dict[str, Any]:
    now = desk.service.clock.now()
    return {
        "received_at": now.isoformat().replace("+00:00", "Z"),
        "form": "written",
        "by": "patient",
    } | change


def revoke(desk: Desk, consent_id: str, **change: Any) -> Any:
    return desk.patient.post(f"/consents/{consent_id}/revocation", revocation(desk, **change))


def happened(desk: Desk, kind: str, on: str) -> None:
    event = {"kind": kind, "occurred_on": on}
    answer = desk.service.client("compliance").post(f"/patients/{desk.patient_id}/events", event)
    assert answer.status_code == 201, answer.text


def nightly(desk: Desk) -> int:
    """The job of the night, as the command line runs it."""
    service = desk.service
    operator = Operator(service.house.settings, service.clock)
    return len(operator.job(expire_past, service.program))


def stored_state(desk: Desk, consent_id: str) -> str:
    with desk.service.house.superuser() as db:
        row = db.execute("select state, text_version from consent where id = %s", [consent_id]).fetchone()
    assert row is not None
    assert row[1]
    return str(row[0])


def ruled(desk: Desk, consent_id: str, kind: str, reason: str = "as found out") -> Any:
    body = {"kind": kind, "reason": reason}
    return desk.service.client("compliance").post(f"/consents/{consent_id}/rulings", body)


def registered(desk: Desk, born: str, name: str = "Kim") -> str:
    body = {"given_name": name, "family_name": "Testperson", "birth_date": born}
    patient_id: str = desk.intake.post("/patients", body).json()["id"]
    return patient_id


def related(desk: Desk, patient_id: str, kind: str, name: str) -> None:
    person = desk.intake.post("/recipients", {"type": "person", "name": name}).json()
    body = {"kind": kind, "recipient_id": person["id"], "starts_on": "2020-01-01", "evidence": "papers seen"}
    answer = desk.intake.post(f"/patients/{patient_id}/relationships", body)
    assert answer.status_code == 201, answer.text
