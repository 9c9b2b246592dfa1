"""The stage of the tour: the people, what they do often, and what the scenes have made so far."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from service.cli.demo_days import PROGRAM_ZONE
from service.cli.demo_program import RECIPIENTS
from service.cli.person import Answer, Person, expect

STATEMENTS = (
    "revocation",
    "revocation_how",
    "hipaa_redisclosure",
    "redisclosure_potential",
    "refusal_consequences",
)


@dataclass(slots=True)
class Stage:
    """The people, and what the tour has made so far."""

    people: dict[str, Person]
    recipient: dict[str, Any]
    now: datetime
    console: Console
    ids: dict[str, str] = field(default_factory=dict[str, str])
    #: Recipients of the register by name.
    outsiders: dict[str, str] = field(default_factory=dict[str, str])
    #: Where the demo's messages go, if that is on this machine.
    outbox: Path | None = None

    def __getitem__(self, name: str) -> Person:
        return self.people[name]

    @property
    def family_name(self) -> str:
        """A name nobody had before: the same tour can be taken many times."""
        return f"Tour-{self.now:%Y%m%d-%H%M%S-%f} Testperson"

    @property
    def today(self) -> str:
        """The day at the program."""
        return self.now.astimezone(PROGRAM_ZONE).date().isoformat()

    @property
    def patient(self) -> str:
        return f"/patients/{self.ids['patient']}"

    def outsider(self, name: str) -> str:
        """Id of a recipient of the demo."""
        return self.outsiders[RECIPIENTS[name]["name"]]

    def saw(self, who: str, what: str) -> None:
        self.console.print(f"   {who:<32} {what}", markup=False)

    def person(self, **changed: str) -> dict[str, str]:
        return {"family_name": self.family_name, "given_name": "Tess", "birth_date": "1988-02-29"} | changed

    async def disclose_to(self, who: str, name: str, purpose: str, *, status: int, **more: Any) -> Answer:
        """Somebody of the staff discloses to a recipient of the demo."""
        body = {"recipient": self.outsider(name), "purpose": purpose, "channel": "secure_email", **more}
        path = f"{self.patient}/disclosures"
        return await self[who].post(path, body, expect=status, purpose=purpose)

    async def sign(self, terms: Mapping[str, Any]) -> Answer:
        """A consent drafted by intake and signed by the patient."""
        intake = self["intake"]
        drafted = await intake.post(f"{self.patient}/consents", terms)
        expect(drafted.body["missing_elements"] == [], f"A consent lacks {drafted.body['missing_elements']}.")
        signature = {
            "signer": {"role": "patient", "name": f"Tess {self.family_name}"},
            "method": "typed",
            "attestation": "I read the text and sign by typing my name (synthetic).",
            "text_sha256": drafted.body["document"]["sha256"],
        }
        signed = await intake.post(f"/consents/{drafted.body['id']}/signatures", signature)
        expect(signed.body["state"] == "active", f"After signing the consent is {signed.body['state']}.")
        return signed

    def terms(self, kind: str, name: str, purpose: str, kinds: list[str], **more: Any) -> dict[str, Any]:
        """A whole consent to one recipient."""
        return {
            "kind": kind,
            "disclosers": ["IOP"],
            "recipients": [{"recipient_id": self.outsider(name)} | more.pop("through", {})],
            "scope": {"kinds": kinds, "labels": "all", "description": "What they need"},
            "purposes": [purpose],
            "expiry": {"kind": "date", "date": (self.now + timedelta(days=180)).date().isoformat()},
            "initiated_by": "patient",
            "statements": dict.fromkeys(STATEMENTS, True),
            "form": "electronic",
        } | more

    async def request(self, purpose: str, *, status: int, **changed: str) -> Answer:
        """The outside requester asks for this patient's records."""
        body = {"patient": self.person(**changed), "purpose": purpose}
        return await self["requester"].post("/record-requests", body, expect=status)

    async def disclose(self, *, status: int) -> Answer:
        """The clinician discloses to the same hospital, for treatment."""
        body = {"recipient": self.recipient, "purpose": "TREAT", "channel": "ehr"}
        return await self["clinician"].post(f"{self.patient}/disclosures", body, expect=status)


Scene = Callable[[Stage], Awaitable[None]]


def reasons(answer: Answer) -> set[str]:
    """Why a decision keeps what it keeps."""
    return {one["reason"] for one in answer.body["decision"]["withheld"]}
