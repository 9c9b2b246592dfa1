"""What a restore from a backup leaves: a tree without its last heads, and copies of checkpoints without theirs."""

from pathlib import Path
from typing import Any
from uuid import UUID

from service.ledger.checkpoint import parse, split_notes
from service.ledger.copies import copy_of
from service.ledger.merkle import Frontier
from tests.house import House


def cut_back(house: House, tree: UUID, many: int) -> int:
    """Take the last `many` checkpoints of a tree away, with their leaves and entries; the size that is left."""
    with house.superuser() as db:
        db.execute("set session_replication_role = replica")
        sizes = db.execute(
            "select size from audit_checkpoint where tree = %s order by size desc", [tree]
        ).fetchall()
        size = int(sizes[many][0])
        frontier = _frontier(db, tree, size)
        db.execute(
            "delete from audit_entry where id in "
            "(select entry_id from audit_leaf where tree = %s and position >= %s)",
            [tree, size],
        )
        db.execute("delete from audit_leaf where tree = %s and position >= %s", [tree, size])
        db.execute("delete from audit_checkpoint where tree = %s and size > %s", [tree, size])
        db.execute("update audit_tree set size = %s, frontier = %s where tree = %s", [size, frontier, tree])
    return size


def cut_copies(folder: Path, tree: UUID, size: int) -> None:
    """The copies of that time: nothing larger than `size`."""
    path = copy_of(folder, tree)
    with path.open() as lines:
        kept = [note for note in split_notes(lines) if parse(note).checkpoint.size <= size]
    path.write_text("".join(f"{note}\n" for note in kept))


def _frontier(db: Any, tree: UUID, size: int) -> bytes:
    rows = db.execute(
        "select leaf_hash from audit_leaf where tree = %s and position < %s order by position", [tree, size]
    )
    return Frontier().extended(bytes(row[0]) for row in rows.fetchall()).to_bytes()
