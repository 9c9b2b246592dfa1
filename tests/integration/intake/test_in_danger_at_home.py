"""Answers that say the patient is in danger at home close mail and voicemail until compliance takes that back."""

from typing import Any

from tests.house import Service
from tests.integration.intake.asking import form, own_client, patient

CHANNELS = [
    {"channel": "mail", "address": "1 Test Street", "safe": True},
    {"channel": "voice", "address": "555 0102", "safe": True, "voicemail": True},
]


def screen(service: Service, subject: str, *scores: int, status: str = "draft") -> Any:
    answers = {f"ahchrsn.{number}": score for number, score in enumerate(scores, 7)}
    return service.client("intake").post(
        f"/patients/{subject}/assessments", form("ahc-hrsn", answers, status)
    )


def test_a_positive_safety_screen_marks_the_patient_and_only_compliance_takes_that_away(
    service: Service,
) -> None:
    subject, intake = patient(service), service.client("intake")
    path = f"/patients/{subject}"
    assert intake.patch(path, {"channels": CHANNELS}, version=1).status_code == 200
    assert screen(service, subject, 3, 3, 3, 1).status_code == 201
    assert intake.get(path).json()["sdv"] is None, "ten is no positive screen"
    assert service.entries(action="patient.mark") == []
    assert screen(service, subject, 3, 3, 3, 2).status_code == 201
    marked = intake.get(path).json()
    assert (marked["sdv"], marked["version"]) == (True, 3)
    entry = service.entries(action="patient.mark")[-1]
    assert (str(entry["patient_id"]), entry["detail"]) == (subject, {}), "nothing of why stands in the ledger"
    # whoever else reads the patient's own entry on the patient's telephone learns nothing of it
    own = own_client(service, subject)
    assert own.get(path).json()["sdv"] is None
    assert {one["sdv"] for one in own.get(f"{path}/history").json()["items"]} == {None}

    for change in ({"sdv": None}, {"sdv": False}):
        refused = intake.patch(path, change, version=3)
        assert refused.status_code == 422
        assert [(one["field"], one["code"]) for one in refused.json()["errors"]] == [("sdv", "set_by_screen")]
    assert intake.patch(path, {"phone": "555 0103"}, version=3).status_code == 200
    # the same answers again say nothing new: nothing is written
    screen(service, subject, 3, 3, 3, 2)
    assert len(service.entries(action="patient.mark")) == 1

    lowering, why = f"{path}/contact-mark/lowering", {"reason": "Lives elsewhere, and says so alone"}
    for role in ("intake", "clinician"):
        assert service.client(role).post(lowering, why).status_code == 403
    officer = service.client("compliance", "HOPERAT")
    assert officer.post(lowering, {"reason": "  "}).status_code == 422
    key = {"Idempotency-Key": "take-it-away"}
    done = [officer.post(lowering, why, headers=key) for _ in range(2)]
    assert [(one.status_code, one.json()["sdv"], one.json()["version"]) for one in done] == [
        (200, False, 5)
    ] * 2
    assert officer.post(lowering, why).status_code == 409
    assert intake.get(path).json()["sdv"] is None

    # refused as a whole, and heard: the mark is there again
    refused = screen(service, subject, 5, 5, 5, 5, status="completed")
    assert refused.status_code == 422
    assert intake.get(path).json()["sdv"] is True
