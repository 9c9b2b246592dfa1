"""Where papers are recorded: one patient with a chart, one recipient, and bodies as a client would send them."""

from datetime import timedelta
from typing import Any

from tests.house import Client, Service
from tests.integration.consent.desk import Desk
from tests.unit.evidence.papers import AGREEMENTS, DIRECTORS, PAPERS

LAB = {"type": "entity", "name": "Test Lab One", "covered_entity": False}
ED = {"type": "entity", "name": "St Ann Test ED", "covered_entity": True}


class Registry(Desk):
    """A desk with papers."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.recipient_id: str = self.made(self.intake.post("/recipients", LAB))["id"]

    def by(self, role: str, purpose: str | None = "HOPERAT") -> Client:
        """Somebody of this role; a clinician works with the patient, the patient is the patient."""
        if role == "clinician":
            return self.service.client(self.service.account(role, related_to=[self.patient_id]), purpose)
        if role == "patient":
            return self.service.client(self.service.account(role, patient_id=self.patient_id), "PATRQT")
        if role == "requester":
            return self.service.client(self.service.account(role, recipient_id=self.recipient_id), purpose)
        return self.service.client(role, purpose)

    @staticmethod
    def made(answer: Any, status: int = 201) -> Any:
        assert answer.status_code == status, answer.text
        return answer.json()

    def item(self, kind: str = "attendance") -> str:
        body = {"kind": kind, "unit": "U1", "labels": ["SUD"], "content": {"note": "synthetic"}}
        return self.made(self.by("clinician", "TREAT").post(f"/patients/{self.patient_id}/items", body))["id"]

    def body(self, kind: str, **changes: Any) -> dict[str, Any]:
        """A complete paper of this kind, for the lab, about attendance."""
        return {
            "kind": kind,
            "recipients": [{"recipient_id": self.recipient_id}],
            "kinds": ["attendance"],
            "starts_on": "2026-06-01",
            "particulars": dict(PAPERS[kind].particulars),
        } | changes

    @property
    def papers(self) -> str:
        return f"/patients/{self.patient_id}/evidence"

    def place(self, kind: str) -> str:
        """Where a paper of this kind is recorded."""
        return "/agreements" if kind in AGREEMENTS else self.papers

    def path(self, paper: dict[str, Any]) -> str:
        """Where this paper is."""
        return f"/{'agreements' if paper['patient_id'] is None else 'evidence'}/{paper['id']}"

    def recorder(self, kind: str) -> Client:
        return self.by("director" if kind in DIRECTORS else "compliance")

    def recorded(self, kind: str, **changes: Any) -> dict[str, Any]:
        self.service.clock.advance(timedelta(seconds=1))  # ids of one instant have no order
        return self.made(self.recorder(kind).post(self.place(kind), self.body(kind, **changes)))

    def signed_off(self, kind: str, **changes: Any) -> dict[str, Any]:
        paper = self.recorded(kind, **changes)
        return self.made(self.recorder(kind).post(f"{self.path(paper)}/sign-off"), 200)
