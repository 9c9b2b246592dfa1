"""Packet links: made by staff for a safe channel, opened by the patient with token and birth date, ended."""

import re
from typing import Any
from uuid import uuid4

import pytest

from service.access.actions import Action
from service.delivery import records
from service.delivery.links import MOST_FAILURES
from service.delivery.operations import opened
from tests.house import Account, Client, Service
from tests.integration.delivery.mailroom import EMAIL, VOICE, Mailroom, Recorder

BORN, WRONG = "1990-02-03", "1990-03-02"


class Doorway:
    """One patient at the door."""

    def __init__(self, service: Service) -> None:
        self.room = Mailroom(service)
        self.service = service

    @property
    def path(self) -> str:
        return f"/patients/{self.room.patient_id}/packet-links"

    def make(self, **headers: str) -> Any:
        return self.room.intake.post(self.path, headers=headers)

    def token(self) -> str:
        """What the newest message brought."""
        carrier = Recorder()
        self.room.send(email=carrier)
        found = re.search(r"http://127\.0\.0\.1:8000/packet#([\w-]+)", carrier.taken[-1].body)
        assert found is not None
        return found[1]

    def open(self, token: str, born: str = BORN) -> Any:
        body = {"token": token, "birth_date": born}
        return self.service.house.http.post("/api/v1/auth/packet-link", json=body)

    def as_patient(self, opened: Any) -> Client:
        known = self.room.intake.who
        return Client(
            self.service,
            Account(known.id, known.session_id, opened.json()["access_token"], known.caller),
            "PATRQT",
        )

    def reasons(self) -> list[str]:
        return [one["detail"]["reason"] for one in self.service.entries(action="link.refused")]


@pytest.fixture
def door(service: Service) -> Doorway:
    return Doorway(service)


def test_a_patient_opens_their_own_packet_and_nothing_else(door: Doorway) -> None:
    key = str(uuid4())
    made = door.make(**{"Idempotency-Key": key})
    assert made.status_code == 201, made.text
    assert door.make(**{"Idempotency-Key": key}).json()["id"] == made.json()["id"]
    token = door.token()
    assert len(token) == 43
    assert token not in made.text
    opened = door.open(token)
    assert opened.status_code == 200, opened.text
    assert opened.json()["patient_id"] == door.room.patient_id
    assert opened.json()["expires_in"] == 2 * 3600
    patient = door.as_patient(opened)
    me = patient.get("/auth/me").json()
    assert (me["kind"], me["roles"], me["patient_id"]) == ("patient", ["patient"], door.room.patient_id)
    assert patient.get(f"/patients/{door.room.patient_id}").status_code == 200
    other = door.room.register(EMAIL)
    for path in (
        f"/patients/{other}",
        f"/messages?patient={door.room.patient_id}",
        f"/packet-links/{made.json()['id']}",
    ):
        assert patient.get(path).status_code == 404
    assert patient.post(
        "/patients/search", {"family_name": "Testperson", "birth_date": BORN}
    ).status_code in (403, 404)
    assert patient.post(f"/patients/{door.room.patient_id}/packet-links").status_code == 404
    # half an hour of typing at home does not end the session; more does
    door.room.wait(minutes=29)
    assert patient.get("/auth/me").status_code == 200
    assert [one["channel"] for one in patient.get("/auth/sessions").json()["items"]] == ["link"]
    door.room.wait(minutes=31)
    assert patient.get("/auth/me").status_code == 401
    # the link goes on for three days, on any device
    again = door.open(token)
    assert again.status_code == 200
    (first, second) = door.service.entries(action="link.open")
    assert first["actor_id"] == second["actor_id"] and str(first["patient_id"]) == door.room.patient_id
    with door.service.house.superuser() as db:
        where = [door.room.patient_id]
        assert db.execute("SELECT count(*) FROM account WHERE patient_id = %s", where).fetchone() == (1,)
    door.room.wait(hours=72)
    assert door.open(token).status_code == 401
    assert door.reasons() == ["expired"]


