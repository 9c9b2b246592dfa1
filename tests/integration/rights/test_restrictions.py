"""Restrictions through the whole service: asked for, answered, ended, locked for decisions, and kept from others."""

from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread
from typing import Any
from uuid import UUID, uuid4

import pytest

from service.access.actions import Action
from service.people.facts import patient_facts
from service.record.operations import items_for_decision
from service.rights.restricting import restricts
from service.rights.restrictions import restrictions_of
from service.work import Loaded, Work
from tests.house import Client, Service, open_program
from tests.integration.disclosure.office import Office

PLAN = {"type": "entity", "name": "Acme Health Plan (synthetic)", "covered_entity": True}


@pytest.fixture
def plan(office: Office) -> str:
    return office.recipient(PLAN, "health_plan")


def paid(office: Office, plan: str, **more: Any) -> dict[str, Any]:
    """An item paid in full by the patient, kept from the plan."""
    return {
        "items": [office.items.get("attendance") or office.item("attendance")],
        "recipients": [plan],
        "purposes": ["HPAYMT"],
        "classes": ["operations"],
        "paid_in_full": True,
    } | more


def ask(office: Office, body: dict[str, Any], who: Client | None = None) -> dict[str, Any]:
    answer = (who or office.intake).post(f"/patients/{office.patient_id}/restrictions", body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_what_was_paid_in_full_is_agreed_to_at_once(office: Office, plan: str, service: Service) -> None:
    """O42, first half: the program must agree (2.26(a)(6))."""
    made = ask(office, paid(office, plan))
    assert (made["state"], made["must_agree"]) == ("agreed", True)
    assert made["citation"] == "42 CFR 2.26(a)(6); 45 CFR 164.522(a)(1)(vi)"
    assert made["classes"] == ["operations", "payment"]
    assert made["agreed_at"] == made["requested_at"]
    entry = service.entries(action="restriction.request")[-1]
    assert (entry["outcome"], entry["object_id"]) == ("permit", UUID(made["id"]))
    assert entry["detail"]["must_agree"] is True


@pytest.mark.parametrize(
    "change",
    [{"paid_in_full": False}, {"required_by_law": True}],
    ids=lambda change: next(iter(change)),
)
def test_without_the_duty_it_waits_for_an_answer(office: Office, plan: str, change: dict[str, Any]) -> None:
    made = ask(office, paid(office, plan) | change)
    assert (made["state"], made["must_agree"], made["citation"]) == ("requested", False, None)
    assert made["can"] == ["agree", "decline"]


def test_a_plan_of_the_register_is_a_plan_for_everybody(office: Office) -> None:
    made = ask(office, paid(office, office.recipient(PLAN | {"roles": ["health_plan"]})))
    assert (made["state"], made["must_agree"]) == ("agreed", True)


def test_a_plan_known_by_no_register_and_no_relationship_is_no_plan(office: Office) -> None:
    made = ask(office, paid(office, office.recipient(PLAN)))
    assert (made["state"], made["must_agree"]) == ("requested", False)


def test_patients_ask_for_themselves(office: Office, plan: str) -> None:
    made = ask(office, paid(office, plan, reason="my family must not know"), office.patient)
    assert made["state"] == "agreed"
    listed = office.patient.get(f"/patients/{office.patient_id}/restrictions").json()
    assert [one["id"] for one in listed["items"]] == [made["id"]]
    ended = office.patient.post(f"/restrictions/{made['id']}/ending", {"by": "patient_written"})
    assert (ended.status_code, ended.json()["state"]) == (200, "ended")


def test_a_patient_reaches_nobody_else(office: Office, plan: str) -> None:
    made = ask(office, paid(office, plan))
    other = office.intake.post(
        "/patients", {"given_name": "Ode", "family_name": "Otherperson", "birth_date": "1980-01-02"}
    ).json()["id"]
    stranger = office.service.client(
        office.service.account("patient", name="another patient", patient_id=other), "PATRQT"
    )
    for answer in (
        stranger.get(f"/restrictions/{made['id']}"),
        stranger.get(f"/patients/{office.patient_id}/restrictions"),
        stranger.post(f"/patients/{office.patient_id}/restrictions", paid(office, plan)),
        stranger.post(f"/restrictions/{made['id']}/ending", {"by": "patient_written"}),
    ):
        assert answer.status_code == 404
    assert office.intake.get(f"/restrictions/{made['id']}").json()["state"] == "agreed"


def test_compliance_answers(office: Office, plan: str, compliance: Client) -> None:
    body = paid(office, plan, paid_in_full=False)
    agreed, declined = ask(office, body), ask(office, body)
    said = {"answer": "agreed", "reason": "we can do this"}
    answer = compliance.post(f"/restrictions/{agreed['id']}/answer", said)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["answer"]) == ("agreed", "we can do this")
    assert answer.headers["ETag"] == '"2"'
    answer = compliance.post(f"/restrictions/{declined['id']}/answer", said | {"answer": "declined"})
    assert (answer.json()["state"], answer.json()["agreed_at"]) == ("declined", None)
    again = compliance.post(f"/restrictions/{declined['id']}/answer", said)
    assert (again.status_code, again.json()["code"]) == (409, "restriction_state")
    assert again.json()["state"] == "declined"


