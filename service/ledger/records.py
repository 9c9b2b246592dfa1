"""The ledger's SQL for writing: entries by the application's role, leaves, trees and checkpoints by the
sequencer's.

Stored entries are read with every column already turned into the text that leaf and MAC are made of. That
is the database's own rendering of the stored bytes: a value that Python could not hold (an infinite
timestamp, put there by hand) is then simply a different text, not an exception in the middle of a
verification.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    DateTime,
    LargeBinary,
    MetaData,
    Select,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    column,
    exists,
    func,
    insert,
    literal,
    literal_column,
    select,
    table,
    text,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from service.ids import SERVICE_PROGRAM
from service.ledger.entry import COLUMNS, MAC_COLUMNS, Row, Value
from service.ledger.merkle import Frontier
from service.ledger.restores import RESTORE
from service.store.direct import write
from service.store.partitions import detached
from service.store.tables.ledger import audit_checkpoint, audit_entry, audit_leaf, audit_tree
from service.store.tables.ledger_proofs import audit_tile_root
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
_NO_LEAF = ~exists().where(audit_leaf.c.entry_id == audit_entry.c.id)
_FROM_LOW_WATER = audit_entry.c.xid >= cast(bindparam("low_water"), Xid8)
_WAITING = (
    select(*ENTRY_AS_TEXT)
    .where(
        _FROM_LOW_WATER,
        _NO_LEAF,
        audit_entry.c.tree.not_in(bindparam("skip", expanding=True)),
        audit_entry.c.id.not_in(bindparam("refused", expanding=True)),
    )
    # a recorded restore begins its branch, before what was waiting when the backup was made
    .order_by(audit_entry.c.action != RESTORE, audit_entry.c.recorded_at, audit_entry.c.id)
    .limit(bindparam("limit"))
)
_OLDEST_WAITING = select(
    func.count(), func.extract("epoch", func.clock_timestamp() - func.min(audit_entry.c.recorded_at))
).where(_FROM_LOW_WATER, _NO_LEAF)
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


# -- reading for verification, export and proofs

_STREAM = {"stream_results": True, "yield_per": 2000}


@cache
def _leaves(detached: tuple[str, ...]) -> Select[Any]:
    """Leaves with their entries, those of months that retention detached included."""
    kept: Any = audit_entry
    if detached:
        months = (audit_entry.to_metadata(MetaData(), name=name) for name in detached)
        kept = union_all(
            *(select(*(one.c[name] for name in COLUMNS)) for one in (audit_entry, *months))
        ).subquery()
    entry = (as_text(kept.c[name]) for name in COLUMNS)
    return (
        select(audit_leaf.c.position, audit_leaf.c.leaf_hash, cast(audit_leaf.c.entry_id, Text), *entry)
        .select_from(audit_leaf.outerjoin(kept, kept.c.id == audit_leaf.c.entry_id))
        .where(
            audit_leaf.c.tree == bindparam("tree"),
            audit_leaf.c.position >= bindparam("first"),
            audit_leaf.c.position < bindparam("last"),
        )
        .order_by(audit_leaf.c.position)
    )


_CHECKPOINTS = (
    select(audit_checkpoint.c.size, audit_checkpoint.c.root, audit_checkpoint.c.note)
    .where(
        audit_checkpoint.c.tree == bindparam("tree"),
        audit_checkpoint.c.size > bindparam("first"),
        audit_checkpoint.c.size <= bindparam("last"),
    )
    .order_by(audit_checkpoint.c.size)
)
_SIGNED_SIZE = select(func.max(audit_checkpoint.c.size)).where(audit_checkpoint.c.tree == bindparam("tree"))
_LEAF_HASHES = (
    select(audit_leaf.c.leaf_hash)
    .where(
        audit_leaf.c.tree == bindparam("tree"),
        audit_leaf.c.position >= bindparam("first"),
        audit_leaf.c.position < bindparam("last"),
    )
    .order_by(audit_leaf.c.position)
)
_UNPLACED = select(
    func.extract("epoch", func.clock_timestamp() - audit_entry.c.recorded_at), *ENTRY_AS_TEXT
).where(_NO_LEAF)
_ENTRY_TREES = _UNPLACED.where(audit_entry.c.tree == bindparam("tree"))
_STRAYS = _UNPLACED.where(audit_entry.c.tree.not_in(bindparam("others", expanding=True)))
_FOREIGN_LEAVES = (
    select(cast(audit_leaf.c.entry_id, Text))
    .where(audit_leaf.c.tree.not_in(bindparam("others", expanding=True)))
    .order_by(audit_leaf.c.tree, audit_leaf.c.position)
)
_TREES_ANYWHERE = union(
    select(audit_tree.c.tree),
    select(audit_checkpoint.c.tree),
    select(audit_tile_root.c.tree),
    select(program.c.id),
)
_SIZE = select(audit_tree.c.size).where(audit_tree.c.tree == bindparam("tree"))
# the catalogue, not information_schema: that one leaves out what this role may not read, and is slow
_ENTRY_COLUMNS = text(
    "SELECT c.relname, EXISTS (SELECT FROM pg_attribute p WHERE p.attrelid = c.oid AND p.attname = 'program_id') "
    "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'entry_id' "
    "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition "
    "AND c.relname <> 'audit_leaf' ORDER BY 1"
)
_END = 2**63 - 1


def stored_leaves(
    db: Connection, tree: UUID, first: int = 0, last: int = _END
) -> Iterator[tuple[int, bytes, str, Row | None]]:
    """(position, leaf hash, entry id, entry or None when it is gone), by position; streamed."""
    positions = {"tree": tree, "first": first, "last": last}
    with db.execute(_leaves(detached(db)), positions, execution_options=_STREAM) as rows:
        for found in rows:
            values: tuple[Any, ...] = tuple(found)
            row = None if values[3] is None else dict(zip(COLUMNS, values[3:], strict=True))
            yield int(values[0]), bytes(values[1]), str(values[2]), row


def stored_checkpoints(
    db: Connection, tree: UUID, first: int = -1, last: int = _END
) -> Iterator[tuple[int, bytes, str]]:
    """(size, root, note) of sizes above `first` up to and including `last`, by size; streamed."""
    sizes = {"tree": tree, "first": first, "last": last}
    with db.execute(_CHECKPOINTS, sizes, execution_options=_STREAM) as rows:
        for size, root, note in rows:
            yield int(size), bytes(root), str(note)


def signed_size(db: Connection, tree: UUID) -> int:
    """How many entries the newest checkpoint covers."""
    return int(db.execute(_SIGNED_SIZE, {"tree": tree}).scalar_one_or_none() or 0)


def leaf_hashes(db: Connection, tree: UUID, first: int, last: int) -> Iterator[bytes]:
    """Leaf hashes at positions `first` up to, not including, `last`; streamed."""
    positions = {"tree": tree, "first": first, "last": last}
    with db.execute(_LEAF_HASHES, positions, execution_options=_STREAM) as rows:
        for hashed in rows.scalars():
            yield bytes(hashed)


def unplaced(db: Connection, tree: UUID, others: Collection[UUID] | None) -> Iterator[tuple[float, Row]]:
    """(seconds since it was recorded, entry) of entries without a leaf; streamed.

    With `others`, everything that belongs to none of those trees: an entry put in under a tree that does
    not exist would otherwise be seen by nobody.
    """
    if others is None:
        rows = db.execute(_ENTRY_TREES, {"tree": tree}, execution_options=_STREAM)
    else:
        rows = db.execute(_STRAYS, {"others": list(others)}, execution_options=_STREAM)
    for seconds, *columns in rows:
        yield float(seconds or 0.0), dict(zip(COLUMNS, columns, strict=True))


def foreign_leaves(db: Connection, others: Collection[UUID]) -> Iterator[str]:
    """Entry ids of leaves that stand in none of these trees; streamed. An entry put in with a leaf of its own under a
    tree that does not exist would otherwise be seen by nobody.
    """
    rows = db.execute(_FOREIGN_LEAVES, {"others": list(others)}, execution_options=_STREAM)
    yield from map(str, rows.scalars())


def trees_anywhere(db: Connection) -> list[UUID]:
    """Every tree there is or should be: those begun, those signed, those of programs, and the service's."""
    return sorted({SERVICE_PROGRAM, *db.execute(_TREES_ANYWHERE).scalars()})


