"""A tree as the database keeps it, as a source for `verify`. Run it in one REPEATABLE READ transaction.

Reading under one snapshot matters: a sequencer at work would otherwise add leaves between two statements.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from service.ledger.checkpoint import CheckpointInvalid, parse
from service.ledger.merkle import Frontier
from service.ledger.reading import records
from service.ledger.records import frontiers
from service.ledger.tiles import HEIGHT
from service.ledger.tiling.records import count_roots, roots
from service.ledger.verify import Leaf, Waiting
from service.ledger.walk import Finding, Kind

#: A verification of millions of rows outlives the time limits of requests.
_SNAPSHOT = (
    text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"),
    text("SET LOCAL statement_timeout = 0"),
    text("SET LOCAL idle_in_transaction_session_timeout = 0"),
)


#: Leaves whose hashes are looked at together.
_AT_ONCE = 1 << 16


def begin_snapshot(db: Connection) -> None:
    """First thing in the transaction: one unchanging view, no writing, no time limits."""
    for statement in _SNAPSHOT:
        db.execute(statement)


@dataclass(frozen=True, slots=True)
class DatabaseSource:
    """One tree. With `others` it also answers for what belongs to none of those trees (the service's tree
    does).
    """

    db: Connection
    tree: UUID
    others: Collection[UUID] | None = None

    def leaves(self) -> Iterator[Leaf]:
        for position, hashed, entry_id, row in records.stored_leaves(self.db, self.tree):
            yield Leaf(position=position, leaf_hash=hashed, entry_id=entry_id, row=row)

    def checkpoints(self) -> Iterator[str]:
        for _, _, note in records.stored_checkpoints(self.db, self.tree):
            yield note

    def waiting(self) -> Iterator[Waiting]:
        for seconds, row in records.unplaced(self.db, self.tree, self.others):
            yield Waiting(row, seconds)

    def acts_without_entry(self) -> Iterator[tuple[str, str]]:
        tables = records.tables_with_acts(self.db)
        yield from records.acts_without_entry(self.db, tables, tree=self.tree, others=self.others)

    def contradictions(self, leaves: Frontier) -> Iterator[Finding]:
        for size, root, note in records.stored_checkpoints(self.db, self.tree):
            if not _says(note, size, root):
                text = f"the checkpoint kept as that of size {size} says something else"
                yield Finding(Kind.CHECKPOINT, text, max(size - 1, 0))
        yield from self._tree(leaves)
        yield from self._tile_roots(leaves.size)
        for entry_id in records.foreign_leaves(self.db, [*self.others, self.tree]) if self.others else ():
            text = "has a position in a tree that does not exist"
            yield Finding(Kind.INSERTED, text, None, entry_id)

    def _tree(self, leaves: Frontier) -> Iterator[Finding]:
        """The row that the next entries are appended to."""
        try:
            kept = frontiers(self.db, [self.tree]).get(self.tree, Frontier())
        except ValueError:
            kept = None
        if kept != leaves:
            text = "the size or the right edge kept for this tree is not that of its leaves"
            yield Finding(Kind.CHECKPOINT, text, leaves.size)

    def _tile_roots(self, size: int) -> Iterator[Finding]:
        """Roots of whole tiles; one that is not kept is worked out when it is asked for, so none need be there."""
        tiles: list[tuple[int, int, bytes]] = []

        def grown(height: int, number: int, root: bytes) -> None:
            if not height % HEIGHT:
                tiles.append((height // HEIGHT, number, root))

        frontier, known = Frontier(), 0
        for first in range(0, size, _AT_ONCE):
            hashes = records.leaf_hashes(self.db, self.tree, first, first + _AT_ONCE)
            frontier = frontier.extended(hashes, grown)
            for level, number, root in tiles:
                kept = roots(self.db, self.tree, level, number, number + 1).get(number)
                known += kept is not None
                if kept not in (None, root):
                    text = f"the root kept for tile {number} of level {level} is not that of its leaves"
                    yield Finding(Kind.CHECKPOINT, text, number << HEIGHT * level)
            tiles.clear()
        if count_roots(self.db, self.tree) != known:
            yield Finding(Kind.CHECKPOINT, "roots are kept of tiles that this tree does not have", size)


def _says(note: str, size: int, root: bytes) -> bool:
    try:
        head = parse(note).checkpoint
    except CheckpointInvalid:
        return False
    return (head.size, head.root) == (size, root)
