"""The trail searched by every field, and spans of it handed on."""

import csv
import io
import json
from typing import Any

import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from tests.house import Service

PATIENT = {"given_name": "Tilda", "family_name": "Testperson", "birth_date": "1984-02-29", "sex": "female"}
PATH = "/audit/entries"


def _filled(service: Service, many: int = 3) -> list[str]:
    service.client("compliance")  # making an account is an entry too
    intake = service.client("intake")
    made = [
        intake.post("/patients", PATIENT | {"family_name": f"Testperson{n}"}).json()["id"]
        for n in range(many)
    ]
    assert service.client("clinician").get(f"/patients/{made[0]}").status_code in (403, 404)
    assert intake.get(f"/patients/{made[0]}").status_code == 200
    return made


def _items(service: Service, **query: Any) -> list[dict[str, Any]]:
    answer = service.client("compliance").get(PATH, params={"limit": 200, "sort": "recorded_at"} | query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_the_fields_beside_the_usual_ones_filter(service: Service) -> None:
    _filled(service)
    rows = service.entries()
    shown = next(row for row in rows if row["session_id"] and row["action"] == "patient.read")
    for name, column in (
        ("session", "session_id"), ("object_kind", "object_kind"), ("actor_kind", "actor_kind"), ("tree", "tree"),
        ("request", "request_id"), ("policy_set", "policy_set"),
    ):  # fmt: skip
        value = shown[column]
        expected = {str(row["id"]) for row in rows if row[column] == value}
        found = [one for one in _items(service, **{name: value}) if not one["action"].startswith("audit.")]
        assert {one["id"] for one in found} == expected, name
    versioned = [str(row["id"]) for row in rows if row["object_version"] == 1]
    assert [one["id"] for one in _items(service, object_version=1)] == versioned
    assert 0 < len(versioned) < len(rows)


def test_by_one_of_the_policies_that_decided(service: Service) -> None:
    _filled(service)
    rows = service.entries()
    policy = next(
        row["policies"][0] for row in rows if row["action"] == "patient.register" and row["policies"]
    )
    expected = [str(row["id"]) for row in rows if policy in row["policies"]]
    found = [one["id"] for one in _items(service, policy=policy) if one["action"] != "audit.read"]
    assert found == expected
    assert 0 < len(expected) < len(rows)
    assert _items(service, policy=policy[:-1]) == [], "a part of a name is no name"


def test_by_when_it_was_done(service: Service) -> None:
    _filled(service)
    at = service.clock.now().isoformat().replace("+00:00", "Z")
    assert _items(service, occurred_from=at)
    assert _items(service, occurred_to=at) == []


@pytest.mark.parametrize("direction", ["", "-"])
@pytest.mark.parametrize("field", ["purpose", "object", "object_version", "recorded_at", "policy", "tree"])
def test_pages_stand_while_entries_come(service: Service, field: str, direction: str) -> None:
    """Entries written between two pages move nothing: none of the old ones is missing or comes twice."""
    _filled(service)
    old = {str(row["id"]) for row in service.entries()}
    seen: list[str] = []
    query: dict[str, Any] = {"sort": direction + field, "limit": 5}  # more than each round adds
    for _ in range(60):
        page = service.client("compliance").get(PATH, params=query).json()
        seen += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None or old <= set(seen):
            break
        query["cursor"] = page["next_cursor"]
        service.client("intake").get("/patients/00000000-0000-7000-8000-00000000dead")
    assert len(seen) == len(set(seen))
    assert old <= set(seen)


def test_ten_readings_are_ten_entries(service: Service) -> None:
    """Reading the trail is audited, and what that adds is not read again by itself."""
    _filled(service)
    before = len(service.entries())
    for _ in range(10):
        _items(service)
    rows = service.entries()
    assert len(rows) == before + 10
    assert [row["action"] for row in rows[before:]] == ["audit.read"] * 10


@pytest.mark.parametrize(
    "query", [{"sort": "detail"}, {"policy": "a b"}, {"object_version": -1}, {"tree": "x"}]
)
def test_what_is_no_field_or_no_value_is_said(service: Service, query: dict[str, Any]) -> None:
    answer = service.client("compliance").get(PATH, params=query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message"]


def _export(service: Service, **query: Any) -> Any:
    answer = service.client("compliance").get("/audit/export", params=query)
    assert answer.status_code == 200, answer.text
    return answer


def test_a_span_is_written_page_by_page_and_does_not_chase_itself(service: Service, monkeypatch: Any) -> None:
    monkeypatch.setattr("service.custody.exporting.PAGE", 3)
    _filled(service)
    service.house.sequence()
    rows = service.entries()
    ids = [str(row["id"]) for row in rows]
    answer = _export(service, format="csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    table = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [one["id"] for one in table] == ids
    pages = service.entries(action="audit.export")
    assert [one["detail"]["listed"] for one in pages] == [3] * (len(ids) // 3) + (
        [len(ids) % 3] if len(ids) % 3 else []
    )
    assert len({one["detail"]["to"] for one in pages}) == 1
    begin, end = (rows[at]["recorded_at"].isoformat().replace("+00:00", "Z") for at in (1, 4))
    span = {"from": begin, "to": end}
    table = list(csv.DictReader(io.StringIO(_export(service, format="csv", **span).text, newline="")))
    assert [one["id"] for one in table] == ids[1:4]
    lines = _export(service, format="ndjson", **span).text.splitlines()
    assert [json.loads(line)["entry"]["id"] for line in lines] == ids[1:4]
    whole = _export(service).text.splitlines()
    program_lines = [line for line in lines if line in whole]
    assert program_lines == [
        line for line in lines if json.loads(line)["entry"]["tree"] == str(service.program_id)
    ]
    assert program_lines


def test_a_span_as_audit_events(service: Service) -> None:
    patients = _filled(service)
    answer = _export(service, format="fhir")
    assert answer.headers["Content-Type"] == "application/fhir+ndjson"
    events = [json.loads(line) for line in answer.text.splitlines()]
    for event in events:
        AuditEvent.model_validate(event)
    assert {event["id"] for event in events} == {str(row["id"]) for row in service.entries()} - {
        str(row["id"]) for row in service.entries(action="audit.export")
    }
    subjects = {
        entity["what"].get("reference") for event in events for entity in event["entity"] if "what" in entity
    }
    assert {f"Patient/{one}" for one in patients} <= subjects
    assert "Testperson" not in answer.text
    assert "Test Intake" not in answer.text


def test_an_export_in_another_role_is_refused_in_every_format(service: Service) -> None:
    for written_as in ("ndjson", "csv", "fhir"):
        answer = service.client("clinician").get("/audit/export", params={"format": written_as})
        assert answer.status_code in (403, 404), written_as
    assert len(service.entries(action="audit.export", outcome="deny")) == 3
