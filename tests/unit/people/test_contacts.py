"""Safe channels and what may be said: nothing is safe, and nothing is said, unless the patient said so."""

from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.people.contacts import DEFAULT_SCRIPT, Channel, may_tell, safe_channels
from service.people.endangerment.mark import (
    MARK,
    is_endangered,
    lowered,
    mark_faults,
    marked,
    seen_by_patient,
)

ZONE = ZoneInfo("America/New_York")
NOON = datetime(2026, 6, 1, 12, 0, tzinfo=ZONE)


def channel(kind: str = "text", **more: Any) -> dict[str, Any]:
    return {"channel": kind, "address": "555 0100", "safe": True, **more}


def safe(*channels: dict[str, Any], at: datetime = NOON, **more: Any) -> list[Channel]:
    return [one.channel for one in safe_channels({"channels": list(channels), **more}, at)]


@pytest.mark.parametrize("said", [{"safe": False}, {"safe": None}, {"safe": "true"}, {}])
def test_a_channel_not_said_to_be_safe_is_not(said: dict[str, Any]) -> None:
    one = {"channel": "text", "address": "555 0100", **said}
    assert safe(one) == []
    assert safe(channel()) == [Channel.TEXT]


def test_nobody_is_reached_by_what_stands_elsewhere() -> None:
    assert safe_channels({"phone": "555 0100", "email": "a@example.org"}, NOON) == ()
    assert safe_channels({"channels": None}, NOON) == ()


def test_what_the_caller_says_and_whether_a_message_is_left() -> None:
    document = {"channels": [channel("voice", code_word="tulip", voicemail=True), channel("voice")]}
    first, second = safe_channels(document, NOON)
    assert (first.address, first.code_word, first.voicemail) == ("555 0100", "tulip", True)
    assert (second.code_word, second.voicemail) == (None, False)


def test_somebody_endangered_at_home_gets_no_mail_and_no_voicemail() -> None:
    channels = [channel("mail"), channel("voice", voicemail=True), channel("email")]
    assert safe(*channels) == [Channel.MAIL, Channel.VOICE, Channel.EMAIL]
    assert safe(*channels, sdv=True) == [Channel.VOICE, Channel.EMAIL]
    (voice, _) = safe_channels({"channels": channels, "sdv": True}, NOON)
    assert not voice.voicemail


@pytest.mark.parametrize(
    ("begins", "ends", "now", "holds"),
    [
        ("09:00", "17:00", "09:00", True),
        ("09:00", "17:00", "16:59", True),
        ("09:00", "17:00", "17:00", False),
        ("09:00", "17:00", "08:59", False),
        ("22:00", "06:00", "22:00", True),
        ("22:00", "06:00", "23:59", True),
        ("22:00", "06:00", "00:00", True),
        ("22:00", "06:00", "05:59", True),
        ("22:00", "06:00", "06:00", False),
        ("22:00", "06:00", "12:00", False),
        ("18:00", None, "23:59", True),
        ("18:00", None, "17:59", False),
        (None, "08:00", "00:00", True),
        (None, "08:00", "08:00", False),
        ("18:00", "00:00", "23:59", True),
        ("18:00", "00:00", "00:00", False),
        ("nine", "17:00", "12:00", False),
        ("09:00", 17, "12:00", False),
        ("24:00", None, "12:00", False),
    ],
)
def test_a_window_holds_from_its_beginning_until_before_its_end(
    begins: str | None, ends: Any, now: str, holds: bool
) -> None:
    hour = time.fromisoformat(now)
    at = datetime(2026, 6, 1, hour.hour, hour.minute, tzinfo=ZONE)
    assert bool(safe(channel(**{"from": begins, "to": ends}), at=at)) is holds


@given(
    begins=st.times().map(lambda one: f"{one:%H:%M}"),
    ends=st.times().map(lambda one: f"{one:%H:%M}"),
    now=st.times(),
)
def test_a_window_and_its_complement_never_hold_together(begins: str, ends: str, now: time) -> None:
    at = datetime.combine(NOON, now.replace(tzinfo=None), tzinfo=ZONE)
    both = [bool(safe(channel(**{"from": a, "to": b}), at=at)) for a, b in ((begins, ends), (ends, begins))]
    assert both == [not both[1], both[1]] if begins != ends else both == [False, False]


