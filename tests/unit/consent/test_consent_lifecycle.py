"""The table of states, tried for every state and every act."""

import itertools

import pytest

from service.access.groups import TOUCHING_PATIENT
from service.consent.lifecycle import TRANSITIONS, Act, acts_from, after
from service.consent.model import ConsentState
from service.errors import Code, Conflict

S = ConsentState

#: Written out a second time on purpose: a change of the table has to be meant.
ALLOWED = {
    (S.DRAFT, Act.EDIT): S.DRAFT,
    (S.DRAFT, Act.SIGN): S.ACTIVE,
    (S.DRAFT, Act.MARK_ERROR): S.ENTERED_IN_ERROR,
    (S.ACTIVE, Act.REVOKE): S.REVOKED,
    (S.ACTIVE, Act.REVOKE_IN_PART): S.ACTIVE,
    (S.ACTIVE, Act.EXPIRE): S.EXPIRED,
    (S.ACTIVE, Act.SUPERSEDE): S.SUPERSEDED,
    (S.ACTIVE, Act.MARK_ERROR): S.ENTERED_IN_ERROR,
}


@pytest.mark.parametrize(("state", "act"), list(itertools.product(ConsentState, Act)))
def test_every_state_and_act(state: ConsentState, act: Act) -> None:
    if (state, act) in ALLOWED:
        assert after(state, act).to is ALLOWED[state, act]
        assert act in acts_from(state)
        return
    with pytest.raises(Conflict) as refused:
        after(state, act)
    assert refused.value.code in {Code.CONSENT_NOT_DRAFT, Code.CONSENT_NOT_ACTIVE, Code.TRANSITION_REFUSED}
    assert refused.value.extra == {"state": state.value}
    assert act not in acts_from(state)


def test_nothing_leads_out_of_an_ended_state() -> None:
    for state in (S.REVOKED, S.EXPIRED, S.SUPERSEDED, S.ENTERED_IN_ERROR):
        assert acts_from(state) == ()


def test_every_transition_is_recorded_under_an_act_on_a_patient() -> None:
    for transition in TRANSITIONS.values():
        assert transition.action in TOUCHING_PATIENT
        assert transition.action.value.startswith("consent.")
        assert transition.label