def test_what_must_be_agreed_to_is_not_declined(office: Office, compliance: Client) -> None:
    """Asked before anybody said that the recipient is a health plan; answered after."""
    plan = office.recipient(PLAN)
    made = ask(office, paid(office, plan))
    assert made["state"] == "requested"
    office.recipient(PLAN, "health_plan")
    said = {"answer": "declined", "reason": "billing is hard"}
    answer = compliance.post(f"/restrictions/{made['id']}/answer", said)
    assert (answer.status_code, answer.json()["code"]) == (409, "restriction_must_be_agreed")
    assert "2.26(a)(6)" in answer.json()["citation"]
    answer = compliance.post(f"/restrictions/{made['id']}/answer", said | {"answer": "agreed"})
    assert (answer.json()["state"], answer.json()["must_agree"]) == ("agreed", True)


@pytest.mark.parametrize("role", ["intake", "clinician", "administrator", "patient", "requester"])
def test_only_compliance_answers(office: Office, plan: str, role: str) -> None:
    made = ask(office, paid(office, plan, paid_in_full=False))
    who = {"clinician": office.clinician, "patient": office.patient}.get(role) or (
        office.service.client(office.requester() if role == "requester" else role)
    )
    answer = who.post(f"/restrictions/{made['id']}/answer", {"answer": "declined", "reason": "no"})
    assert answer.status_code == (404 if role in ("patient", "requester") else 403)
    assert office.intake.get(f"/restrictions/{made['id']}").json()["state"] == "requested"
    assert office.service.entries(action="restriction.answer")[-1]["outcome"] == "deny"


def test_a_notice_of_the_program_never_ends_what_had_to_be_agreed(
    office: Office, plan: str, compliance: Client
) -> None:
    made = ask(office, paid(office, plan))
    notice = {"by": "program_notice", "note": "letter of today"}
    answer = compliance.post(f"/restrictions/{made['id']}/ending", notice)
    assert (answer.status_code, answer.json()["code"]) == (409, "restriction_must_be_agreed")
    assert compliance.get(f"/restrictions/{made['id']}").json()["state"] == "agreed"


def test_a_notice_of_the_program_ends_it_for_later_records_only(
    office: Office, plan: str, compliance: Client, service: Service
) -> None:
    old = office.item("diagnosis")
    made = ask(office, paid(office, plan, paid_in_full=False, items=[], kinds=["diagnosis"]))
    compliance.post(f"/restrictions/{made['id']}/answer", {"answer": "agreed", "reason": "yes"})
    service.clock.advance(timedelta(minutes=5))
    noticed = compliance.post(
        f"/restrictions/{made['id']}/ending", {"by": "program_notice", "note": "letter of today"}
    ).json()
    assert noticed["state"] == "agreed"
    assert noticed["covers_records_until"] is not None
    service.clock.advance(timedelta(minutes=5))
    new = office.item("diagnosis")
    assert covered(office, plan, UUID(old)) is True
    assert covered(office, plan, UUID(new)) is False
    again = compliance.post(
        f"/restrictions/{made['id']}/ending", {"by": "program_notice", "note": "another letter"}
    ).json()
    assert again["covers_records_until"] == noticed["covers_records_until"]


