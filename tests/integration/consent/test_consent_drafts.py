"""Drafting over HTTP: the open scenarios as somebody would type them, and what a draft may not hold."""

from typing import Any

import pytest

from service.consent.model import ConsentKind
from tests.integration.consent.desk import CLINIC, LAWYER, SIGNATURE, SPECIFIC, TPO, Desk, codes


def without(body: dict[str, Any], statement: str) -> dict[str, Any]:
    return body | {"statements": body["statements"] | {statement: False}}


SCENARIOS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "O01": (TPO, set()),
    "O02": (without(TPO, "revocation_how"), {"C-STMT-REVOCATION-HOW"}),
    "O03": (without(TPO, "refusal_consequences"), {"C-STMT-REFUSAL"}),
    "O04": (without(TPO, "hipaa_redisclosure"), {"C-STMT-HIPAA-REDISC"}),
    "O05": (SPECIFIC | {"expiry": {"kind": "none"}}, {"C-EXPIRY-NONE-NOT-TPO"}),
    "O06": (
        SPECIFIC | {"purposes": ["PATRQT"], "initiated_by": "staff"},
        {"C-PURPOSE-NOT-PATIENT-INITIATED"},
    ),
    "O07": (SPECIFIC | {"purposes": ["PATRQT"], "initiated_by": "patient"}, set()),
    "O08": (SPECIFIC | {"form": "oral"}, {"C-NOT-WRITTEN"}),
    "O10": (
        TPO | {"scope": {"kinds": ["all", "counseling_note"], "labels": "all", "description": "all"}},
        {"C-COMBINE-SCN"},
    ),
    "O11": (TPO | {"purposes": ["TPO", "HLEGAL"]}, {"C-COMBINE-LEGAL"}),
    "O13": (
        SPECIFIC | {"scope": {"kinds": [], "labels": [], "description": ""}, "recipients": []},
        {"C-RECIPIENT", "C-SCOPE"},
    ),
}


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_scenario(desk: Desk, scenario: str) -> None:
    body, expected = SCENARIOS[scenario]
    made = desk.drafted(body)
    assert made["state"] == "draft"
    assert codes(made["missing_elements"]) == expected
    for reason in made["missing_elements"]:
        assert reason["citation"].startswith(("42 CFR", "45 CFR"))
        assert reason["message"]
        assert reason["field"]
    signing = desk.patient.post(f"/consents/{made['id']}/signatures", SIGNATURE)
    if not expected:
        assert signing.status_code == 201, signing.text
        assert signing.json()["state"] == "active"
        assert signing.json()["in_force"]
        return
    problem = signing.json()
    assert signing.status_code == 422
    assert problem["code"] == "consent_incomplete"
    assert codes(problem["errors"]) == expected
    assert desk.read(made["id"])["state"] == "draft"


def test_an_empty_draft_is_told_everything(desk: Desk) -> None:
    made = desk.drafted({"kind": "specific"})
    assert codes(made["missing_elements"]) == {
        "C-DISCLOSER",
        "C-SCOPE",
        "C-RECIPIENT",
        "C-PURPOSE",
        "C-STMT-REVOCATION",
        "C-STMT-REVOCATION-HOW",
        "C-EXPIRY-MISSING",
        "C-NOT-WRITTEN",
    }


def test_a_kind_that_does_not_exist_is_refused_by_name(desk: Desk) -> None:
    answer = desk.intake.post(f"/patients/{desk.patient_id}/consents", SPECIFIC | {"kind": "lunch"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "consent_kind_unsupported"
    assert answer.json()["errors"][0]["field"] == "kind"


@pytest.mark.parametrize("kind", sorted(ConsentKind))
def test_every_kind_can_be_written_and_is_shown_as_described(desk: Desk, kind: ConsentKind) -> None:
    made = desk.drafted(SPECIFIC | {"kind": kind.value})
    assert made["kind"] == kind.value
    assert made["text_version"] == made["document"]["version"]
    assert not made["needs_recollection"]
    desk.read(made["id"])


def test_an_intermediary_is_named_with_its_participants(desk: Desk) -> None:
    member = {"type": "entity", "name": "Pine Ortho"}
    exchange = {"type": "intermediary", "name": "Valley HIE", "participants": [member]}
    made = desk.drafted(SPECIFIC | {"kind": "intermediary", "recipients": [exchange]})
    shown = made["recipients"][0]
    assert shown["participant_names"] == ["Pine Ortho"]
    assert len(shown["participants"]) == 1
    assert "Pine Ortho" in desk.intake.get(f"/consents/{made['id']}/document").text


def test_a_consent_is_written_in_the_language_asked_for(desk: Desk) -> None:
    made = desk.drafted(SPECIFIC | {"language": "es"})
    assert made["language"] == "es"
    assert made["document"]["sha256"] != desk.drafted(SPECIFIC)["document"]["sha256"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"disclosers": ["U1", "U9"]}, "disclosers[1]"),
        ({"scope": {"kinds": ["attendance", "horoscope"], "labels": "all"}}, "scope.kinds[1]"),
        ({"scope": {"kinds": "all", "labels": ["XXX"]}}, "scope.labels"),
        (
            {"recipients": [{"recipient_id": "01890000-0000-7000-8000-000000000000"}]},
            "recipients[0].recipient_id",
        ),
        ({"recipients": [LAWYER | {"npi": "1234567890"}]}, "recipients[0].npi"),
    ],
)
def test_what_nobody_could_act_on_is_refused(desk: Desk, change: dict[str, Any], field: str) -> None:
    answer = desk.intake.post(f"/patients/{desk.patient_id}/consents", SPECIFIC | change)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    "change",
    [
        {"state": "active"},
        {"signed_at": "2026-01-01T00:00:00Z"},
        {"statements": {"revocation": "yes"}},
        {"recipients": [{"recipient_id": "01890000-0000-7000-8000-000000000000", "name": "x"}]},
        {"recipients": [{"name": "x"}]},
        {"expiry": {"kind": "date", "date": "tomorrow"}},
        {"expiry": {"kind": "whenever"}},
        {"purposes": "HOUSING"},
    ],
)
def test_a_malformed_draft_is_refused(desk: Desk, change: dict[str, Any]) -> None:
    answer = desk.intake.post(f"/patients/{desk.patient_id}/consents", SPECIFIC | change)
    assert answer.status_code == 422


