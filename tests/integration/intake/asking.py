"""What the tests of this folder say over and over: a patient, their account, a form, its flags."""

from typing import Any

from tests.house import Account, Client, Service

PHQ_9 = {f"phq9.{number}": 1 for number in range(1, 9)} | {"phq9.9": 0}
#: What an urgent suicide flag asks of whoever closes it.
SEEN = {
    "action": "Spoke with the patient and gave the ASQ",
    "seen_by": "Dr Olu Testperson",
    "outcome": "safe_now",
}


def patient(service: Service, family_name: str = "Testperson") -> str:
    body = {"given_name": "Alex", "family_name": family_name, "birth_date": "1988-03-04"}
    answer = service.client("intake").post("/patients", body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def own_client(service: Service, subject: str, name: str = "own") -> Client:
    """The patient's own account, asking for themselves."""
    account: Account = service.account("patient", name=name, patient_id=subject)
    return service.client(account, purpose="PATRQT")


def form(instrument: str, answers: dict[str, Any], status: str = "completed", **more: Any) -> dict[str, Any]:
    return {"instrument": instrument, "status": status, "answers": answers, **more}


def codes(flags: list[dict[str, Any]]) -> list[str]:
    return [flag["code"] for flag in flags]


def raise_one(service: Service, subject: str, item_9: int = 1) -> dict[str, Any]:
    """A positive item 9, and the flag that stands since."""
    client = service.client("intake")
    client.post(f"/patients/{subject}/assessments", form("phq-9", {**PHQ_9, "phq9.9": item_9}))
    return client.get(f"/patients/{subject}/flags").json()["items"][0]
