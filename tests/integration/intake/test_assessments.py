"""Assessments over HTTP on the real service: scored, sealed, audited, and urgent answers heard whatever happens."""

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from service.intake import operations
from service.intake.assessment import Assessment, Form, NewAssessment
from service.intake.definition import load_catalogue
from service.intake.scoring import score
from service.work import Work
from tests.house import Service, open_program
from tests.integration.intake.asking import PHQ_9, SEEN, codes, form, patient
from tests.unit.intake.instruments_of_record import CASES, CATALOGUE, FOLDER, Case, shipped, text_of


def keyed(case: Case) -> dict[str, Any]:
    words = ["declined" if answer == "R" else answer for answer in case.answers]
    return {item.key: answer for item, answer in zip(shipped(case.key).items, words, strict=False)}


def one_of_each(cases: tuple[Case, ...]) -> list[Case]:
    """One vector of each instrument and outcome, of those that answers by key alone can express. All of them are asked
    of the scorer itself, in the unit tests.
    """
    keys = {one.key for one in CATALOGUE.current()}
    by_key = [one for one in cases if one.key in keys and one.met_by(score(shipped(one.key), keyed(one)))]
    return list({(one.key, one.status, bool(one.flags)): one for one in by_key}.values())


@pytest.mark.parametrize("case", one_of_each(CASES), ids=lambda case: case.id)
def test_vector(service: Service, case: Case) -> None:
    """Every vector that answers by key can express; the raised flags are kept whatever the answer was."""
    subject = patient(service)
    client = service.client("intake")
    said = {field.key: "unknown" for field in shipped(case.key).context if field.required}
    answer = client.post(f"/patients/{subject}/assessments", form(case.key, keyed(case), context=said))
    body = answer.json()
    if case.status in ("rejected", "incomplete"):
        assert answer.status_code == 422, answer.text
        assert body["code"] == f"assessment_{case.status}"
        assert ("missing" in body) == (case.status == "incomplete")
    else:
        assert answer.status_code == 201, answer.text
        assert body["status"] == "completed"
        result = body["result"]
        assert (result["status"], result["total"], result["band"]) == (case.status, case.total, case.band)
    assert codes(body["flags"]) == list(case.flags)
    kept = client.get(f"/patients/{subject}/flags").json()["items"]
    assert sorted(codes(kept)) == [flag["code"] for flag in body["flags"] if flag["task"]]
    assert all(flag["state"] == "open" for flag in kept)


@pytest.mark.parametrize("wrong", [True, "1", 2.0, [1], {"value": 1}, -1, 4, "R", "DECLINED"])
def test_a_bad_value_is_refused_and_the_suicide_item_is_heard(service: Service, wrong: Any) -> None:
    subject = patient(service)
    client = service.client("intake")
    answer = client.post(
        f"/patients/{subject}/assessments", form("phq-9", {**PHQ_9, "phq9.2": wrong, "phq9.9": 2})
    )
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert body["code"] == "assessment_rejected"
    assert codes(body["flags"]) == ["out_of_range", "suicide_item_positive"]
    assert [error["field"] for error in body["errors"]] == ["answers.phq9.2"]
    assert answer.headers["audit-entry"]
    kept = client.get(f"/patients/{subject}/flags").json()["items"]
    assert [(flag["code"], flag["assessment_id"]) for flag in kept] == [("suicide_item_positive", None)]
    assert client.get(f"/patients/{subject}/assessments").json()["items"] == []


