"""The only SQL of legal holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, Uuid, bindparam, insert, or_, select, update

from service.custody.holds.hold import HoldState
from service.people.records import DESTROYED
from service.store.tables.custody import legal_hold
from service.store.tables.people import patient
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable

HOLD_ROW: Final = SealedTable("legal_hold", ("particulars",))
#: Of a row that is still being put together; the database never sees it.
NOTHING: Final = Sealed(b"")

_ADD = insert(legal_hold)
_LIFT = (
    update(legal_hold)
    .where(legal_hold.c.id == bindparam("the_id"))
    .values(
        state=HoldState.LIFTED.value,
        lifted_by=bindparam("by"),
        lifted_at=bindparam("now"),
        version=bindparam("new_version"),
        particulars=bindparam("new_particulars"),
        entry_id=bindparam("entry"),
    )
)
_ALL = select(legal_hold, (patient.c.state == DESTROYED).label("destroyed")).outerjoin(
    patient, patient.c.id == legal_hold.c.patient_id
)
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
    db.execute(
        _ADD,
        {
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
        },
    )


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
    values = {
        "the_id": hold_id,
        "by": by,
        "now": now,
        "new_version": version,
        "new_particulars": particulars,
        "entry": entry_id,
    }
    db.execute(_LIFT, values)


def hold_by_id(db: Connection, hold_id: UUID) -> StoredHold | None:
    return _stored(db.execute(_ONE, {"id": hold_id}).one_or_none())


def hold_for_update(db: Connection, hold_id: UUID) -> StoredHold | None:
    return _stored(db.execute(_ONE_CHANGING, {"id": hold_id}).one_or_none())


def holds_page(
    db: Connection, patient_id: UUID | None, before: UUID | None, at_most: int
) -> Sequence[StoredHold]:
    """Newest first, of one patient or all."""
    found = db.execute(_PAGE, {"patient_id": patient_id, "before": before, "at_most": at_most})
    return [one for row in found if (one := _stored(row)) is not None]


def holds_about(db: Connection, program_id: UUID, patient_id: UUID) -> Sequence[StoredHold]:
    """Every hold on this patient or on the whole program; locked until the transaction ends."""
    found = db.execute(_ABOUT, {"program_id": program_id, "patient_id": patient_id})
    return [one for row in found if (one := _stored(row)) is not None]


def _stored(row: Row[Any] | None) -> StoredHold | None:
    if row is None:
        return None
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
