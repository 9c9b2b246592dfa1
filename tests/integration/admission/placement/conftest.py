"""A patient referred to the program, about whom is known what a test says."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from service.admission.placement import considering
from service.intake.medical.facts import FactReading
from service.work import Work
from tests.house import Account, Client, Service
from tests.integration.disclosure.office import Office
from tests.unit.admission.placement.table import BASE, BOOK

#: What the medical intake says of the base person.
MEDICAL = {
    name: value
    for name, value in BASE.items()
    if value is not None and not BOOK.core.facts[name].instruments and name != "track"
}
CALM = {f"asq.{number}": 0 for number in range(1, 5)}


class Referral(Office):
    """An office with an open episode. `facts`: what the medical intake says, entered an hour ago by intake."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.facts: dict[str, Any] = dict(MEDICAL)
        self.author = service.account("intake").id
        self.entered = service.clock.now() - timedelta(hours=1)
        self.episode_id = self.opened_episode()
        self.agreed()

    def opened_episode(self, **more: Any) -> str:
        today = self.service.clock.now().date().isoformat()
        answer = self.intake.post(
            f"/patients/{self.patient_id}/episodes",
            {"unit": "U1", "opened_on": today, "track": "sud"} | more,
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def agreed(self) -> None:
        """The consent to care, without which no level of care is decided."""
        text = self.intake.get("/forms/F04").json()
        body = {
            "outcome": "signed",
            "text_version": text["version"],
            "text_sha256": text["sha256"],
            "language": "en",
            "reader": {"how": "self"},
            "device": "staff_device",
            "signer": {"role": "patient", "name": "Pat Testperson"},
            "attestation": "This is my signature.",
            "answers": {one["key"]: True for one in text["questions"]},
        }
        answer = self.intake.post(f"/patients/{self.patient_id}/forms/F04", body)
        assert answer.status_code == 201, answer.text

    def readings(self) -> Mapping[str, FactReading]:
        return {
            name: FactReading(value, None, self.entered, self.author, f"synthetic.{name}")
            for name, value in self.facts.items()
        }

    def answer(self, instrument: str, answers: dict[str, Any]) -> str:
        body = {"instrument": instrument, "status": "completed", "answers": answers}
        given = self.clinician.post(f"/patients/{self.patient_id}/assessments", body)
        assert given.status_code == 201, given.text
        return str(given.json()["id"])

    @property
    def second(self) -> Client:
        """Another clinician of the patient."""
        known = "second" in self.service.accounts
        who: Account = self.service.account(
            "clinician", name="second", related_to=() if known else (self.patient_id,)
        )
        return self.service.client(who)

    def suggestion(self, who: Client | None = None) -> dict[str, Any]:
        answer = (who or self.clinician).get(f"/episodes/{self.episode_id}/placement")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def body(self, level: str = "2.1", **more: Any) -> dict[str, Any]:
        """A decision on the suggestion of now."""
        seen = self.suggestion()
        return {
            "level": level,
            "start_date": self.service.clock.now().date().isoformat(),
            "patient_view": "agrees",
            "suggestion": {"computed_at": seen["computed_at"], "hash": seen["hash"]},
        } | more

    def decide(self, level: str = "2.1", *, status: int = 201, **more: Any) -> dict[str, Any]:
        answer = self.clinician.post(
            f"/episodes/{self.episode_id}/placement-decisions", self.body(level, **more)
        )
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    def flags(self) -> list[dict[str, Any]]:
        return list(self.clinician.get(f"/patients/{self.patient_id}/flags").json()["items"])


@pytest.fixture
def referral(service: Service, monkeypatch: pytest.MonkeyPatch) -> Referral:
    """Somebody the table would place at 2.1."""
    made = Referral(service)

    def read(work: Work, book: object, patient_id: UUID) -> Mapping[str, FactReading]:
        return made.readings() if str(patient_id) == made.patient_id else {}

    monkeypatch.setattr(considering, "medical_facts", read)
    made.answer("asq", CALM)
    return made
