"""What other concepts read of the medical intake, inside an act that is allowed already.

Each item is decided by itself (`record.use`): what this caller may not use is absent, that is, unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from service.errors import Code, NotFound
from service.intake.medical.book import MedicalBook
from service.intake.medical.completeness import open_sections
from service.intake.medical.facts import FactReading, facts_of
from service.intake.medical.kept import DIAGNOSES, Gathered, gather
from service.intake.medical.urgent import notices
from service.people.facts import load_patient
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
    dated_on: date
    recorded_at: datetime
    author_id: UUID


def medical_facts(work: Work, book: MedicalBook, patient_id: UUID) -> Mapping[str, FactReading]:
    """The placement facts that do not come from instruments, by name; absent = unknown."""
    gathered = _gathered(work, patient_id)
    return facts_of(book, gathered.chart, gathered.born)


def sections_of(work: Work, book: MedicalBook, patient_id: UUID) -> Mapping[str, SectionState]:
    """Every section by key. `missing` empty: closed, or nothing is asked of this patient."""
    gathered = _gathered(work, patient_id)
    return {key: _state(gathered, key, missing) for key, missing in _missing(book, gathered).items()}


def notices_of(work: Work, book: MedicalBook, patient_id: UUID) -> frozenset[str]:
    """Codes of what is to be read with the intake as it stands, as far as this caller may use it."""
    return frozenset(one.code for one in notices(book, _gathered(work, patient_id).chart))


def diagnoses_of(work: Work, patient_id: UUID) -> tuple[Diagnosis, ...]:
    """The patient's current diagnoses, oldest first."""
    return tuple(
        Diagnosis(
            item_id=one.item.id,
            code=one.item.content["code"],
            title=one.item.content["title"],
            substance=one.item.content["substance"],
            severity=one.item.content["severity"],
            remission=one.item.content["remission"],
            dated_on=one.item.dated_on,
            recorded_at=one.item.changed_at,
            author_id=one.item.author_id,
        )
        for one in _gathered(work, patient_id).entries(DIAGNOSES)
    )


def _gathered(work: Work, patient_id: UUID) -> Gathered:
    loaded = load_patient(work, patient_id)
    if loaded is None:
        raise NotFound(Code.NOT_FOUND, "There is nothing here for you.")
    return gather(work, loaded.thing, loaded.facts)


def _missing(book: MedicalBook, gathered: Gathered) -> Mapping[str, tuple[str, ...]]:
    waiting = open_sections(book, gathered.chart)
    return {key: waiting.get(key, ()) for key in book.sections}


def _state(gathered: Gathered, key: str, missing: tuple[str, ...]) -> SectionState:
    """What is withheld from this caller counts as missing: nobody takes for closed what they cannot see."""
    head = gathered.head(key)
    kept = [*([head] if head else []), *gathered.entries(key)]
    if key in gathered.chart.withheld:
        missing = (*missing, "withheld")
    return SectionState(
        item_id=None if head is None else head.item.id,
        missing=missing,
        reviewed=bool(kept) and all(one.stage.reviewed_at is not None for one in kept),
        changed_at=max((one.item.changed_at for one in kept), default=None),
    )
