"""The SQL of merges. Why two charts were taken for one person's stays sealed here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, Uuid, bindparam, insert, or_, select, update

from service.ids import PatientId
from service.store.tables.people import patient
from service.store.tables.people_care import patient_merge
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable

MERGE_ROW: Final = SealedTable("patient_merge", ("particulars",))


@dataclass(frozen=True, slots=True, repr=False)
class StoredMerge:
    """A merge row, sealed under the surviving chart's key."""

    id: UUID
    program_id: UUID
    patient_id: PatientId
    merged_id: PatientId
    state: str
    version: int
    particulars: Sealed
    merged_at: datetime
    undone_at: datetime | None

    @property
    def key(self) -> RowKey:
        return RowKey(self.program_id, self.id, self.version, self.patient_id)


_HOLDS = patient_merge.c.state == "merged"
_ONE = select(patient_merge).where(patient_merge.c.id == bindparam("id"))
_ONE_CHANGING = _ONE.with_for_update()
_SURVIVING = select(patient_merge.c.patient_id).where(patient_merge.c.merged_id == bindparam("id"), _HOLDS)
_ABSORBED = (
    select(patient_merge.c.patient_id, patient_merge.c.merged_id)
    .where(patient_merge.c.patient_id.in_(bindparam("ids", expanding=True)), _HOLDS)
    .order_by(patient_merge.c.merged_at, patient_merge.c.id)
)
_HISTORY = (
    select(patient_merge)
    .where(
        or_(
            patient_merge.c.patient_id == bindparam("patient_id"),
            patient_merge.c.merged_id == bindparam("patient_id"),
        ),
        or_(
            bindparam("before", type_=Uuid()).is_(None),
            patient_merge.c.id < bindparam("before", type_=Uuid()),
        ),
    )
    .order_by(patient_merge.c.id.desc())
    .limit(bindparam("at_most"))
)
_ADD = insert(patient_merge)
_UNDO = (
    update(patient_merge)
    .where(patient_merge.c.id == bindparam("the_id"))
    .values(
        state=bindparam("new_state"),
        version=bindparam("new_version"),
        particulars=bindparam("new_particulars"),
        undone_at=bindparam("now"),
        entry_id=bindparam("entry"),
    )
)
#: Says that a chart takes nothing new; its version and its day of change are the demographics' own and stay.
_MARK = (
    update(patient)
    .where(patient.c.id == bindparam("the_id"))
    .values(state=bindparam("new_state"), entry_id=bindparam("entry"))
)


def merge_by_id(db: Connection, merge_id: UUID) -> StoredMerge | None:
    row = db.execute(_ONE, {"id": merge_id}).one_or_none()
    return None if row is None else _merge(row)


def merge_for_update(db: Connection, merge_id: UUID) -> StoredMerge | None:
    row = db.execute(_ONE_CHANGING, {"id": merge_id}).one_or_none()
    return None if row is None else _merge(row)


def surviving(db: Connection, patient_id: UUID) -> PatientId | None:
    """The chart this one was merged into; None when it stands for itself."""
    found = db.execute(_SURVIVING, {"id": patient_id}).scalar_one_or_none()
    return None if found is None else PatientId(found)


def absorbed(db: Connection, ids: Iterable[UUID]) -> dict[PatientId, tuple[PatientId, ...]]:
    """For each of these charts those merged into it, in the order of merging; charts without any are left out."""
    found: dict[PatientId, tuple[PatientId, ...]] = {}
    for row in db.execute(_ABSORBED, {"ids": list(ids)}):
        into = PatientId(row.patient_id)
        found[into] = (*found.get(into, ()), PatientId(row.merged_id))
    return found


def merges_page(db: Connection, patient_id: UUID, before: UUID | None, at_most: int) -> list[StoredMerge]:
    """Merges that this chart took part in, undone ones included, newest first."""
    parameters = {"patient_id": patient_id, "before": before, "at_most": at_most}
    return [_merge(row) for row in db.execute(_HISTORY, parameters)]


def insert_merge(db: Connection, stored: StoredMerge, entry_id: UUID) -> None:
    db.execute(
        _ADD,
        {
            "id": stored.id,
            "program_id": stored.program_id,
            "patient_id": stored.patient_id,
            "merged_id": stored.merged_id,
            "state": stored.state,
            "version": stored.version,
            "particulars": stored.particulars,
            "merged_at": stored.merged_at,
            "undone_at": stored.undone_at,
            "entry_id": entry_id,
        },
    )


def undo_merge(db: Connection, stored: StoredMerge, entry_id: UUID) -> None:
    """Put the next version of a merge, undone, in its place."""
    db.execute(
        _UNDO,
        {
            "the_id": stored.id,
            "new_state": stored.state,
            "new_version": stored.version,
            "new_particulars": stored.particulars,
            "now": stored.undone_at,
            "entry": entry_id,
        },
    )


def mark_patient(db: Connection, patient_id: UUID, state: str, entry_id: UUID) -> None:
    """Set the state of a chart's patient row: `merged` or `registered`."""
    db.execute(_MARK, {"the_id": patient_id, "new_state": state, "entry": entry_id})


def _merge(row: Row[Any]) -> StoredMerge:
    return StoredMerge(
        id=row.id,
        program_id=row.program_id,
        patient_id=PatientId(row.patient_id),
        merged_id=PatientId(row.merged_id),
        state=row.state,
        version=row.version,
        particulars=row.particulars,
        merged_at=row.merged_at,
        undone_at=row.undone_at,
    )
