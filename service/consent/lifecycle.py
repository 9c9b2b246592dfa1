"""The states of a consent: one table of (state, act) -> state, with what the ledger and the pages call
the act.

draft -> active -> revoked | expired | superseded; entered_in_error from draft and active. What is not in
the table is refused. A revoked consent never comes back: a patient who changes her mind signs a new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from service.access.actions import Action
from service.consent.model import ConsentState
from service.errors import Code, Conflict


class Act(StrEnum):
    EDIT = "edit"
    SIGN = "sign"
    REVOKE = "revoke"
    REVOKE_IN_PART = "revoke_in_part"
    EXPIRE = "expire"
    SUPERSEDE = "supersede"
    MARK_ERROR = "mark_error"


@dataclass(frozen=True, slots=True)
class Transition:
    """Where an act leads, the action the ledger records it as, and the words a page shows on the button."""

    to: ConsentState
    action: Action
    label: str


_S = ConsentState

TRANSITIONS: Mapping[tuple[ConsentState, Act], Transition] = {
    (_S.DRAFT, Act.EDIT): Transition(_S.DRAFT, Action.CONSENT_DRAFT, "Save draft"),
    (_S.DRAFT, Act.SIGN): Transition(_S.ACTIVE, Action.CONSENT_SIGN, "Sign"),
    (_S.DRAFT, Act.MARK_ERROR): Transition(
        _S.ENTERED_IN_ERROR, Action.CONSENT_MARK_ERROR, "Entered in error"
    ),
    (_S.ACTIVE, Act.REVOKE): Transition(_S.REVOKED, Action.CONSENT_REVOKE, "Revoke"),
    (_S.ACTIVE, Act.REVOKE_IN_PART): Transition(
        _S.ACTIVE, Action.CONSENT_REVOKE, "Revoke for some recipients"
    ),
    (_S.ACTIVE, Act.EXPIRE): Transition(_S.EXPIRED, Action.CONSENT_EXPIRE, "Expired"),
    (_S.ACTIVE, Act.SUPERSEDE): Transition(_S.SUPERSEDED, Action.CONSENT_SUPERSEDE, "Replace"),
    (_S.ACTIVE, Act.MARK_ERROR): Transition(
        _S.ENTERED_IN_ERROR, Action.CONSENT_MARK_ERROR, "Entered in error"
    ),
}

#: What the caller hears when the act is not in the table: by act, because "not a draft" and "not active"
#: differ.
_REFUSED: Mapping[Act, tuple[Code, str]] = {
    Act.EDIT: (
        Code.CONSENT_NOT_DRAFT,
        "Only a draft can be changed. What was signed stays as it was signed.",
    ),
    Act.SIGN: (Code.CONSENT_NOT_DRAFT, "Only a draft can be signed."),
    Act.MARK_ERROR: (Code.TRANSITION_REFUSED, "This consent cannot be marked as entered in error any more."),
}


def after(state: ConsentState, act: Act) -> Transition:
    """The transition for `act` in `state`; raises Conflict when there is none."""
    transition = TRANSITIONS.get((state, act))
    if transition is None:
        code, detail = _REFUSED.get(act, (Code.CONSENT_NOT_ACTIVE, "This consent is not active."))
        raise Conflict(code, detail, state=state.value)
    return transition


def acts_from(state: ConsentState) -> tuple[Act, ...]:
    """What can be done with a consent in this state: the pages offer nothing else."""
    return tuple(act for (start, act) in TRANSITIONS if start is state)
