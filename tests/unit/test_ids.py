"""Ids: version 7, of the time given, in order within a millisecond and never the same."""

from datetime import UTC, datetime, timedelta

from service.ids import new_id

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def test_ids_of_one_millisecond_stand_in_the_order_they_were_made() -> None:
    made = [new_id(NOW) for _ in range(1000)]
    assert made == sorted(made)
    assert len({one.int & (2**62 - 1) for one in made}) == 1000, "62 bits of each are random"


def test_ids_of_a_later_time_stand_later_whatever_was_counted_before() -> None:
    earlier = [new_id(NOW) for _ in range(50)]
    assert max(earlier) < new_id(NOW + timedelta(milliseconds=1))


def test_an_id_is_a_version_7_uuid_of_its_millisecond() -> None:
    made = new_id(NOW)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == int(NOW.timestamp() * 1000)


def test_a_count_that_is_full_begins_anew_and_repeats_nothing() -> None:
    made = [new_id(NOW) for _ in range(9000)]
    assert len(set(made)) == 9000
