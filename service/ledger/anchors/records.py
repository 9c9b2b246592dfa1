"""The SQL of what is anchored, of how the ledger stands, and of recorded restores."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Connection, bindparam, cast, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from service.ledger.checkpoint import Checkpoint
from service.ledger.entry import COLUMNS, Row
from service.ledger.merkle import Frontier
from service.ledger.records import ENTRY_AS_TEXT
from service.store.tables.ledger import audit_checkpoint, audit_entry, audit_tree
from service.store.tables.ledger_outside import audit_anchor, ledger_restore, ledger_standing
from service.store.types import Sealed

_TREES = select(audit_tree.c.tree, audit_tree.c.size, audit_tree.c.frontier).order_by(audit_tree.c.tree)
_ROOT_AT = select(audit_checkpoint.c.root).where(
    audit_checkpoint.c.tree == bindparam("tree"), audit_checkpoint.c.size == bindparam("size")
)
_NEW = upsert(audit_anchor)
_ANCHORED = _NEW.on_conflict_do_update(
    index_elements=[audit_anchor.c.anchor, audit_anchor.c.tree],
    set_={name: _NEW.excluded[name] for name in ("size", "root", "anchored_at")},
)
_ANCHORED_AT = select(audit_anchor.c.tree, audit_anchor.c.size, audit_anchor.c.root).where(
    audit_anchor.c.anchor == bindparam("anchor")
)
#: For each tree whose head is not anchored, when the oldest checkpoint behind the anchored one was signed.
_OLDEST_OUT = text(
    "SELECT min(o.signed_at) FROM audit_tree t "
    "LEFT JOIN audit_anchor a ON a.tree = t.tree AND a.anchor = :anchor "
    "CROSS JOIN LATERAL (SELECT c.signed_at FROM audit_checkpoint c WHERE c.tree = t.tree "
    "AND c.size > coalesce(a.size, 0) ORDER BY c.size LIMIT 1) o WHERE t.size IS DISTINCT FROM a.size"
)
_NEWEST_NOTE = (
    select(audit_checkpoint.c.note)
    .where(audit_checkpoint.c.tree == bindparam("tree"))
    .order_by(audit_checkpoint.c.size.desc())
    .limit(1)
)
_SIZES = select(audit_checkpoint.c.size, audit_checkpoint.c.root).where(
    audit_checkpoint.c.tree == bindparam("tree"),
    audit_checkpoint.c.size.in_(bindparam("sizes", expanding=True)),
)
_STANDING = select(ledger_standing.c.state, ledger_standing.c.since).where(ledger_standing.c.id == 1)
_STANDING_LOCKED = _STANDING.with_for_update()
_FIRST_STANDING = insert(ledger_standing)
_STANDING_NOW = (
    update(ledger_standing)
    .where(ledger_standing.c.id == 1)
    .values(state=bindparam("new_state"), since=bindparam("at"), entry_id=bindparam("entry"))
)
_TURN = select(func.pg_advisory_xact_lock(cast(bindparam("key"), BigInteger)))
_STANDING_KEY = 0x636F6E73_7374616E
_RESTORES = (
    select(ledger_restore.c.tree, ledger_restore.c.restored_at, *ENTRY_AS_TEXT)
    .select_from(ledger_restore.join(audit_entry, audit_entry.c.id == ledger_restore.c.entry_id))
    .order_by(ledger_restore.c.restored_at, audit_entry.c.id)
)
_ADD_RESTORE = insert(ledger_restore)


@dataclass(frozen=True, slots=True)
class StoredStanding:
    """The state that was written last, and when."""

    state: str
    since: datetime


def trees(db: Connection) -> dict[UUID, Frontier]:
    """Every tree as the database has it."""
    return {tree: Frontier.from_bytes(size, bytes(stored)) for tree, size, stored in db.execute(_TREES)}


def root_at(db: Connection, tree: UUID, size: int) -> bytes | None:
    """The root that was signed for this size, if one was."""
    found = db.execute(_ROOT_AT, {"tree": tree, "size": size}).scalar_one_or_none()
    return None if found is None else bytes(found)


def roots_at(db: Connection, tree: UUID, sizes: Iterable[int]) -> dict[int, bytes]:
    """The same for many sizes at once."""
    return {size: bytes(root) for size, root in db.execute(_SIZES, {"tree": tree, "sizes": list(sizes)})}


def newest_note(db: Connection, tree: UUID) -> str | None:
    """The newest signed checkpoint of a tree."""
    return db.execute(_NEWEST_NOTE, {"tree": tree}).scalar_one_or_none()


def put_anchored(db: Connection, anchor: str, tree: UUID, head: Checkpoint, now: datetime) -> None:
    """This anchor has confirmed this head."""
    values = {"anchor": anchor, "tree": tree, "size": head.size, "root": head.root, "anchored_at": now}
    db.execute(_ANCHORED, values)


def anchored(db: Connection, anchor: str) -> dict[UUID, tuple[int, bytes]]:
    """(size, root) that this anchor has confirmed last, by tree."""
    found = db.execute(_ANCHORED_AT, {"anchor": anchor})
    return {tree: (size, bytes(root)) for tree, size, root in found}


def oldest_out(db: Connection, anchor: str) -> datetime | None:
    """When the oldest checkpoint was signed that this anchor has not confirmed; None when it has all."""
    return db.execute(_OLDEST_OUT, {"anchor": anchor}).scalar_one_or_none()


def standing(db: Connection) -> StoredStanding | None:
    """The state as it was recorded last; None before the first change."""
    row = db.execute(_STANDING).one_or_none()
    return None if row is None else StoredStanding(str(row.state), row.since)


def change_standing(db: Connection, state: str, now: datetime, entry_id: UUID) -> str | None:
    """Write the state; returns the former one, or None when it is this one already and nothing was written.

    In turn: of several processes that see the same change, one writes it.
    """
    db.execute(_TURN, {"key": _STANDING_KEY})
    row = db.execute(_STANDING_LOCKED).one_or_none()
    former = "ok" if row is None else str(row.state)
    if former == state:
        return None
    if row is None:
        db.execute(_FIRST_STANDING, {"id": 1, "state": state, "since": now, "entry_id": entry_id})
    else:
        db.execute(_STANDING_NOW, {"new_state": state, "at": now, "entry": entry_id})
    return former


def restores(db: Connection) -> list[tuple[UUID, datetime, Row]]:
    """(tree, when, entry) of recorded restores, oldest first."""
    found: list[tuple[UUID, datetime, Row]] = []
    for row in db.execute(_RESTORES):
        values: tuple[Any, ...] = tuple(row)
        found.append((values[0], values[1], dict(zip(COLUMNS, values[2:], strict=True))))
    return found


def add_restore(
    db: Connection,
    *,
    row_id: UUID,
    program_id: UUID,
    tree: UUID,
    backup_time: datetime,
    now: datetime,
    reason: Sealed,
    entry_id: UUID,
) -> None:
    db.execute(
        _ADD_RESTORE,
        {
            "id": row_id,
            "program_id": program_id,
            "tree": tree,
            "backup_time": backup_time,
            "restored_at": now,
            "reason": reason,
            "entry_id": entry_id,
        },
    )
