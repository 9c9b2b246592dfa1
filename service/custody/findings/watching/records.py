"""The SQL of watched charts and of what is known of staff. Why, and what, stays sealed here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from service.store.tables.findings import patient_watch, staff_particulars
from service.store.types import Sealed
from service.vault.envelope import SealedTable

WATCH_ROW: Final = SealedTable("patient_watch", ("particulars",))
STAFF_ROW: Final = SealedTable("staff_particulars", ("particulars",))
#: More staff than this have a directory of their own.
MOST_STAFF: Final = 5000


@dataclass(frozen=True, slots=True, repr=False)
class StoredWatch:
    """A watch on a patient's chart; why is sealed under the patient's key."""

    id: UUID
    program_id: UUID
    patient_id: UUID
    kind: str
    state: str
    version: int
    particulars: Sealed
    set_at: datetime
    ended_at: datetime | None
    entry_id: UUID


@dataclass(frozen=True, slots=True, repr=False)
class StoredStaff:
    """What is known of a member of staff beside the account; `id` is the account's."""

    id: UUID
    program_id: UUID
    version: int
    particulars: Sealed


_WATCHES = (
    select(patient_watch)
    .where(patient_watch.c.patient_id.in_(bindparam("patients", expanding=True)))
    .order_by(patient_watch.c.id)
)
_WATCH = select(patient_watch).where(patient_watch.c.id == bindparam("id")).with_for_update()
_ADD_WATCH = insert(patient_watch)
_END_WATCH = (
    update(patient_watch)
    .where(patient_watch.c.id == bindparam("the_id"))
    .values(
        state=bindparam("new_state"),
        version=bindparam("new_version"),
        particulars=bindparam("new_particulars"),
        ended_at=bindparam("now"),
        entry_id=bindparam("entry"),
    )
)
_STAFF = (
    select(
        staff_particulars.c.id,
        staff_particulars.c.program_id,
        staff_particulars.c.version,
        staff_particulars.c.particulars,
    )
    .where(staff_particulars.c.program_id == bindparam("program_id"))
    .order_by(staff_particulars.c.id)
    .limit(MOST_STAFF)
)
_ONE_OF_STAFF = select(staff_particulars.c.version).where(staff_particulars.c.id == bindparam("id"))
_KEEP_STAFF = upsert(staff_particulars).on_conflict_do_update(
    index_elements=["id"],
    set_={
        "version": bindparam("new_version"),
        "particulars": bindparam("new_particulars"),
        "changed_at": bindparam("now"),
        "entry_id": bindparam("entry"),
    },
)


def watches(db: Connection, patients: Iterable[UUID]) -> list[StoredWatch]:
    """All watches of these patients, ended ones with them."""
    return [_watch(row) for row in db.execute(_WATCHES, {"patients": list(patients)})]


def watch_for_update(db: Connection, watch_id: UUID) -> StoredWatch | None:
    row = db.execute(_WATCH, {"id": watch_id}).one_or_none()
    return None if row is None else _watch(row)


def add_watch(db: Connection, stored: StoredWatch) -> None:
    db.execute(_ADD_WATCH, {name: getattr(stored, name) for name in StoredWatch.__slots__})


def end_watch(db: Connection, ended: StoredWatch) -> None:
    db.execute(
        _END_WATCH,
        {
            "the_id": ended.id,
            "new_state": ended.state,
            "new_version": ended.version,
            "new_particulars": ended.particulars,
            "now": ended.ended_at,
            "entry": ended.entry_id,
        },
    )


def staff(db: Connection, program_id: UUID) -> list[StoredStaff]:
    """What is known of everybody who works here."""
    return [StoredStaff(*row) for row in db.execute(_STAFF, {"program_id": program_id})]


def staff_version(db: Connection, account_id: UUID) -> int:
    """The version that stands; 0 where nothing is known."""
    return int(db.execute(_ONE_OF_STAFF, {"id": account_id}).scalar_one_or_none() or 0)


def keep_staff(db: Connection, stored: StoredStaff, now: datetime, entry_id: UUID) -> None:
    db.execute(
        _KEEP_STAFF,
        {
            "id": stored.id,
            "program_id": stored.program_id,
            "version": stored.version,
            "particulars": stored.particulars,
            "changed_at": now,
            "entry_id": entry_id,
            "new_version": stored.version,
            "new_particulars": stored.particulars,
            "now": now,
            "entry": entry_id,
        },
    )


def _watch(row: Any) -> StoredWatch:
    return StoredWatch(**{name: getattr(row, name) for name in StoredWatch.__slots__})
