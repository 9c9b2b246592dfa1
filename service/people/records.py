"""The SQL of patients. Sealed columns stay sealed here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, and_, bindparam, delete, insert, select, true, tuple_, update

from service.ids import PatientId, new_id
from service.people.finding import Index
from service.people.patient import Event
from service.people.relationships.records import related_by, staff_relation
from service.store.direct import rows
from service.store.tables.people import patient, patient_event, patient_index, patient_version
from service.store.tables.people_care import patient_merge
from service.store.types import Sealed
from service.vault.envelope import SealedTable

#: An index and a value in it.
Sought = tuple[Index, bytes]

#: State of a patient whose record was destroyed: a row without anything that can be read.
DESTROYED: Final = "destroyed"

PATIENT_ROW: Final = SealedTable("patient", ("demographics",))
PATIENT_VERSION_ROW: Final = SealedTable("patient_version", ("demographics",))


@dataclass(frozen=True, slots=True)
class IndexedTerm:
    """A value to be written into an index, and the id of the key that it is under."""

    index: Index
    value: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class StoredPatient:
    """A patient row."""

    id: PatientId
    program_id: UUID
    state: str
    version: int
    demographics: Sealed
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Match:
    """A chart that an index value led to, and the one it was merged into."""

    chart: PatientId
    surviving: PatientId | None

    @property
    def person(self) -> PatientId:
        """The chart that stands for the person."""
        return self.surviving or self.chart


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """What a patient's demographics were before a change."""

    version: int
    demographics: Sealed
    replaced_at: datetime


@dataclass(frozen=True, slots=True)
class PatientEvent:
    """Something that happened to a patient, on a day of the program's calendar."""

    id: UUID
    kind: Event
    occurred_on: date
    recorded_at: datetime


# -- patients --------------------------------------------------------------------------------------

_PATIENT = select(patient).where(patient.c.id == bindparam("id"))
_RELATION = staff_relation(patient.c.id).lateral("relation")
#: The patient and whether the caller works with them, in one round trip: what nearly every act about a patient asks.
_PATIENT_FOR_STAFF = (
    select(patient, *_RELATION.c)
    .select_from(patient.outerjoin(_RELATION, true()))
    .where(patient.c.id == bindparam("id"))
)
_PATIENT_SHARED = _PATIENT.with_for_update(read=True)
#: Excludes every decision about the patient (FOR SHARE) and every other change, and not the rows that merely belong to
#: the patient: a foreign key asks for the id, which never changes, and must not wait for whoever holds other rows.
_PATIENT_CHANGING = _PATIENT.with_for_update(key_share=True)
_PATIENTS = select(patient).where(patient.c.id.in_(bindparam("ids", expanding=True))).order_by(patient.c.id)
_ADD_PATIENT = insert(patient)
_CHANGE_PATIENT = (
    update(patient)
    .where(patient.c.id == bindparam("the_id"))
    .values(
        version=bindparam("new_version"),
        demographics=bindparam("new_demographics"),
        changed_at=bindparam("now"),
        entry_id=bindparam("entry"),
    )
)
_KEEP_VERSION = insert(patient_version)
_VERSIONS = (
    select(patient_version)
    .where(patient_version.c.patient_id == bindparam("patient_id"))
    .order_by(patient_version.c.version.desc())
)
_ADD_TERM = insert(patient_index)
_DROP_TERMS = delete(patient_index).where(patient_index.c.patient_id == bindparam("the_id"))
_WITH_TERMS = (
    select(
        patient_index.c.name,
        patient_index.c.value,
        patient_index.c.patient_id,
        patient_merge.c.patient_id.label("surviving"),
    )
    .outerjoin(
        patient_merge,
        and_(patient_merge.c.merged_id == patient_index.c.patient_id, patient_merge.c.state == "merged"),
    )
    .where(
        patient_index.c.program_id == bindparam("program_id"),
        tuple_(patient_index.c.name, patient_index.c.value).in_(bindparam("terms", expanding=True)),
    )
    .order_by(patient_index.c.patient_id)
    .limit(1000)  # a phonetic term of a large program has dozens of patients, not thousands
)
_ADD_EVENT = insert(patient_event)
_EVENT = select(patient_event).where(patient_event.c.id == bindparam("id"))
_EVENTS = (
    select(patient_event)
    .where(patient_event.c.patient_id == bindparam("patient_id"))
    .order_by(patient_event.c.occurred_on, patient_event.c.id)
)


def patient_by_id(db: Connection, patient_id: UUID) -> StoredPatient | None:
    return _patient(db.execute(_PATIENT, {"id": patient_id}).one_or_none())


def patient_for_staff(
    db: Connection, patient_id: UUID, account_id: UUID, on: date
) -> tuple[StoredPatient, bool] | None:
    """The patient, and whether this member of staff works with them on a day; the relationship found is locked."""
    found = rows(db, _PATIENT_FOR_STAFF, {"id": patient_id, "account_id": account_id, "on": on})
    stored = _patient(found[0]) if found else None
    return None if stored is None else (stored, related_by(db, found[0]))


def patient_for_share(db: Connection, patient_id: UUID) -> StoredPatient | None:
    """Locked against change until the transaction ends."""
    return _patient(db.execute(_PATIENT_SHARED, {"id": patient_id}).one_or_none())


def patient_for_update(db: Connection, patient_id: UUID) -> StoredPatient | None:
    return _patient(db.execute(_PATIENT_CHANGING, {"id": patient_id}).one_or_none())


def patients(db: Connection, ids: Iterable[UUID]) -> list[StoredPatient]:
    """Those of the patients that are there, by id."""
    rows = db.execute(_PATIENTS, {"ids": list(ids)}).all()
    return [found for row in rows if (found := _patient(row)) is not None]


def insert_patient(db: Connection, stored: StoredPatient, entry_id: UUID) -> None:
    db.execute(
        _ADD_PATIENT,
        {
            "id": stored.id,
            "program_id": stored.program_id,
            "state": stored.state,
            "version": stored.version,
            "demographics": stored.demographics,
            "created_at": stored.created_at,
            "changed_at": stored.changed_at,
            "entry_id": entry_id,
        },
    )


def replace_patient(
    db: Connection, old: StoredPatient, kept: Sealed, new: Sealed, now: datetime, entry_id: UUID
) -> None:
    """Put `new` demographics in force as the next version; `kept` is the old document, sealed for the
    history.
    """
    db.execute(
        _KEEP_VERSION,
        {
            "patient_id": old.id,
            "version": old.version,
            "program_id": old.program_id,
            "demographics": kept,
            "replaced_at": now,
            "entry_id": entry_id,
        },
    )
    db.execute(
        _CHANGE_PATIENT,
        {
            "the_id": old.id,
            "new_version": old.version + 1,
            "new_demographics": new,
            "now": now,
            "entry": entry_id,
        },
    )


def versions(db: Connection, patient_id: UUID) -> list[StoredVersion]:
    """Former versions, newest first."""
    rows = db.execute(_VERSIONS, {"patient_id": patient_id}).all()
    return [StoredVersion(row.version, row.demographics, row.replaced_at) for row in rows]


def store_terms(
    db: Connection, program_id: UUID, patient_id: UUID, terms: Iterable[IndexedTerm], now: datetime
) -> None:
    """Add the index values of a patient."""
    db.execute(
        _ADD_TERM,
        [
            {
                "id": new_id(now),
                "program_id": program_id,
                "patient_id": patient_id,
                "name": term.index.value,
                "value": term.value,
                "index_key": term.key,
            }
            for term in terms
        ],
    )


def drop_terms(db: Connection, patient_id: UUID) -> None:
    """Remove the index values of a patient."""
    db.execute(_DROP_TERMS, {"the_id": patient_id})


def patients_with_terms(
    db: Connection, program_id: UUID, terms: Iterable[Sought]
) -> Mapping[Sought, list[Match]]:
    """For each index value the charts that have it, oldest first; one query, whatever is asked."""
    wanted = list(terms)
    parameters = {"program_id": program_id, "terms": [(index.value, value) for index, value in wanted]}
    found: dict[Sought, list[Match]] = {term: [] for term in wanted}
    for row in db.execute(_WITH_TERMS, parameters):
        found[(Index(row.name), bytes(row.value))].append(Match(row.patient_id, row.surviving))
    return found


def insert_event(
    db: Connection, program_id: UUID, patient_id: UUID, event: PatientEvent, entry_id: UUID
) -> None:
    db.execute(
        _ADD_EVENT,
        {
            "id": event.id,
            "program_id": program_id,
            "patient_id": patient_id,
            "kind": event.kind.value,
            "occurred_on": event.occurred_on,
            "recorded_at": event.recorded_at,
            "entry_id": entry_id,
        },
    )


def event_by_id(db: Connection, event_id: UUID) -> tuple[PatientId, PatientEvent] | None:
    row = db.execute(_EVENT, {"id": event_id}).one_or_none()
    return None if row is None else (PatientId(row.patient_id), _event(row))


def events(db: Connection, patient_id: UUID) -> list[PatientEvent]:
    """All events of a patient, by day."""
    return [_event(row) for row in db.execute(_EVENTS, {"patient_id": patient_id})]


def _patient(row: Row[Any] | None) -> StoredPatient | None:
    if row is None:
        return None
    return StoredPatient(
        id=PatientId(row.id),
        program_id=row.program_id,
        state=row.state,
        version=row.version,
        demographics=row.demographics,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def _event(row: Row[Any]) -> PatientEvent:
    return PatientEvent(row.id, Event(row.kind), row.occurred_on, row.recorded_at)
