"""A desk with a patient and consents to fill in: bodies as a client would send them."""

from datetime import datetime, timedelta
from typing import Any

from service.api.consent_answers import ConsentModel
from tests.house import Account, Client, Service

PATIENT = {"given_name": "Pat", "family_name": "Testperson", "birth_date": "1990-04-05"}
LAWYER = {"type": "person", "name": "Lee Attorney", "covered_entity": False}
CLINIC = {"type": "entity", "name": "Elm Family Clinic", "covered_entity": True}

SPECIFIC: dict[str, Any] = {
    "kind": "specific",
    "disclosers": ["U1"],
    "recipients": [LAWYER],
    "scope": {"kinds": ["attendance"], "labels": "all", "description": "my attendance"},
    "purposes": ["HOUSING"],
    "expiry": {"kind": "date", "date": "2026-12-31"},
    "statements": {"revocation": True, "revocation_how": True},
    "form": "electronic",
}
TPO: dict[str, Any] = {
    "kind": "tpo",
    "disclosers": ["U1"],
    "recipients": [{"type": "class", "class": "tpo"}],
    "scope": {"kinds": "all", "labels": "all", "description": "my records"},
    "purposes": ["TPO"],
    "expiry": {"kind": "none"},
    "statements": {
        "revocation": True,
        "revocation_how": True,
        "hipaa_redisclosure": True,
        "redisclosure_potential": True,
        "refusal_consequences": True,
    },
    "form": "electronic",
}
SIGNATURE: dict[str, Any] = {
    "signer": {"role": "patient", "name": "Pat Testperson"},
    "method": "typed",
    "attestation": "I have read this and I agree to it.",
}


class Desk:
    """One patient and the people around the consents of that patient."""

    def __init__(self, service: Service) -> None:
        self.service = service
        answer = self.intake.post("/patients", PATIENT)
        assert answer.status_code == 201, answer.text
        self.patient_id: str = answer.json()["id"]

    @property
    def intake(self) -> Client:
        return self.service.client("intake")

    @property
    def clinician(self) -> Client:
        known = "clinician" in self.service.accounts
        who = self.service.account("clinician", related_to=() if known else (self.patient_id,))
        return self.service.client(who)

    @property
    def patient(self) -> Client:
        return self.service.client(self.patient_account(), purpose="PATRQT")

    def patient_account(self) -> Account:
        return self.service.account("patient", patient_id=self.patient_id)

    def go_to(self, at: datetime) -> None:
        """Another time; everybody signs in anew, their sessions are over."""
        self.service.clock.set(at)
        self.service.accounts.clear()

    def wait(self, time: timedelta) -> None:
        self.go_to(self.service.clock.now() + time)

    def drafted(self, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.intake.post(f"/patients/{self.patient_id}/consents", body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def signed(self, body: dict[str, Any]) -> dict[str, Any]:
        """A consent in force, signed by the patient."""
        made = self.drafted(body)
        answer = self.patient.post(f"/consents/{made['id']}/signatures", SIGNATURE)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def read(self, consent_id: str) -> dict[str, Any]:
        answer = self.intake.get(f"/consents/{consent_id}")
        assert answer.status_code == 200, answer.text
        as_described(answer.json())
        return answer.json()


def as_described(body: dict[str, Any]) -> None:
    """The answer is what the API's description says, no more and no less."""
    described = ConsentModel.model_validate(body).model_dump(mode="json", by_alias=True)
    assert described == body


def codes(reasons: list[dict[str, Any]]) -> set[str]:
    return {reason["code"] for reason in reasons}
