"""Patients: registered, found, read, changed.

The functions at the end are for operations above (consent, disclosure) that are allowed to act already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from service.access.actions import Action
from service.errors import Code, IntegrityError, Invalid, NotFound, Stale
from service.ids import PatientId, new_id
from service.people import patient, records
from service.people.facts import facts_of, load_patient, program_day
from service.people.patient import Document, Resemblance, Term
from service.people.records import StoredPatient
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable
from service.work import Work

#: A search shows no more than this; every patient shown has an entry of its own.
MOST_FOUND: Final = 20
MOST_DUPLICATES: Final = 10


@dataclass(frozen=True, slots=True, repr=False)
class Duplicate:
    """A registered patient who may be the same person."""

    patient_id: PatientId
    reasons: tuple[Resemblance, ...]


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


@dataclass(frozen=True, slots=True, repr=False)
class FormerVersion:
    """A patient's demographics as they were until `replaced_at`."""

    version: int
    demographics: Mapping[str, Any]
    replaced_at: datetime


@dataclass(frozen=True, slots=True, repr=False)
class Search:
    """What somebody looks for; `identifier` as (system or None, value)."""

    family_name: str | None = None
    given_name: str | None = None
    birth_date: date | None = None
    identifier: tuple[str | None, str] | None = field(default=None)


def register_patient(work: Work, document: Document) -> Patient:
    """A new patient with a key of their own. Somebody alike does not prevent it: the answer says who and why."""
    work.require(Action.PATIENT_REGISTER, object_kind="patient")
    patient.check(document, program_day(work))
    duplicates = _duplicates(work, document)
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


def find_patients(work: Work, search: Search) -> list[Patient]:
    """Patients who match all that was given, exactly after normalisation; Invalid when it is too little.

    Who was looked for is in the entry as a keyed hash; each patient found has an entry of their own, because
    being shown in a search is being seen. Of patients whom the caller may not read, the answer says only who
    they are.
    """
    work.require(Action.PATIENT_SEARCH, object_kind="patient")
    terms = patient.search_terms(
        family_name=search.family_name,
        given_name=search.given_name,
        birth_date=search.birth_date,
        number=search.identifier,
    )
    ids = _with_all(work, terms)[:MOST_FOUND]
    found = [_hit(work, stored) for stored in (records.patients(work.db, ids) if ids else [])]
    work.record(
        action=Action.PATIENT_SEARCH,
        object_kind="patient",
        object_id=None,
        detail={"by": sorted(term.index.value for term in terms), "found": len(found)},
        payload=sorted(term.value for term in terms),
    )
    for one in found:
        work.record(action=Action.PATIENT_SEARCH, object_kind="patient", object_id=one.id, patient_id=one.id)
    return found


def read_patient(work: Work, patient_id: UUID, *, with_duplicates: bool = False) -> Patient:
    """One patient; `with_duplicates` looks again for others alike (an answer to a repeated registration)."""
    stored = work.authorised(Action.PATIENT_READ, lambda work: load_patient(work, patient_id))
    read = _open(work, stored)
    work.record(
        action=Action.PATIENT_READ,
        object_kind="patient",
        object_id=stored.id,
        object_version=stored.version,
        patient_id=stored.id,
    )
    if not with_duplicates:
        return read
    others = [one for one in _duplicates(work, read.demographics) if one.patient_id != stored.id]
    return _patient(stored, read.demographics, others)


