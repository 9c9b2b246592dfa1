"""Patients: registered, read, changed.

The functions at the end are for operations above (consent, disclosure) that are allowed to act already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind
from service.errors import Code, IntegrityError, Invalid, NotFound, Stale
from service.ids import PatientId, new_id
from service.people import finding, patient, records
from service.people.duplicates import Duplicate, duplicates_of, indexed
from service.people.endangerment.mark import seen_by_patient
from service.people.facts import load_patient, program_day
from service.people.merging.records import absorbed, surviving
from service.people.patient import Document
from service.people.records import StoredPatient
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable
from service.work import Work


@dataclass(frozen=True, slots=True, repr=False)
class Patient:
    """A patient, opened. Never printed."""

    id: PatientId
    version: int
    state: str
    demographics: Mapping[str, Any]
    created_at: datetime
    changed_at: datetime
    possible_duplicates: tuple[Duplicate, ...] = ()
    #: Charts of the same person that were merged into this one; and the one that this was merged into. For staff.
    merged_charts: tuple[PatientId, ...] = ()
    merged_into: PatientId | None = None


@dataclass(frozen=True, slots=True, repr=False)
class FormerVersion:
    """A patient's demographics as they were until `replaced_at`."""

    version: int
    demographics: Mapping[str, Any]
    replaced_at: datetime


def register_patient(work: Work, document: Document) -> Patient:
    """A new patient with a key of their own. Somebody alike does not prevent it: the answer says who and why."""
    work.require(Action.PATIENT_REGISTER, object_kind="patient")
    patient.check(document, program_day(work))
    duplicates = duplicates_of(work, document)
    patient_id, program_id = PatientId(new_id(work.now)), work.caller.program_id
    work.vault.create_patient_key(work.db, program_id, patient_id, work.now)
    stored = StoredPatient(
        id=patient_id,
        program_id=program_id,
        state="registered",
        version=1,
        demographics=_seal(work, records.PATIENT_ROW, patient_id, 1, document),
        created_at=work.now,
        changed_at=work.now,
    )
    records.insert_patient(work.db, stored, work.entry_id)
    _store_terms(work, patient_id, document)
    work.record(
        action=Action.PATIENT_REGISTER,
        object_kind="patient",
        object_id=patient_id,
        object_version=1,
        patient_id=patient_id,
        detail={"possible_duplicates": [str(duplicate.patient_id) for duplicate in duplicates]},
        payload=document,
    )
    return _patient(stored, document, duplicates)


def read_patient(work: Work, patient_id: UUID, *, with_duplicates: bool = False) -> Patient:
    """One patient; `with_duplicates` looks again for others alike (an answer to a repeated registration)."""
    stored = work.authorised(Action.PATIENT_READ, lambda work: load_patient(work, patient_id))
    read = opened_patient(work, stored)
    work.record(
        action=Action.PATIENT_READ,
        object_kind="patient",
        object_id=stored.id,
        object_version=stored.version,
        patient_id=stored.id,
    )
    if not with_duplicates:
        return read
    return replace(read, possible_duplicates=tuple(duplicates_of(work, read.demographics, of=stored.id)))


def look_for_duplicates(work: Work, patient_id: UUID) -> tuple[Duplicate, ...]:
    """Others who may be the same person, as the patient is known now; for whoever may search."""
    work.require(Action.PATIENT_SEARCH, object_kind="patient", patient_id=patient_id)
    stored = work.authorised(Action.PATIENT_READ, lambda work: load_patient(work, patient_id))
    found = duplicates_of(work, open_demographics(work, stored), of=stored.id)
    work.record(
        action=Action.PATIENT_SEARCH,
        object_kind="patient",
        object_id=stored.id,
        patient_id=stored.id,
        detail={"possible_duplicates": [str(one.patient_id) for one in found]},
    )
    return tuple(found)


def read_history(work: Work, patient_id: UUID) -> tuple[Patient, list[FormerVersion]]:
    """The patient as of now, and every former version, newest first."""
    stored = work.authorised(Action.PATIENT_READ, lambda work: load_patient(work, patient_id))
    former = [
        FormerVersion(
            version=old.version,
            demographics=_shown(
                work,
                _opened(work, records.PATIENT_VERSION_ROW, stored.id, old.version, old.demographics),
            ),
            replaced_at=old.replaced_at,
        )
        for old in records.versions(work.db, stored.id)
    ]
    work.record(
        action=Action.PATIENT_READ,
        object_kind="patient",
        object_id=stored.id,
        object_version=stored.version,
        patient_id=stored.id,
        detail={"history": len(former)},
    )
    return opened_patient(work, stored), former


