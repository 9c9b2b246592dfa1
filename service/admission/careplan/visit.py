"""A session that was to be held, and what became of it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID


class Outcome(StrEnum):
    """What became of a session."""

    ATTENDED = "attended"
    MISSED = "missed"
    EXCUSED = "excused"


@dataclass(frozen=True, slots=True, repr=False)
class Visit:
    """A session that was to be held. `code` is the catalogue's; `format` in person, by video, in a group ...; `error`
    why it was entered in error.
    """

    id: UUID
    patient_id: UUID
    episode_id: UUID
    held_on: date
    minutes: int
    outcome: Outcome
    format: str = ""
    code: str | None = None
    reason: str | None = None
    version: int = 1
    error: str | None = None
