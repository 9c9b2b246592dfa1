"""Acts a scenario out over HTTP: who writes, signs, records and asks is said in it, nothing is built by hand."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from tests.house import Account, Client, Service
from tests.integration.consent.desk import SIGNATURE, SPECIFIC, TPO

BOOK: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "scenarios" / "disclosures.yaml").read_text(encoding="utf-8")
)
SCENARIOS: list[dict[str, Any]] = BOOK["scenarios"]

#: For all future treatment, payment and operations, through an intermediary, to whoever treats the patient.
INTERMEDIARY: dict[str, Any] = TPO | {"kind": "intermediary"}
SIGNED_AT = {"TPO": datetime.fromisoformat("2026-01-10T12:00:00-05:00")}
_DEFAULT_SIGNED_AT = datetime.fromisoformat("2026-02-01T12:00:00-05:00")


class Stage:
    """One scenario on a fresh program."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.items: dict[str, str] = {}
        self.recipients: dict[str, str] = {}
        self.evidence: str | None = None
        self.consent: str | None = None
        self.patient_id = ""
        self.now: datetime = BOOK["now"]
        self.acts: Mapping[str, Callable[[Any], None]] = {
            "patient": self.meet,
            "write": self.write,
            "consent": self.sign,
            "evidence": self.record_evidence,
            "agreement": self.record_agreement,
            "restriction": self.restrict,
            "disclosed": lambda asked: self._expect(self.disclose(asked), 201),
            "previewed": self._previewed,
            "revoked": self.revoke,
        }

    # -- time and people ------------------------------------------------------------------------------

    def at(self, when: datetime) -> None:
        """Another time: everybody signs in anew, in the order of their account ids."""
        if when != self.service.clock.now():
            self.service.clock.set(when)
            self.service.accounts.clear()

    def who(self, given: Mapping[str, Any], default: str = "clinician") -> Client:
        role = given.get("as", default)
        name = given.get("name", role)
        related = (self.patient_id,) if role == "clinician" and name not in self.service.accounts else ()
        account: Account = self.service.account(
            role, name=name, units=given.get("units", ("U1", "U2")), related_to=related
        )
        return self.service.client(account, purpose=given.get("header", "TREAT"))

    def meet(self, name: str) -> None:
        body = BOOK["patients"][name]
        self.patient_id = self._made(self.who({"as": "intake"}).post("/patients", body))["id"]

    def recipient(self, name: str) -> str:
        """Id in the register; made, and related to the patient, the first time it is named."""
        if name not in self.recipients:
            body = dict(BOOK["recipients"][name])
            relationship = body.pop("relationship", None)
            intake = self.who({"as": "intake"})
            self.recipients[name] = self._made(intake.post("/recipients", body))["id"]
            if relationship is not None:
                self._made(
                    intake.post(
                        f"/patients/{self.patient_id}/relationships",
                        {
                            "kind": relationship,
                            "recipient_id": self.recipients[name],
                            "starts_on": "2026-01-01",
                            "evidence": "said so at intake",
                        },
                    )
                )
        return self.recipients[name]

    # -- what was there before ------------------------------------------------------------------------

    def play(self, steps: list[dict[str, Any]]) -> None:
        if not any("patient" in step for step in steps):
            self.at(SIGNED_AT["TPO"])
            self.meet("P1")
        for step in steps:
            at = step.get("at")
            for act, given in step.items():
                if act == "at":
                    continue
                default = SIGNED_AT.get(given, _DEFAULT_SIGNED_AT) if act == "consent" else self.now
                self.at(at or default)
                self.acts[act](given)

    def write(self, names: list[str]) -> None:
        for name in names:
            body = {"unit": "U1", "content": f"content of {name}"} | BOOK["items"][name]
            answer = self.who({}).post(f"/patients/{self.patient_id}/items", body)
            self.items[name] = self._made(answer)["id"]

    def sign(self, name: str) -> None:
        bodies = {"TPO": TPO, "SPECIFIC": SPECIFIC, "INTERMEDIARY": INTERMEDIARY}
        body = dict(bodies[name])
        if name == "INTERMEDIARY":
            hie = {"recipient_id": self.recipient("HX"), "general_designation": "treating_providers"}
            body["recipients"] = [hie]
        if name == "SPECIFIC":
            body["recipients"] = [{"recipient_id": self.recipient("R3")}]
        intake = self.who({"as": "intake"})
        draft = self._made(intake.post(f"/patients/{self.patient_id}/consents", body))
        account = self.service.account("patient", patient_id=self.patient_id)
        patient = self.service.client(account, purpose="PATRQT")
        signed = self._made(patient.post(f"/consents/{draft['id']}/signatures", SIGNATURE))
        assert signed["state"] == "active", signed
        self.consent = signed["id"]

    def revoke(self, given: Mapping[str, Any]) -> None:
        account = self.service.account("patient", patient_id=self.patient_id)
        received = self.service.clock.now().isoformat().replace("+00:00", "Z")
        body = {"received_at": received, "form": given["form"], "by": "patient"}
        answer = self.service.client(account, purpose="PATRQT").post(
            f"/consents/{self.consent}/revocation", body
        )
        self._expect(answer, 200)

    def _named(self, given: Mapping[str, Any], *, by_id: bool = False) -> dict[str, Any]:
        """The body with recipients and items by id; `by_id` where recipients are plain ids."""
        body = {name: value for name, value in given.items() if name not in ("as", "expect", "header")}
        if "recipients" in body:
            ids = [self.recipient(name) for name in body["recipients"]]
            body["recipients"] = ids if by_id else [{"recipient_id": one} for one in ids]
        if "items" in body:
            body["items"] = [self.items[name] for name in body["items"]]
        return body

    def record_evidence(self, given: Mapping[str, Any]) -> None:
        body = {"starts_on": BOOK["now"].date().isoformat()} | self._named(given)
        made = self._made(self.who(given).post(f"/patients/{self.patient_id}/evidence", body))
        self.evidence = made["id"]
        self._signed_off("evidence", made, given)

    def record_agreement(self, given: Mapping[str, Any]) -> None:
        made = self._made(self.who(given).post("/agreements", self._named(given)))
        self._signed_off("agreements", made, given)

    def _signed_off(self, collection: str, made: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        if made["state"] != "signed_off":
            answer = self.who(given).post(
                f"/{collection}/{made['id']}/sign-off", headers={"If-Match": f'"{made["version"]}"'}
            )
            assert answer.status_code in (200, 201), answer.text

    def restrict(self, given: Mapping[str, Any]) -> None:
        made = self._made(
            self.who({"as": "intake"}).post(
                f"/patients/{self.patient_id}/restrictions", self._named(given, by_id=True)
            )
        )
        expected: Mapping[str, Any] = given["expect"]
        assert {name: made[name] for name in expected} == expected

    # -- the act --------------------------------------------------------------------------------------

    def asked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "recipient": {"recipient_id": self.recipient(given["recipient"])},
            "purpose": given["purpose"],
            "items": [self.items[name] for name in given["items"]],
            "channel": given["channel"],
        }
        if "via" in given:
            body["via"] = self.recipient(given["via"])
        if "evidence" in given:
            body["evidence"] = self._named(given["evidence"])
        elif self.evidence is not None:
            body["evidence_id"] = self.evidence
        return body

    def disclose(self, given: Mapping[str, Any]) -> Any:
        return self.who(given).post(f"/patients/{self.patient_id}/disclosures", self.asked(given))

    def _previewed(self, given: Mapping[str, Any]) -> None:
        answer = self.who(given).post(f"/patients/{self.patient_id}/disclosures/preview", self.asked(given))
        self._expect(answer, 200)
        assert answer.json()["decision"]["effect"] == "permit", answer.text

    def read(self, given: Mapping[str, Any]) -> Any:
        return self.who(given | {"header": given["purpose"]}).get(f"/items/{self.items[given['item']]}")

    def accounting(self, rule: str) -> list[dict[str, Any]]:
        """What the patient would be told."""
        officer = self.who({"as": "compliance"})
        answer = officer.get(f"/patients/{self.patient_id}/accounting", params={"rule": rule})
        self._expect(answer, 200)
        return answer.json()["items"]

    @staticmethod
    def _expect(answer: Any, status: int) -> None:
        assert answer.status_code == status, answer.text

    def _made(self, answer: Any) -> dict[str, Any]:
        self._expect(answer, 201)
        return answer.json()
