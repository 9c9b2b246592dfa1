"""The only SQL of content packs. What a pack says stays sealed here, under the program's key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Uuid, bindparam, insert, or_, select, update

from service.intake.packs.pack import PackState
from service.store.tables.intake import content_pack
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable

PACK_ROW: Final = SealedTable("content_pack", ("content",))


@dataclass(frozen=True, slots=True, repr=False)
class StoredPack:
    """A row of `content_pack`."""

    id: UUID
    program_id: UUID
    instrument: str
    state: PackState
    version: int
    content: Sealed
    sha256: str
    starts_on: date
    expires_on: date
    attested_by: UUID
    attested_at: datetime

    @property
    def key(self) -> RowKey:
        return RowKey(self.program_id, self.id, self.version, None)


_ONE = select(content_pack).where(content_pack.c.id == bindparam("id"))
_ONE_FOR_UPDATE = _ONE.with_for_update()
_OF_INSTRUMENT = (
    select(content_pack)
    .where(content_pack.c.instrument == bindparam("instrument"))
    .order_by(content_pack.c.id)
    .with_for_update(read=True)
)
_ALL = select(content_pack).order_by(content_pack.c.id)
_BEFORE = bindparam("before", type_=Uuid())
_PAGE = (
    select(content_pack)
    .where(or_(_BEFORE.is_(None), content_pack.c.id < _BEFORE))
    .order_by(content_pack.c.id.desc())
    .limit(bindparam("at_most"))
)
_ADD = insert(content_pack)
_CHANGE = (
    update(content_pack)
    .where(content_pack.c.id == bindparam("the_id"), content_pack.c.version == bindparam("old_version"))
    .values(
        state=bindparam("new_state"),
        version=bindparam("new_version"),
        content=bindparam("new_content"),
        entry_id=bindparam("new_entry"),
    )
)


def pack_by_id(db: Connection, pack_id: UUID, *, lock: bool) -> StoredPack | None:
    row = db.execute(_ONE_FOR_UPDATE if lock else _ONE, {"id": pack_id}).one_or_none()
    return None if row is None else _stored(row)


def packs_of(db: Connection, instrument: str) -> Sequence[StoredPack]:
    """Every pack of the instrument, locked against withdrawal until the commit: a form rests on it."""
    return [_stored(row) for row in db.execute(_OF_INSTRUMENT, {"instrument": instrument}).all()]


def every_pack(db: Connection) -> Sequence[StoredPack]:
    return [_stored(row) for row in db.execute(_ALL).all()]


def page_of_packs(db: Connection, before: UUID | None, at_most: int) -> Sequence[StoredPack]:
    """Newest first."""
    return [_stored(row) for row in db.execute(_PAGE, {"before": before, "at_most": at_most}).all()]


def add_pack(db: Connection, stored: StoredPack, entry_id: UUID) -> None:
    db.execute(
        _ADD,
        {
            "id": stored.id,
            "program_id": stored.program_id,
            "instrument": stored.instrument,
            "state": stored.state.value,
            "version": stored.version,
            "content": stored.content,
            "sha256": stored.sha256,
            "starts_on": stored.starts_on,
            "expires_on": stored.expires_on,
            "attested_by": stored.attested_by,
            "attested_at": stored.attested_at,
            "entry_id": entry_id,
        },
    )


def change_pack(db: Connection, stored: StoredPack, entry_id: UUID) -> bool:
    """The row in its new state; False when it is no longer at the version before."""
    changed = db.execute(
        _CHANGE,
        {
            "the_id": stored.id,
            "old_version": stored.version - 1,
            "new_state": stored.state.value,
            "new_version": stored.version,
            "new_content": stored.content,
            "new_entry": entry_id,
        },
    )
    return changed.rowcount == 1


def _stored(row: Any) -> StoredPack:
    return StoredPack(
        id=row.id,
        program_id=row.program_id,
        instrument=row.instrument,
        state=PackState(row.state),
        version=row.version,
        content=row.content,
        sha256=row.sha256,
        starts_on=row.starts_on,
        expires_on=row.expires_on,
        attested_by=row.attested_by,
        attested_at=row.attested_at,
    )
