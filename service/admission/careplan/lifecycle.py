"""The states of a care plan: one table of (status, act) -> status.

draft -> active | revoked; active <-> on_hold; both -> completed | revoked. What is not in the table is refused. A plan
that ended is not taken up again: the next one is a plan of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from service.access.actions import Action
from service.admission.careplan.parts import Status
from service.errors import Code, Conflict


class Act(StrEnum):
    EDIT = "edit"
    SIGN = "sign"
    ACTIVATE = "activate"
    REVIEW = "review"
    MEASURE = "measure"
    HOLD = "hold"
    RESUME = "resume"
    COMPLETE = "complete"
    REVOKE = "revoke"


@dataclass(frozen=True, slots=True)
class Transition:
    """Where an act leads, the action the ledger records it as, and the words on the button."""

    to: Status
    action: Action
    label: str


_S = Status
_WRITE, _SIGN = Action.CARE_PLAN_WRITE, Action.CARE_PLAN_SIGN

TRANSITIONS: Final[Mapping[tuple[Status, Act], Transition]] = {
    (_S.DRAFT, Act.EDIT): Transition(_S.DRAFT, _WRITE, "Save draft"),
    (_S.DRAFT, Act.SIGN): Transition(_S.DRAFT, _SIGN, "Sign"),
    (_S.DRAFT, Act.ACTIVATE): Transition(_S.ACTIVE, _SIGN, "Put in force"),
    (_S.DRAFT, Act.REVOKE): Transition(_S.REVOKED, _WRITE, "Give up the draft"),
    (_S.ACTIVE, Act.SIGN): Transition(_S.ACTIVE, _SIGN, "Sign"),
    (_S.ACTIVE, Act.REVIEW): Transition(_S.ACTIVE, _SIGN, "Review"),
    (_S.ACTIVE, Act.MEASURE): Transition(_S.ACTIVE, _WRITE, "Record a value"),
    (_S.ACTIVE, Act.HOLD): Transition(_S.ON_HOLD, _WRITE, "Put on hold"),
    (_S.ACTIVE, Act.COMPLETE): Transition(_S.COMPLETED, _WRITE, "Complete"),
    (_S.ACTIVE, Act.REVOKE): Transition(_S.REVOKED, _WRITE, "Revoke"),
    (_S.ON_HOLD, Act.SIGN): Transition(_S.ON_HOLD, _SIGN, "Sign"),
    (_S.ON_HOLD, Act.RESUME): Transition(_S.ACTIVE, _WRITE, "Resume"),
    (_S.ON_HOLD, Act.COMPLETE): Transition(_S.COMPLETED, _WRITE, "Complete"),
    (_S.ON_HOLD, Act.REVOKE): Transition(_S.REVOKED, _WRITE, "Revoke"),
}


def after(status: Status, act: Act) -> Transition:
    """The transition for `act` in `status`; raises Conflict `care_plan_state` when there is none."""
    transition = TRANSITIONS.get((status, act))
    if transition is None:
        raise Conflict(
            Code.CARE_PLAN_STATE, "That cannot be done with this care plan any more.", state=status.value
        )
    return transition


def acts_from(status: Status) -> tuple[Act, ...]:
    """What can be done with a plan in this status: the pages offer nothing else."""
    return tuple(act for (start, act) in TRANSITIONS if start is status)
