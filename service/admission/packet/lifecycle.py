"""The states of a packet item: one table of (state, act) -> state, and the status that follows from what happened.

Nobody sets a status. What happened (a link was sent, a draft was saved, a form was signed, words changed) and what
people decided (a waiver, a return for repair) are acts in time; the status is where they lead. So "complete" is
computed, and a form that was submitted blank is not complete (K4).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.access.actions import Action
from service.admission.packet.model import Status
from service.errors import Code, Conflict


class Act(StrEnum):
    """What can happen to an item."""

    SEND = "send"
    START = "start"
    FINISH = "finish"
    DECLINE = "decline"
    RETURN = "return"
    WAIVE = "waive"
    EXPIRE = "expire"
    #: What was done no longer stands, for a reason that is told: other words, an 18th birthday, another level of care.
    REOPEN = "reopen"


@dataclass(frozen=True, slots=True)
class Transition:
    """Where an act leads, the action the ledger records it as, and the words of a page."""

    to: Status
    action: Action
    label: str


@dataclass(frozen=True, slots=True)
class Happened:
    """One act on one item. `why` is shown with the status it led to."""

    act: Act
    at: datetime
    why: str = ""


_S = Status
_OPEN = (_S.NOT_STARTED, _S.SENT, _S.IN_PROGRESS, _S.NEEDS_FIX, _S.EXPIRED)

TRANSITIONS: Mapping[tuple[Status, Act], Transition] = {
    (_S.NOT_STARTED, Act.SEND): Transition(_S.SENT, Action.MESSAGE_SEND, "Send"),
    (_S.EXPIRED, Act.SEND): Transition(_S.SENT, Action.MESSAGE_SEND, "Send again"),
    **{
        (state, Act.START): Transition(_S.IN_PROGRESS, Action.PACKET_WORK, "Start")
        for state in (*_OPEN, _S.DECLINED, _S.WAIVED)
    },
    # the patient may change their mind, and what was waived may be done all the same
    **{
        (state, Act.FINISH): Transition(_S.DONE, Action.FORM_SIGN, "Done")
        for state in (*_OPEN, _S.DECLINED, _S.WAIVED, _S.DONE)
    },
    **{
        (state, Act.DECLINE): Transition(_S.DECLINED, Action.FORM_SIGN, "Decline")
        for state in (*_OPEN, _S.DECLINED, _S.WAIVED, _S.DONE)
    },
    **{
        (state, Act.RETURN): Transition(_S.NEEDS_FIX, Action.PACKET_WORK, "Needs fixing")
        for state in (_S.SENT, _S.IN_PROGRESS, _S.DECLINED, _S.DONE)
    },
    **{
        (state, Act.WAIVE): Transition(_S.WAIVED, Action.PACKET_WAIVE, "Waive")
        for state in (*_OPEN, _S.DECLINED)
    },
    **{
        (state, Act.EXPIRE): Transition(_S.EXPIRED, Action.PACKET_READ, "Expired")
        for state in (_S.DECLINED, _S.DONE)
    },
    **{
        (state, Act.REOPEN): Transition(_S.NOT_STARTED, Action.PACKET_READ, "Asked again")
        for state in (_S.DECLINED, _S.DONE, _S.EXPIRED, _S.NEEDS_FIX)
    },
}


def after(status: Status, act: Act) -> Transition:
    """The transition for `act`; raises Conflict `packet_item_state` when there is none."""
    transition = TRANSITIONS.get((status, act))
    if transition is None:
        raise Conflict(
            Code.PACKET_ITEM_STATE,
            "That cannot be done with this item now.",
            state=status.value,
            act=act.value,
        )
    return transition


def acts_from(status: Status) -> tuple[Act, ...]:
    """What can happen to an item in this state: pages offer nothing else."""
    return tuple(act for (start, act) in TRANSITIONS if start is status)


def status_of(happened: Iterable[Happened]) -> tuple[Status, str]:
    """Where these acts lead, in the order of time, and why. An act that leads nowhere from where it happens (a draft
    saved after the form was signed) changes nothing.

    Of acts at one instant the order is that of the table of acts: sent before started before finished, and what takes
    something back comes last.
    """
    order = list(Act)
    status, why = Status.NOT_STARTED, ""
    for one in sorted(happened, key=lambda one: (one.at, order.index(one.act))):
        transition = TRANSITIONS.get((status, one.act))
        if transition is not None:
            status, why = transition.to, one.why
    return status, why
