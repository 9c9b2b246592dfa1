"""A program whose trail is looked through: patients, staff, accesses as the trail has them, and the jobs' units."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from service.custody.findings.raising import look_at_once, look_later
from service.identity.system import PURPOSE, system_caller
from service.ids import ProgramId, new_id
from service.ledger.entry import Entry
from service.work import Work, write_entry
from tests.house import Account, Client, Service

Clock = Callable[[], datetime]


class Watchfulness:
    """What a test of the queue needs, in one place."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.intake = service.client("intake")

    @property
    def compliance(self) -> Client:
        """A compliance officer who is signed in now, whatever the day."""
        hour = f"{self.service.clock.now():%Y-%m-%d %H}"
        return self.service.client(self.service.account("compliance", name=f"officer {hour}"), "HOPERAT")

    def patient(self, family_name: str = "Testperson", **more: object) -> str:
        """A registered patient."""
        body = {"given_name": "Pia", "family_name": family_name, "birth_date": "1988-04-12"} | more
        made = self.intake.post("/patients", body)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def entry(
        self,
        who: Account,
        action: str,
        patient_id: str | None = None,
        *,
        at: datetime | None = None,
        outcome: str = "permit",
    ) -> UUID:
        """One entry of the trail as an act of this account would have left it, at an instant of its own."""
        service = self.service
        occurred = at or service.clock.now()
        entry = Entry(
            id=new_id(occurred), tree=service.program_id, program_id=service.program_id, occurred_at=occurred,
            actor_kind="staff", actor_id=who.id, session_id=who.session_id, action=action, outcome=outcome,
            purpose="TREAT", object_kind="patient", object_id=None, object_version=None,
            patient_id=None if patient_id is None else UUID(patient_id), consent_id=None, recipient_id=None,
            basis=None, policy_set="", policies="[]", detail="{}", payload_hash=None, request_id="set-up",
        )  # fmt: skip
        key = service.house.state.mechanisms.ledger_mac_key
        service.unit(lambda db: write_entry(db, entry, key))
        return entry.id

    def look(self, question: Callable[[Work], int] = look_at_once, *, sequence: bool = True) -> int:
        """Give positions to what is committed, and run the job until nothing is new; how many entries it saw."""
        if sequence:
            self.service.house.sequence()
        caller, total = system_caller(ProgramId(self.service.program_id)), 0
        while done := self.service.work(caller, question, purpose=PURPOSE):
            total += done
        return total

    def look_later(self) -> int:
        return self.look(look_later)

    def findings(self, **wanted: str) -> list[dict[str, Any]]:
        """What compliance sees of the rules' findings, oldest first."""
        answer = self.compliance.get("/audit/reviews", params=wanted)
        assert answer.status_code == 200, answer.text
        return [one for one in answer.json()["items"] if one["kind"] == "finding"]

    def rules(self, **wanted: str) -> list[str]:
        return sorted(one["finding"]["rule"] for one in self.findings(**wanted))
