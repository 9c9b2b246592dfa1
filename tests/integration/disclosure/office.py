"""A patient with records, recipients around the patient, and the people who disclose or ask."""

from typing import Any
from uuid import UUID

from tests.house import Account, Client, Service
from tests.integration.consent.desk import CLINIC, LAWYER, PATIENT, SIGNATURE, SPECIFIC, TPO, Desk

SOUGHT = {name: PATIENT[name] for name in ("given_name", "family_name", "birth_date")}

#: For the clinic by name, for treatment, with every statement a treatment purpose needs.
CLINIC_ONLY: dict[str, Any] = SPECIFIC | {
    "recipients": [CLINIC],
    "purposes": ["TREAT"],
    "statements": TPO["statements"],
}


class Office(Desk):
    """Desk with a chart: what is written in it is synthetic and easy to find again."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.recipients: dict[str, str] = {}
        self.items: dict[str, str] = {}

    # -- the register ---------------------------------------------------------------------------------

    def recipient(self, party: dict[str, Any], relationship: str | None = None) -> str:
        """Id of a recipient of the register, related to the patient if a kind is given."""
        name = party["name"]
        if name not in self.recipients:
            known = self.intake.get("/recipients", params={"name": name}).json()["items"]
            if not known:  # a consent may have registered it
                answer = self.intake.post("/recipients", party)
                assert answer.status_code == 201, answer.text
                known = [answer.json()]
            self.recipients[name] = known[0]["id"]
        if relationship is not None:
            body = {
                "kind": relationship,
                "recipient_id": self.recipients[name],
                "starts_on": "2026-01-01",
                "evidence": "said so at intake",
            }
            answer = self.intake.post(f"/patients/{self.patient_id}/relationships", body)
            assert answer.status_code == 201, answer.text
        return self.recipients[name]

    @property
    def clinic(self) -> str:
        """A covered entity that treats the patient."""
        return self.recipients.get(CLINIC["name"]) or self.recipient(CLINIC, "treating")

    @property
    def lawyer(self) -> str:
        return self.recipient(LAWYER)

    # -- the chart ------------------------------------------------------------------------------------

    def item(self, kind: str, content: str | None = None, **more: Any) -> str:
        """An item of unit U1; `items` keeps the id under its kind."""
        body = {
            "kind": kind,
            "unit": "U1",
            "labels": ["SUD"],
            "content": content or f"content of {kind}",
        } | more
        answer = self.clinician.post(f"/patients/{self.patient_id}/items", body)
        assert answer.status_code == 201, answer.text
        self.items[kind] = answer.json()["id"]
        return self.items[kind]

    def chart(self) -> None:
        """One item of each kind that the tests tell apart."""
        for kind in ("attendance", "medication_list", "lab_result", "progress_note", "counseling_note"):
            self.item(kind)

    # -- disclosing -----------------------------------------------------------------------------------

    def asked(self, to: str, purpose: str = "TREAT", **more: Any) -> dict[str, Any]:
        return {"recipient": {"recipient_id": to}, "purpose": purpose, "channel": "ehr"} | more

    def disclose(self, to: str, purpose: str = "TREAT", **more: Any) -> Any:
        return self.clinician.post(
            f"/patients/{self.patient_id}/disclosures", self.asked(to, purpose, **more)
        )

    def preview(self, to: str, purpose: str = "TREAT", **more: Any) -> Any:
        return self.clinician.post(
            f"/patients/{self.patient_id}/disclosures/preview", self.asked(to, purpose, **more)
        )

    def revoke(self, consent_id: str, **more: Any) -> None:
        now = self.service.clock.now().isoformat().replace("+00:00", "Z")
        body = {"received_at": now, "form": "written", "by": "patient"} | more
        answer = self.patient.post(f"/consents/{consent_id}/revocation", body)
        assert answer.status_code == 200, answer.text

    # -- outside --------------------------------------------------------------------------------------

    def requester(self, recipient_id: str | None = None, name: str = "requester") -> Account:
        """Credentials that speak for a recipient: the clinic unless another is named."""
        return self.service.account("requester", name=name, recipient_id=UUID(recipient_id or self.clinic))

    def outside(self, recipient_id: str | None = None, name: str = "requester") -> Client:
        """HTTP as an outside requester: it states no purpose in a header."""
        return self.service.client(self.requester(recipient_id, name), purpose=None)

    def request(self, client: Client | None = None, purpose: str = "TREAT", **more: Any) -> Any:
        headers = more.pop("headers", None)
        body = {"patient": SOUGHT, "purpose": purpose} | more
        return (client or self.outside()).post("/record-requests", body, headers=headers)


__all__ = ["CLINIC", "CLINIC_ONLY", "LAWYER", "PATIENT", "SIGNATURE", "SOUGHT", "SPECIFIC", "TPO", "Office"]
