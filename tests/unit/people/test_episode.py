"""The states of an episode: every pair of state and step, and the days on which a step can be."""

from datetime import date

import pytest

from service.access.actions import Action
from service.errors import Conflict, Invalid
from service.people.episodes.episode import (
    OPEN,
    EpisodeState,
    Step,
    after,
    code_faults,
    day_faults,
    refuse_faults,
    steps_from,
)

S = EpisodeState
LEADS = {
    (S.REFERRED, Step.ADMIT): S.ADMITTED,
    (S.REFERRED, Step.NOT_ADMIT): S.NOT_ADMITTED,
    (S.ADMITTED, Step.STEP_DOWN): S.STEPPED_DOWN,
    (S.ADMITTED, Step.TRANSFER): S.ADMITTED,
    (S.ADMITTED, Step.DISCHARGE): S.DISCHARGED,
    (S.STEPPED_DOWN, Step.STEP_DOWN): S.STEPPED_DOWN,
    (S.STEPPED_DOWN, Step.TRANSFER): S.ADMITTED,
    (S.STEPPED_DOWN, Step.DISCHARGE): S.DISCHARGED,
}


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize("state", list(S))
def test_every_step_in_every_state(state: EpisodeState, step: Step) -> None:
    if (state, step) in LEADS:
        assert after(state, step).to is LEADS[state, step]
        assert step in steps_from(state)
    else:
        with pytest.raises(Conflict) as refusal:
            after(state, step)
        assert refusal.value.extra == {"state": state.value}
        assert step not in steps_from(state)


def test_what_ended_stays_ended() -> None:
    assert {state for state in S if steps_from(state)} == set(OPEN)


def test_whoever_admits_is_not_whoever_moves() -> None:
    admission = {step for (_, step) in LEADS if step in (Step.ADMIT, Step.NOT_ADMIT)}
    for (state, step), _ in LEADS.items():
        action = Action.EPISODE_ADMIT if step in admission else Action.EPISODE_MOVE
        assert after(state, step).action is action


@pytest.mark.parametrize(
    ("on", "codes"),
    [
        (date(2026, 6, 1), []),
        (date(2026, 5, 1), []),
        (date(2026, 6, 2), ["in_the_future"]),
        (date(2026, 4, 30), ["before_the_last_step"]),
    ],
)
def test_a_step_is_of_a_day_that_has_been(on: date, codes: list[str]) -> None:
    found = day_faults(on, today=date(2026, 6, 1), not_before=date(2026, 5, 1), field="on")
    assert [fault.code for fault in found] == codes


@pytest.mark.parametrize(
    ("value", "fine"), [("2.1", True), ("medicaid", True), (None, True), ("", False), ("a b", False)]
)
def test_a_code_is_no_sentence(value: str | None, fine: bool) -> None:
    faults = list(code_faults({"payer": value}))
    assert bool(faults) is not fine
    if faults:
        with pytest.raises(Invalid):
            refuse_faults(faults)