def test_who_may_end_it_and_how(office: Office, plan: str, compliance: Client) -> None:
    made = ask(office, paid(office, plan))
    path = f"/restrictions/{made['id']}/ending"
    assert office.intake.post(path, {"by": "patient_written"}).status_code == 403
    for who, by in (
        (office.patient, "patient_oral_documented"),
        (compliance, "patient_oral_documented"),  # and nothing documented
    ):
        answer = who.post(path, {"by": by})
        assert (answer.status_code, answer.json()["code"]) == (422, "restriction_invalid")
    answer = compliance.post(path, {"by": "patient_oral_documented", "note": "said on the telephone at noon"})
    assert (answer.status_code, answer.json()["state"]) == (200, "ended")
    assert covered(office, plan, UUID(office.items["attendance"])) is False
    assert compliance.post(path, {"by": "patient_written"}).status_code == 409


INVALID: list[tuple[dict[str, Any], str]] = [
    ({"items": []}, "kinds"),
    ({"kinds": [], "items": []}, "kinds"),
    ({"kinds": "all"}, "items"),
    ({"recipients": []}, "recipients"),
    ({"recipients": [str(uuid4())]}, "recipients"),
    ({"items": [str(uuid4())]}, "items"),
    ({"purposes": [], "classes": []}, "classes"),
    ({"classes": ["research"]}, "classes"),
    ({"purposes": ["NOSUCH"]}, "classes"),
    ({"purposes": ["PATRQT"]}, "classes"),
    # what must be agreed to is asked for by itself
    ({"classes": ["treatment", "payment"]}, "classes"),
    ({"kinds": "all", "items": []}, "kinds"),
]


@pytest.mark.parametrize(("change", "field"), INVALID, ids=[f"{n}-{f}" for n, (_, f) in enumerate(INVALID)])
def test_what_cannot_be_asked_is_said_by_field(
    office: Office, plan: str, change: dict[str, Any], field: str
) -> None:
    answer = office.intake.post(f"/patients/{office.patient_id}/restrictions", paid(office, plan) | change)
    assert (answer.status_code, answer.json()["code"]) == (422, "restriction_invalid"), answer.text
    assert field in {fault["field"] for fault in answer.json()["errors"]}


def test_what_must_be_agreed_hides_behind_nobody_else(office: Office, plan: str) -> None:
    body = paid(office, plan) | {"recipients": [plan, office.clinic]}
    answer = office.intake.post(f"/patients/{office.patient_id}/restrictions", body)
    assert {fault["code"] for fault in answer.json()["errors"]} == {"ask_apart"}


