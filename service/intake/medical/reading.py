"""What other concepts read of the medical intake, inside an act that is allowed already.

Each item is decided by itself (`record.use`): what this caller may not use is absent, that is, unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from service.intake.medical.book import MedicalBook
from service.intake.medical.facts import FactReading
from service.work import Work


@dataclass(frozen=True, slots=True)
class SectionState:
    """How far a section is. `missing` names questions without answer or non-answer; `item_id` None: not begun."""

    item_id: UUID | None
    missing: tuple[str, ...]
    reviewed: bool
    changed_at: datetime | None


@dataclass(frozen=True, slots=True, repr=False)
class Diagnosis:
    """A diagnosis a clinician recorded and nobody took back. `severity`: mild | moderate | severe, or None."""

    item_id: UUID
    code: str
    title: str
    substance: str | None
    severity: str | None
    remission: str | None
    onset_on: date
    recorded_at: datetime
    author_id: UUID


def medical_facts(work: Work, book: MedicalBook, patient_id: UUID) -> Mapping[str, FactReading]:
    """The placement facts that do not come from instruments, by name; absent = unknown."""
    del work, book, patient_id
    return {}


def sections_of(work: Work, book: MedicalBook, patient_id: UUID) -> Mapping[str, SectionState]:
    """Every section by key."""
    del work, patient_id
    return {key: SectionState(None, (), reviewed=False, changed_at=None) for key in book.sections}


def diagnoses_of(work: Work, patient_id: UUID) -> tuple[Diagnosis, ...]:
    """The patient's current diagnoses, oldest first."""
    del work, patient_id
    return ()
