"""SQL about rotations asked for: one by its id, the newest of each kind."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, select
from sqlalchemy.dialects.postgresql import distinct_on

from service.store.tables.vault import vault_rotation
from service.vault.rotating.records import Rotation

_ONE = select(vault_rotation).where(vault_rotation.c.id == bindparam("id"))
_NEWEST = (
    select(vault_rotation)
    .ext(distinct_on(vault_rotation.c.kind))
    .order_by(vault_rotation.c.kind, vault_rotation.c.began_at.desc(), vault_rotation.c.id.desc())
)


def rotation_by_id(db: Connection, rotation_id: UUID) -> Rotation | None:
    row = db.execute(_ONE, {"id": rotation_id}).one_or_none()
    return None if row is None else _rotation(row)


def newest_rotations(db: Connection) -> Sequence[Rotation]:
    """The newest rotation of each kind, by kind."""
    return [_rotation(row) for row in db.execute(_NEWEST)]


def _rotation(row: Row[Any]) -> Rotation:
    return Rotation(row.id, row.kind, row.began_at, row.ended_at, row.done)
