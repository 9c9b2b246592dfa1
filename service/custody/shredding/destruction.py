"""Destroying a record, as a rule: the states, what stands against it, and that it takes two.

asked -> declined, or -> destroyed -> finished. Destroyed means that the keys are gone from this database; finished,
that the key-encryption keys which had wrapped them are gone as well, so that no older copy of the database helps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from service.errors import Code, Conflict, FieldError, Invalid, Refused


class ShreddingState(StrEnum):
    ASKED = "asked"
    DECLINED = "declined"
    DESTROYED = "destroyed"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, repr=False)
class Shredding:
    """One request, opened."""

    id: UUID
    patient_id: UUID
    state: ShreddingState
    basis: str
    reason: str
    asked_by: UUID
    asked_at: datetime
    version: int
    decided_by: UUID | None = None
    decided_at: datetime | None = None
    finished_at: datetime | None = None
    receipt: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """What there is about the patient now, in numbers: nothing of it is read."""

    holds: int = 0
    open_episodes: int = 0
    open_flags: int = 0
    open_requests: int = 0
    open_reviews: int = 0
    merged: bool = False
    #: Periods that still run, with the last day of each.
    running: Mapping[str, date] = field(default_factory=dict[str, date])


_WORDS: Mapping[str, str] = {
    "legal_hold": "A legal hold is in force.",
    "episode_open": "The patient is in care, or waiting for it.",
    "flag_open": "A safety flag has not been dealt with.",
    "request_open": "A request of the patient has not been answered.",
    "review_open": "A review of an act about the patient is open.",
    "chart_merged": "The chart is one of two that were merged: undo that first, or ask for each.",
}


def obstacles(found: Situation) -> tuple[FieldError, ...]:
    """Everything that stands against destroying the record, named together."""
    standing = {
        "legal_hold": found.holds,
        "episode_open": found.open_episodes,
        "flag_open": found.open_flags,
        "request_open": found.open_requests,
        "review_open": found.open_reviews,
        "chart_merged": found.merged,
    }
    named = [FieldError("patient_id", code, _WORDS[code]) for code, there in standing.items() if there]
    running = [
        FieldError("patient_id", "period_running", f"Kept until {last.isoformat()}: {what}.")
        for what, last in sorted(found.running.items())
    ]
    return (*named, *running)


def check_possible(found: Situation) -> None:
    """Raises Conflict `record_must_be_kept` with everything that stands against it."""
    if faults := obstacles(found):
        raise Conflict(Code.RECORD_MUST_BE_KEPT, "This record must be kept.", faults)


def check_basis(basis: str, known: Mapping[str, object]) -> None:
    """Raises Invalid for a ground that the policies do not know."""
    if basis not in known:
        fault = FieldError("basis", "unknown_code", "One of the grounds of the retention policy.")
        raise Invalid(Code.SHREDDING_INVALID, "This cannot be asked for as it is.", (fault,))


def check_open(state: ShreddingState) -> None:
    """Raises Conflict for what was decided already."""
    if state is not ShreddingState.ASKED:
        raise Conflict(Code.SHREDDING_STATE, "This was decided before.", state=state.value)


def check_second_person(asked_by: UUID, deciding: UUID) -> None:
    """Who asked does not decide, whatever roles the two have (two-person rule)."""
    if asked_by == deciding:
        raise Refused(Code.SHREDDING_SECOND_PERSON, "Somebody else decides about this.")
