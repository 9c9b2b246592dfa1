"""Ten attempts, fifteen minutes: the rule alone, with any sequence of attempts."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.identity.lockout import LOCK_FOR, MAX_ATTEMPTS, Slots, reserve

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def test_the_tenth_attempt_closes_and_the_eleventh_is_not_evaluated() -> None:
    slots = Slots()
    for number in range(1, MAX_ATTEMPTS + 1):
        reservation = reserve(slots, NOW)
        assert reservation.granted
        assert reservation.closes == (number == MAX_ATTEMPTS)
        slots = reservation.slots
    assert slots.locked_until == NOW + LOCK_FOR == NOW + timedelta(minutes=15)
    refused = reserve(slots, NOW + LOCK_FOR - timedelta(seconds=1))
    assert not refused.granted
    assert refused.slots == slots, "an attempt during the lock does not prolong it"


def test_a_lock_that_ran_out_gives_a_new_round() -> None:
    reservation = reserve(Slots(MAX_ATTEMPTS, NOW), NOW)
    assert reservation.granted
    assert reservation.slots == Slots(1, None)


@given(st.lists(st.integers(min_value=0, max_value=1200), max_size=80))
def test_never_more_than_ten_are_evaluated_in_a_quarter_of_an_hour(pauses: list[int]) -> None:
    slots, now = Slots(), NOW
    granted: list[datetime] = []
    for pause in pauses:
        now += timedelta(seconds=pause)
        reservation = reserve(slots, now)
        slots = reservation.slots
        if reservation.granted:
            granted.append(now)
        else:
            assert slots.locked_until is not None
            assert now < slots.locked_until
    # between the tenth attempt of a round and the first of the next lie at least fifteen minutes
    for round_end in range(MAX_ATTEMPTS - 1, len(granted) - 1, MAX_ATTEMPTS):
        assert granted[round_end + 1] - granted[round_end] >= LOCK_FOR
