"""The states of a piece of evidence: recorded -> signed off -> ended. A table; what is not in it is refused.

There is no way to change what a paper says. A correction ends it and records it anew, so that what a disclosure rested
on can always be read as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from service.access.actions import Action
from service.errors import Code, Conflict
from service.evidence.model import EvidenceState


class Act(StrEnum):
    SIGN_OFF = "sign_off"
    END = "end"


@dataclass(frozen=True, slots=True)
class Transition:
    """Where an act leads, the action it is for a paper about a patient, and the words a page has for it."""

    to: EvidenceState
    action: Action
    label: str


_S = EvidenceState

TRANSITIONS: Mapping[tuple[EvidenceState, Act], Transition] = {
    (_S.RECORDED, Act.SIGN_OFF): Transition(_S.SIGNED_OFF, Action.EVIDENCE_SIGN_OFF, "Sign off"),
    (_S.RECORDED, Act.END): Transition(_S.ENDED, Action.EVIDENCE_END, "End"),
    (_S.SIGNED_OFF, Act.END): Transition(_S.ENDED, Action.EVIDENCE_END, "End"),
}


def after(state: EvidenceState, act: Act) -> Transition:
    """The transition for `act` in `state`; raises Conflict `transition_refused` when there is none."""
    transition = TRANSITIONS.get((state, act))
    if transition is None:
        raise Conflict(
            Code.TRANSITION_REFUSED, "That cannot be done with this evidence any more.", state=state.value
        )
    return transition