def tree_size(db: Connection, tree: UUID) -> int:
    """The size the tree is said to have; nothing rests on it but the length of a progress bar."""
    return db.execute(_SIZE, {"tree": tree}).scalar_one_or_none() or 0


def tables_with_acts(db: Connection) -> list[tuple[str, bool]]:
    """(table, whether its rows belong to programs) for every table whose rows name their entry."""
    return [(str(table), bool(tenant)) for table, tenant in db.execute(_ENTRY_COLUMNS)]


def acts_without_entry(
    db: Connection, tables: Sequence[tuple[str, bool]], *, tree: UUID, others: Collection[UUID] | None
) -> Iterator[tuple[str, str]]:
    """(table, entry id) of rows whose entry does not exist: of `tree`'s program, or of none in `others`.

    One statement over all of them: a verification of a small tree would else consist of waiting for answers.
    """
    kept = (audit_entry.name, *detached(db))
    parts = [
        _without_entry(name, kept, tenant=tenant, others=others is not None)
        for name, tenant in tables
        if tenant or others is not None
    ]
    given = {"tree": tree} if others is None else {"others": list(others)}
    for name, entry_id in db.execute(union_all(*parts), given, execution_options=_STREAM):
        yield str(name), str(entry_id)


@cache
def _without_entry(name: str, kept: tuple[str, ...], *, tenant: bool, others: bool) -> Select[str, str]:
    acts = table(name, column("entry_id", Uuid()), column("program_id", Uuid()))
    parts = (table(part, column("id", Uuid())) for part in kept)
    missing = (
        select(literal(name), cast(acts.c.entry_id, Text))
        .where(acts.c.entry_id.is_not(None), *(~exists().where(one.c.id == acts.c.entry_id) for one in parts))
        .distinct()
    )
    if not tenant:
        return missing
    if others:
        return missing.where(acts.c.program_id.not_in(bindparam("others", type_=Uuid(), expanding=True)))
    return missing.where(acts.c.program_id == bindparam("tree", type_=Uuid()))


_STORED_ENTRY = select(*ENTRY_AS_TEXT).where(audit_entry.c.id == bindparam("id"))


def stored_entry(db: Connection, entry_id: UUID) -> Row:
    """The entry with every column as text; it must exist."""
    return dict(zip(COLUMNS, db.execute(_STORED_ENTRY, {"id": entry_id}).one(), strict=True))