def test_what_is_not_json_for_us_never_reaches_the_scorer(service: Service) -> None:
    subject = patient(service)
    client = service.client("intake")
    path = f"/patients/{subject}/assessments"
    nan = json.dumps(form("phq-9", {**PHQ_9, "phq9.2": float("nan")}))
    headers = {"content-type": "application/json"}
    assert client.request("POST", path, content=nan, headers=headers).json()["code"] == "malformed_json"
    for body in (
        form("phq-9", PHQ_9) | {"status": "final"},
        form("phq-9", PHQ_9) | {"score": 8},
        form("phq-9", PHQ_9) | {"instrument_version": "1"},
        form("phq-9", PHQ_9) | {"total": True},
        {"instrument": "phq-9", "status": "draft"},
    ):
        assert client.post(path, body).json()["code"] == "invalid_request"
    assert client.post(path, form("phq-10", PHQ_9)).json()["code"] == "instrument_unknown"
    assert (
        client.post(path, form("phq-9", PHQ_9, instrument_version=7)).json()["code"] == "instrument_unknown"
    )


def test_a_draft_survives_and_is_completed(service: Service) -> None:
    subject = patient(service)
    client = service.client("intake")
    made = client.post(f"/patients/{subject}/assessments", form("phq-9", {"phq9.1": 2}, "draft"))
    assert made.status_code == 201, made.text
    draft = made.json()
    assert (draft["status"], draft["version"], made.headers["etag"]) == ("draft", 1, '"1"')
    assert draft["result"]["status"] == "incomplete"
    path = f"/assessments/{draft['id']}"
    incomplete = client.post(f"{path}/completion")
    assert incomplete.status_code == 422
    assert incomplete.json()["code"] == "assessment_incomplete"
    assert incomplete.json()["missing"] == [f"phq9.{number}" for number in range(2, 10)]
    assert codes(incomplete.json()["flags"]) == ["item9_unanswered"]
    assert client.get(path).json()["answers"] == {"phq9.1": 2}
    assert client.put(path, {"answers": PHQ_9}).status_code == 428
    assert client.put(path, {"answers": PHQ_9}, version=7).status_code == 412
    saved = client.put(path, {"answers": PHQ_9}, version=1)
    assert saved.status_code == 200, saved.text
    assert saved.json()["version"] == 2
    assert client.post(f"{path}/completion", version=1).status_code == 412
    assert client.post(f"{path}/completion", {"total": 9}).json()["code"] == "total_mismatch"
    done = client.post(f"{path}/completion", {"total": 8}, version=2)
    assert done.status_code == 200, done.text
    assert (done.json()["status"], done.json()["result"]["total"]) == ("completed", 8)
    assert client.post(f"{path}/completion").json()["code"] == "assessment_not_draft"
    assert client.put(path, {"answers": PHQ_9}, version=3).json()["code"] == "assessment_not_draft"


def test_a_completion_may_come_without_a_body(service: Service) -> None:
    subject = patient(service)
    client = service.client("intake")
    draft = client.post(f"/patients/{subject}/assessments", form("phq-9", PHQ_9, "draft")).json()
    path = f"/assessments/{draft['id']}/completion"
    assert client.post(path, {"total": "8"}).json()["code"] == "invalid_request"
    assert client.request("POST", path).status_code == 200


def test_an_urgent_answer_in_a_draft_is_raised_at_once_and_once(service: Service) -> None:
    subject = patient(service)
    client = service.client("intake")
    draft = client.post(f"/patients/{subject}/assessments", form("phq-9", {"phq9.9": 1}, "draft")).json()
    flags = client.get(f"/patients/{subject}/flags").json()["items"]
    assert [(flag["code"], flag["assessment_id"]) for flag in flags] == [
        ("suicide_item_positive", draft["id"])
    ]
    closed = client.post(f"/flags/{flags[0]['id']}/acknowledgement", SEEN)
    assert closed.status_code == 200, closed.text
    path = f"/assessments/{draft['id']}"
    assert client.put(path, {"answers": {**PHQ_9, "phq9.9": 1}}, version=1).status_code == 200
    assert client.post(f"{path}/completion").status_code == 200
    assert len(client.get(f"/patients/{subject}/flags").json()["items"]) == 1
    worse = {**PHQ_9, "phq9.9": 3}
    assert client.post(f"{path}/amendments", {"answers": worse, "reason": "Misread"}).status_code == 201
    kept = client.get(f"/patients/{subject}/flags").json()["items"]
    assert sorted((flag["code"], flag["state"]) for flag in kept) == [
        ("suicide_item_daily", "open"),
        ("suicide_item_positive", "acknowledged"),
    ]


