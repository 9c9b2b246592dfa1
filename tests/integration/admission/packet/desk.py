"""An intake at a desk: one synthetic patient, the people who work with them, and the few steps every test needs."""

from typing import Any

from tests.house import Client, Service

PERSON = {
    "given_name": "Pia",
    "family_name": "Packetperson",
    "birth_date": "1988-04-12",
    "sex": "female",
    "language": "en",
    "channels": [{"channel": "email", "address": "pia@example.org", "safe": True}],
}


class Desk:
    """Intake staff, a clinician of the patient, compliance, and the patient in person."""

    def __init__(self, service: Service, *, episode: bool = True, **more: Any) -> None:
        self.service = service
        self.intake = service.client("intake")
        answer = self.intake.post("/patients", PERSON | more)
        assert answer.status_code == 201, answer.text
        self.patient_id = answer.json()["id"]
        service.account("clinician", related_to=[self.patient_id])
        self.clinician = service.client("clinician")
        self.compliance = service.client("compliance", purpose="HOPERAT")
        self.patient = service.client(
            service.account("patient", patient_id=self.patient_id), purpose="PATRQT"
        )
        self.today = service.clock.now().astimezone(service.program.zone).date().isoformat()
        self.episode_id = self.refer() if episode else ""

    def refer(self, **more: Any) -> str:
        body = {"unit": "U1", "opened_on": self.today, **more}
        answer = self.intake.post(f"/patients/{self.patient_id}/episodes", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    # -- the packet

    def packet(self, who: Client | None = None) -> dict[str, Any]:
        answer = (who or self.intake).get(f"/patients/{self.patient_id}/intake")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def tasks(self, who: Client | None = None) -> dict[str, dict[str, Any]]:
        return {task["key"]: task for task in self.packet(who)["tasks"]}

    def task(self, key: str) -> dict[str, Any]:
        return self.tasks()[key]

    def gate(self, block: str) -> list[str]:
        """Codes of what keeps a gate shut."""
        return [
            one["code"]
            for gate in self.packet()["gates"]
            if gate["block"] == block
            for one in gate["missing"]
        ]

    def decide(self, key: str, what: str, who: Client | None = None, **body: Any) -> Any:
        path = f"/patients/{self.patient_id}/packet/{key}/{what}"
        headers = body.pop("headers", {})
        options = {"version": body.pop("version")} if "version" in body else {}
        return (who or self.intake).post(path, body, headers=headers, **options)

    # -- forms

    def text(self, key: str, language: str = "en", who: Client | None = None) -> dict[str, Any]:
        answer = (who or self.intake).get(f"/forms/{key}", params={"language": language})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def body(self, key: str, outcome: str = "signed", language: str = "en", **more: Any) -> dict[str, Any]:
        """What a form is signed with, every question answered with yes, its first choice, or words."""
        text = self.text(key, language)
        by_type = {"yes_no": True, "text": "Synthetic answer"}
        answers = {
            one["key"]: by_type.get(one["type"]) or next(iter(one["choices"])) for one in text["questions"]
        }
        signer = {"role": "patient", "name": "Pia Packetperson"}
        whole = {
            "outcome": outcome,
            "text_version": text["version"],
            "text_sha256": text["sha256"],
            "language": language,
            "reader": {"how": "self"},
            "device": "staff_device",
            "answers": answers if outcome != "declined" else {},
        }
        if outcome == "signed":
            whole |= {"signer": signer, "attestation": "This is my signature."}
        if outcome == "declined":
            whole |= {"reason": "Would rather not."}
        return whole | more

    def sign(self, key: str, outcome: str = "signed", who: Client | None = None, **more: Any) -> Any:
        headers = more.pop("headers", {})
        path = f"/patients/{self.patient_id}/forms/{key}"
        return (who or self.intake).post(path, self.body(key, outcome, **more), headers=headers)

    def signed(self, *keys: str, outcome: str = "signed") -> None:
        for key in keys:
            answer = self.sign(key, outcome)
            assert answer.status_code == 201, (key, answer.text)

    def admit(self, who: Client | None = None, **body: Any) -> Any:
        return (who or self.intake).post(f"/episodes/{self.episode_id}/admission", body)
