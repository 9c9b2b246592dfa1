"""Messages from the act that wants them to the carrier and back: addresses, languages, hours, retries, crashes."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from service.delivery.carriers import NotNow, Refused, Sent
from service.delivery.model import MessageState, Queued, Reason, Template, Unsendable
from service.delivery.retrying import BATCH, LEASE, MOST_ATTEMPTS
from service.delivery.sending import claim, settle
from service.delivery.smtp import Mail
from tests.fakes import FakeTexts, MailServer
from tests.house import Service, open_program
from tests.integration.delivery.mailroom import EMAIL, TEXT, VOICE, Mailroom, Recorder


@pytest.fixture
def room(service: Service) -> Mailroom:
    return Mailroom(service)


def test_a_message_goes_out_after_the_act_and_only_with_it(room: Mailroom) -> None:
    with pytest.raises(RuntimeError, match="rolled back"):
        room.queue(fail=True)
    assert room.messages() == []
    queued = room.queue()
    assert isinstance(queued, Queued)
    shown = room.only()
    assert (shown["state"], shown["channel"], shown["attempts"], shown["ending"]) == (
        "queued",
        "email",
        0,
        "",
    )
    assert "example.org" not in json.dumps(shown)

    with MailServer() as server:
        mail = Mail("127.0.0.1", server.port, "office@example.org", tls=False)
        assert room.send(email=mail) == 1
        assert room.send(email=mail) == 0
    (letter,) = server.received
    assert letter["To"] == "ann.testperson@example.org"
    assert letter["From"] == "Front Desk on Test Street <office@example.org>"
    assert letter["Message-ID"] == f"<{queued.message_id}@example.org>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content_type() == "text/plain"
    assert "+1-555-0142" in letter.get_content()
    assert server.greetings == ["example.org"], "the sender's own host name says nothing"
    shown = room.only()
    assert (shown["state"], shown["attempts"], shown["next_attempt_at"]) == ("sent", 1, None)
    told = [
        (one["action"], one["actor_kind"], one["detail"].get("state"))
        for one in room.service.entries(object_id=queued.message_id)
    ]
    assert told == [
        ("message.send", "staff", "queued"),
        ("message.send", "system", "claimed"),
        ("message.settle", "system", "sent"),
    ]


def test_who_has_no_safe_channel_is_called(room: Mailroom) -> None:
    unsafe = {**EMAIL, "safe": False}
    for channels in ((), (unsafe,), (VOICE,)):
        patient = room.register(*channels)
        assert room.queue(patient_id=patient) == Unsendable(Reason.NO_SAFE_CHANNEL)
        assert room.messages(patient) == []
    with pytest.raises(ValueError, match="exactly"):
        room.queue(Template.REMINDER_1, diagnosis="none of its business")


def test_languages_and_hours_are_the_patients(room: Mailroom) -> None:
    """Texts in Spanish, between 18:00 and 20:00 in New York only: the message waits, and is checked again."""
    evening = {**TEXT, "from": "18:00", "to": "20:00"}
    patient = room.register(evening, language="es-MX")
    assert isinstance(room.queue(Template.NOTICE, patient), Queued)
    shown = room.only(patient)
    assert (shown["next_attempt_at"], shown["ending"]) == ("2026-06-01T22:00:00Z", "77")
    texts = FakeTexts(NotNow("no_answer"))
    assert room.send(text=texts) == 0
    room.service.clock.set(datetime(2026, 6, 1, 22, tzinfo=UTC))
    assert room.send(text=texts) == 1
    assert (
        texts.taken[0].body
        == "Front Desk on Test Street: tenemos una noticia para usted. Llame al +1-555-0142."
    )
    # its next attempt comes when the window is closed again: it waits for tomorrow's, and is not counted
    room.service.clock.set(datetime(2026, 6, 2, 0, 30, tzinfo=UTC))
    assert room.send(text=texts) == 0
    shown = room.only(patient)
    assert (shown["state"], shown["attempts"], shown["next_attempt_at"]) == (
        "queued",
        1,
        "2026-06-02T22:00:00Z",
    )
    # and a channel that is not safe any more is never used
    change = {"channels": [{**evening, "safe": False}]}
    assert room.intake.patch(f"/patients/{patient}", change, version=1).status_code == 200
    room.service.clock.set(datetime(2026, 6, 2, 22, 1, tzinfo=UTC))
    assert room.send(text=texts) == 0
    assert len(texts.taken) == 1
    assert room.only(patient)["state"] == "cancelled"
    assert [one.state for one in room.undelivered] == [MessageState.CANCELLED]


def test_a_server_that_is_not_ready_is_asked_again_and_one_that_refuses_is_not(room: Mailroom) -> None:
    room.queue()
    with MailServer(replies=["451 later", "250 ok"]) as server:
        mail = Mail("127.0.0.1", server.port, "office@example.org", tls=False)
        room.send(email=mail)
        assert (room.only()["state"], room.only()["attempts"], server.received) == ("queued", 1, [])
        assert room.send(email=mail) == 0
        room.wait(minutes=2)
        room.send(email=mail)
        assert room.only()["state"] == "sent" and len(server.received) == 1
    other = room.register(EMAIL)
    room.queue(patient_id=other)
    with MailServer(replies=["550 no such user"]) as server:
        room.send(email=Mail("127.0.0.1", server.port, "office@example.org", tls=False))
    assert room.only(other)["state"] == "failed"
    assert [one.state for one in room.undelivered] == [MessageState.FAILED]


def test_giving_up_is_told(room: Mailroom) -> None:
    room.queue()
    server = Recorder(*[NotNow("no_server")] * MOST_ATTEMPTS)
    for _ in range(MOST_ATTEMPTS + 2):
        room.send(email=server)
        room.wait(hours=13)
    assert len(server.taken) == MOST_ATTEMPTS
    assert len({one.message_id for one in server.taken}) == 1
    (told,) = room.undelivered
    assert (told.state, told.attempts) == (MessageState.FAILED, MOST_ATTEMPTS)


def test_what_will_not_arrive_is_somebodys_call(room: Mailroom) -> None:
    """On the packet, by what the service is really told of failures; without an episode there is no list."""
    call = room.service.house.state.desk.undelivered
    other = room.register(EMAIL)
    opened = {"unit": "U1", "track": "sud", "opened_on": "2026-06-01"}
    assert room.intake.post(f"/patients/{room.patient_id}/episodes", opened).status_code == 201
    asked = f"/patients/{room.patient_id}/intake"
    assert room.intake.get(asked).json()["call_patient"] is False
    for patient in (room.patient_id, other):
        room.queue(patient_id=patient)
    for one in room.claim():
        room.itself(
            lambda work, one=one: settle(work, replace(room.desk, undelivered=call), one, Refused("no"), 0.5)
        )
    assert room.only()["state"] == room.only(other)["state"] == "failed"
    assert room.intake.get(asked).json()["call_patient"] is True


def test_killed_before_sending_nothing_is_lost_and_nothing_is_doubled(room: Mailroom) -> None:
    room.queue()
    (dead,) = room.claim()
    server = Recorder()
    assert room.send(email=server) == 0, "the lease of the dead one runs"
    room.wait(seconds=LEASE.total_seconds())
    assert room.send(email=server) == 1
    assert len(server.taken) == 1
    assert room.settle(dead, Refused("rejected")) == "sent", "what comes late changes nothing"
    assert room.only()["state"] == "sent"


def test_killed_between_sending_and_settling_there_is_one_copy_known_by_its_id(room: Mailroom) -> None:
    room.queue()
    server = Recorder()
    (dead,) = room.claim()
    server.taken.append(dead.parcel)  # sent, and then the process died
    room.wait(seconds=LEASE.total_seconds())
    room.send(email=server)
    room.wait(days=2)
    room.send(email=server)
    first, second = server.taken
    assert first.message_id == second.message_id
    assert room.only()["state"] == "sent"


def test_a_process_that_dies_every_time_does_not_send_for_ever(room: Mailroom) -> None:
    room.queue()
    for _ in range(MOST_ATTEMPTS):
        assert len(room.claim()) == 1
        room.wait(seconds=LEASE.total_seconds())
    assert room.claim() == []
    assert room.undelivered[0].state is MessageState.FAILED


def test_two_workers_never_claim_the_same(room: Mailroom) -> None:
    for _ in range(BATCH + 2):
        room.queue()

    def claim_twice(work: Any) -> tuple[list[Any], list[Any]]:
        # the first has claimed and not committed; the second takes others
        first = [one.message_id for one in claim(work, room.desk)]
        return first, [one.message_id for one in room.claim()]

    first, second = room.itself(claim_twice)
    assert (len(first), len(second)) == (BATCH, 2)
    assert not set(first) & set(second)


def test_a_message_that_would_tell_is_never_sent(room: Mailroom) -> None:
    room.queue()
    told = replace(room.desk, mail_from="office@harbour-steps-recovery.org")
    assert room.itself(lambda work: list(claim(work, told))) == []
    assert room.only()["state"] == "failed"
    assert room.service.entries(action="message.settle")[-1]["detail"]["why"] == "not_discreet"


def test_nothing_configured_is_said_at_once(room: Mailroom) -> None:
    room.queue()
    assert room.send() == 1
    assert room.only()["state"] == "failed"


def test_a_carrier_that_hangs_or_fails_is_not_now(room: Mailroom) -> None:
    room.queue()
    room.send(email=Recorder(KeyError("a fault of the carrier")))
    assert (room.only()["state"], room.only()["attempts"]) == ("queued", 1)
    room.wait(minutes=3)

    class Hanging:
        async def carry(self, parcel: Any) -> Any:
            await asyncio.sleep(60)

    room.send(email=Hanging(), seconds=0.05)
    assert (room.only()["state"], room.only()["attempts"]) == ("queued", 2)


def test_what_bounced_is_noted_and_tells_the_outside_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Mailroom(open_program(service.house))  # not the first program there is
    queued = room.queue()
    assert isinstance(queued, Queued)
    house, path = room.service.house, "/api/v1/messages/bounces"
    monkeypatch.setattr("service.identity.tenants.records._PROGRAMS_AT_ONCE", 1)  # each is a page of its own
    body = {"message_ids": [f"<{queued.message_id}@example.org>"]}
    shown = {"Authorization": "Bearer shown-by-the-provider"}
    assert house.http.post(path, json=body, headers=shown).status_code == 401, "no provider is configured"
    monkeypatch.setattr(
        house.state, "settings", replace(house.settings, bounce_token="shown-by-the-provider")
    )
    for wrong in ({}, {"Authorization": "Bearer another"}, room.intake.headers):
        assert house.http.post(path, json=body, headers=wrong).status_code == 401
    answers = []
    early = house.http.post(path, json=body, headers=shown)
    assert room.only()["state"] == "queued", "what was not sent cannot come back"
    room.send(email=Recorder(Sent("abc")))
    for ids in (body["message_ids"], body["message_ids"], [str(room.service.program_id)], ["nonsense"]):
        answers.append(house.http.post(path, json={"message_ids": ids}, headers=shown))
    assert {(one.status_code, one.text) for one in [early, *answers]} == {(202, "{}")}
    assert room.only()["state"] == "bounced"
    whys = [one["detail"]["why"] for one in room.service.entries(action="message.settle")]
    assert whys == ["late", "sent", "bounced", "late"]
    assert not any("Audit-Entry" in one.headers for one in answers)


def test_who_may_see_messages(room: Mailroom) -> None:
    room.queue()
    room.wait(seconds=1)
    room.queue(Template.REMINDER_2)
    path = f"/messages?patient={room.patient_id}"
    first = room.intake.get(path + "&limit=1").json()
    assert [one["template"] for one in first["items"]] == ["reminder_2"]
    rest = room.intake.get(f"{path}&limit=1&cursor={first['next_cursor']}").json()
    assert [one["template"] for one in rest["items"]] == ["reminder_1"] and rest["next_cursor"] is None
    service = room.service
    assert service.client("compliance", "HOPERAT").get(path).status_code == 200
    assert service.client("clinician").get(path).status_code == 403
    assert service.client("administrator", None).get(path).status_code in (400, 403)
    patient = service.account("patient", patient_id=room.patient_id)
    assert service.client(patient, "PATRQT").get(path).status_code == 404
    with service.house.superuser() as db:
        rows = db.execute(
            "SELECT content FROM message WHERE program_id = %s", [service.program_id]
        ).fetchall()
    assert rows and not any(b"testperson" in bytes(row[0]) for row in rows)
