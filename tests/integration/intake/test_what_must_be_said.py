"""What a form is not completed without, beside its answers: when the last drink was, and who interpreted."""

from typing import Any

import pytest

from tests.house import Service
from tests.integration.intake.asking import codes, form, own_client, patient

CIWA = {f"ciwaar.{number}": 0 for number in range(1, 11)}
ASQ = {f"asq.{number}": 0 for number in range(1, 5)}


def errors(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(one["field"], one["code"]) for one in answer.json()["errors"]]


def test_a_withdrawal_scale_says_when_the_last_drink_was(service: Service) -> None:
    subject, client = patient(service), service.client("intake")
    path = f"/patients/{subject}/assessments"
    shaking = CIWA | {"ciwaar.10": 3}
    refused = client.post(path, form("ciwa-ar", shaking))
    assert errors(refused) == [("context.last_drink_at", "missing")]
    body = refused.json()
    assert (body["code"], body["missing"]) == ("assessment_incomplete", ["context.last_drink_at"])
    assert "urgent_medical_withdrawal" in codes(body["flags"])
    assert "urgent_medical_withdrawal" in codes(client.get(f"/patients/{subject}/flags").json()["items"])
    for wrong in ("", "this morning", "2026-13-01", True, 7):
        told = client.post(path, form("ciwa-ar", CIWA, context={"last_drink_at": wrong}))
        assert errors(told) == [("context.last_drink_at", "missing")], wrong
    for said in ("unknown", "2026-11-20", "2026-11-20T08:30:00+01:00"):
        made = client.post(path, form("ciwa-ar", CIWA, context={"last_drink_at": said}))
        assert made.status_code == 201, made.text
    draft = client.post(path, form("ciwa-ar", CIWA, "draft")).json()
    assert draft["status"] == "draft"
    assert errors(client.post(f"/assessments/{draft['id']}/completion")) == [
        ("context.last_drink_at", "missing")
    ]
    shown = client.get("/instruments/ciwa-ar").json()["context"]
    assert [one["key"] for one in shown if one["required"]] == ["last_drink_at"]


@pytest.mark.parametrize(("key", "answers"), [("asq", ASQ), ("c-ssrs", {f"cssrs.{n}": 0 for n in (1, 2, 6)})])
def test_a_suicide_screen_through_an_interpreter_names_them(
    service: Service, key: str, answers: dict[str, Any]
) -> None:
    subject, client = patient(service), service.client("intake")
    path = f"/patients/{subject}/assessments"
    assert client.post(path, form(key, answers)).status_code == 201
    asked = {"interpreter": {"needed": True, "language": "es"}}
    assert client.patch(f"/patients/{subject}", asked, version=1).status_code == 200
    yes = answers | {next(iter(answers)): 1}
    if key == "asq":
        yes |= {"asq.5": 1}
    refused = client.post(path, form(key, yes))
    assert errors(refused) == [("context.interpreter_id", "missing")]
    assert refused.json()["code"] == "interpreter_missing"
    raised = [flag["code"] for flag in refused.json()["flags"] if flag["task"]]
    kept = client.get(f"/patients/{subject}/flags").json()["items"]
    assert raised and set(raised) <= set(codes(kept))
    for context in ({"interpreter_id": " "}, {"interpreter_id": 7}):
        assert errors(client.post(path, form(key, yes, context=context))) == [
            ("context.interpreter_id", "missing")
        ]
    family = {"interpreter_id": "MI-20417", "interpreter_relative": True}
    assert errors(client.post(path, form(key, yes, context=family))) == [
        ("context.interpreter_relative", "relative")
    ]
    draft = client.post(path, form(key, answers, "draft"))
    assert draft.status_code == 201, "a draft may lack it"
    assert errors(client.post(f"/assessments/{draft.json()['id']}/completion")) == [
        ("context.interpreter_id", "missing")
    ]
    named = {"interpreter_id": "MI-20417"}
    made = client.post(path, form(key, answers, context=named))
    assert (made.status_code, made.json()["context"]) == (201, named), made.text


def test_a_patient_alone_is_told_the_way_to_help_and_no_result(service: Service) -> None:
    subject, client = patient(service), service.client("intake")
    asked = {"interpreter": {"needed": True, "language": "asl"}}
    assert client.patch(f"/patients/{subject}", asked, version=1).status_code == 200
    yes = ASQ | {"asq.3": 1, "asq.5": 1}
    refused = own_client(service, subject).post(f"/patients/{subject}/assessments", form("asq", yes))
    assert errors(refused) == [("context.interpreter_id", "missing")]
    assert "flags" not in refused.json()
    assert refused.json()["help"]["contacts"]
    assert codes(client.get(f"/patients/{subject}/flags").json()["items"])
    gad = form("gad-7", {f"gad7.{number}": 0 for number in range(1, 8)})
    assert client.post(f"/patients/{subject}/assessments", gad).status_code == 201