def test_names_of_units_and_of_the_program_are_understood(desk: Desk) -> None:
    made = desk.drafted(SPECIFIC | {"disclosers": ["SUD intensive outpatient", "u2"]})
    assert {d["unit"] for d in made["disclosers"]} == {"U1", "U2"}
    made = desk.drafted(SPECIFIC | {"disclosers": ["program"]})
    assert [d["unit"] for d in made["disclosers"]] == ["*"]


def test_a_recipient_is_registered_once_and_named_by_id(desk: Desk) -> None:
    first, second = desk.drafted(SPECIFIC), desk.drafted(SPECIFIC)
    assert first["recipients"][0]["recipient_id"] == second["recipients"][0]["recipient_id"]
    by_id = SPECIFIC | {"recipients": [{"recipient_id": first["recipients"][0]["recipient_id"]}]}
    assert desk.drafted(by_id)["recipients"] == first["recipients"]


def test_a_draft_is_saved_anew_and_only_in_the_version_that_was_read(desk: Desk) -> None:
    made = desk.drafted({"kind": "specific"})
    path = f"/consents/{made['id']}"
    assert desk.intake.put(path, SPECIFIC).status_code == 428
    saved = desk.intake.put(path, SPECIFIC, version=1)
    assert saved.status_code == 200, saved.text
    assert saved.headers["etag"] == '"2"'
    assert saved.json()["missing_elements"] == []
    assert desk.intake.put(path, SPECIFIC, version=1).status_code == 412
    assert desk.read(made["id"])["version"] == 2


def test_the_same_key_makes_one_draft(desk: Desk) -> None:
    path, headers = f"/patients/{desk.patient_id}/consents", {"Idempotency-Key": "draft-1"}
    first = desk.intake.post(path, SPECIFIC, headers=headers)
    again = desk.intake.post(path, SPECIFIC, headers=headers)
    assert first.json()["id"] == again.json()["id"]
    other = desk.intake.post(path, TPO, headers=headers)
    assert other.status_code == 409
    assert len(desk.intake.get(path).json()["items"]) == 1


def test_the_list_is_newest_first_and_pages(desk: Desk) -> None:
    made = [desk.drafted(SPECIFIC)["id"] for _ in range(3)]
    path = f"/patients/{desk.patient_id}/consents"
    first = desk.intake.get(f"{path}?limit=2").json()
    assert len(first["items"]) == 2
    rest = desk.intake.get(f"{path}?limit=2&cursor={first['next_cursor']}").json()
    assert rest["next_cursor"] is None
    assert {item["id"] for item in first["items"] + rest["items"]} == set(made)


def test_nothing_about_the_consent_is_readable_in_the_database(desk: Desk) -> None:
    canary = "Zyxcanary"
    recipient = CLINIC | {"name": f"{canary} Clinic"}
    made = desk.signed(
        SPECIFIC
        | {
            "recipients": [recipient],
            "scope": {"kinds": ["attendance"], "labels": "all", "description": canary},
        }
    )
    with desk.service.house.superuser() as db:
        for table in ("consent", "consent_recipient", "consent_signature", "recipient", "audit_entry"):
            rows = db.execute(f"select t::text from {table} t").fetchall()  # type: ignore[arg-type]
            stored = "\n".join(row[0] for row in rows)
            assert canary not in stored
            assert canary.encode().hex() not in stored
    assert canary in desk.intake.get(f"/consents/{made['id']}/document").text


def test_a_preview_says_what_would_reach_whom_before_anything_is_signed(desk: Desk) -> None:
    made = desk.drafted(SPECIFIC)
    answer = desk.patient.post(f"/consents/{made['id']}/preview")
    assert answer.status_code == 200, answer.text
    assert "Lee Attorney" in answer.text
    assert desk.read(made["id"])["state"] == "draft"


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_are_days_like_others(desk: Desk, day: str) -> None:
    scope = {"kinds": "all", "labels": "all", "from": day, "to": day}
    made = desk.drafted(SPECIFIC | {"expiry": {"kind": "date", "date": day}, "scope": scope})
    assert codes(made["missing_elements"]) == ({"C-EXPIRY-PAST"} if day < "2000" else set())
    instant = f"{day}T00:00:00+14:00" if day < "2000" else f"{day}T23:59:59-12:00"
    body = {"received_at": instant, "form": "written", "by": "patient"}
    signature = SIGNATURE | {"signed_on": day}
    assert desk.patient.post(f"/consents/{made['id']}/signatures", signature).status_code == 422
    assert desk.patient.post(f"/consents/{made['id']}/revocation", body).status_code in (409, 422)
