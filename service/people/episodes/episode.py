"""An episode of care: from a referral to the day it ends, in one unit; and the one table of what can happen in it.

referred -> admitted | not_admitted; admitted -> stepped_down; both -> discharged. A transfer changes the level without a
step down. What ended stays ended: whoever comes back gets an episode of their own that names the former one, so that
what was consented, placed and planned for one stay never passes for another.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from service.access.actions import Action
from service.errors import Code, Conflict, FieldError, Invalid


class EpisodeState(StrEnum):
    REFERRED = "referred"
    ADMITTED = "admitted"
    STEPPED_DOWN = "stepped_down"
    DISCHARGED = "discharged"
    NOT_ADMITTED = "not_admitted"


class Track(StrEnum):
    """What the episode is mainly for; packets and deadlines differ by it."""

    SUD = "sud"
    MH = "mh"
    CO_OCCURRING = "co_occurring"


class Step(StrEnum):
    """What can happen in an episode. `refer` opens it."""

    REFER = "refer"
    ADMIT = "admit"
    NOT_ADMIT = "not_admit"
    STEP_DOWN = "step_down"
    #: To another level that is not a step down: up again, or across.
    TRANSFER = "transfer"
    DISCHARGE = "discharge"


@dataclass(frozen=True, slots=True)
class Transition:
    """Where a step leads, the action the ledger records it as, and the words on the button."""

    to: EpisodeState
    action: Action
    label: str


_S = EpisodeState

TRANSITIONS: Final[Mapping[tuple[EpisodeState, Step], Transition]] = {
    (_S.REFERRED, Step.ADMIT): Transition(_S.ADMITTED, Action.EPISODE_ADMIT, "Admit"),
    (_S.REFERRED, Step.NOT_ADMIT): Transition(_S.NOT_ADMITTED, Action.EPISODE_ADMIT, "Do not admit"),
    (_S.ADMITTED, Step.STEP_DOWN): Transition(_S.STEPPED_DOWN, Action.EPISODE_MOVE, "Step down"),
    (_S.ADMITTED, Step.TRANSFER): Transition(_S.ADMITTED, Action.EPISODE_MOVE, "Transfer"),
    (_S.ADMITTED, Step.DISCHARGE): Transition(_S.DISCHARGED, Action.EPISODE_MOVE, "Discharge"),
    (_S.STEPPED_DOWN, Step.STEP_DOWN): Transition(_S.STEPPED_DOWN, Action.EPISODE_MOVE, "Step down further"),
    (_S.STEPPED_DOWN, Step.TRANSFER): Transition(_S.ADMITTED, Action.EPISODE_MOVE, "Transfer"),
    (_S.STEPPED_DOWN, Step.DISCHARGE): Transition(_S.DISCHARGED, Action.EPISODE_MOVE, "Discharge"),
}

#: States in which somebody is in care or waiting for it.
OPEN: Final = frozenset({_S.REFERRED, _S.ADMITTED, _S.STEPPED_DOWN})

#: A payer, a level, a referral source: a code, so that deadlines and reports can compare it.
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}", re.ASCII)


@dataclass(frozen=True, slots=True, repr=False)
class Episode:
    """One episode, opened. `level` is the level of care it is at, None before it is decided."""

    id: UUID
    patient_id: UUID
    unit: str
    state: EpisodeState
    opened_on: date
    admitted_on: date | None
    ended_on: date | None
    version: int
    track: Track
    payer: str | None = None
    level: str | None = None
    #: Who sent the patient, as a code (self, hospital, court, ...).
    referral: str | None = None
    #: Level of care the patient comes from (community, 2.5, 3.x, 4 ...), as placement asks for it.
    coming_from: str | None = None
    #: The episode that this one follows: discharged, and come back.
    readmission_of: UUID | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


@dataclass(frozen=True, slots=True, repr=False)
class EpisodeStep:
    """Something that happened in an episode; `particulars` as they were given."""

    id: UUID
    kind: Step
    occurred_on: date
    particulars: Mapping[str, Any]


def after(state: EpisodeState, step: Step) -> Transition:
    """The transition for `step` in `state`; raises Conflict `episode_state` when there is none."""
    transition = TRANSITIONS.get((state, step))
    if transition is None:
        raise Conflict(Code.EPISODE_STATE, "That cannot happen in this episode now.", state=state.value)
    return transition


def steps_from(state: EpisodeState) -> tuple[Step, ...]:
    """What can happen next: pages offer nothing else."""
    return tuple(step for start, step in TRANSITIONS if start is state)


def day_faults(on: date, *, today: date, not_before: date, field: str) -> Iterable[FieldError]:
    """A step is recorded once it happened (`today`: the program's day), in order, never before the opening."""
    if on > today:
        yield FieldError(field, "in_the_future", "It is recorded once it has happened.")
    if on < not_before:
        yield FieldError(field, "before_the_last_step", f"Not before {not_before.isoformat()}.")


def code_faults(codes: Mapping[str, str | None]) -> Iterable[FieldError]:
    """Payer, level, referral source and the like are codes; a sentence about the patient is none."""
    for field, value in codes.items():
        if value is not None and not _CODE.fullmatch(value):
            yield FieldError(field, "malformed", "A code: letters, digits, point, hyphen or underscore.")


def refuse_faults(faults: Iterable[FieldError]) -> None:
    """Raises Invalid `episode_invalid` when there is a fault."""
    if found := tuple(faults):
        raise Invalid(Code.EPISODE_INVALID, "This cannot be recorded as it is.", found)
