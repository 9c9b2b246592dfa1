"""The only SQL of restrictions. What was asked for stays sealed here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, Uuid, bindparam, exists, func, insert, literal_column, or_, select

from service.store.rowcodes import change_row, coded
from service.store.standing import newest_version, stands
from service.store.tables.ledger import audit_entry
from service.store.tables.rights import restriction
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable

RESTRICTION_ROW: Final = SealedTable("restriction", ("terms",))

_ADD = insert(restriction)
#: A restriction, and the newest version of it that the trail knows.
_RESTRICTION = select(restriction, newest_version(restriction.c.id).label("newest"))
_ONE = _RESTRICTION.where(restriction.c.id == bindparam("id"))
_ONE_CHANGING = _ONE.with_for_update(of=restriction)
_OF_PATIENT = (
    _RESTRICTION.where(restriction.c.patient_id == bindparam("patient_id"))
    .order_by(restriction.c.id)
    .with_for_update(read=True, of=restriction)
)
_PAGE = (
    _RESTRICTION.where(
        restriction.c.patient_id == bindparam("patient_id"),
        or_(
            bindparam("before", type_=Uuid()).is_(None), restriction.c.id < bindparam("before", type_=Uuid())
        ),
    )
    .order_by(restriction.c.id.desc())
    .limit(bindparam("at_most"))
)


#: A restriction that was asked for and has no row (any more): one probe of an index over requests alone.
_LOST = (
    select(audit_entry.c.object_id)
    .where(
        audit_entry.c.program_id == func.current_program(),
        audit_entry.c.patient_id == bindparam("patient_id"),
        audit_entry.c.action == literal_column("'restriction.request'"),
        audit_entry.c.object_version.is_not(None),
        ~exists().where(restriction.c.id == audit_entry.c.object_id),
    )
    .limit(1)
)


@dataclass(frozen=True, slots=True, repr=False)
class StoredRestriction:
    """A restriction row, sealed."""

    id: UUID
    program_id: UUID
    patient_id: UUID
    state: str
    version: int
    terms: Sealed
    requested_at: datetime
    agreed_at: datetime | None
    ended_at: datetime | None
    changed_at: datetime
    #: The clear columns carry their code, and the trail knows of no later version.
    as_written: bool = True

    @property
    def key(self) -> RowKey:
        return RowKey(self.program_id, self.id, self.version, self.patient_id)


def insert_restriction(db: Connection, stored: StoredRestriction, entry_id: UUID) -> None:
    db.execute(
        _ADD,
        coded(
            db,
            restriction,
            {
                "id": stored.id,
                "program_id": stored.program_id,
                "patient_id": stored.patient_id,
                "state": stored.state,
                "version": stored.version,
                "terms": stored.terms,
                "requested_at": stored.requested_at,
                "agreed_at": stored.agreed_at,
                "ended_at": stored.ended_at,
                "changed_at": stored.changed_at,
                "entry_id": entry_id,
            },
        ),
    )


def replace_restriction(db: Connection, new: StoredRestriction, entry_id: UUID) -> None:
    """Put `new` in force; the row was locked for the change."""
    change_row(
        db,
        restriction,
        {"id": new.id},
        {
            "state": new.state,
            "version": new.version,
            "terms": new.terms,
            "agreed_at": new.agreed_at,
            "ended_at": new.ended_at,
            "changed_at": new.changed_at,
            "entry_id": entry_id,
        },
    )


def restriction_by_id(db: Connection, restriction_id: UUID) -> StoredRestriction | None:
    return _restriction(db, db.execute(_ONE, {"id": restriction_id}).one_or_none())


def restriction_for_update(db: Connection, restriction_id: UUID) -> StoredRestriction | None:
    return _restriction(db, db.execute(_ONE_CHANGING, {"id": restriction_id}).one_or_none())


def restrictions_for_share(db: Connection, patient_id: UUID) -> Sequence[StoredRestriction]:
    """All of a patient's, in any state, oldest first; locked against change until the transaction ends."""
    rows = db.execute(_OF_PATIENT, {"patient_id": patient_id}).all()
    return [one for row in rows if (one := _restriction(db, row)) is not None]


def restriction_lost(db: Connection, patient_id: UUID) -> bool:
    """Whether the trail knows of a restriction of this patient whose row is gone: the service deletes none."""
    return db.execute(_LOST, {"patient_id": patient_id}).first() is not None


def restrictions_page(
    db: Connection, patient_id: UUID, before: UUID | None, at_most: int
) -> Sequence[StoredRestriction]:
    """A patient's, newest first, from the one before `before`."""
    rows = db.execute(_PAGE, {"patient_id": patient_id, "before": before, "at_most": at_most}).all()
    return [one for row in rows if (one := _restriction(db, row)) is not None]


def _restriction(db: Connection, row: Row[Any] | None) -> StoredRestriction | None:
    if row is None:
        return None
    return StoredRestriction(
        id=row.id,
        program_id=row.program_id,
        patient_id=row.patient_id,
        state=row.state,
        version=row.version,
        terms=row.terms,
        requested_at=row.requested_at,
        agreed_at=row.agreed_at,
        ended_at=row.ended_at,
        changed_at=row.changed_at,
        as_written=stands(db, restriction, row, row.newest),
    )
