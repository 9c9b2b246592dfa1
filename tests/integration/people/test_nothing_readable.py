"""What a thief of the database, the logs or the data directory reads about patients: nothing."""

import json
import logging
from typing import Any

from _pytest.capture import CaptureFixture

from service.log import configure_logs
from tests.house import Service

CANARY = "Zyxcanary"
PATIENT: dict[str, Any] = {
    "given_name": f"{CANARY}given",
    "family_name": f"{CANARY}family",
    "birth_date": "1971-12-13",
    "sex": "other",
    "phone": "+1 555 77665547766554",
    "email": f"{CANARY}@example.org",
    "address": {"line1": f"{CANARY} Street", "city": f"{CANARY}ton"},
    "identifiers": [{"system": f"{CANARY}sys", "value": f"{CANARY}id"}],
    "language": "qaa-zyxcan",
    "contacts": [{"name": f"{CANARY}contact", "phone": "555 77665537766553", "note": f"{CANARY}note"}],
}
#: Everything distinctive above, as it might be stored; numbers long enough not to stand in a ciphertext by chance.
SECRETS = [
    CANARY,
    CANARY.lower(),
    CANARY.upper(),
    "1971-12-13",
    "77665547766554",
    "77665537766553",
    "qaa-zyxcan",
]


def test_nothing_about_a_patient_is_readable_outside_the_vault(
    service: Service, capsys: CaptureFixture[str]
) -> None:
    configure_logs(logging.DEBUG)  # the logger binds to the stream it finds
    try:
        answers = act_on_canaries(service)
    finally:
        captured = capsys.readouterr()
        with capsys.disabled():
            configure_logs()
    places = {
        "database": _dump(service),
        "logs": captured.out + captured.err,
        "answers": answers,
        "data directory": _files(service),
    }
    assert '"route": "/patients/{patient_id}"' in places["logs"]
    for place, text in places.items():
        found = [secret for secret in SECRETS if secret in text]
        assert not found, (place, found)
    assert _dump(service, "vault_key")
    assert PATIENT["family_name"].encode().hex() not in places["database"]


def act_on_canaries(service: Service) -> str:
    """Every kind of act on a patient full of canaries; returns all headers, and the bodies of refusals."""
    intake = service.client("intake")
    bodies: list[str] = []

    def kept(answer: Any) -> Any:
        bodies.append(json.dumps(dict(answer.headers)))
        if answer.status_code >= 400:
            bodies.append(answer.text)
        return answer

    made = kept(intake.post("/patients", PATIENT, headers={"Idempotency-Key": "k"})).json()
    url = f"/patients/{made['id']}"
    recipient = kept(intake.post("/recipients", {"type": "person", "name": f"Dr {CANARY}recipient"})).json()
    relationship = {
        "kind": "treating",
        "recipient_id": recipient["id"],
        "starts_on": "2026-01-01",
        "evidence": f"{CANARY} evidence",
    }
    assert kept(intake.post(f"{url}/relationships", relationship)).status_code == 201
    assert kept(intake.patch(url, {"given_name": f"{CANARY}renamed"}, version=1)).status_code == 200
    assert kept(intake.get(url)).json()["family_name"] == f"{CANARY}family"
    kept(intake.post("/patients/search", {"family_name": f"{CANARY}family", "birth_date": "1971-12-13"}))
    kept(intake.post("/patients/search", {"family_name": f"{CANARY}family"}))
    kept(intake.patch(url, {"email": f"{CANARY}bad"}, version=2))
    kept(intake.post("/patients", {**PATIENT, "sex": f"{CANARY}sex", f"{CANARY}field": 1}))
    kept(intake.post(f"{url}/events", {"kind": f"{CANARY}kind", "occurred_on": f"{CANARY}day"}))
    kept(service.client("clinician").get(url))
    return "\n".join(bodies)


def _dump(service: Service, only: str | None = None) -> str:
    """Every row of every table as text; bytes in hexadecimal and, where they are text, as text too."""
    lines: list[str] = []
    with service.house.superuser() as db:
        tables = db.execute(
            "select table_name from information_schema.tables where table_schema = 'public'"
        ).fetchall()
        for (table,) in tables:
            if only is not None and table != only:
                continue
            for row in db.execute(f'select * from "{table}"').fetchall():  # type: ignore[arg-type]
                lines += [_shown(value) for value in row]
    return "\n".join(lines)


def _shown(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        raw = bytes(value)
        return raw.hex() + " " + raw.decode("utf-8", "ignore")
    return str(value)


def _files(service: Service) -> str:
    paths = [path for path in service.house.data.rglob("*") if path.is_file()]
    return "\n".join(path.read_bytes().decode("utf-8", "ignore") for path in paths)