def test_a_corrected_answer_does_not_take_the_flag_back(service: Service) -> None:
    subject = patient(service)
    client = service.client("intake")
    draft = client.post(f"/patients/{subject}/assessments", form("asq", {"asq.5": 1}, "draft")).json()
    client.put(f"/assessments/{draft['id']}", {"answers": {"asq.5": 0}}, version=1)
    flags = client.get(f"/patients/{subject}/flags").json()["items"]
    assert [(flag["code"], flag["state"]) for flag in flags] == [("urgent_high", "open")]


def test_a_rejected_save_keeps_the_draft_and_its_flags(service: Service) -> None:
    subject = patient(service)
    client = service.client("intake")
    draft = client.post(f"/patients/{subject}/assessments", form("phq-9", {"phq9.1": 1}, "draft")).json()
    path = f"/assessments/{draft['id']}"
    refused = client.put(path, {"answers": {"phq9.1": "x", "phq9.9": 3}}, version=1)
    assert refused.status_code == 422
    assert codes(refused.json()["flags"]) == ["out_of_range", "suicide_item_daily", "suicide_item_positive"]
    again = client.get(path).json()
    assert (again["version"], again["answers"]) == (1, {"phq9.1": 1})
    flags = client.get(f"/patients/{subject}/flags").json()["items"]
    assert {flag["assessment_id"] for flag in flags} == {draft["id"]}
    assert sorted(codes(flags)) == ["suicide_item_daily", "suicide_item_positive"]
    client.put(path, {"answers": {"phq9.1": "x", "phq9.9": 3}}, version=1)
    assert len(client.get(f"/patients/{subject}/flags").json()["items"]) == 2


def test_an_amendment_keeps_the_version_before(service: Service) -> None:
    subject = patient(service)
    client = service.client("intake")
    made = client.post(
        f"/patients/{subject}/assessments", form("phq-9", PHQ_9, context={"language": "en"})
    ).json()
    path = f"/assessments/{made['id']}"
    corrected = {**PHQ_9, "phq9.1": 3}
    assert client.post(f"{path}/amendments", {"answers": corrected}).json()["code"] == "invalid_request"
    amended = client.post(f"{path}/amendments", {"answers": corrected, "reason": "Item 1 misheard"})
    assert amended.status_code == 201, amended.text
    body = amended.json()
    assert (body["status"], body["version"], body["result"]["total"]) == ("amended", 2, 10)
    assert (body["reason"], body["context"]) == ("Item 1 misheard", {"language": "en"})
    assert body["completed_at"] == made["completed_at"]
    old = client.get(f"{path}?version=1").json()
    assert (old["version"], old["result"], old["answers"]) == (1, made["result"], PHQ_9)
    assert client.get(path).json()["result"]["total"] == 10
    assert client.get(f"{path}?version=3").status_code == 404
    assert client.post(f"{path}/amendments", {"answers": {}, "reason": "x"}).json()["missing"]
    draft = client.post(f"/patients/{subject}/assessments", form("phq-9", PHQ_9, "draft")).json()
    early = client.post(f"/assessments/{draft['id']}/amendments", {"answers": PHQ_9, "reason": "x"})
    assert early.json()["code"] == "assessment_not_completed"