def test_a_window_follows_the_wall_clock_when_the_clocks_change() -> None:
    night = channel(**{"from": "01:00", "to": "02:00"})
    # the hour that comes twice (1 November 2026) is in the window twice, the next one never
    twice = [datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)]
    assert [bool(safe(night, at=one.astimezone(ZONE))) for one in twice] == [True, True]
    assert not safe(night, at=datetime(2026, 11, 1, 7, 0, tzinfo=UTC).astimezone(ZONE))
    # the hour that is left out (8 March 2026): the clock goes from 01:59 to 03:00
    missing = channel(**{"from": "02:00", "to": "03:00"})
    around = [datetime(2026, 3, 8, 6, 59, tzinfo=UTC), datetime(2026, 3, 8, 7, 0, tzinfo=UTC)]
    assert [bool(safe(missing, at=one.astimezone(ZONE))) for one in around] == [False, False]


def test_the_zone_decides_and_must_be_told() -> None:
    evening = channel(**{"from": "18:00", "to": "20:00"})
    at = datetime(2026, 6, 1, 23, 0, tzinfo=UTC)
    assert not safe(evening, at=at)
    assert safe(evening, at=at.astimezone(ZONE)) == [Channel.TEXT]
    with pytest.raises(ValueError, match="zone"):
        safe_channels({"channels": [evening]}, datetime(2026, 6, 1, 19, 0))  # noqa: DTZ001 -- what is refused


# -- what may be said ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "emergency", "told"),
    [
        ("yes", False, True),
        ("yes", True, True),
        ("no", False, False),
        ("no", True, False),
        ("emergency_only", False, False),
        ("emergency_only", True, True),
        (None, True, False),
        ("perhaps", True, False),
    ],
)
def test_who_may_hear_that_the_patient_attends(answer: str | None, emergency: bool, told: bool) -> None:
    contact = {"name": "Bo Testperson", "may_say": answer}
    assert may_tell({"contacts": [contact]}, contact, emergency).attendance is told


def test_somebody_who_is_no_contact_hears_nothing() -> None:
    contact = {"name": "Bo Testperson", "may_say": "yes", "script": "Ana is here."}
    for document in ({}, {"contacts": []}, {"contacts": [contact | {"may_say": "no"}]}):
        telling = may_tell(document, contact, True)
        assert (telling.attendance, telling.script) == (False, DEFAULT_SCRIPT)


def test_the_words_are_the_patients_own_where_they_fit() -> None:
    yes = {"name": "Bo", "may_say": "yes", "script": "She is in group until noon."}
    no = {"name": "Cy", "may_say": "no", "script": "A friend calls."}
    sometimes = {"name": "Di", "may_say": "emergency_only", "script": "She has been taken ill."}
    document = {"contacts": [yes, no, sometimes]}
    assert may_tell(document, yes, False).script == "She is in group until noon."
    assert may_tell(document, no, False).script == "A friend calls."
    assert may_tell(document, sometimes, True).script == "She has been taken ill."
    # words for an emergency tell of one: they are for nothing else
    assert may_tell(document, sometimes, False).script == DEFAULT_SCRIPT
    for word in ("program", "treatment", "clinic", "intake"):
        assert word not in DEFAULT_SCRIPT.casefold()


def test_a_mark_that_a_screen_set_closes_mail_and_voicemail_whatever_is_said_since() -> None:
    channels = [
        {"channel": "mail", "address": "1 Test Street", "safe": True},
        {"channel": "voice", "address": "555 0102", "safe": True, "voicemail": True},
    ]
    document = marked({"channels": channels}, NOON)
    for said in (document, {**document, "sdv": False}, {MARK: document[MARK], "channels": channels}):
        assert [(one.channel, one.voicemail) for one in safe_channels(said, NOON)] == [(Channel.VOICE, False)]
    after = lowered(document, NOON, UUID(int=1), "Lives elsewhere")
    assert [one.channel for one in safe_channels(after, NOON)] == [Channel.MAIL, Channel.VOICE]
    assert is_endangered({**after, "sdv": True}), "what somebody says since counts as ever"
    assert is_endangered(marked(after, NOON))
    assert seen_by_patient(document) == {"channels": channels}
    assert not list(mark_faults({"sdv": True}, {})) and list(mark_faults(document, {MARK: document[MARK]}))
