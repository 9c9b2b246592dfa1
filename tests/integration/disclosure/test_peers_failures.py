"""What consent services have got wrong elsewhere, tried here through the public operations.

A recipient the consent does not name, a purpose it does not name, a newer consent about something else, a period inside
a period that is over, an audit store that is down, a redaction turned inside out, data in the answer that refuses.
"""

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.disclosure.office import CLINIC_ONLY, SPECIFIC, TPO, Office

EMPLOYER = {"type": "entity", "name": "Employer Co"}


def left(office: Office) -> int:
    """Disclosures there are."""
    with office.service.house.superuser() as db:
        row = db.execute(
            "SELECT count(*) FROM disclosure WHERE program_id = %s", [office.service.program_id]
        ).fetchone()
    return row[0] if row else -1


def refused(answer: Any) -> dict[str, Any]:
    """The decision of a refusal that carries no word of any record."""
    assert answer.status_code == 403, answer.text
    problem = answer.json()
    assert "content of" not in answer.text
    assert "package" not in problem and "notice" not in problem
    assert problem["decision"]["granted"] == []
    return problem["decision"]


def test_a_recipient_the_consent_does_not_name(office: Office) -> None:
    office.chart()
    office.signed(SPECIFIC)
    office.signed(TPO)
    decision = refused(office.disclose(office.recipient(EMPLOYER), "HOUSING", categories=["attendance"]))
    assert decision["effect"] == "deny"
    assert left(office) == 0
    assert office.request(office.outside(office.recipient(EMPLOYER)), "HOUSING").status_code == 404


@pytest.mark.parametrize("purpose", ["EMPLOYMENT", "PATRQT", "TREAT", "SUPNWK"])
def test_a_purpose_the_consent_does_not_name(office: Office, purpose: str) -> None:
    """Named for HOUSING and nothing else; a purpose that is missing matches nothing."""
    office.chart()
    office.signed(SPECIFIC)
    refused(office.disclose(office.lawyer, purpose, categories=["attendance"]))
    body = {"recipient": {"recipient_id": office.lawyer}, "channel": "mail"}
    assert office.clinician.post(f"/patients/{office.patient_id}/disclosures", body).status_code == 422
    assert left(office) == 0


def test_a_newer_consent_about_something_else_cancels_and_adds_nothing(office: Office) -> None:
    office.chart()
    older = office.signed(TPO)
    office.wait(timedelta(days=1))
    newer = office.signed(CLINIC_ONLY | {"purposes": ["HPAYMT"]})
    item = office.items["medication_list"]
    made = office.disclose(office.clinic, items=[item]).json()
    assert made["decision"]["basis"]["consent_id"] == older["id"]
    office.revoke(newer["id"])
    assert office.disclose(office.clinic, items=[item]).status_code == 201
    office.revoke(older["id"])
    office.signed(CLINIC_ONLY | {"purposes": ["HPAYMT"]})
    refused(office.disclose(office.clinic, items=[item]))


def test_a_period_inside_a_period_ends_by_itself(office: Office) -> None:
    """The consent lasts to the end of the year, what it covers only to the end of May."""
    scope = {
        "kinds": ["attendance"],
        "labels": "all",
        "description": "May",
        "from": "2026-05-01",
        "to": "2026-05-31",
    }
    inside = office.item("attendance", dated_on="2026-05-10")
    outside = office.item("attendance", dated_on="2026-06-01")
    office.signed(SPECIFIC | {"scope": scope})
    decision = office.disclose(office.lawyer, "HOUSING", channel="mail").json()["decision"]
    assert decision["effect"] == "partial"
    assert [one["item"] for one in decision["granted"]] == [inside]
    assert [one["reason"] for one in decision["withheld"]] == ["DATE_NOT_IN_SCOPE"]
    late = refused(office.disclose(office.lawyer, "HOUSING", items=[outside]))
    assert {one["reason"] for one in late["withheld"]} == {"DATE_NOT_IN_SCOPE"}
    office.wait(timedelta(days=300))
    over = refused(office.disclose(office.lawyer, "HOUSING", items=[inside]))
    assert {one["reason"] for one in over["withheld"]} == {"C-EXPIRED"}


def test_with_the_audit_store_down_nothing_leaves_and_nobody_is_told_anything(office: Office) -> None:
    office.chart()
    office.signed(TPO)
    clinic, clinician, outside = office.clinic, office.clinician, office.outside()
    paths = f"/patients/{office.patient_id}/disclosures", f"/patients/{office.patient_id}/disclosures/preview"
    with office.service.house.superuser() as db:
        db.execute("REVOKE INSERT (id) ON audit_entry FROM consentry_app")
        try:
            answers = [clinician.post(path, office.asked(clinic)) for path in paths]
            denied = clinician.post(paths[0], office.asked(clinic, "EMPLOYMENT"))
            asked = office.request(outside)
        finally:
            db.execute("GRANT INSERT (id) ON audit_entry TO consentry_app")
    for answer in (*answers, denied, asked):
        assert answer.status_code == 503
        assert "content of" not in answer.text and "decision" not in answer.json()
    assert left(office) == 0


def test_what_is_withheld_is_exactly_what_is_absent(office: Office) -> None:
    """A redaction turned inside out would hand over the note and keep the attendance."""
    office.chart()
    office.signed(
        TPO | {"scope": {"kinds": ["attendance", "lab_result"], "labels": "all", "description": "some"}}
    )
    made = office.disclose(office.clinic).json()
    package = office.clinician.get(f"/disclosures/{made['id']}/package").json()
    assert sorted(item["content"] for item in package["items"]) == [
        "content of attendance",
        "content of lab_result",
    ]
    granted = {one["item"] for one in made["decision"]["granted"]}
    assert {item["id"] for item in package["items"]} == granted
    assert granted == {office.items["attendance"], office.items["lab_result"]}
    withheld = {one["category"] for one in made["decision"]["withheld"]}
    assert withheld == {"medication_list", "progress_note", "counseling_note"}
    for kind in withheld:
        assert f"content of {kind}" not in str(package)


def test_a_refusal_holds_no_data(office: Office) -> None:
    office.chart()
    consent = office.signed(TPO)
    made = office.disclose(office.clinic).json()
    office.revoke(consent["id"])
    refused(office.disclose(office.clinic))
    refused(office.clinician.get(f"/disclosures/{made['id']}/package"))
    outside = office.request()
    assert outside.status_code == 404
    assert set(outside.json()) == {"type", "title", "status", "code", "detail", "request_id"}
