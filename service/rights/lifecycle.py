"""The states of a restriction: one table of (state, act) -> state.

requested -> agreed | declined; agreed -> ended by the patient; agreed -> agreed, for what was there before, by a notice
of the program (164.522(a)(2)(iii)). What is not in the table is refused. A patient who wants a restriction back asks
again: the day from which it holds is then another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from service.access.actions import Action
from service.errors import Code, Conflict
from service.rights.restriction import RestrictionState


class Act(StrEnum):
    AGREE = "agree"
    DECLINE = "decline"
    END = "end"
    END_FOR_LATER = "end_for_later"


@dataclass(frozen=True, slots=True)
class Transition:
    """Where an act leads, the action the ledger records it as, and the words a page shows on the button."""

    to: RestrictionState
    action: Action
    label: str


_S = RestrictionState

TRANSITIONS: Mapping[tuple[RestrictionState, Act], Transition] = {
    (_S.REQUESTED, Act.AGREE): Transition(_S.AGREED, Action.RESTRICTION_ANSWER, "Agree"),
    (_S.REQUESTED, Act.DECLINE): Transition(_S.DECLINED, Action.RESTRICTION_ANSWER, "Decline"),
    (_S.AGREED, Act.END): Transition(_S.ENDED, Action.RESTRICTION_END, "End"),
    (_S.AGREED, Act.END_FOR_LATER): Transition(
        _S.AGREED, Action.RESTRICTION_END, "End for records made from now on"
    ),
}


def after(state: RestrictionState, act: Act) -> Transition:
    """The transition for `act` in `state`; raises Conflict `restriction_state` when there is none."""
    transition = TRANSITIONS.get((state, act))
    if transition is None:
        raise Conflict(
            Code.RESTRICTION_STATE, "That cannot be done with this restriction any more.", state=state.value
        )
    return transition


def acts_from(state: RestrictionState) -> tuple[Act, ...]:
    """What can be done with a restriction in this state: the pages offer nothing else."""
    return tuple(act for (start, act) in TRANSITIONS if start is state)