def test_every_refusal_looks_the_same_and_five_end_the_link(door: Doorway) -> None:
    made = door.make().json()
    token = door.token()
    answers = [door.open(token, WRONG) for _ in range(MOST_FAILURES)]
    answers += [door.open(token), door.open("A" * 43), door.open(token, WRONG)]
    assert {one.status_code for one in answers} == {401}
    shapes = {
        tuple(sorted((name, value) for name, value in one.json().items() if name != "request_id"))
        for one in answers
    }
    assert len(shapes) == 1
    assert not any("Audit-Entry" in one.headers for one in answers)
    assert len({frozenset(one.headers) for one in answers}) == 1
    assert door.reasons() == ["wrong_birth_date"] * 5 + ["used_up"] * 2
    assert door.room.intake.get(f"/packet-links/{made['id']}").json()["state"] == "used_up"
    assert door.make().status_code == 201
    assert door.open(door.token()).status_code == 200


def test_four_failures_and_the_right_date_open_it(door: Doorway) -> None:
    door.make()
    token = door.token()
    assert {door.open(token, WRONG).status_code for _ in range(MOST_FAILURES - 1)} == {401}
    assert door.open(token).status_code == 200


def test_one_link_at_a_time_and_an_ended_one_ends_its_sessions(door: Doorway) -> None:
    first = door.make().json()
    old = door.token()
    before = door.as_patient(door.open(old))
    assert before.get("/auth/me").status_code == 200
    refused = door.service.client("administrator", purpose=None).post(door.path)
    assert refused.status_code in (400, 403)
    assert before.get("/auth/me").status_code == 200, "who may not make one ends nobody's session"
    second = door.make().json()
    assert before.get("/auth/me").status_code == 401, "the newer link ended what the older one had opened"
    assert door.service.entries(action="link.make")[-1]["detail"]["sessions"] == 1
    new = door.token()
    assert door.open(old).status_code == 401
    assert door.room.intake.get(f"/packet-links/{first['id']}").json()["over"] is True
    patient = door.as_patient(door.open(new))
    assert patient.get("/auth/me").status_code == 200
    path = f"/packet-links/{second['id']}/ending"
    key = {"Idempotency-Key": str(uuid4())}
    for _ in range(2):
        ended = door.room.intake.post(path, headers=key)
        assert (ended.status_code, ended.json()["state"]) == (200, "ended")
    assert patient.get("/auth/me").status_code == 401
    assert door.open(new).status_code == 401
    assert door.reasons() == ["ended", "ended"]


def test_without_a_safe_channel_nothing_is_made(door: Doorway) -> None:
    patient = door.room.register(VOICE)
    refused = door.room.intake.post(f"/patients/{patient}/packet-links")
    assert (refused.status_code, refused.json()["code"], refused.json()["reason"]) == (
        409,
        "message_unsendable",
        "no_safe_channel",
    )
    with door.service.house.superuser() as db:
        for table in ("packet_link", "account", "message"):
            found = db.execute(f"SELECT count(*) FROM {table} WHERE patient_id = %s", [patient]).fetchone()  # type: ignore[arg-type]
            assert found == (0,)


def test_who_may_make_links(door: Doorway) -> None:
    path = f"/patients/{door.room.patient_id}/packet-links"
    service = door.service
    assert service.client("clinician").post(path).status_code == 403
    related = service.account("clinician", name="related", related_to=[door.room.patient_id])
    assert service.client(related).post(path).status_code == 201
    for role, purpose in (("compliance", "HOPERAT"), ("administrator", None)):
        assert service.client(role, purpose).post(path).status_code in (400, 403)


def test_a_token_is_kept_nowhere(door: Doorway) -> None:
    door.make()
    token = door.token()
    with door.service.house.superuser() as db:
        for table in ("packet_link", "message", "audit_entry", "session", "account"):
            rows = db.execute(
                f"SELECT {table}::text FROM {table} WHERE program_id = %s", [door.service.program_id]
            )  # type: ignore[arg-type]
            assert not any(token in row[0] or token.encode().hex() in row[0] for row in rows)
    content = door.room.itself(lambda work: _content(door, work))
    assert content["parameters"] == {}


def _content(door: Doorway, work: Any) -> Any:
    work.require(Action.MESSAGE_SEND)
    (one,) = records.messages_page(work.db, door.room.patient_id, None, 5)
    work.record(action=Action.MESSAGE_SEND, object_kind="message", object_id=one.id)
    return opened(work, one)
