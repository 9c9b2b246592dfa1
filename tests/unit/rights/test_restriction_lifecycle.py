"""The table of states of a restriction, tried for every state and every act."""

import itertools

import pytest

from service.access.groups import TOUCHING_PATIENT
from service.errors import Code, Conflict
from service.rights.lifecycle import TRANSITIONS, Act, acts_from, after
from service.rights.restriction import RestrictionState

S = RestrictionState

#: Written out a second time on purpose: a change of the table has to be meant.
ALLOWED = {
    (S.REQUESTED, Act.AGREE): S.AGREED,
    (S.REQUESTED, Act.DECLINE): S.DECLINED,
    (S.AGREED, Act.END): S.ENDED,
    (S.AGREED, Act.END_FOR_LATER): S.AGREED,
}


@pytest.mark.parametrize(("state", "act"), list(itertools.product(RestrictionState, Act)))
def test_every_state_and_act(state: RestrictionState, act: Act) -> None:
    if (state, act) in ALLOWED:
        assert after(state, act).to is ALLOWED[state, act]
        assert act in acts_from(state)
        return
    with pytest.raises(Conflict) as refused:
        after(state, act)
    assert refused.value.code is Code.RESTRICTION_STATE
    assert refused.value.extra == {"state": state.value}
    assert act not in acts_from(state)


def test_every_transition_is_recorded_under_an_act_on_a_patient() -> None:
    for transition in TRANSITIONS.values():
        assert transition.action in TOUCHING_PATIENT
        assert transition.action.value.startswith("restriction.")
        assert transition.label