def read_history(work: Work, patient_id: UUID) -> tuple[Patient, list[FormerVersion]]:
    """The patient as of now, and every former version, newest first."""
    stored = work.authorised(Action.PATIENT_READ, lambda work: load_patient(work, patient_id))
    former = [
        FormerVersion(
            version=old.version,
            demographics=_opened(work, records.PATIENT_VERSION_ROW, stored.id, old.version, old.demographics),
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
    return _open(work, stored), former


def change_patient(work: Work, patient_id: UUID, version: int, patch: Document) -> Patient:
    """Merge `patch` into version `version` (Stale when it is not the current one); the old values are kept."""
    stored = work.authorised(
        Action.PATIENT_UPDATE, lambda work: load_patient(work, patient_id, changing=True)
    )
    if stored.version != version:
        raise Stale(Code.VERSION_STALE, "Somebody changed this patient since you read it.")
    old = _opened(work, records.PATIENT_ROW, stored.id, stored.version, stored.demographics)
    new = patient.merge(old, patch)
    if not isinstance(new, dict):
        raise Invalid(Code.INVALID_REQUEST, "An object is expected.")
    patient.check(new, program_day(work))
    changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if changed:
        kept = _seal(work, records.PATIENT_VERSION_ROW, stored.id, stored.version, old)
        sealed = _seal(work, records.PATIENT_ROW, stored.id, stored.version + 1, new)
        records.replace_patient(work.db, stored, kept, sealed, work.now, work.entry_id)
        if patient.terms(old) != patient.terms(new):
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
    return _patient(after, new)


# -- for operations above ------------------------------------------------------------------------------


def open_patient_name(work: Work, patient_id: UUID) -> dict[str, str]:
    """`{family_name, given_name, birth_date}` of a patient, inside an act about that patient that is allowed
    already.
    """
    stored = records.patient_by_id(work.db, patient_id)
    if stored is None:
        raise NotFound(Code.NOT_FOUND, "There is nothing here for you.")
    document = _opened(work, records.PATIENT_ROW, stored.id, stored.version, stored.demographics)
    return {name: str(document[name]) for name in ("family_name", "given_name", "birth_date")}


def find_exact(
    work: Work, family_name: str, given_name: str, birth_date: date, identifier: str | None = None
) -> list[PatientId]:
    """Patients with exactly this name and birth date (and identifier, in any system) after normalisation.

    For outside requesters: nothing is opened, and the same queries run whoever is or is not there. More than
    one match is a refusal for the caller to make.
    """
    terms = [patient.name_birth(family_name, given_name, birth_date.isoformat())]
    if identifier is not None:
        terms.append(patient.identifier(identifier))
    return _with_all(work, tuple(terms))


# -- inside --------------------------------------------------------------------------------------------


def _with_all(work: Work, terms: Sequence[Term]) -> list[PatientId]:
    """Ids of the patients that have every term, oldest first."""
    first, *others = _matches(work, terms).values()
    return [patient_id for patient_id in first if all(patient_id in other for other in others)]


def _matches(work: Work, terms: Sequence[Term]) -> dict[Term, list[PatientId]]:
    indexed = {term: _indexed(work, term) for term in terms}
    found = records.patients_with_terms(work.db, work.caller.program_id, indexed.values())
    return {term: found[place] for term, place in indexed.items()}


def _indexed(work: Work, term: Term) -> records.IndexedTerm:
    return term.index, work.index("patient_index", term.index.value, term.value)


def _duplicates(work: Work, document: Mapping[str, Any]) -> list[Duplicate]:
    sought = patient.resemblances(document)
    matches = _matches(work, [term for term, _ in sought])
    reasons: dict[PatientId, list[Resemblance]] = {}
    for term, resemblance in sought:
        for patient_id in matches[term]:
            noted = reasons.setdefault(patient_id, [])
            if resemblance not in noted:
                noted.append(resemblance)
    found = [Duplicate(patient_id, tuple(noted)) for patient_id, noted in reasons.items()]
    return found[:MOST_DUPLICATES]


def _store_terms(work: Work, patient_id: PatientId, document: Document) -> None:
    terms = [_indexed(work, term) for term in patient.terms(document)]
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


def _open(work: Work, stored: StoredPatient) -> Patient:
    document = _opened(work, records.PATIENT_ROW, stored.id, stored.version, stored.demographics)
    return _patient(stored, document)


def _hit(work: Work, stored: StoredPatient) -> Patient:
    """A patient as a search shows them: name and birth date, and the rest to whoever may read it anyway."""
    found = _open(work, stored)
    if work.permits(Action.PATIENT_READ, facts_of(work, stored)):
        return found
    return _patient(stored, {name: found.demographics[name] for name in patient.REQUIRED})


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
