"""The ledger's SQL for writing: entries by the application's role, leaves, trees and checkpoints by the
sequencer's.

Stored entries are read with every column already turned into the text that leaf and MAC are made of. That
is the database's own rendering of the stored bytes: a value that Python could not hold (an infinite
timestamp, put there by hand) is then simply a different text, not an exception in the middle of a
verification.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    DateTime,
    LargeBinary,
    Text,
    bindparam,
    case,
    cast,
    exists,
    func,
    insert,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from service.ids import SERVICE_PROGRAM
from service.ledger.entry import COLUMNS, MAC_COLUMNS, Row, Value
from service.ledger.merkle import Frontier
from service.ledger.restores import RESTORE
from service.store.direct import write
from service.store.tables.ledger import audit_checkpoint, audit_entry, audit_leaf, audit_tree
from service.store.tables.programs import program
from service.store.types import Xid8

#: Names the sequencer's leadership among all advisory locks of the database.
_LEADERSHIP = 0x636F6E73656E7472
_TIMESTAMP = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
_FIRST_YEAR = "timestamptz '0001-01-01 00:00:00+00'"

_INSERT = insert(audit_entry).values({name: bindparam(name) for name in (*MAC_COLUMNS, "mac")})


def insert_entry(db: Connection, values: Mapping[str, Value]) -> None:
    write(db, _INSERT, values)


def as_text(stored: Column[Any]) -> ColumnElement[Any]:
    """The column as `entry.text_of` writes it."""
    if isinstance(stored.type, DateTime):
        told = func.to_char(func.timezone("UTC", stored), _TIMESTAMP)
        # to_char writes a year before Christ like the same year after: another time would have the same text
        return case((stored < literal_column(_FIRST_YEAR), told + " BC"), else_=told).label(stored.name)
    if isinstance(stored.type, LargeBinary):
        return func.encode(stored, "base64").label(stored.name)
    if isinstance(stored.type, Text):
        return stored.label(stored.name)
    return cast(stored, Text).label(stored.name)


#: All columns of an entry as text, in the order of `COLUMNS`.
ENTRY_AS_TEXT = tuple(as_text(audit_entry.c[name]) for name in COLUMNS)

_TRY_LEAD = select(func.pg_try_advisory_xact_lock(literal(_LEADERSHIP)))
_HORIZON = select(
    cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text),
    select(cast(audit_tree.c.low_water, Text)).where(audit_tree.c.tree == SERVICE_PROGRAM).scalar_subquery(),
    select(audit_tree.c.low_water > func.pg_snapshot_xmin(func.pg_current_snapshot()))
    .where(audit_tree.c.tree == SERVICE_PROGRAM)
    .scalar_subquery(),
)
NO_LEAF = ~exists().where(audit_leaf.c.entry_id == audit_entry.c.id)
_FROM_LOW_WATER = audit_entry.c.xid >= cast(bindparam("low_water"), Xid8)
_WAITING = (
    select(*ENTRY_AS_TEXT)
    .where(
        _FROM_LOW_WATER,
        NO_LEAF,
        audit_entry.c.tree.not_in(bindparam("skip", expanding=True)),
        audit_entry.c.id.not_in(bindparam("refused", expanding=True)),
    )
    # a recorded restore begins its branch, before what was waiting when the backup was made
    .order_by(audit_entry.c.action != RESTORE, audit_entry.c.recorded_at, audit_entry.c.id)
    .limit(bindparam("limit"))
)
_OLDEST_WAITING = select(
    func.count(), func.extract("epoch", func.clock_timestamp() - func.min(audit_entry.c.recorded_at))
).where(_FROM_LOW_WATER, NO_LEAF)
_TREES = select(audit_tree.c.tree, audit_tree.c.size, audit_tree.c.frontier).where(
    audit_tree.c.tree.in_(bindparam("trees", expanding=True))
)
_KNOWN_TREES = select(audit_tree.c.tree).order_by(audit_tree.c.tree)
_PROGRAM_KEYS = select(program.c.id, program.c.key)
_ADD_LEAF = insert(audit_leaf)
_NEW_TREE = insert(audit_tree)
_EXTEND_TREE = (
    update(audit_tree)
    .where(audit_tree.c.tree == bindparam("of_tree"), audit_tree.c.size == bindparam("old_size"))
    .values(
        size=bindparam("size"),
        frontier=bindparam("frontier"),
        low_water=cast(bindparam("low_water"), Xid8),
        changed_at=bindparam("changed_at"),
    )
)
_FIRST_LOW_WATER = upsert(audit_tree).values(
    tree=SERVICE_PROGRAM,
    size=0,
    frontier=b"",
    low_water=cast(bindparam("low_water"), Xid8),
    changed_at=bindparam("changed_at"),
)
_SET_LOW_WATER = _FIRST_LOW_WATER.on_conflict_do_update(
    index_elements=[audit_tree.c.tree], set_={"low_water": _FIRST_LOW_WATER.excluded.low_water}
)
_ADD_CHECKPOINT = insert(audit_checkpoint)
_NOTES_AFTER = (
    select(audit_checkpoint.c.note)
    .where(audit_checkpoint.c.tree == bindparam("tree"), audit_checkpoint.c.size > bindparam("size"))
    .order_by(audit_checkpoint.c.size)
    .limit(bindparam("limit"))
)


class TreeMovedError(Exception):
    """A tree is not as it was read: somebody other than the leading sequencer writes to it."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """Where a pass begins (`low_water`) and where the next one may begin (`xmin`), as transaction ids in text."""

    low_water: str
    xmin: str


def try_lead(db: Connection) -> bool:
    """Leadership until this transaction ends;

    A stopped process cannot keep it longer than its transaction.
    """
    return bool(db.execute(_TRY_LEAD).scalar_one())


def horizon(db: Connection) -> Horizon:
    """The mark kept in the service tree's row stands for all trees, since a pass takes the entries of all.

    A mark above the horizon belongs to another cluster: the database was restored into a younger one, whose
    new entries have lower transaction ids. Then everything without a leaf is looked at again.
    """
    xmin, low_water, above = db.execute(_HORIZON).one()
    return Horizon(str(low_water) if above is False else "0", str(xmin))


def waiting(
    db: Connection, low_water: str, skip: Collection[UUID], refused: Collection[UUID], limit: int
) -> list[Row]:
    """Visible entries without a position, in the order in which they will get one; without those of trees to skip,
    and without entries refused before.
    """
    values = {"low_water": low_water, "skip": list(skip), "refused": list(refused), "limit": limit}
    rows = db.execute(_WAITING, values)
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def oldest_waiting(db: Connection, low_water: str) -> tuple[int, float]:
    """How many entries wait for a position, and for how many seconds the oldest has."""
    count, seconds = db.execute(_OLDEST_WAITING, {"low_water": low_water}).one()
    return int(count), float(seconds or 0.0)


def frontiers(db: Connection, trees: Iterable[UUID]) -> dict[UUID, Frontier]:
    rows = db.execute(_TREES, {"trees": list(trees)})
    return {tree: Frontier.from_bytes(size, bytes(stored)) for tree, size, stored in rows}


def known_trees(db: Connection) -> list[UUID]:
    return list(db.execute(_KNOWN_TREES).scalars())


def tree_keys(db: Connection) -> dict[UUID, str]:
    """The last part of each tree's origin: the program's key, `service` for the service itself."""
    keys = {UUID(str(found)): str(key) for found, key in db.execute(_PROGRAM_KEYS)}
    return {**keys, SERVICE_PROGRAM: "service"}


def add_leaves(db: Connection, tree: UUID, first: int, leaves: Sequence[tuple[str, bytes]]) -> None:
    """Positions from `first` on for (entry id, leaf hash);

    A second sequencer would violate the primary key.
    """
    db.execute(
        _ADD_LEAF,
        [
            {"tree": tree, "position": first + at, "entry_id": UUID(entry_id), "leaf_hash": hashed}
            for at, (entry_id, hashed) in enumerate(leaves)
        ],
    )


def put_tree(
    db: Connection, tree: UUID, before: Frontier | None, after: Frontier, *, low_water: str, now: datetime
) -> None:
    """The tree's new size and frontier. Raises TreeMovedError when it is not at the size that was read."""
    new = {"size": after.size, "frontier": after.to_bytes(), "low_water": low_water, "changed_at": now}
    if before is None:
        db.execute(_NEW_TREE, {"tree": tree, **new})
        return
    changed = db.execute(_EXTEND_TREE, {"of_tree": tree, "old_size": before.size, **new})
    if changed.rowcount != 1:
        raise TreeMovedError


def set_low_water(db: Connection, low_water: str, now: datetime) -> None:
    db.execute(_SET_LOW_WATER, {"low_water": low_water, "changed_at": now})


def add_checkpoint(db: Connection, tree: UUID, size: int, root: bytes, note: str, now: datetime) -> None:
    db.execute(_ADD_CHECKPOINT, {"tree": tree, "size": size, "root": root, "note": note, "signed_at": now})


def notes_after(db: Connection, tree: UUID, size: int, limit: int = 1000) -> list[str]:
    """Notes of checkpoints larger than `size`, smallest first."""
    found = db.execute(_NOTES_AFTER, {"tree": tree, "size": size, "limit": limit}).scalars()
    return [str(note) for note in found]
