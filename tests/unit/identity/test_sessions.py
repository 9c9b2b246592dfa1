"""A session's limits: at any instant, whatever happened to it before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.identity.model import Channel, EndReason, Session
from service.identity.sessions import (
    ABSOLUTE_LIFETIME,
    IDLE_LIMIT,
    SessionState,
    state_at,
)
from service.ids import AccountId, ProgramId, SessionId

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
FRESH = Session(
    id=SessionId(UUID(int=1)),
    account_id=AccountId(UUID(int=2)),
    program_id=ProgramId(UUID(int=3)),
    channel=Channel.TOKEN,
    created_at=START,
    last_used_at=START,
    expires_at=START + ABSOLUTE_LIFETIME,
)


def test_the_limits_are_the_promised_ones() -> None:
    assert timedelta(minutes=15) == IDLE_LIMIT
    assert timedelta(hours=12) == ABSOLUTE_LIFETIME


@pytest.mark.parametrize(
    ("idle_for", "state"),
    [
        (timedelta(0), SessionState.ACTIVE),
        (timedelta(minutes=14), SessionState.ACTIVE),
        (timedelta(minutes=15) - timedelta(seconds=1), SessionState.ACTIVE),
        (timedelta(minutes=15), SessionState.IDLE),
        (timedelta(minutes=16), SessionState.IDLE),
    ],
)
def test_idle(idle_for: timedelta, state: SessionState) -> None:
    assert state_at(FRESH, START + idle_for) is state


def test_use_prolongs_up_to_the_absolute_end_and_not_beyond() -> None:
    used = replace(FRESH, last_used_at=START + ABSOLUTE_LIFETIME - timedelta(minutes=1))
    assert state_at(used, START + ABSOLUTE_LIFETIME - timedelta(seconds=1)) is SessionState.ACTIVE
    assert state_at(used, START + ABSOLUTE_LIFETIME) is SessionState.EXPIRED


@given(st.integers(min_value=0, max_value=50_000), st.integers(min_value=0, max_value=50_000))
def test_over_stays_over(used_after: int, later: int) -> None:
    session = replace(FRESH, last_used_at=START + timedelta(seconds=used_after))
    instant = session.last_used_at + timedelta(seconds=later)
    if state_at(session, instant) is not SessionState.ACTIVE:
        assert state_at(session, instant + timedelta(days=400)) is not SessionState.ACTIVE


@given(st.integers(min_value=0, max_value=50_000))
def test_an_ended_session_never_returns(later: int) -> None:
    ended = replace(FRESH, ended_at=START, end_reason=EndReason.SIGNED_OUT)
    assert state_at(ended, START + timedelta(seconds=later)) is SessionState.ENDED
