"""Revocation: at once, once, for some or for all; the day or event of 2.35(c); whom to tell."""

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.consent.desk import LAWYER, SPECIFIC, TPO, Desk, codes
from tests.integration.consent.happenings import (
    happened,
    revocation,
    revoke,
)

# ---- revoking


def test_a_revocation_acts_at_once_and_once(desk: Desk) -> None:
    signed = desk.signed(SPECIFIC)
    answer = revoke(desk, signed["id"])
    assert answer.status_code == 200, answer.text
    revoked = answer.json()
    assert revoked["state"] == "revoked"
    assert not revoked["in_force"]
    assert codes(revoked["not_in_force"]) == {"C-REVOKED"}
    again = revoke(desk, signed["id"])
    assert again.status_code == 409
    assert again.json()["code"] == "consent_not_active"
    assert desk.read(signed["id"]) == revoked


def test_a_spoken_revocation_stops_as_a_written_one_does(desk: Desk) -> None:
    signed = desk.signed(TPO)
    answer = desk.clinician.post(f"/consents/{signed['id']}/revocation", revocation(desk, form="oral"))
    assert answer.json()["state"] == "revoked"


def test_a_draft_cannot_be_revoked(desk: Desk) -> None:
    assert revoke(desk, desk.drafted(SPECIFIC)["id"]).status_code == 409


@pytest.mark.parametrize("minutes", [1, -60])
def test_a_revocation_is_received_between_signature_and_now(desk: Desk, minutes: int) -> None:
    signed = desk.signed(SPECIFIC)
    at = desk.service.clock.now() + timedelta(minutes=minutes)
    answer = revoke(desk, signed["id"], received_at=at.isoformat().replace("+00:00", "Z"))
    assert answer.status_code == 422
    assert desk.read(signed["id"])["state"] == "active"


def test_one_recipient_is_taken_out_and_the_other_stays(desk: Desk) -> None:
    signed = desk.signed(
        SPECIFIC | {"recipients": [LAWYER, {"type": "entity", "name": "Harbor Housing Office"}]}
    )
    ids = [r["recipient_id"] for r in signed["recipients"]]
    partly = revoke(desk, signed["id"], recipients=[ids[0]]).json()
    assert partly["state"] == "active"
    assert [r["revoked"] for r in partly["recipients"]] == [True, False]
    assert revoke(desk, signed["id"], recipients=[ids[0]]).status_code == 409
    whole = revoke(desk, signed["id"], recipients=[ids[1]]).json()
    assert whole["state"] == "revoked"
    stranger = revoke(desk, desk.signed(SPECIFIC)["id"], recipients=[ids[1]])
    assert stranger.status_code == 422


def test_the_same_key_revokes_once(desk: Desk) -> None:
    signed = desk.signed(SPECIFIC)
    body, headers = revocation(desk), {"Idempotency-Key": "stop-1"}
    path = f"/consents/{signed['id']}/revocation"
    assert desk.patient.post(path, body, headers=headers).json()["state"] == "revoked"
    assert desk.patient.post(path, body, headers=headers).json()["state"] == "revoked"
    assert len(desk.service.entries(action="consent.revoke")) == 1


# ---- revoking: what the law and the desk need to know

JUSTICE: dict[str, Any] = SPECIFIC | {
    "kind": "criminal_justice",
    "purposes": ["CJMON"],
    "statements": {},
    "justice_condition": "Treatment as a condition of probation",
    "revocable_after": "final_disposition",
}


@pytest.mark.parametrize("form", ["written", "oral"])
def test_a_criminal_justice_consent_is_not_revoked_before_its_event(desk: Desk, form: str) -> None:
    signed = desk.signed(JUSTICE)
    answer = revoke(desk, signed["id"], form=form)
    assert answer.status_code == 409
    assert answer.json()["code"] == "consent_not_revocable_yet"
    assert desk.read(signed["id"])["in_force"]
    refused = desk.service.entries(action="consent.revoke", outcome="deny")
    assert [str(e["consent_id"]) for e in refused] == [signed["id"]]
    happened(desk, "final_disposition", "2026-06-01")
    assert revoke(desk, signed["id"], form=form).json()["state"] == "revoked"


def test_a_criminal_justice_consent_is_revocable_after_its_day(desk: Desk) -> None:
    signed = desk.signed(JUSTICE | {"revocable_after": "2026-06-10"})
    assert revoke(desk, signed["id"]).status_code == 409
    desk.wait(timedelta(days=10))
    assert revoke(desk, signed["id"]).json()["state"] == "revoked"


def test_the_intermediary_has_to_be_told_and_the_effect_is_said(desk: Desk) -> None:
    exchange = {"type": "intermediary", "name": "Valley HIE", "general_designation": "treating_providers"}
    statements = dict.fromkeys(
        ("revocation", "revocation_how", "redisclosure_potential", "refusal_consequences"), True
    )
    signed = desk.signed(
        SPECIFIC
        | {
            "kind": "intermediary",
            "recipients": [exchange],
            "purposes": ["TREAT"],
            "statements": statements,
        }
    )
    answer = revoke(desk, signed["id"], form="oral").json()
    assert [one["name"] for one in answer["notify"]] == ["Valley HIE"]
    assert "Valley HIE" in answer["notify"][0]["words"]
    effect = answer["revocations"][0]["effect"]
    assert "stays lawful" in effect
    assert "in writing" in effect
    assert revoke(desk, desk.signed(SPECIFIC)["id"]).json()["notify"] == []
