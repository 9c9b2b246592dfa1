"""The ledger's SQL for reading: leaves with their entries, checkpoints, and what stands beside them; streamed.

Entries come with every column already turned into the text that leaf and MAC are made of (`service/ledger/records.py`
says why). Months that retention detached are read along with the trail.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    MetaData,
    Select,
    Text,
    Uuid,
    bindparam,
    cast,
    column,
    exists,
    func,
    literal,
    select,
    table,
    text,
    union,
    union_all,
)

from service.ids import SERVICE_PROGRAM
from service.ledger.entry import COLUMNS, Row
from service.ledger.records import ENTRY_AS_TEXT, NO_LEAF, as_text
from service.store.partitions import detached
from service.store.tables.ledger import audit_checkpoint, audit_entry, audit_leaf, audit_tree
from service.store.tables.ledger_proofs import audit_tile_root
from service.store.tables.programs import program

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
).where(NO_LEAF)
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
    looked_at = tuple(one for one in tables if one[1] or others is not None)
    missing = _without_entry(looked_at, (audit_entry.name, *detached(db)), others=others is not None)
    given = {"tree": tree} if others is None else {"others": list(others)}
    for name, entry_id in db.execute(missing, given, execution_options=_STREAM):
        yield str(name), str(entry_id)


@cache
def _without_entry(
    tables: tuple[tuple[str, bool], ...], kept: tuple[str, ...], *, others: bool
) -> Select[str, str]:
    """The acts of all tables are put together first and looked for once: a look for each table would be planned for
    every month of the trail anew.
    """
    acts = union_all(*(_acts(name, tenant=tenant, others=others) for name, tenant in tables)).subquery("acts")
    parts = (table(part, column("id", Uuid())) for part in kept)
    return select(acts.c.kind, cast(acts.c.entry_id, Text)).where(
        *(~exists().where(one.c.id == acts.c.entry_id) for one in parts)
    )


def _acts(name: str, *, tenant: bool, others: bool) -> Select[str, UUID]:
    acts = table(name, column("entry_id", Uuid()), column("program_id", Uuid()))
    named = (
        select(literal(name).label("kind"), acts.c.entry_id).where(acts.c.entry_id.is_not(None)).distinct()
    )
    if not tenant:
        return named
    if others:
        return named.where(acts.c.program_id.not_in(bindparam("others", type_=Uuid(), expanding=True)))
    return named.where(acts.c.program_id == bindparam("tree", type_=Uuid()))


_STORED_ENTRY = select(*ENTRY_AS_TEXT).where(audit_entry.c.id == bindparam("id"))


def stored_entry(db: Connection, entry_id: UUID) -> Row:
    """The entry with every column as text; it must exist."""
    return dict(zip(COLUMNS, db.execute(_STORED_ENTRY, {"id": entry_id}).one(), strict=True))
