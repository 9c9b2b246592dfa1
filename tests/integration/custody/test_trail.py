"""Who saw this record and why: the trail over HTTP, for the one role that may read it."""

import base64
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from service.ledger.checkpoint import VerifierKey, parse
from service.ledger.export import ExportSource
from service.ledger.merkle import leaf_hash, verify_consistency, verify_inclusion
from service.ledger.verify import Kind, signature_is_right, verify
from tests.house import Service, open_program

PATIENT = {"given_name": "Tilda", "family_name": "Testperson", "birth_date": "1984-02-29", "sex": "female"}


def register(service: Service, **changes: str) -> str:
    answer = service.client("intake").post("/patients", PATIENT | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def trail(service: Service, query: str = "", who: str = "compliance") -> Any:
    return service.client(who).get(f"/audit/entries{query}")


def actions(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["action"] for item in answer.json()["items"]]


def test_who_saw_this_patient_and_why(service: Service) -> None:
    mine, other = register(service), register(service, family_name="Otherperson")
    assert service.client("intake").get(f"/patients/{mine}").status_code == 200
    answer = trail(service, f"?patient={mine}")
    assert actions(answer) == ["patient.read", "patient.register"]
    read = answer.json()["items"][0]
    assert read["patient"] == mine != other
    assert read["purpose"] == "TREAT"
    assert read["outcome"] == "permit"
    assert read["actor"] == {
        "kind": "staff",
        "id": str(service.account("intake").id),
        "name": "Test Intake",
    }
    assert read["summary"] == "Test Intake (a member of staff) read a patient's registration."


@pytest.mark.shows("O-21")
def test_reading_the_trail_stands_in_the_trail(service: Service) -> None:
    patient = register(service)
    answer = trail(service, f"?patient={patient}")
    own = service.entries(id=answer.headers["Audit-Entry"])
    assert [entry["action"] for entry in own] == ["audit.read"]
    assert str(own[0]["patient_id"]) == patient
    assert own[0]["detail"] == {"filters": ["patient"], "listed": 1, "sort": "recorded_at"}
    assert patient not in json.dumps(own[0]["detail"])
    assert actions(trail(service, f"?patient={patient}"))[0] == "audit.read"


@pytest.mark.shows("O-24")
@pytest.mark.parametrize("role", ["intake", "clinician", "administrator", "patient", "requester"])
def test_nobody_else_reads_it(service: Service, role: str) -> None:
    entry = service.entries()[0]["id"]
    paths = [
        "/audit/entries", f"/audit/entries/{entry}", f"/audit/entries/{entry}/proof", "/audit/checkpoint",
        "/audit/consistency?first=0", "/audit/export",
    ]  # fmt: skip
    for path in paths:
        answer = service.client(role).get(path)
        assert answer.status_code in (403, 404), (path, answer.text)
        assert "items" not in answer.json()
    denied = service.entries(outcome="deny", actor_id=service.account(role).id)
    assert [entry["action"] for entry in denied] == ["audit.read"] * 5 + ["audit.export"]


def test_another_program_sees_nothing_of_it(service: Service) -> None:
    patient = register(service)
    entry = service.entries(action="patient.register")[0]["id"]
    stranger = open_program(service.house)
    assert actions(trail(stranger, f"?patient={patient}")) == []
    for path in (f"/audit/entries/{entry}", f"/audit/entries/{entry}/proof"):
        assert stranger.client("compliance").get(path).status_code == 404
    cursor = base64.urlsafe_b64encode(entry.bytes).decode().rstrip("=")
    assert trail(stranger, f"?cursor={cursor}").status_code == 422


def test_every_filter_filters(service: Service) -> None:
    patient = register(service)
    service.client("clinician").get(f"/patients/{patient}")  # no relationship: refused
    rows = service.entries()
    for name, column in [
        ("patient", "patient_id"), ("actor", "actor_id"), ("action", "action"), ("outcome", "outcome"),
        ("purpose", "purpose"), ("object", "object_id"),
    ]:  # fmt: skip
        value = rows[-1][column]
        assert value is not None, column
        expected = [str(row["id"]) for row in service.entries() if row[column] == value]
        found = trail(service, f"?{name}={value}&sort=recorded_at&limit=200").json()["items"]
        assert [item["id"] for item in found] == expected, name
        assert 0 < len(expected) < len(service.entries()), name


def test_a_span_of_time(service: Service) -> None:
    for number in range(3):
        register(service, family_name=f"Testperson{number}")
    rows = service.entries()
    begin, end = (rows[at]["recorded_at"].isoformat().replace("+00:00", "Z") for at in (1, 3))
    found = trail(service, f"?from={begin}&to={end}&sort=recorded_at").json()["items"]
    assert [item["id"] for item in found] == [str(row["id"]) for row in rows[1:3]]


@pytest.mark.shows("O-21")
@pytest.mark.parametrize(
    "field",
    [
        "recorded_at", "occurred_at", "patient", "actor", "actor_kind", "session", "action", "outcome", "purpose",
        "object_kind", "object", "consent", "recipient", "basis", "request",
    ],
)  # fmt: skip
@pytest.mark.parametrize("direction", ["", "-"])
def test_every_field_sorts_and_pages_show_each_entry_once(
    service: Service, field: str, direction: str
) -> None:
    patient = register(service)
    service.client("clinician").get(f"/patients/{patient}")
    expected = {str(row["id"]) for row in service.entries()}
    seen: list[dict[str, Any]] = []
    cursor = ""
    while True:
        # what this very reading adds is left out by its action
        page = trail(service, f"?sort={direction}{field}&limit=3{cursor}").json()
        seen += [item for item in page["items"] if item["action"] != "audit.read"]
        if page["next_cursor"] is None or len(seen) > 50:
            break
        cursor = f"&cursor={page['next_cursor']}"
    ids = [item["id"] for item in seen]
    assert len(ids) == len(set(ids))
    assert set(ids) >= {one for one in expected if one in ids}
    assert expected - set(ids) == set()
    keys = [
        str((item["actor"]["kind"] if field == "actor_kind" else item["actor"]["id"]) if field.startswith("actor")
            else item["request_id"] if field == "request" else item[field]).replace("None", "")
        for item in seen
    ]  # fmt: skip
    assert keys == sorted(keys, reverse=direction == "-")


@pytest.mark.parametrize(
    "query",
    [
        "?sort=mac", "?sort=id;drop", "?sort=--recorded_at", "?limit=0", "?limit=201", "?cursor=x", "?patient=1",
        "?outcome=maybe", "?from=yesterday", f"?cursor={base64.urlsafe_b64encode(UUID(int=7).bytes).decode()[:22]}",
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_422(service: Service, query: str) -> None:
    answer = trail(service, query)
    assert answer.status_code == 422, answer.text
    assert "drop" not in answer.text


def test_one_entry_explained(service: Service) -> None:
    patient = register(service)
    entry = service.entries(action="patient.register")[0]["id"]
    answer = service.client("compliance").get(f"/audit/entries/{entry}")
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    explanation = shown["explanation"]
    assert explanation["sentences"][0] == "Test Intake (a member of staff) registered a patient."
    assert "The stated purpose was Treatment (TREAT)." in explanation["sentences"]
    assert "It was permitted." in explanation["sentences"]
    assert explanation["policy_set_is_current"] is True
    assert explanation["rules"]
    assert all(rule["citation"] for rule in explanation["rules"])
    assert shown["policies"] == [rule["rule"] for rule in explanation["rules"]]
    assert shown["patient"] == patient
    own = service.entries(id=answer.headers["Audit-Entry"])[0]
    assert (own["object_id"], str(own["patient_id"])) == (entry, patient)


def test_a_refusal_explained(service: Service) -> None:
    patient = register(service)
    assert service.client("clinician").get(f"/patients/{patient}").status_code in (403, 404)
    entry = service.entries(outcome="deny")[0]["id"]
    explanation = service.client("compliance").get(f"/audit/entries/{entry}").json()["explanation"]
    assert explanation["sentences"][0].endswith("was refused: read a patient's registration.")
    assert explanation["reason"] == "not_permitted"
    assert "It was refused because no rule permits it to this caller." in explanation["sentences"]


def test_a_patient_is_never_named_in_the_trail(service: Service) -> None:
    patient = register(service)
    who = service.account("patient", patient_id=patient)
    service.client(who).get(f"/patients/{patient}/consents")
    found = trail(service, f"?actor={who.id}").json()["items"]
    assert found
    assert all(item["actor"]["name"] is None for item in found)
    assert "Testperson" not in trail(service).text


def test_an_inclusion_proof_holds_by_itself(service: Service) -> None:
    for number in range(5):
        register(service, family_name=f"Testperson{number}")
    entries = service.entries(action="patient.register")
    compliance = service.client("compliance")
    early = compliance.get(f"/audit/entries/{entries[0]['id']}/proof")
    assert early.status_code == 503
    assert "Retry-After" in early.headers
    service.house.sequence()
    signer = service.house.state.sequencer.signer.public_key
    for entry in entries:
        proof = compliance.get(f"/audit/entries/{entry['id']}/proof").json()
        note = parse(proof["checkpoint"])
        assert note.signed_by(VerifierKey(proof["origin"], signer), signature_is_right)
        hashes = [base64.b64decode(hashed) for hashed in proof["hashes"]]
        hashed = leaf_hash(proof["leaf"].encode())
        assert json.loads(proof["leaf"])["id"] == str(entry["id"])
        size, root = note.checkpoint.size, note.checkpoint.root
        assert verify_inclusion(hashed, proof["position"], size, hashes, root)
        assert not verify_inclusion(leaf_hash(b"{}"), proof["position"], size, hashes, root)


def test_checkpoints_are_consistent(service: Service) -> None:
    compliance = service.client("compliance")
    assert compliance.get("/audit/checkpoint").status_code == 404
    notes = []
    for number in range(3):
        register(service, family_name=f"Testperson{number}")
        service.house.sequence()
        answer = compliance.get("/audit/checkpoint")
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        notes.append(parse(answer.text).checkpoint)
    first, second = notes[0], notes[2]
    proof = compliance.get(f"/audit/consistency?first={first.size}&second={second.size}").json()
    hashes = [base64.b64decode(hashed) for hashed in proof["hashes"]]
    assert verify_consistency(first.size, second.size, first.root, second.root, hashes)
    assert compliance.get(f"/audit/consistency?first={second.size}&second={first.size}").status_code == 422
    assert compliance.get("/audit/consistency?first=0&second=100000").status_code == 422
    service_tree = parse(compliance.get("/audit/checkpoint?tree=service").text).checkpoint
    assert service_tree.origin == "consentry/test/service"


def test_an_export_verifies_without_the_database(service: Service, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("service.custody.operations.EXPORT_PAGE", 4)
    for number in range(10):
        register(service, family_name=f"Testperson{number}")
    service.house.sequence()
    size = parse(service.client("compliance").get("/audit/checkpoint").text).checkpoint.size
    answer = service.client("compliance").get("/audit/export")
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    path = tmp_path / "trail.ndjson"
    path.write_bytes(answer.content)
    origin, tree = ExportSource(path).header()
    assert tree == service.program_id
    signer = service.house.state.sequencer.signer.public_key
    report = verify(ExportSource(path), origin, public_key=signer)
    assert report.intact, report.findings
    assert report.entries == size > 8
    exported = service.entries(action="audit.export")
    assert [entry["detail"]["first"] for entry in exported] == list(range(0, size, 4))
    lines = answer.text.splitlines(keepends=True)
    changed = [line.replace('"permit"', '"deny"') if '"position":6}' in line else line for line in lines]
    path.write_text("".join(changed))
    report = verify(ExportSource(path), origin, public_key=signer)
    assert report.first is not None
    assert (report.first.kind, report.first.position) == (Kind.ALTERED, 6)