def test_the_same_key_asks_once(office: Office, plan: str) -> None:
    body, key = paid(office, plan), {"Idempotency-Key": "once"}
    path = f"/patients/{office.patient_id}/restrictions"
    first, second = (office.intake.post(path, body, headers=key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    other = office.intake.post(path, body | {"reason": "changed"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_mismatch")


def test_a_stale_answer_is_refused(office: Office, plan: str, compliance: Client) -> None:
    made = ask(office, paid(office, plan, paid_in_full=False))
    said = {"answer": "agreed", "reason": "yes"}
    assert compliance.post(f"/restrictions/{made['id']}/answer", said, version=2).status_code == 412
    assert compliance.post(f"/restrictions/{made['id']}/answer", said, version=1).status_code == 200


def test_another_program_sees_nothing(office: Office, plan: str) -> None:
    made = ask(office, paid(office, plan))
    other = open_program(office.service.house)
    elsewhere = other.client("compliance", purpose="HOPERAT")
    for answer in (
        elsewhere.get(f"/restrictions/{made['id']}"),
        elsewhere.get(f"/patients/{office.patient_id}/restrictions"),
        elsewhere.post(f"/restrictions/{made['id']}/answer", {"answer": "agreed", "reason": "x"}),
        elsewhere.post(f"/restrictions/{made['id']}/ending", {"by": "patient_written"}),
    ):
        assert answer.status_code == 404


def test_the_list_goes_on(office: Office, plan: str, service: Service) -> None:
    made: list[str] = []
    for _ in range(3):
        service.clock.advance(timedelta(seconds=1))
        made.append(ask(office, paid(office, plan))["id"])
    path = f"/patients/{office.patient_id}/restrictions"
    first = office.intake.get(path, params={"limit": 2}).json()
    rest = office.intake.get(path, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [one["id"] for one in [*first["items"], *rest["items"]]] == made[::-1]
    assert rest["next_cursor"] is None


def test_none_comes_into_force_beside_a_decision_that_did_not_see_it(office: Office, plan: str) -> None:
    """Asking waits until the decision that looked has been committed."""
    body, asked = paid(office, plan), Event()
    answers: list[dict[str, Any]] = []

    def ask_meanwhile() -> None:
        answers.append(ask(office, body))
        asked.set()

    asking = Thread(target=ask_meanwhile)

    def decide(work: Work) -> bool:
        found = restrictions_of(work, UUID(office.patient_id))
        asking.start()
        assert not asked.wait(0.7)
        return bool(found)

    assert deciding(office, decide) is False
    asking.join(10)
    assert answers[0]["state"] == "agreed"


TAMPERINGS = {
    "declined": "update restriction set state = 'declined', agreed_at = null where id = %s",
    "ended": "update restriction set state = 'ended', ended_at = now() - interval '1 day' where id = %s",
    "another version": "update restriction set version = 2 where id = %s",
    "a flipped bit": "update restriction set terms = set_byte(terms, 40, get_byte(terms, 40) # 1) where id = %s",
    "nothing": "update restriction set terms = ''::bytea where id = %s",
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_a_promise_nobody_can_read_is_still_a_promise(office: Office, plan: str, how: str) -> None:
    """Somebody with the database cannot talk an agreed restriction away: it counts, about everything."""
    made = ask(office, paid(office, plan))
    other = office.item("lab_result")
    assert covered(office, plan, UUID(other)) is False
    with office.service.house.superuser() as db:
        db.execute("set session_replication_role = replica")
        assert db.execute(TAMPERINGS[how], [made["id"]]).rowcount == 1  # type: ignore[arg-type]
    assert covered(office, plan, UUID(office.items["attendance"])) is True
    assert covered(office, plan, UUID(other)) is True
    answer = office.intake.get(f"/restrictions/{made['id']}")
    assert (answer.status_code, answer.json()["code"]) == (500, "integrity")


def test_nothing_of_a_restriction_is_clear_in_the_database(office: Office, plan: str) -> None:
    made = ask(office, paid(office, plan, reason="Zephyr-canary must not know"))
    with office.service.house.superuser() as db:
        row = db.execute("select restriction::text from restriction where id = %s", [made["id"]]).fetchone()
        entries = db.execute(
            "select string_agg(audit_entry::text, '') from audit_entry where object_id = %s", [made["id"]]
        ).fetchone()
    assert row is not None and entries is not None
    for text in (row[0], entries[0]):
        assert "Zephyr" not in text
        assert b"Zephyr".hex() not in text
        assert plan not in text


def covered(office: Office, plan: str, item_id: UUID) -> bool:
    """As a decision asks."""

    def decide(work: Work) -> bool:
        found = restrictions_of(work, UUID(office.patient_id))
        (item,) = items_for_decision(work, UUID(office.patient_id), [item_id])
        return restricts(found, item, UUID(plan), "payment", work.now)

    return deciding(office, decide)


def deciding(office: Office, decide: Callable[[Work], bool]) -> bool:
    """Inside an act about this patient that is allowed and recorded."""
    patient_id = UUID(office.patient_id)

    def load(work: Work) -> Loaded[None] | None:
        facts = patient_facts(work, patient_id)
        return None if facts is None else Loaded(None, facts, "record", None, patient_id=patient_id)

    def act(work: Work) -> bool:
        work.authorised(Action.RECORD_READ, load)
        decided = decide(work)
        work.record(action=Action.RECORD_READ, object_kind="record", object_id=None, patient_id=patient_id)
        return decided

    return office.service.work(office.clinician.who.caller, act)