def change_patient(work: Work, patient_id: UUID, version: int, patch: Document) -> Patient:
    """Merge `patch` into version `version` (Stale when it is not the current one); the old values are kept."""
    stored = work.authorised(
        Action.PATIENT_UPDATE, lambda work: load_patient(work, patient_id, changing=True)
    )
    if stored.version != version:
        raise Stale(Code.VERSION_STALE, "Somebody changed this patient since you read it.")
    old = open_demographics(work, stored)
    new = patient.merge(old, patch)
    if not isinstance(new, dict):
        raise Invalid(Code.INVALID_REQUEST, "An object is expected.")
    patient.check(new, program_day(work), before=old)
    changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if changed:
        keep_demographics(work, stored, old, new, work.entry_id)
        if finding.terms(old) != finding.terms(new):
            records.drop_terms(work.db, stored.id)
            _store_terms(work, stored.id, new)
    after = records.patient_by_id(work.db, stored.id) or stored
    work.record(
        action=Action.PATIENT_UPDATE,
        object_kind="patient",
        object_id=stored.id,
        object_version=after.version,
        patient_id=stored.id,
        detail={"fields": changed},
        payload=new,
    )
    return with_charts(work, _patient(after, new))


# -- for operations above ------------------------------------------------------------------------------


def open_patient_name(work: Work, patient_id: UUID) -> dict[str, str]:
    """`{family_name, given_name, birth_date}` of a patient, inside an act about that patient that is allowed
    already.
    """
    stored = records.patient_by_id(work.db, patient_id)
    if stored is None:
        raise NotFound(Code.NOT_FOUND, "There is nothing here for you.")
    document = open_demographics(work, stored)
    return {name: str(document[name]) for name in ("family_name", "given_name", "birth_date")}


def open_demographics(work: Work, stored: StoredPatient) -> Document:
    """A patient's demographics as of now, inside an act about that patient that is allowed already."""
    return _opened(work, records.PATIENT_ROW, stored.id, stored.version, stored.demographics)


def keep_demographics(
    work: Work, stored: StoredPatient, before: Mapping[str, Any], after: Mapping[str, Any], entry_id: UUID
) -> None:
    """Put `after` in force as the next version; `before` stays readable. The row is locked, the act allowed."""
    kept = _seal(work, records.PATIENT_VERSION_ROW, stored.id, stored.version, before)
    sealed = _seal(work, records.PATIENT_ROW, stored.id, stored.version + 1, after)
    records.replace_patient(work.db, stored, kept, sealed, work.now, entry_id)


# -- inside --------------------------------------------------------------------------------------------


def _store_terms(work: Work, patient_id: PatientId, document: Document) -> None:
    terms = indexed(work, finding.terms(document))
    records.store_terms(work.db, work.caller.program_id, patient_id, terms, work.now)


def _row(work: Work, patient_id: UUID, version: int) -> RowKey:
    return RowKey(work.caller.program_id, patient_id, version, patient_id)


def _seal(
    work: Work, table: SealedTable, patient_id: UUID, version: int, document: Mapping[str, Any]
) -> Sealed:
    return work.seal(table, _row(work, patient_id, version), {"demographics": document})["demographics"]


def _opened(work: Work, table: SealedTable, patient_id: UUID, version: int, sealed: Sealed) -> Document:
    opened = work.open(table, _row(work, patient_id, version), {"demographics": sealed})["demographics"]
    if not isinstance(opened, dict):
        raise IntegrityError
    return opened


def opened_patient(work: Work, stored: StoredPatient) -> Patient:
    """A loaded patient, opened, inside an act that is allowed already."""
    return with_charts(work, _patient(stored, _shown(work, open_demographics(work, stored))))


def with_charts(work: Work, read: Patient) -> Patient:
    """With the other charts of the person, as staff see them."""
    if work.caller.kind is not CallerKind.STAFF:
        return read
    merged_into = surviving(work.db, read.id) if read.state == "merged" else None
    charts = absorbed(work.db, [read.id]).get(read.id, ())
    return replace(read, merged_charts=charts, merged_into=merged_into)


def _shown(work: Work, document: Document) -> Document:
    return seen_by_patient(document) if work.caller.kind is CallerKind.PATIENT else document


def _patient(
    stored: StoredPatient, document: Mapping[str, Any], duplicates: Sequence[Duplicate] = ()
) -> Patient:
    return Patient(
        id=stored.id,
        version=stored.version,
        state=stored.state,
        demographics=document,
        created_at=stored.created_at,
        changed_at=stored.changed_at,
        possible_duplicates=tuple(duplicates),
    )