def test_the_list_pages_and_shows_the_trend(service: Service) -> None:
    subject = patient(service)
    client = service.client("intake")
    for points in (0, 2, 1):
        answers = {f"gad7.{number}": points for number in range(1, 8)}
        client.post(f"/patients/{subject}/assessments", form("gad-7", answers))
        service.clock.advance(timedelta(seconds=1))
    client.post(f"/patients/{subject}/assessments", form("asq", {f"asq.{n}": 0 for n in range(1, 5)}))
    service.clock.advance(timedelta(seconds=1))
    client.post(f"/patients/{subject}/assessments", form("gad-7", {}, "draft"))
    first = client.get(f"/patients/{subject}/assessments?limit=2").json()
    assert [one["instrument"] for one in first["items"]] == ["gad-7", "asq"]
    rest = client.get(f"/patients/{subject}/assessments?limit=5&cursor={first['next_cursor']}").json()
    assert [one["result"]["total"] for one in rest["items"]] == [7, 14, 0]
    assert rest["next_cursor"] is None
    trend = rest["trends"]["gad-7"]
    assert [(point["total"], point["change"]) for point in trend] == [(0, None), (14, 14), (7, -7)]
    only = client.get(f"/patients/{subject}/assessments?instrument=asq").json()
    assert [one["instrument"] for one in only["items"]] == ["asq"]
    assert only["trends"] == {}


