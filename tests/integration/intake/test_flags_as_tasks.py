"""A raised flag is a task: owned, on a clock, listed for the program, handed on when it lies, and never just gone."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from service.access.actions import Action
from service.access.caller import Caller, CallerKind, Role
from service.ids import AccountId, ProgramId
from service.intake.flags import Flag, Severity
from service.intake.safety.escalation import escalate_due
from service.intake.safety.flag import FlagSource
from service.intake.safety.raising import open_flags, raise_flags
from service.intake.subject import subject_loader
from service.work import Work
from tests.house import Service, open_program
from tests.integration.intake.asking import PHQ_9, SEEN, codes, form, own_client, patient, raise_one


def at(value: str) -> datetime:
    return datetime.fromisoformat(value)


def the_service(service: Service) -> Caller:
    """The caller of the jobs."""
    return Caller(
        kind=CallerKind.SYSTEM,
        account_id=AccountId(UUID(int=0)),
        program_id=ProgramId(service.program_id),
        session_id=None,
        roles=frozenset({Role.SYSTEM}),
    )


def escalate(service: Service) -> int:
    return service.unit(
        lambda db: escalate_due(
            Work(
                service.house.state.mechanisms, db, the_service(service), service.program, service.clock.now()
            )
        )
    )


def listed(service: Service, who: Any = "intake", query: str = "") -> list[dict[str, Any]]:
    answer = service.client(who).get(f"/flags?state=open{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_a_flag_has_an_owner_a_clock_and_a_named_next_step(service: Service) -> None:
    subject = patient(service)
    flag = raise_one(service, subject)
    assert (flag["owner_role"], flag["owner_id"], flag["state"]) == ("intake", None, "open")
    assert at(flag["due_at"]) - at(flag["raised_at"]) == timedelta(minutes=15)
    assert flag["contact"] == {"name": "Dr Olu Testperson", "phone": "+1-555-0143"}
    assert flag["next_step"].endswith("On call: Dr Olu Testperson, +1-555-0143.")
    assert (flag["source"], flag["subject_id"]) == ("assessment", flag["assessment_id"])
    # the same on the page where it was answered, accepted or refused
    path, client = f"/patients/{subject}/assessments", service.client("intake")
    for answers in ({**PHQ_9, "phq9.9": 1}, {"phq9.9": 1}, {**PHQ_9, "phq9.9": 1, "phq9.1": 9}):
        told = client.post(path, form("phq-9", answers)).json()["flags"]
        step = next(one["next_step"] for one in told if one["code"] == "suicide_item_positive")
        assert step == flag["next_step"]
    raised = service.entries(action="flag.raise")[-1]
    assert raised["detail"] == {"owner": "intake", "source": "assessment"}


def test_taking_it_giving_it_back_and_who_cannot_have_it(service: Service) -> None:
    subject = patient(service)
    flag = raise_one(service, subject)
    intake, path = service.client("intake"), f"/flags/{flag['id']}/assignment"
    me = str(service.account("intake").id)
    taken = intake.post(path, {"account_id": me})
    assert taken.status_code == 200, taken.text
    assert (taken.json()["state"], taken.json()["owner_id"], taken.json()["version"]) == ("taken", me, 2)
    stale = intake.post(path, {"account_id": None}, version=1)
    assert (stale.status_code, stale.json()["current"]) == (412, 2)
    nobody = service.account("clinician", name="unrelated")
    treats = service.account("clinician", name="treats", related_to=[subject])
    for cannot in (nobody.id, service.account("compliance").id, own_client(service, subject).who.id, subject):
        refused = intake.post(path, {"account_id": str(cannot)}, version=2)
        assert refused.json()["errors"][0]["code"] == "cannot_act", cannot
    # somebody else reaches for it without having seen that it is taken
    assert service.client(treats).post(path, {"account_id": str(treats.id)}).status_code == 412
    given = intake.post(path, {"account_id": str(treats.id)}, version=2, headers={"Idempotency-Key": "give"})
    again = intake.post(path, {"account_id": str(treats.id)}, version=2, headers={"Idempotency-Key": "give"})
    assert (given.json()["owner_id"], again.json()) == (str(treats.id), given.json())
    back = service.client(treats).post(path, {"account_id": None}, version=3)
    assert (back.json()["state"], back.json()["owner_id"]) == ("open", None)
    assert service.client(treats).post(path, {"account_id": None}, version=4).json()["version"] == 4
    assert service.client(nobody).post(path, {"account_id": str(nobody.id)}, version=4).status_code == 403
    intake.post(f"/flags/{flag['id']}/acknowledgement", SEEN)
    assert intake.post(path, {"account_id": me}, version=5).json()["code"] == "flag_closed"
    assert len(service.entries(action="flag.assign", outcome="permit")) == 5


def test_the_work_list_of_the_program(service: Service) -> None:
    first, second, third = (patient(service, f"Testperson{name}") for name in ("A", "B", "C"))
    intake = service.client("intake")
    gad = {f"gad7.{number}": 3 for number in range(1, 8)}
    intake.post(f"/patients/{first}/assessments", form("gad-7", gad))
    # this one is due first, and still comes after what is urgent
    service.clock.advance(timedelta(hours=7, minutes=50))
    service.accounts.clear()
    intake = service.client("intake")
    raise_one(service, second, 1)
    service.clock.advance(timedelta(minutes=1))
    intake.post(f"/patients/{third}/assessments", form("asq", {"asq.5": 1}, "draft"))
    rows = listed(service)
    assert min(rows, key=lambda row: row["due_at"])["severity"] == "same_day"
    assert [row["severity"] for row in rows] == ["urgent", "urgent", "same_day"]
    assert [row["patient_id"] for row in rows] == [second, third, first]
    assert codes(rows) == ["suicide_item_positive", "urgent_high", "severe_review"]
    shown = service.entries(action="work_list.read", actor_id=service.account("intake").id)
    assert [str(entry["patient_id"]) for entry in shown if entry["patient_id"]] == [second, third, first]
    # paged in the same order
    page = service.client("intake").get("/flags?limit=2").json()
    rest = service.client("intake").get(f"/flags?limit=2&cursor={page['next_cursor']}").json()
    assert [row["id"] for row in page["items"] + rest["items"]] == [row["id"] for row in rows]
    assert rest["next_cursor"] is None
    # whose they are
    assert codes(listed(service, query="&owner=role")) == ["suicide_item_positive"]
    assert listed(service, query="&owner=me") == []
    treats = service.account("clinician", name="treats", related_to=[third])
    assert codes(listed(service, treats)) == ["urgent_high"]
    me = str(treats.id)
    service.client(treats).post(f"/flags/{rows[1]['id']}/assignment", {"account_id": me}, version=1)
    assert codes(listed(service, treats, "&owner=me")) == ["urgent_high"]
    assert "urgent_high" in codes(listed(service, treats, "&owner=role"))
    # what is about no patient of theirs is not there, for compliance nothing is
    assert listed(service, "compliance") == []
    assert service.client("administrator").get("/flags").status_code == 403
    assert own_client(service, first).get("/flags").status_code == 404
    assert intake.get("/flags?state=acknowledged").status_code == 422
    assert open_program(service.house).client("intake").get("/flags").json()["items"] == []


def test_a_flag_that_lies_is_handed_on_once_and_reviewed(service: Service) -> None:
    subject = patient(service)
    flag = raise_one(service, subject)
    me = str(service.account("intake").id)
    service.client("intake").post(f"/flags/{flag['id']}/assignment", {"account_id": me}, version=1)
    service.clock.advance(timedelta(minutes=14, seconds=59))
    assert escalate(service) == 0
    service.clock.advance(timedelta(seconds=1))
    assert [escalate(service), escalate(service)] == [1, 0]
    entry = service.entries(action="flag.escalate")
    assert [one["detail"] for one in entry] == [{"from": "intake", "to": "clinician"}]
    later = service.client(service.account("intake", name="of the later shift"))
    kept = later.get(f"/patients/{subject}/flags").json()["items"][0]
    assert (kept["owner_role"], kept["owner_id"], kept["state"]) == ("clinician", None, "open")
    assert kept["escalated_at"]
    reviews = service.client("compliance", purpose="HOPERAT").get("/audit/reviews?state=open").json()["items"]
    assert [(one["kind"], one["subject_id"], one["account_id"]) for one in reviews] == [
        ("flag_overdue", flag["id"], me)
    ]
    # everybody on the work list sees that it waits and whom to call; what it is about only those who treat them
    stranger = service.account("clinician", name="stranger")
    row = listed(service, stranger)[0]
    assert (row["closed"], row["contact"]["phone"]) == (True, "+1-555-0143")
    assert {row[name] for name in ("code", "instrument", "message", "next_step", "task")} == {None}
    # the hand-over is no end, and a second one is not due
    assert later.post(f"/flags/{flag['id']}/acknowledgement", SEEN).status_code == 200
    service.clock.advance(timedelta(days=30))
    assert escalate(service) == 0


def test_an_acknowledgement_says_what_was_done(service: Service) -> None:
    subject = patient(service)
    flag = raise_one(service, subject, 3)
    path = f"/flags/{flag['id']}/acknowledgement"
    intake = service.client("intake")
    for wrong, field in (
        ({name: SEEN[name] for name in ("action", "outcome")}, "seen_by"),
        ({name: SEEN[name] for name in ("action", "seen_by")}, "outcome"),
        (SEEN | {"seen_by": ""}, "seen_by"),
        (SEEN | {"outcome": "dismissed"}, "outcome"),
        (SEEN | {"code": "dismissed"}, "code"),
        (SEEN | {"action": "ok"}, "action"),
        (SEEN | {"action": flag["message"]}, "action"),
    ):
        refused = intake.post(path, wrong)
        assert refused.status_code == 422, wrong
        assert [error["field"] for error in refused.json()["errors"]] == [field]
    done = intake.post(path, SEEN | {"code": "clinician_saw"})
    assert done.status_code == 200, done.text
    told = {name: done.json()[name] for name in ("action", "action_code", "seen_by", "outcome")}
    assert told == SEEN | {"action_code": "clinician_saw"}
    # a flag that is no urgent suicide flag takes words alone
    gad = {f"gad7.{number}": 3 for number in range(1, 8)}
    intake.post(f"/patients/{subject}/assessments", form("gad-7", gad))
    high = next(row for row in listed(service) if row["code"] == "severe_review")
    closed = intake.post(f"/flags/{high['id']}/acknowledgement", {"action": "Reviewed with the clinician"})
    assert closed.status_code == 200, closed.text


def test_nothing_takes_a_flag_away(service: Service) -> None:
    """Amending, overwriting, refusing, replaying; and the database role cannot delete, or close without an entry."""
    subject = patient(service)
    client = service.client("intake")
    made = client.post(
        f"/patients/{subject}/assessments", form("phq-9", {**PHQ_9, "phq9.9": 2}, "draft")
    ).json()
    path = f"/assessments/{made['id']}"
    client.put(path, {"answers": PHQ_9}, version=1)
    client.post(f"{path}/completion")
    client.post(f"{path}/amendments", {"answers": PHQ_9, "reason": "Misheard"})
    client.post(f"{path}/amendments", {"answers": {"phq9.9": "x"}, "reason": "Misheard"})
    kept = client.get(f"/patients/{subject}/flags").json()["items"]
    assert [(flag["code"], flag["state"]) for flag in kept] == [("suicide_item_positive", "open")]
    flag = kept[0]["id"]
    for method in ("DELETE", "PUT", "PATCH"):
        assert client.request(method, f"/flags/{flag}", json={"state": "acknowledged"}).status_code == 404
    with pytest.raises(ProgrammingError) as refused:
        service.unit(lambda db: db.execute(text("DELETE FROM safety_flag WHERE id = :id"), {"id": flag}))
    assert isinstance(refused.value.orig, InsufficientPrivilege)
    # closed by hand, without a sealed acknowledgement and its version: it does not even open
    with service.house.superuser() as db:
        db.execute("SET session_replication_role = replica")
        db.execute("UPDATE safety_flag SET due_at = due_at + interval '9 days' WHERE id = %s", [flag])
    assert client.get(f"/patients/{subject}/flags").json()["code"] == "integrity"


def test_a_merge_loses_no_flag(service: Service) -> None:
    """What stood open with the absorbed chart stands with the one that survives, and whoever treats them closes it."""
    stays, goes = patient(service), patient(service)
    flag = raise_one(service, goes)
    body = {"merged_id": goes, "reason": "The same person", "evidence": "Both cards seen (synthetic)."}
    merged = service.client("intake").post(f"/patients/{stays}/merges", body)
    assert merged.status_code == 201, merged.text
    treats = service.account("clinician", name="treats", related_to=[stays])
    client = service.client(treats)
    for query in (f"/patients/{stays}/flags", "/flags"):
        assert [one["id"] for one in client.get(query).json()["items"]] == [flag["id"]], query
    stranger = service.client(service.account("clinician", name="stranger"))
    assert stranger.get("/flags").json()["items"] == []
    assert stranger.post(f"/flags/{flag['id']}/acknowledgement", SEEN).status_code == 403
    mine = client.post(f"/flags/{flag['id']}/assignment", {"account_id": str(treats.id)})
    assert mine.status_code == 200, mine.text
    assert client.post(f"/flags/{flag['id']}/acknowledgement", SEEN).json()["state"] == "acknowledged"


def test_contradictory_and_incomplete_forms_raise_and_show_their_flags_once(service: Service) -> None:
    subject = patient(service)
    client, path = service.client("intake"), f"/patients/{subject}/assessments"
    no = {f"asq.{number}": 0 for number in range(1, 5)}
    # item 5 is not asked when 1-4 are no: a yes there contradicts, is kept for a person to resolve, and is heard
    odd = client.post(path, form("asq", {**no, "asq.5": 1}))
    assert odd.status_code == 201, odd.text
    assert odd.json()["result"]["status"] == "needs_review"
    assert codes(odd.json()["flags"]) == ["skip_conflict", "urgent_high"]
    kept = client.get(f"/patients/{subject}/flags").json()["items"]
    assert sorted(codes(kept)) == ["skip_conflict", "urgent_high"]
    other = patient(service, "Testperson2")
    path = f"/patients/{other}/assessments"
    for _ in range(3):
        refused = client.post(path, form("asq", {"asq.5": 1}))
        assert (refused.status_code, refused.json()["code"]) == (422, "assessment_incomplete")
        assert "urgent_high" in codes(refused.json()["flags"])
    kept = client.get(f"/patients/{other}/flags").json()["items"]
    assert [(flag["code"], flag["assessment_id"]) for flag in kept] == [("urgent_high", None)]


def test_a_high_risk_stands_although_answers_are_missing(service: Service) -> None:
    """C-SSRS: item 4 yes, the rest open. Refused as incomplete; the band and the alarm are in the refusal and kept."""
    subject = patient(service)
    client, path = service.client("intake"), f"/patients/{subject}/assessments"
    unfinished = {"cssrs.1": 1, "cssrs.2": 1, "cssrs.4": 1}
    draft = client.post(path, form("c-ssrs", unfinished, "draft")).json()
    assert (draft["result"]["status"], draft["result"]["band"]) == ("incomplete", "high")
    refused = client.post(f"/assessments/{draft['id']}/completion")
    assert (refused.status_code, refused.json()["band"]) == (422, "high")
    assert codes(refused.json()["flags"]) == ["urgent_high"]
    kept = client.get(f"/patients/{subject}/flags").json()["items"]
    assert [(flag["code"], flag["assessment_id"]) for flag in kept] == [("urgent_high", draft["id"])]


def test_other_parts_of_the_intake_raise_through_the_same_door(service: Service) -> None:
    subject = UUID(patient(service))
    caller = service.account("intake").caller
    urgent = Flag(
        "vitals_urgent", Severity.URGENT, "A value is urgent.", "Measure again now.", "vitals_again"
    )
    section = UUID(int=5)

    def act(work: Work) -> list[tuple[str, FlagSource, UUID | None, str]]:
        work.authorised(Action.MEDICAL_WRITE, subject_loader(subject))
        work.record(action=Action.MEDICAL_WRITE, object_kind="section", object_id=section, patient_id=subject)
        for source, of in ((FlagSource.MEDICAL, section), (FlagSource.PLACEMENT, None)):
            for _ in range(2):
                raise_flags(
                    work,
                    patient_id=subject,
                    source=source,
                    subject_id=of,
                    instrument="vital_signs",
                    flags=[urgent, urgent],
                )
        return sorted(
            (one.flag.code, one.source, one.subject_id, one.owner_role.value)
            for one in open_flags(work, subject)
        )

    assert service.work(caller, act) == [
        ("vitals_urgent", FlagSource.MEDICAL, section, "clinician"),
        ("vitals_urgent", FlagSource.PLACEMENT, None, "clinician"),
    ]
    shown = service.client("intake").get(f"/patients/{subject}/flags").json()["items"]
    assert {one["assessment_id"] for one in shown} == {None}
