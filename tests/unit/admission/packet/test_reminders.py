"""The ladder of reminders: with the link, after a day, after three, then a call; never where no channel is safe."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.admission.packet.prefill import Answered, known_values
from service.admission.packet.reminders import Nudged, Rung, next_rung

SENT = datetime(2026, 6, 1, 12, tzinfo=UTC)


def after(hours: float) -> datetime:
    return SENT + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("nudged", "hours", "rung"),
    [
        (Nudged(SENT), 0, Rung.WAIT),
        (Nudged(SENT), 23.9, Rung.WAIT),
        (Nudged(SENT), 24, Rung.FIRST_REMINDER),
        (Nudged(SENT, 1, after(24)), 71.9, Rung.WAIT),
        (Nudged(SENT, 1, after(24)), 72, Rung.SECOND_REMINDER),
        (Nudged(SENT, 2, after(72)), 95.9, Rung.WAIT),
        (Nudged(SENT, 2, after(72)), 96, Rung.CALL),
        (Nudged(SENT, 2, after(72), called_at=after(96)), 500, Rung.WAIT),
        (Nudged(SENT, called_at=SENT), 500, Rung.WAIT),
        (Nudged(None), 500, Rung.WAIT),
        (Nudged(SENT, channel_safe=False), 1, Rung.CALL),
        # the job did not run for three days: still a day between two messages
        (Nudged(SENT, 1, after(80)), 81, Rung.WAIT),
        (Nudged(SENT, 1, after(80)), 104, Rung.SECOND_REMINDER),
        # a new link begins anew
        (Nudged(SENT, 2, after(-5)), 24, Rung.FIRST_REMINDER),
        (Nudged(SENT, 2, after(-5), called_at=after(-1)), 24, Rung.FIRST_REMINDER),
    ],
)
def test_rungs(nudged: Nudged, hours: float, rung: Rung) -> None:
    assert next_rung(nudged, waiting=True, now=after(hours)) is rung
    assert next_rung(nudged, waiting=False, now=after(hours)) is Rung.WAIT


@given(hours=st.lists(st.integers(1, 400), min_size=1, max_size=60))
def test_however_the_job_runs_nobody_gets_more_than_two_reminders_or_two_in_a_day(hours: list[int]) -> None:
    nudged, reminders = Nudged(SENT), list[datetime]()
    for hour in sorted(hours):
        match next_rung(nudged, waiting=True, now=after(hour)):
            case Rung.FIRST_REMINDER | Rung.SECOND_REMINDER:
                reminders.append(after(hour))
                nudged = replace(nudged, reminders=nudged.reminders + 1, last_at=after(hour))
            case Rung.CALL:
                nudged = replace(nudged, called_at=after(hour))
            case Rung.WAIT:
                pass
    assert len(reminders) <= 2
    assert all(second - first >= timedelta(hours=24) for first, second in pairwise(reminders))


def test_what_is_known_is_shown_with_source_and_date_and_doubted_when_it_is_old() -> None:
    document = {"given_name": "Pia", "phone": None, "sex": "female", "ssn": "no field of ours"}
    answered = [Answered("F16", "2026-11", SENT, {"video": True, "may_write": None})]
    known = known_values(document, SENT, answered, SENT - timedelta(days=1), SENT + timedelta(days=1))
    assert [(one.field, one.form, one.still_right) for one in known] == [
        ("given_name", None, False), ("sex", None, False), ("video", "F16", False),
    ]  # fmt: skip
    assert (known[2].source, known[2].recorded_at) == ("form F16, version 2026-11", SENT)
    old = known_values(document, SENT, answered, SENT - timedelta(days=1), SENT + timedelta(days=90))
    another_stay = known_values(document, SENT, answered, SENT + timedelta(hours=1), SENT + timedelta(days=2))
    assert all(one.still_right for one in (*old, *another_stay))
