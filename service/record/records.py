"""The only SQL of record items. Labels and content stay sealed here; a change keeps the version before it.

Sealed values are bound to the row version they were written with, so the version before a change is sealed
anew for the history table: a value put back by hand does not open.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, Uuid, bindparam, insert, or_, select, true, update

from service.people.relationships.records import related_by, staff_relation
from service.store.direct import rows, write
from service.store.tables.record import record_item, record_item_version
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable

ITEM_ROW: Final = SealedTable("record_item", ("labels", "content"))
VERSION_ROW: Final = SealedTable("record_item_version", ("labels", "content"))

_ADD = insert(record_item)
_KEEP = insert(record_item_version)
_CHANGE = (
    update(record_item)
    .where(record_item.c.id == bindparam("the_id"), record_item.c.version == bindparam("old_version"))
    .values(
        state=bindparam("new_state"),
        version=bindparam("new_version"),
        author_id=bindparam("new_author"),
        labels=bindparam("new_labels"),
        content=bindparam("new_content"),
        changed_at=bindparam("now"),
        entry_id=bindparam("entry"),
    )
)
_ONE = select(record_item).where(record_item.c.id == bindparam("id"))
_ONE_SHARED = _ONE.with_for_update(read=True)
_RELATION = staff_relation(record_item.c.patient_id).lateral("relation")
#: The item and whether the caller works with its patient, in one round trip: this is the most frequent read of all.
_ONE_FOR_STAFF = (
    select(record_item, *_RELATION.c)
    .select_from(record_item.outerjoin(_RELATION, true()))
    .where(record_item.c.id == bindparam("id"))
    .with_for_update(read=True, of=record_item)
)
_ONE_CHANGING = _ONE.with_for_update()
_PAGE = (
    select(record_item)
    .where(
        record_item.c.patient_id == bindparam("patient_id"),
        or_(
            bindparam("before", type_=Uuid()).is_(None), record_item.c.id < bindparam("before", type_=Uuid())
        ),
    )
    .order_by(record_item.c.id.desc())
    .limit(bindparam("at_most"))
    .with_for_update(read=True)
)
_SETTLED = (
    select(record_item)
    .where(
        record_item.c.patient_id == bindparam("patient_id"),
        record_item.c.state.in_(("final", "amended")),
    )
    .order_by(record_item.c.id)
    .with_for_update(read=True)
)
_SETTLED_SOME = _SETTLED.where(record_item.c.id.in_(bindparam("ids", expanding=True)))
_FORMER = select(record_item_version).where(
    record_item_version.c.item_id == bindparam("item_id"),
    record_item_version.c.version == bindparam("version"),
)


@dataclass(frozen=True, slots=True, repr=False)
class StoredItem:
    """An item row, sealed."""

    id: UUID
    program_id: UUID
    patient_id: UUID
    kind: str
    note_class: str
    unit: str
    state: str
    dated_on: date
    author_id: UUID
    version: int
    labels: Sealed
    content: Sealed
    created_at: datetime
    changed_at: datetime

    @property
    def key(self) -> RowKey:
        """Where the sealed columns belong."""
        return RowKey(self.program_id, self.id, self.version, self.patient_id)


@dataclass(frozen=True, slots=True, repr=False)
class FormerVersion:
    """What an item was before a change, sealed; `changed_at` is when that version was replaced."""

    state: str
    author_id: UUID
    labels: Sealed
    content: Sealed
    replaced_at: datetime


def item_by_id(db: Connection, item_id: UUID) -> StoredItem | None:
    """Locked against change until the transaction ends: a decision rests on it."""
    return _item(db.execute(_ONE_SHARED, {"id": item_id}).one_or_none())


def item_for_staff(
    db: Connection, item_id: UUID, account_id: UUID, on: date
) -> tuple[StoredItem, bool] | None:
    """The item, and whether this member of staff works with its patient on a day; both rows locked against change."""
    found = rows(db, _ONE_FOR_STAFF, {"id": item_id, "account_id": account_id, "on": on})
    item = _item(found[0]) if found else None
    return None if item is None else (item, related_by(db, found[0]))


def item_for_update(db: Connection, item_id: UUID) -> StoredItem | None:
    return _item(db.execute(_ONE_CHANGING, {"id": item_id}).one_or_none())


def items_page(db: Connection, patient_id: UUID, before: UUID | None, at_most: int) -> Sequence[StoredItem]:
    """Items of a patient in any state, newest first, from the one before `before`; locked against change."""
    rows = db.execute(_PAGE, {"patient_id": patient_id, "before": before, "at_most": at_most}).all()
    return [item for row in rows if (item := _item(row)) is not None]


def settled_items(db: Connection, patient_id: UUID, ids: Iterable[UUID] | None) -> Sequence[StoredItem]:
    """Final and amended items of a patient, oldest first, all or those named; locked against change."""
    if ids is None:
        rows = db.execute(_SETTLED, {"patient_id": patient_id}).all()
    else:
        rows = db.execute(_SETTLED_SOME, {"patient_id": patient_id, "ids": list(ids)}).all()
    return [item for row in rows if (item := _item(row)) is not None]


def insert_item(db: Connection, stored: StoredItem, entry_id: UUID) -> None:
    write(
        db,
        _ADD,
        {
            "id": stored.id,
            "program_id": stored.program_id,
            "patient_id": stored.patient_id,
            "kind": stored.kind,
            "note_class": stored.note_class,
            "unit": stored.unit,
            "state": stored.state,
            "dated_on": stored.dated_on,
            "author_id": stored.author_id,
            "version": stored.version,
            "labels": stored.labels,
            "content": stored.content,
            "created_at": stored.created_at,
            "changed_at": stored.changed_at,
            "entry_id": entry_id,
        },
    )


def keep_version(
    db: Connection, old: StoredItem, *, labels: Sealed, content: Sealed, now: datetime, entry_id: UUID
) -> None:
    """Put the current version into the history; `labels` and `content` are its values, sealed for there."""
    db.execute(
        _KEEP,
        {
            "item_id": old.id,
            "version": old.version,
            "program_id": old.program_id,
            "patient_id": old.patient_id,
            "state": old.state,
            "author_id": old.author_id,
            "labels": labels,
            "content": content,
            "replaced_at": now,
            "entry_id": entry_id,
        },
    )


def replace_item(db: Connection, old: StoredItem, new: StoredItem, entry_id: UUID) -> bool:
    """Put `new` in force; False when the row is no longer at the version of `old`."""
    changed = db.execute(
        _CHANGE,
        {
            "the_id": old.id,
            "old_version": old.version,
            "new_state": new.state,
            "new_version": new.version,
            "new_author": new.author_id,
            "new_labels": new.labels,
            "new_content": new.content,
            "now": new.changed_at,
            "entry": entry_id,
        },
    )
    return changed.rowcount == 1


def former_version(db: Connection, item_id: UUID, version: int) -> FormerVersion | None:
    row = db.execute(_FORMER, {"item_id": item_id, "version": version}).one_or_none()
    if row is None:
        return None
    return FormerVersion(row.state, row.author_id, row.labels, row.content, row.replaced_at)


def _item(row: Row[Any] | None) -> StoredItem | None:
    if row is None:
        return None
    return StoredItem(
        id=row.id,
        program_id=row.program_id,
        patient_id=row.patient_id,
        kind=row.kind,
        note_class=row.note_class,
        unit=row.unit,
        state=row.state,
        dated_on=row.dated_on,
        author_id=row.author_id,
        version=row.version,
        labels=row.labels,
        content=row.content,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )
