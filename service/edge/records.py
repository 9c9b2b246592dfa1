"""The SQL of idempotency keys."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from service.store.tables.requests import idempotency as t

_CLAIM = (
    insert(t)
    .values(
        account_id=bindparam("account_id"),
        key_hash=bindparam("key_hash"),
        program_id=bindparam("program_id"),
        body_hash=bindparam("body_hash"),
        created_at=bindparam("created_at"),
    )
    .on_conflict_do_nothing()
    .returning(t.c.account_id)
)
_FIND = select(t.c.body_hash, t.c.resource_id).where(
    t.c.account_id == bindparam("account_id"), t.c.key_hash == bindparam("key_hash")
)
_FINISH = (
    update(t)
    .where(t.c.account_id == bindparam("b_account_id"), t.c.key_hash == bindparam("b_key_hash"))
    .values(resource_id=bindparam("b_resource_id"))
)
_FORGET = delete(t).where(t.c.account_id == bindparam("account_id"), t.c.created_at < bindparam("before"))


class Kept(NamedTuple):
    """One kept key."""

    body_hash: bytes
    resource_id: UUID | None


def claim(
    db: Connection, account_id: UUID, key_hash: bytes, program_id: UUID, body_hash: bytes, now: datetime
) -> bool:
    """True when the key is now this unit's; waits for another unit that is using it."""
    values = {
        "account_id": account_id,
        "key_hash": key_hash,
        "program_id": program_id,
        "body_hash": body_hash,
        "created_at": now,
    }
    return db.execute(_CLAIM, values).one_or_none() is not None


def find(db: Connection, account_id: UUID, key_hash: bytes) -> Kept | None:
    row = db.execute(_FIND, {"account_id": account_id, "key_hash": key_hash}).one_or_none()
    return None if row is None else Kept(bytes(row.body_hash), row.resource_id)


def finish(db: Connection, account_id: UUID, key_hash: bytes, resource_id: UUID | None) -> None:
    db.execute(_FINISH, {"b_account_id": account_id, "b_key_hash": key_hash, "b_resource_id": resource_id})


def forget_before(db: Connection, account_id: UUID, before: datetime) -> None:
    """Remove this caller's keys older than `before`."""
    db.execute(_FORGET, {"account_id": account_id, "before": before})