def test_a_replay_is_the_same_outcome_and_raises_nothing_twice(service: Service) -> None:
    subject = patient(service)
    client = service.client("intake")
    path, headers = f"/patients/{subject}/assessments", {"Idempotency-Key": "form-1"}
    body = form("phq-9", {**PHQ_9, "phq9.9": 1})
    first, second = (client.post(path, body, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert client.post(path, form("phq-9", PHQ_9), headers=headers).json()["code"] == "idempotency_mismatch"
    rejected = form("phq-9", {**PHQ_9, "phq9.1": 9, "phq9.9": 3})
    headers = {"Idempotency-Key": "form-2"}
    third, fourth = (client.post(path, rejected, headers=headers) for _ in range(2))
    assert (third.status_code, fourth.status_code) == (422, 422)
    assert third.json()["flags"] == fourth.json()["flags"]
    flags = client.get(f"/patients/{subject}/flags").json()["items"]
    assert sorted(codes(flags)) == ["suicide_item_daily", "suicide_item_positive", "suicide_item_positive"]
    for flag in flags:
        client.post(f"/flags/{flag['id']}/acknowledgement", SEEN)
    assert client.post(path, rejected, headers=headers).status_code == 422
    assert len(client.get(f"/patients/{subject}/flags").json()["items"]) == 3


def test_a_replayed_completion_and_amendment(service: Service) -> None:
    subject = patient(service)
    client = service.client("intake")
    draft = client.post(f"/patients/{subject}/assessments", form("phq-9", PHQ_9, "draft")).json()
    path = f"/assessments/{draft['id']}"
    answers = [client.post(f"{path}/completion", {}, headers={"Idempotency-Key": "done-1"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    change = {"answers": {**PHQ_9, "phq9.2": 2}, "reason": "Misread"}
    amended = [
        client.post(f"{path}/amendments", change, headers={"Idempotency-Key": "fix-1"}) for _ in range(2)
    ]
    assert [answer.json()["version"] for answer in amended] == [3, 3]
    bad = {"answers": {**PHQ_9, "phq9.2": 9}, "reason": "Misread"}
    refused = [client.post(f"{path}/amendments", bad, headers={"Idempotency-Key": "fix-2"}) for _ in range(2)]
    assert [answer.json()["code"] for answer in refused] == ["assessment_rejected"] * 2
    assert client.get(path).json()["version"] == 3


def test_a_total_the_client_made_up_is_refused_and_the_flag_kept(service: Service) -> None:
    subject = patient(service)
    client = service.client("intake")
    path = f"/patients/{subject}/assessments"
    answer = client.post(path, form("phq-9", {**PHQ_9, "phq9.9": 1}, total=4))
    assert answer.status_code == 422
    assert answer.json()["code"] == "total_mismatch"
    assert codes(client.get(f"/patients/{subject}/flags").json()["items"]) == ["suicide_item_positive"]
    assert client.post(path, form("phq-9", PHQ_9, total=8)).status_code == 201


def test_declining_item_9_makes_work_for_a_clinician(service: Service) -> None:
    subject = patient(service)
    client = service.client("intake")
    declined = {**PHQ_9, "phq9.9": "declined"}
    made = client.post(f"/patients/{subject}/assessments", form("phq-9", declined, "draft"))
    assert codes(made.json()["flags"]) == ["item9_declined"]
    refused = client.post(f"/assessments/{made.json()['id']}/completion")
    assert refused.json()["code"] == "assessment_incomplete"
    assert refused.json()["missing"] == ["phq9.9"]
    kept = client.get(f"/patients/{subject}/flags").json()["items"]
    assert [(flag["code"], flag["task"]) for flag in kept] == [("item9_declined", "clinician_interview")]


def test_a_flag_is_closed_once_with_what_was_done(service: Service) -> None:
    subject = patient(service)
    client = service.client("intake")
    client.post(f"/patients/{subject}/assessments", form("phq-9", {**PHQ_9, "phq9.9": 1}))
    flag = client.get(f"/patients/{subject}/flags").json()["items"][0]
    path = f"/flags/{flag['id']}/acknowledgement"
    for empty in ({}, {"action": ""}, {"action": "   "}, SEEN | {"action": "Seen"}):
        assert client.post(path, empty).json()["code"] == "invalid_request"
    headers = {"Idempotency-Key": "seen-1"}
    first, second = (client.post(path, SEEN, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200), first.text
    assert first.json()["state"] == second.json()["state"] == "acknowledged"
    assert first.json()["action"] == SEEN["action"]
    assert first.json()["acknowledged_by"] == str(service.account("intake").id)
    assert client.post(path, SEEN).json()["code"] == "flag_closed"
    assert client.post(f"/flags/{subject}/acknowledgement", {"action": "x"}).status_code == 404


def test_who_may_and_that_every_read_and_refusal_is_recorded(service: Service) -> None:
    subject = patient(service)
    intake = service.client("intake")
    made = intake.post(f"/patients/{subject}/assessments", form("phq-9", {**PHQ_9, "phq9.9": 1})).json()
    flag = intake.get(f"/patients/{subject}/flags").json()["items"][0]
    calls = [
        ("GET", f"/assessments/{made['id']}", None, "assessment.read"),
        ("GET", f"/patients/{subject}/assessments", None, "assessment.list"),
        ("GET", f"/patients/{subject}/flags", None, "assessment.list"),
        ("POST", f"/patients/{subject}/assessments", form("phq-9", PHQ_9), "assessment.complete"),
        ("POST", f"/patients/{subject}/assessments", form("phq-9", PHQ_9, "draft"), "assessment.save"),
        (
            "POST",
            f"/assessments/{made['id']}/amendments",
            {"answers": PHQ_9, "reason": "x"},
            "assessment.amend",
        ),
        ("POST", f"/flags/{flag['id']}/acknowledgement", SEEN, "flag.acknowledge"),
    ]
    stranger = service.account("clinician", name="stranger")
    related = service.account("clinician", name="related", related_to=[subject])
    for role in ("compliance", "administrator"):
        service.account(role)
    for method, path, body, action in calls:
        options = {} if body is None else {"json": body}
        for who in (stranger, service.account("compliance"), service.account("administrator")):
            refused = service.client(who).request(method, path, **options)
            assert refused.status_code in (403, 404), (who.caller.roles, path, refused.text)
            denials = service.entries(action=action, outcome="deny", actor_id=who.id)
            assert denials, (who.caller.roles, path)
            assert refused.headers["audit-entry"] == str(denials[-1]["id"])
        allowed = service.client(related).request(method, path, **options)
        assert allowed.status_code in (200, 201), (path, allowed.text)
        permits = service.entries(action=action, outcome="permit", actor_id=related.id)
        assert allowed.headers["audit-entry"] in {str(entry["id"]) for entry in permits}
        assert {str(entry["patient_id"]) for entry in permits} == {subject}
    without_purpose = service.client(related, purpose=None).get(f"/assessments/{made['id']}")
    assert without_purpose.json()["code"] == "purpose_required"


def test_another_programs_assessment_is_not_there(service: Service) -> None:
    subject = patient(service)
    made = service.client("intake").post(f"/patients/{subject}/assessments", form("phq-9", PHQ_9)).json()
    other = open_program(service.house)
    for path in (
        f"/assessments/{made['id']}",
        f"/patients/{subject}/assessments",
        f"/patients/{subject}/flags",
    ):
        assert other.client("intake").get(path).status_code == 404
    answer = other.client("intake").post(f"/patients/{subject}/assessments", form("phq-9", PHQ_9))
    assert answer.status_code == 404


def test_nothing_about_the_patient_is_in_the_ledger(service: Service) -> None:
    subject = patient(service)
    client = service.client("intake")
    client.post(f"/patients/{subject}/assessments", form("phq-9", {**PHQ_9, "phq9.9": 3}))
    client.post(f"/patients/{subject}/assessments", form("phq-9", {**PHQ_9, "phq9.9": 3, "phq9.1": 9}))
    text = json.dumps([entry["detail"] for entry in service.entries()])
    for telling in ("suicide", "phq", "minimal", "moderate", "Testperson"):
        assert telling not in text


def test_the_unit_is_the_callers_own_and_the_stricter_in_doubt(service: Service) -> None:
    subject = patient(service)
    client = service.client("intake")
    path = f"/patients/{subject}/assessments"
    assert client.post(path, form("phq-9", PHQ_9)).json()["unit"] == "U1"
    assert client.post(path, form("phq-9", PHQ_9, unit="U2")).json()["unit"] == "U2"
    assert client.post(path, form("phq-9", PHQ_9, unit="U9")).json()["code"] == "item_invalid"
    second = service.client(service.account("intake", name="second", units=["U2"]))
    assert second.post(path, form("phq-9", PHQ_9)).json()["unit"] == "U2"


def test_instruments_are_described(service: Service) -> None:
    client = service.client("clinician", purpose=None)
    listed = client.get("/instruments").json()
    assert {"asq", "gad-7", "phq-9"} <= {one["key"] for one in listed["items"]}
    one = client.get("/instruments/phq-9").json()
    assert len(one["items"]) == 10
    assert one["items"][8]["text"].startswith("Thoughts that you would be better off dead")
    option = {"value": 0, "label": "Not at all", "code": "LA6568-5"}
    assert option.items() <= one["items"][0]["options"][0].items()
    assert one["bands"][-1] == {"key": "severe", "label": "Severe", "first": 20, "last": 27}
    assert "Pfizer" in one["licence"]["text"]
    assert "Regenstrief" in one["code_notice"]
    asq = client.get("/instruments/asq").json()
    assert asq["code_notice"] is None
    assert asq["items"][4]["asked_when"]["any_of"] == ["asq.1", "asq.2", "asq.3", "asq.4"]
    assert client.get("/instruments/no-such-form").json()["code"] == "not_found"
    assert service.house.http.get("/api/v1/instruments").status_code == 401


def test_the_law_decides_each_use(service: Service) -> None:
    """A related clinician of another unit, and a purpose that needs no assessment: refused, and recorded."""
    subject = patient(service)
    made = service.client("intake").post(f"/patients/{subject}/assessments", form("phq-9", PHQ_9)).json()
    path = f"/assessments/{made['id']}"
    elsewhere = service.account("clinician", name="elsewhere", units=["U2"], related_to=[subject])
    within = service.account("clinician", name="within", units=["U1"], related_to=[subject])
    assert service.client(within).get(path).status_code == 200
    assert service.entries(action="assessment.read", actor_id=within.id)[-1]["basis"] == "B20"
    for client in (service.client(elsewhere), service.client(within, purpose="HPAYMT")):
        refused = client.get(path)
        assert refused.status_code == 403, refused.text
        assert refused.json()["reasons"][0]["citation"]
        denial = service.entries(action="assessment.read", outcome="deny")[-1]
        assert str(denial["id"]) == refused.headers["audit-entry"]
        listed = client.get(f"/patients/{subject}/assessments").json()
        assert (listed["items"], listed["trends"]) == ([], {})
    change = {"answers": PHQ_9, "reason": "x"}
    assert service.client(elsewhere).post(f"{path}/amendments", change).status_code == 403


def test_what_is_stored_is_sealed_and_bound_to_its_row(service: Service) -> None:
    """A finding put back into another flag's row by hand does not open; the incident is not shown as content."""
    subject = patient(service)
    client = service.client("intake")
    for item_9 in (1, 3):
        client.post(f"/patients/{subject}/assessments", form("phq-9", {**PHQ_9, "phq9.9": item_9}))
    with service.house.superuser() as db:
        rows = db.execute(
            "SELECT id, finding FROM safety_flag WHERE program_id = %s", [service.program_id]
        ).fetchall()
        assert not any(b"suicide" in bytes(finding) for _, finding in rows)
        db.execute("SET session_replication_role = replica")  # an attacker who may switch off the guards
        db.execute("UPDATE safety_flag SET finding = %s WHERE id = %s", [rows[0][1], rows[1][0]])
        db.execute("UPDATE safety_flag SET finding = %s WHERE id = %s", [rows[1][1], rows[0][0]])
    answer = client.get(f"/patients/{subject}/flags")
    assert answer.status_code == 500
    assert answer.json()["code"] == "integrity"


def test_a_form_is_finished_by_the_rules_it_was_begun_with(service: Service, tmp_path: Path) -> None:
    """The instrument gets a stricter version while a draft lies open: the draft and its amendment keep the old one."""
    shutil.copytree(FOLDER / "codes", tmp_path / "codes")
    old = text_of("gad-7")
    (tmp_path / "gad-7@1.yaml").write_text(old, encoding="utf-8")
    before = load_catalogue(tmp_path)
    new = old.replace("version: 1", "version: 2").replace(
        "{scale: total, at_least: 15}", "{scale: total, at_least: 7}"
    )
    (tmp_path / "gad-7.yaml").write_text(new, encoding="utf-8")
    after = load_catalogue(tmp_path)
    caller, subject = service.account("intake").caller, UUID(patient(service))
    ones = Form(answers={f"gad7.{number}": 1 for number in range(1, 8)})

    def begun(work: Work) -> Assessment | None:
        new = NewAssessment(patient_id=subject, instrument="gad-7", version=None, completed=False, form=ones)
        return operations.save(work, before, new)[1]

    draft = service.work(caller, begun)
    assert draft is not None
    done = service.work(caller, lambda work: operations.complete(work, after, draft.id, claimed_total=7))
    assert done is not None
    assert (done.content.instrument_version, done.content.flags) == (1, ())
    fixed = service.work(caller, lambda work: operations.amend(work, after, draft.id, ones, reason="x"))
    assert fixed is not None
    assert fixed.content.result["rule_version"] == done.content.result["rule_version"]

    def anew(work: Work) -> Assessment | None:
        new = NewAssessment(patient_id=subject, instrument="gad-7", version=None, completed=True, form=ones)
        return operations.save(work, after, new)[1]

    fresh = service.work(caller, anew)
    assert fresh is not None
    assert [flag.code for flag in fresh.content.flags] == ["severe_review"]
    assert fresh.content.result["rule_version"].startswith("gad-7@2+")
