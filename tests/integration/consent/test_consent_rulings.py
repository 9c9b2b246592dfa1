"""What compliance says about a consent, and that nobody takes it back out of the database."""

from tests.integration.consent.desk import SIGNATURE, SPECIFIC, Desk, codes
from tests.integration.consent.happenings import (
    ruled,
    stored_state,
)


def test_a_doubt_closes_the_consent_until_it_is_settled(desk: Desk) -> None:
    signed = desk.signed(SPECIFIC)
    doubted = ruled(desk, signed["id"], "doubted")
    assert doubted.status_code == 201, doubted.text
    assert codes(doubted.json()["not_in_force"]) == {"C-DOUBTED"}
    assert ruled(desk, signed["id"], "doubted").status_code == 409
    reviews = desk.service.client("compliance").get("/audit/reviews").json()["items"]
    assert [r["kind"] for r in reviews if r["subject_id"] == signed["id"]] == ["consent_doubt"]
    cleared = ruled(desk, signed["id"], "cleared").json()
    assert cleared["in_force"]
    assert [r["kind"] for r in cleared["rulings"]] == ["doubted", "cleared"]
    assert codes(ruled(desk, signed["id"], "false").json()["not_in_force"]) == {"C-FALSE"}
    assert ruled(desk, signed["id"], "event_happened").status_code == 409


def test_an_event_nobody_records_waits_for_a_ruling(desk: Desk) -> None:
    """V1: C-EXPIRY-UNKNOWN until compliance says whether it has happened; once it has, for good."""
    signed = desk.signed(SPECIFIC | {"expiry": {"kind": "event", "event": "when my lease begins"}})
    assert codes(signed["not_in_force"]) == {"C-EXPIRY-UNKNOWN"}
    assert ruled(desk, signed["id"], "event_not_happened").json()["in_force"]
    ended = ruled(desk, signed["id"], "event_happened").json()
    assert ended["state"] == "expired"
    assert stored_state(desk, signed["id"]) == "expired"
    assert ruled(desk, signed["id"], "event_not_happened").status_code == 409


def test_only_a_defect_of_form_is_let_pass(desk: Desk) -> None:
    how = SPECIFIC["statements"] | {"revocation_how": False}
    formal = desk.drafted(SPECIFIC | {"statements": how})
    assert codes(formal["missing_elements"]) == {"C-STMT-REVOCATION-HOW"}
    passed = ruled(desk, formal["id"], "formal", "The patient knows the way: told on the telephone.")
    assert passed.status_code == 201, passed.text
    assert passed.json()["missing_elements"] == []
    answer = desk.patient.post(f"/consents/{formal['id']}/signatures", SIGNATURE)
    assert answer.status_code == 201, answer.text
    assert answer.json()["in_force"]
    real = desk.drafted(SPECIFIC | {"purposes": []})
    assert ruled(desk, real["id"], "formal").status_code == 409
    mixed = desk.drafted(SPECIFIC | {"purposes": [], "statements": how})
    assert codes(ruled(desk, mixed["id"], "formal").json()["missing_elements"]) == {"C-PURPOSE"}


def test_only_compliance_rules_and_says_why(desk: Desk) -> None:
    signed = desk.signed(SPECIFIC)
    body = {"kind": "false", "reason": "because"}
    for who in (desk.intake, desk.clinician):
        assert who.post(f"/consents/{signed['id']}/rulings", body).status_code == 403
    assert desk.patient.post(f"/consents/{signed['id']}/rulings", body).status_code == 404
    assert ruled(desk, signed["id"], "false", "   ").status_code == 422
    assert desk.read(signed["id"])["in_force"]


def test_a_ruling_taken_out_of_the_database_is_missed(desk: Desk) -> None:
    signed = desk.signed(SPECIFIC)
    assert ruled(desk, signed["id"], "false").status_code == 201
    with desk.service.house.superuser() as db:
        db.execute("alter table consent_ruling disable trigger all")
        db.execute("delete from consent_ruling where consent_id = %s", [signed["id"]])
        db.execute("alter table consent_ruling enable trigger all")
    assert desk.intake.get(f"/consents/{signed['id']}").status_code >= 500
