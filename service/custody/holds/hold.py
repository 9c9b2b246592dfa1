"""A legal hold: placed with a reason by somebody who answers for it, lifted with a reason. Nothing else ends it.

Records are never destroyed under a hold (45 CFR 164.316(b)(2)(i) keeps documentation for its period; a duty to preserve
evidence knows no period). It names the patient, or nobody: then it holds everything of the program.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from service.errors import Code, Conflict


class HoldState(StrEnum):
    PLACED = "placed"
    LIFTED = "lifted"


@dataclass(frozen=True, slots=True, repr=False)
class NewHold:
    """A hold to be placed. `patient_id` None: on the whole program."""

    patient_id: UUID | None
    owner_id: UUID
    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class Hold:
    """One hold, opened. `reason` None where the record it was about has been destroyed since."""

    id: UUID
    patient_id: UUID | None
    state: HoldState
    owner_id: UUID
    placed_by: UUID
    placed_at: datetime
    version: int
    reason: str | None
    lifted_by: UUID | None = None
    lifted_at: datetime | None = None
    lifting: str | None = None


def check_lifting(state: HoldState) -> None:
    """Raises Conflict for a hold that was lifted already: what is over stays over, and another one is placed anew."""
    if state is HoldState.LIFTED:
        raise Conflict(Code.HOLD_LIFTED, "This hold was lifted before.")
