"""What happens to a patient: recorded once, by somebody who can know it, and with what follows for consents."""

from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest

from service.access.caller import Role
from service.edge.paging import write_cursor
from service.people.patient import Event
from tests.house import Client, Service, open_program
from tests.integration.consent.desk import SPECIFIC, Desk

DAY = "2026-05-01"
STANDING = [Event.DEATH, Event.INCAPACITY_ADJUDICATED, Event.CAPACITY_RESTORED, Event.EMANCIPATION]
UNTIL_DISCHARGE = SPECIFIC | {"expiry": {"kind": "event", "event": "discharge"}}


@pytest.fixture
def desk(service: Service) -> Desk:
    return Desk(service)


def happens(desk: Desk, kind: str, day: str = DAY, who: Client | None = None, **more: Any) -> Any:
    body = {"kind": kind, "occurred_on": day}
    return (who or desk.intake).post(f"/patients/{desk.patient_id}/events", body, **more)


def recorder(desk: Desk, role: str) -> Client:
    if role == "clinician":
        return desk.clinician
    return desk.service.client(role, purpose="HOPERAT" if role in ("compliance", "director") else "TREAT")


@pytest.mark.parametrize("kind", list(Event))
def test_every_kind_is_recorded_once(desk: Desk, kind: Event) -> None:
    made = happens(desk, kind.value, who=desk.clinician)
    assert made.status_code == 201, made.text
    for role in ("clinician", "compliance"):
        again = happens(desk, kind.value, who=recorder(desk, role))
        assert (again.status_code, again.json()["code"]) == (409, "event_already_recorded")
    listed = desk.intake.get(f"/patients/{desk.patient_id}/events").json()["items"]
    assert [(one["id"], one["kind"]) for one in listed] == [(made.json()["id"], kind.value)]


@pytest.mark.parametrize(("kind", "status"), [("admission", 201), ("death", 409), ("emancipation", 409)])
def test_some_things_happen_once_whatever_the_day(desk: Desk, kind: str, status: int) -> None:
    assert happens(desk, kind, who=desk.clinician).status_code == 201
    assert happens(desk, kind, "2026-05-02", who=desk.clinician).status_code == status


def test_the_same_key_records_once(desk: Desk) -> None:
    key = {"Idempotency-Key": "once"}
    compliance = recorder(desk, "compliance")
    first, second = (happens(desk, "discharge", who=compliance, headers=key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()


def test_two_at_once_record_it_once(desk: Desk) -> None:
    start, answers = Barrier(2), list[Any]()

    def record() -> None:
        start.wait()
        answers.append(happens(desk, "admission"))

    desk.intake  # noqa: B018 -- the account is there before the race
    both = [Thread(target=record) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(20)
    assert sorted(answer.status_code for answer in answers) == [201, 409]


@pytest.mark.parametrize("kind", STANDING)
@pytest.mark.parametrize(
    "role", [role for role in Role if role not in (Role.SYSTEM, Role.PATIENT, Role.REQUESTER)]
)
def test_who_records_what_changes_who_decides(desk: Desk, role: Role, kind: Event) -> None:
    answer = happens(desk, kind.value, who=recorder(desk, role.value))
    may = role in (Role.CLINICIAN, Role.COMPLIANCE)
    assert answer.status_code == (201 if may else 403), answer.text
    if not may:
        denial = desk.service.entries(action="event.record")[-1]
        assert denial["outcome"] == "deny"
        assert desk.intake.get(f"/patients/{desk.patient_id}/events").json()["items"] == []


def test_what_the_front_desk_records(desk: Desk) -> None:
    for kind in set(Event) - set(STANDING):
        assert happens(desk, kind.value).status_code == 201


def test_events_come_by_pages(desk: Desk) -> None:
    for day in ("2026-05-03", "2026-05-01", "2026-05-02"):
        assert happens(desk, "transfer", day).status_code == 201
    path = f"/patients/{desk.patient_id}/events"
    first = desk.intake.get(path, params={"limit": 2}).json()
    rest = desk.intake.get(path, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [one["occurred_on"] for one in (*first["items"], *rest["items"])] == [
        "2026-05-01",
        "2026-05-02",
        "2026-05-03",
    ]
    assert rest["next_cursor"] is None
    foreign = desk.intake.get(path, params={"cursor": write_cursor(UUID(desk.patient_id))})
    assert (foreign.status_code, foreign.json()["code"]) == (422, "cursor_invalid")


def test_a_clinician_of_others_records_nothing(desk: Desk) -> None:
    stranger = desk.service.client(desk.service.account("clinician", name="stranger"))
    assert happens(desk, "death", who=stranger).status_code == 403


def test_another_program_records_nothing(desk: Desk) -> None:
    elsewhere = open_program(desk.service.house).client("intake")
    assert happens(desk, "admission", who=elsewhere).status_code == 404


def test_what_ends_with_an_event_has_ended_when_it_is_recorded(desk: Desk) -> None:
    consent, other = desk.signed(UNTIL_DISCHARGE)["id"], desk.signed(SPECIFIC)["id"]
    day = desk.service.clock.now().date().isoformat()
    assert happens(desk, "admission", day).status_code == 201
    assert desk.read(consent)["state"] == "active"
    before = len(desk.service.entries())
    recorded = happens(desk, "discharge", day)
    assert recorded.status_code == 201, recorded.text
    assert (desk.read(consent)["state"], desk.read(other)["state"]) == ("expired", "active")
    event, ended = desk.service.entries()[before : before + 2]
    assert (event["action"], ended["action"]) == ("event.record", "consent.expire")
    assert str(ended["consent_id"]) == consent
    assert event["request_id"] == ended["request_id"]


def test_an_event_that_is_refused_ends_nothing(desk: Desk) -> None:
    consent = desk.signed(UNTIL_DISCHARGE)["id"]
    assert happens(desk, "discharge", "2999-01-01").status_code == 422
    assert happens(desk, "discharge", who=recorder(desk, "administrator")).status_code == 403
    assert desk.read(consent)["state"] == "active"
