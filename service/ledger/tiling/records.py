"""SQL for the hashes of tiles above level 0 and for what witnesses signed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from service.ledger.cosignatures import Cosignature
from service.store.tables.ledger import audit_checkpoint
from service.store.tables.ledger_proofs import audit_cosignature, audit_tile_root

_ADD_ROOT = insert(audit_tile_root)
_ROOTS = select(audit_tile_root.c.number, audit_tile_root.c.root).where(
    audit_tile_root.c.tree == bindparam("tree"),
    audit_tile_root.c.level == bindparam("level"),
    audit_tile_root.c.number >= bindparam("first"),
    audit_tile_root.c.number < bindparam("last"),
)
_COUNT = select(func.count()).where(audit_tile_root.c.tree == bindparam("tree"))
_NOTE = select(audit_checkpoint.c.note).where(
    audit_checkpoint.c.tree == bindparam("tree"), audit_checkpoint.c.size == bindparam("size")
)
_COSIGNATURES = (
    select(audit_cosignature.c.name, audit_cosignature.c.key_id, audit_cosignature.c.signature)
    .where(audit_cosignature.c.tree == bindparam("tree"), audit_cosignature.c.size == bindparam("size"))
    .order_by(audit_cosignature.c.name, audit_cosignature.c.key_id)
)
_ADD_COSIGNATURE = (
    upsert(audit_cosignature)
    .values(
        {
            name: bindparam(name)
            for name in (
                "tree", "size", "name", "key_id", "program_id", "signature", "accepted_at", "entry_id",
            )
        }
    )
    .on_conflict_do_nothing()
)  # fmt: skip


def add_roots(db: Connection, tree: UUID, roots: Sequence[tuple[int, int, bytes]]) -> None:
    """(level, number, root) of tiles that have just become full."""
    if roots:
        db.execute(
            _ADD_ROOT,
            [{"tree": tree, "level": level, "number": number, "root": root} for level, number, root in roots],
        )


def roots(db: Connection, tree: UUID, level: int, first: int, last: int) -> dict[int, bytes]:
    """Those hashes of `level` from number `first` up to, not including, `last` that are kept."""
    found = db.execute(_ROOTS, {"tree": tree, "level": level, "first": first, "last": last})
    return {int(number): bytes(root) for number, root in found}


def count_roots(db: Connection, tree: UUID) -> int:
    """How many roots are kept for this tree, whatever they are said to be of."""
    return int(db.execute(_COUNT, {"tree": tree}).scalar_one())


def note_of_size(db: Connection, tree: UUID, size: int) -> str | None:
    """The checkpoint of exactly this size, as the log signed it."""
    note = db.execute(_NOTE, {"tree": tree, "size": size}).scalar_one_or_none()
    return None if note is None else str(note)


def cosignatures_of(db: Connection, tree: UUID, size: int) -> list[Cosignature]:
    """What witnesses signed of this checkpoint, by name."""
    rows = db.execute(_COSIGNATURES, {"tree": tree, "size": size})
    return [Cosignature(str(name), bytes(key_id), bytes(signature)) for name, key_id, signature in rows]


def add_cosignature(
    db: Connection,
    tree: UUID,
    size: int,
    signed: Cosignature,
    *,
    program_id: UUID,
    now: datetime,
    entry_id: UUID,
) -> None:
    """Keep it, unless this witness's signature on this checkpoint is kept already."""
    db.execute(
        _ADD_COSIGNATURE,
        {
            "tree": tree,
            "size": size,
            "name": signed.name,
            "key_id": signed.key_id,
            "program_id": program_id,
            "signature": signed.signature,
            "accepted_at": now,
            "entry_id": entry_id,
        },
    )
