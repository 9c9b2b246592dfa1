"""A tree as the database keeps it, as a source for `verify`. Run it in one REPEATABLE READ transaction.

Reading under one snapshot matters: a sequencer at work would otherwise add leaves between two statements.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from service.ledger import records
from service.ledger.verify import Leaf, Waiting

#: A verification of millions of rows outlives the time limits of requests.
_SNAPSHOT = (
    text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"),
    text("SET LOCAL statement_timeout = 0"),
    text("SET LOCAL idle_in_transaction_session_timeout = 0"),
)


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
