"""A remote key store that stumbles, hangs or goes away: bounded waits, a pause, service again by itself."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.errors import IntegrityError
from service.vault.epoch import KmsUnavailable
from service.vault.steady import DEADLINE_SECONDS, SHUT_SECONDS, WAITS, Steady
from tests.keystores import FakeKeys

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Time:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.at = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.at

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def fake() -> FakeKeys:
    return FakeKeys()


@pytest.fixture
def steady(fake: FakeKeys, time: Time, tmp_path: Path) -> Steady:
    made = Steady(fake.store(tmp_path, NOW), ticks=time, wait=time.wait, call_seconds=0.2)
    fake.calls.clear()
    return made


def test_a_call_that_fails_once_is_made_again_after_a_wait_with_chance_in_it(
    steady: Steady, fake: FakeKeys, time: Time
) -> None:
    def once() -> None:
        fake.gone = len(fake.calls) == 1

    fake.before = once
    assert steady.wrap(b"s" * 32, b"place")[0] == steady.active_id
    assert fake.calls == ["encrypt", "encrypt"]
    assert len(time.waits) == 1
    assert WAITS[0] / 2 <= time.waits[0] <= WAITS[0]


def test_what_is_refused_for_good_is_not_asked_again(steady: Steady, fake: FakeKeys) -> None:
    kek_id, wrapped = steady.wrap(b"s" * 32, b"place")
    fake.calls.clear()
    with pytest.raises(IntegrityError):
        steady.unwrap(kek_id, wrapped, b"elsewhere")
    assert fake.calls == ["decrypt"]


def test_after_it_failed_for_good_nobody_asks_for_a_moment_and_then_it_serves_again(
    steady: Steady, fake: FakeKeys, time: Time
) -> None:
    fake.gone = True
    with pytest.raises(KmsUnavailable) as refusal:
        steady.check()
    assert int(str(refusal.value.extra["retry_after"])) >= 1
    assert len(fake.calls) == 1 + len(WAITS)
    assert time.at < DEADLINE_SECONDS
    for _ in range(50):
        with pytest.raises(KmsUnavailable):
            steady.check()
    assert len(fake.calls) == 1 + len(WAITS)
    fake.gone = False
    time.at += SHUT_SECONDS
    steady.check()


def test_a_call_that_hangs_is_given_up(steady: Steady, fake: FakeKeys) -> None:
    let_go = threading.Event()

    def hang() -> None:
        let_go.wait(10)

    fake.before = hang
    with pytest.raises(KmsUnavailable):
        steady.wrap(b"s" * 32, b"place")
    assert len(fake.calls) == 1 + len(WAITS)
    let_go.set()


def test_a_key_that_was_perhaps_made_is_not_made_twice(steady: Steady, fake: FakeKeys) -> None:
    fake.gone = True
    with pytest.raises(KmsUnavailable):
        steady.begin_epoch(NOW)
    assert fake.calls == ["create"]
    fake.gone = False
    first = steady.active_id
    assert steady.begin_epoch(NOW) == steady.active_id != first
    steady.end_epoch(first)
    assert [one.id for one in steady.epochs()] == [steady.active_id]
    assert (steady.remote, steady.name, steady.knows(first)) == (True, "fake", False)
