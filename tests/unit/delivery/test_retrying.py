"""When a message is tried again, and where it may go."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.delivery.model import KIND_OF, PARAMETERS, Channel, Template
from service.delivery.reaching import way_to
from service.delivery.retrying import (
    BATCH,
    FIRST_WAIT,
    LEASE,
    LONGEST_WAIT,
    MOST_ATTEMPTS,
    SEND_SECONDS,
    next_attempt,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ZONE = ZoneInfo("America/New_York")  # 08:00 there
CHANCE = st.floats(0, 1, exclude_max=True)


@given(st.integers(1, MOST_ATTEMPTS - 1), CHANCE)
def test_waits_grow_within_bounds(attempts: int, chance: float) -> None:
    at = next_attempt(attempts, NOW, chance)
    assert at is not None
    whole = min(FIRST_WAIT * 4 ** (attempts - 1), LONGEST_WAIT)
    assert whole / 2 <= at - NOW <= whole
    later = next_attempt(attempts + 1, NOW, chance)
    assert later is None or later >= at


@given(st.integers(MOST_ATTEMPTS, 99), CHANCE)
def test_it_ends(attempts: int, chance: float) -> None:
    assert next_attempt(attempts, NOW, chance) is None


def test_a_lease_outlives_the_batch_it_covers() -> None:
    assert timedelta(seconds=BATCH * SEND_SECONDS) < LEASE


def test_every_template_has_a_kind_and_its_parameters() -> None:
    assert set(PARAMETERS) == set(KIND_OF) == set(Template)


def channel(kind: str = "email", **more: object) -> dict[str, object]:
    address = "ann@example.org" if kind in ("email", "mail") else "+1 555 0101"
    return {"channel": kind, "address": address, "safe": True} | more


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        pytest.param([], None, id="none"),
        pytest.param([channel(safe=False)], None, id="not said to be safe"),
        pytest.param([channel("voice"), channel("mail")], None, id="no message goes there"),
        pytest.param([channel("text"), channel()], (Channel.TEXT, 0), id="the first named"),
        pytest.param([channel("voice"), channel()], (Channel.EMAIL, 0), id="the first that carries messages"),
        pytest.param([channel(**{"from": "09:00"})], (Channel.EMAIL, 60), id="in an hour"),
        pytest.param([channel(**{"from": "07:00", "to": "08:00"})], (Channel.EMAIL, 23 * 60), id="tomorrow"),
        pytest.param(
            [channel(**{"from": "20:00"}), channel("text", **{"from": "09:00"})],
            (Channel.TEXT, 60),
            id="the one that is open first",
        ),
    ],
)
def test_ways(channels: list[dict[str, object]], expected: tuple[Channel, int] | None) -> None:
    way = way_to({"channels": channels}, NOW, ZONE)
    found = None if way is None else (way.channel, int((way.at - NOW).total_seconds() // 60))
    assert found == expected


def test_only_the_address_asked_for() -> None:
    document = {"channels": [channel(), channel("text")]}
    way = way_to(document, NOW, ZONE, (Channel.TEXT, "+1 555 0101"))
    assert way is not None and way.channel is Channel.TEXT
    assert way_to(document, NOW, ZONE, (Channel.TEXT, "+1 555 9999")) is None
    assert way_to(document, NOW, ZONE, (Channel.EMAIL, "+1 555 0101")) is None
