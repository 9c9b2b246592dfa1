"""A raised flag: a task with an owner, a clock and a named next step. Pure.

A flag outlives the answer that raised it: correcting item 9 from 2 to 0 does not take the flag back, a person who saw
the patient does. The table of what can be done is whole: what it has not is refused, and nothing in it ends a flag but
saying what was done.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.access.caller import Role
from service.access.program import Contact
from service.access.safety import Duty
from service.errors import FieldError
from service.intake.flags import Flag, Severity

#: Urgent first, then by the clock.
_RANK: Final[Mapping[Severity, int]] = {severity: rank for rank, severity in enumerate(Severity)}
#: So short that it cannot say what was done.
SHORTEST_ACTION: Final = 10


class FlagState(StrEnum):
    """A raised flag is open, or taken by somebody, until somebody says what was done about it."""

    OPEN = "open"
    TAKEN = "taken"
    ACKNOWLEDGED = "acknowledged"


class FlagSource(StrEnum):
    """Which part of the intake raised it."""

    ASSESSMENT = "assessment"
    MEDICAL = "medical"
    PLACEMENT = "placement"


class Act(StrEnum):
    """What can happen to a raised flag."""

    TAKE = "take"
    RELEASE = "release"
    ESCALATE = "escalate"
    ACKNOWLEDGE = "acknowledge"


@dataclass(frozen=True, slots=True)
class Transition:
    """Where an act leads, and the act as the ledger has it."""

    after: FlagState
    action: Action


_S: Final = FlagState
TRANSITIONS: Final[Mapping[tuple[FlagState, Act], Transition]] = {
    (_S.OPEN, Act.TAKE): Transition(_S.TAKEN, Action.FLAG_ASSIGN),
    (_S.TAKEN, Act.TAKE): Transition(_S.TAKEN, Action.FLAG_ASSIGN),
    (_S.TAKEN, Act.RELEASE): Transition(_S.OPEN, Action.FLAG_ASSIGN),
    # whoever let it lie has it no longer
    (_S.OPEN, Act.ESCALATE): Transition(_S.OPEN, Action.FLAG_ESCALATE),
    (_S.TAKEN, Act.ESCALATE): Transition(_S.OPEN, Action.FLAG_ESCALATE),
    (_S.OPEN, Act.ACKNOWLEDGE): Transition(_S.ACKNOWLEDGED, Action.FLAG_ACKNOWLEDGE),
    (_S.TAKEN, Act.ACKNOWLEDGE): Transition(_S.ACKNOWLEDGED, Action.FLAG_ACKNOWLEDGE),
}


def after(state: FlagState, act: Act) -> FlagState | None:
    """The state that follows, or None when this cannot be done to a flag in that state."""
    step = TRANSITIONS.get((state, act))
    return None if step is None else step.after


@dataclass(frozen=True, slots=True, repr=False)
class Done:
    """What was done about a flag: `code` of the task's actions where it was chosen from them, who saw the patient and
    with what outcome where the task asks for that.
    """

    action: str
    code: str | None = None
    seen_by: str | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class RaisedFlag:
    """A flag somebody must act on. `subject_id`: what raised it; None when the form was refused and never kept.

    `contact`: the program's on-call clinician, whom an urgent or overdue flag names.
    """

    id: UUID
    patient_id: UUID
    source: FlagSource
    subject_id: UUID | None
    instrument: str
    flag: Flag
    state: FlagState
    version: int
    raised_at: datetime
    due_at: datetime
    owner_role: Role
    owner_id: UUID | None = None
    escalated_at: datetime | None = None
    contact: Contact | None = None
    acknowledged_at: datetime | None = None
    done: Done | None = None
    acknowledged_by: UUID | None = None
    #: The answers it rests on, by item; kept with the flags of forms, so that the same answer is known again.
    said: Mapping[str, str] = field(default_factory=dict[str, str])
    #: The form that was kept after a refused one had raised this with the same answers: one alarm, two sources.
    also: UUID | None = None

    @property
    def assessment_id(self) -> UUID | None:
        """The form that raised it, where a form did and was kept."""
        return (self.subject_id or self.also) if self.source is FlagSource.ASSESSMENT else None

    def says_the_same(self, flag: Flag, instrument: str, said: Mapping[str, str]) -> bool:
        """Whether a refused form raised this with the very answers that raise `flag` now, and it stands open."""
        refused = self.source is FlagSource.ASSESSMENT and self.subject_id is None and self.also is None
        waits = self.state is not FlagState.ACKNOWLEDGED
        return (
            refused and waits and bool(said) and (self.flag, self.instrument) == (flag, instrument)
        ) and self.said == said

    @property
    def urgency(self) -> tuple[int, datetime, UUID]:
        """What a list of flags is sorted by: severity, then the clock."""
        return _RANK[self.flag.severity], self.due_at, self.id

    @property
    def next_step(self) -> str:
        """The rule's words, and whom to call where the flag is urgent or overdue and the program names somebody."""
        return _step(self.flag, self.contact, named=self.escalated_at is not None)


def with_contact(flag: Flag, contact: Contact | None) -> Flag:
    """The flag as it is shown with the answers that raised it: an urgent one names whom to call."""
    return replace(flag, next_step=_step(flag, contact, named=False))


def _step(flag: Flag, contact: Contact | None, *, named: bool) -> str:
    if contact is None or not (named or flag.severity is Severity.URGENT):
        return flag.next_step
    return f"{flag.next_step} On call: {contact.name}, {contact.phone}."


def faults_of(flag: Flag, duty: Duty, outcomes: Mapping[str, str], done: Done) -> tuple[FieldError, ...]:
    """Everything that makes an acknowledgement none: nothing said, the flag's own words given back, an action the
    task does not know, and what this task must say and does not.
    """
    faults: list[FieldError] = []
    said, own = _plain(done.action), {_plain(flag.message), _plain(flag.next_step), _plain(flag.code)}
    if len(said) < SHORTEST_ACTION:
        faults.append(
            FieldError("action", "missing", "Say what was done, in words somebody else understands.")
        )
    elif said in own:
        faults.append(FieldError("action", "own_words", "These are the flag's words. Say what was done."))
    if done.code is not None and done.code not in duty.actions:
        known = ", ".join(sorted(duty.actions))
        faults.append(FieldError("code", "unknown", f"Actions for this task: {known}."))
    if "seen_by" in duty.asks and not (done.seen_by or "").strip():
        faults.append(FieldError("seen_by", "missing", "Say who saw the patient."))
    if "outcome" in duty.asks and done.outcome is None:
        faults.append(FieldError("outcome", "missing", f"Say the outcome: {', '.join(sorted(outcomes))}."))
    if done.outcome is not None and done.outcome not in outcomes:
        faults.append(FieldError("outcome", "unknown", f"Known outcomes: {', '.join(sorted(outcomes))}."))
    return tuple(faults)


def _plain(text: str) -> str:
    """Letters and digits alone, so that a full stop does not make other words of the same ones."""
    return " ".join("".join(sign if sign.isalnum() else " " for sign in text.casefold()).split())
