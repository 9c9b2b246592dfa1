"""The states of a placement decision: one table of (state, act) -> state. What is not in it is refused.

A decision that overrides EMERGENCY or HIGHER downwards waits for a second clinician and is in force only then. A later
decision supersedes an earlier one; what was decided stays as it was.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from service.errors import Code, Conflict


class DecisionState(StrEnum):
    AWAITING_SECOND = "awaiting_second"
    SIGNED = "signed"
    SUPERSEDED = "superseded"


class Act(StrEnum):
    SECOND = "second"
    SUPERSEDE = "supersede"


_S = DecisionState
TRANSITIONS: Final[Mapping[tuple[DecisionState, Act], DecisionState]] = {
    (_S.AWAITING_SECOND, Act.SECOND): _S.SIGNED,
    (_S.AWAITING_SECOND, Act.SUPERSEDE): _S.SUPERSEDED,
    (_S.SIGNED, Act.SUPERSEDE): _S.SUPERSEDED,
}


def after(state: DecisionState, act: Act) -> DecisionState:
    """The state that follows; raises Conflict `placement_state` when there is none."""
    if (to := TRANSITIONS.get((state, act))) is None:
        raise Conflict(
            Code.PLACEMENT_STATE, "That cannot be done with this decision any more.", state=state.value
        )
    return to
