"""The only SQL of legal holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, Uuid, bindparam, exists, func, insert, literal_column, or_, select

from service.custody.holds.hold import HoldState
from service.people.records import DESTROYED
from service.store.rowcodes import change_row, coded, verified
from service.store.standing import newest_version, refuse_older
from service.store.tables.custody import legal_hold
from service.store.tables.ledger import audit_entry
from service.store.tables.people import patient
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable

HOLD_ROW: Final = SealedTable("legal_hold", ("particulars",))
#: Of a row that is still being put together; the database never sees it.
NOTHING: Final = Sealed(b"")

_ADD = insert(legal_hold)
#: A hold, the newest version of it that the trail knows, and whether its patient's record is gone.
_ALL = select(
    legal_hold,
    newest_version(legal_hold.c.id).label("newest"),
    (patient.c.state == DESTROYED).label("destroyed"),
).outerjoin(patient, patient.c.id == legal_hold.c.patient_id)
_ONE = _ALL.where(legal_hold.c.id == bindparam("id"))
_ONE_CHANGING = _ONE.with_for_update(of=legal_hold)
_PAGE = (
    _ALL.where(
        or_(
            bindparam("patient_id", type_=Uuid()).is_(None),
            legal_hold.c.patient_id == bindparam("patient_id", type_=Uuid()),
        ),
        or_(bindparam("before", type_=Uuid()).is_(None), legal_hold.c.id < bindparam("before", type_=Uuid())),
    )
    .order_by(legal_hold.c.id.desc())
    .limit(bindparam("at_most"))
)
#: Those on the patient and those on everybody, whatever came of them; none is lifted while this is looked at.
_ABOUT = (
    _ALL.where(or_(legal_hold.c.patient_id.is_(None), legal_hold.c.patient_id == bindparam("patient_id")))
    .where(legal_hold.c.program_id == bindparam("program_id"))
    .order_by(legal_hold.c.id)
    .with_for_update(read=True, of=legal_hold)
)


#: A hold that was placed, on this patient or on everybody, and has no row (any more).
_LOST = (
    select(audit_entry.c.object_id)
    .where(
        audit_entry.c.program_id == bindparam("program_id"),
        audit_entry.c.action == literal_column("'hold.place'"),
        audit_entry.c.object_version.is_not(None),
        func.coalesce(audit_entry.c.patient_id, bindparam("patient_id")) == bindparam("patient_id"),
        ~exists().where(legal_hold.c.id == audit_entry.c.object_id),
    )
    .limit(1)
)


@dataclass(frozen=True, slots=True, repr=False)
class StoredHold:
    """A hold row, sealed. `destroyed`: the record of its patient is gone, and with it what was sealed here."""

    id: UUID
    program_id: UUID
    patient_id: UUID | None
    state: HoldState
    owner_id: UUID
    placed_by: UUID
    placed_at: datetime
    version: int
    particulars: Sealed
    lifted_by: UUID | None = None
    lifted_at: datetime | None = None
    destroyed: bool = False

    @property
    def key(self) -> RowKey:
        return RowKey(self.program_id, self.id, self.version, self.patient_id)


def insert_hold(db: Connection, stored: StoredHold, entry_id: UUID) -> None:
    values = {
        "id": stored.id,
        "program_id": stored.program_id,
        "patient_id": stored.patient_id,
        "state": stored.state.value,
        "owner_id": stored.owner_id,
        "placed_by": stored.placed_by,
        "placed_at": stored.placed_at,
        "version": stored.version,
        "particulars": stored.particulars,
        "entry_id": entry_id,
    }
    db.execute(_ADD, coded(db, legal_hold, values))


def lift_hold(
    db: Connection,
    hold_id: UUID,
    *,
    by: UUID,
    now: datetime,
    version: int,
    particulars: Sealed,
    entry_id: UUID,
) -> None:
    changes = {
        "state": HoldState.LIFTED.value,
        "lifted_by": by,
        "lifted_at": now,
        "version": version,
        "particulars": particulars,
        "entry_id": entry_id,
    }
    change_row(db, legal_hold, {"id": hold_id}, changes)


def hold_by_id(db: Connection, hold_id: UUID) -> StoredHold | None:
    return _stored(db, db.execute(_ONE, {"id": hold_id}).one_or_none())


def hold_for_update(db: Connection, hold_id: UUID) -> StoredHold | None:
    return _stored(db, db.execute(_ONE_CHANGING, {"id": hold_id}).one_or_none())


def holds_page(
    db: Connection, patient_id: UUID | None, before: UUID | None, at_most: int
) -> Sequence[StoredHold]:
    """Newest first, of one patient or all."""
    found = db.execute(_PAGE, {"patient_id": patient_id, "before": before, "at_most": at_most})
    return [one for row in found if (one := _stored(db, row)) is not None]


def holds_about(db: Connection, program_id: UUID, patient_id: UUID) -> Sequence[StoredHold]:
    """Every hold on this patient or on the whole program; locked until the transaction ends."""
    found = db.execute(_ABOUT, {"program_id": program_id, "patient_id": patient_id})
    return [one for row in found if (one := _stored(db, row)) is not None]


def hold_lost(db: Connection, program_id: UUID, patient_id: UUID) -> bool:
    """Whether the trail knows of a hold on this patient, or on everybody, whose row is gone."""
    return db.execute(_LOST, {"program_id": program_id, "patient_id": patient_id}).first() is not None


def _stored(db: Connection, row: Row[Any] | None) -> StoredHold | None:
    if row is None:
        return None
    verified(db, legal_hold, row)
    refuse_older(row.version, row.newest)
    return StoredHold(
        id=row.id,
        program_id=row.program_id,
        patient_id=row.patient_id,
        state=HoldState(row.state),
        owner_id=row.owner_id,
        placed_by=row.placed_by,
        placed_at=row.placed_at,
        version=row.version,
        particulars=row.particulars,
        lifted_by=row.lifted_by,
        lifted_at=row.lifted_at,
        destroyed=bool(row.destroyed),
    )
