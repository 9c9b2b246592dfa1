"""A ledger in a real database, seen by all its parties: the application, the sequencer, and an owner who tampers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import Connection, Engine, text

from service.ids import SERVICE_PROGRAM
from service.ledger import records
from service.ledger.append import append
from service.ledger.checkpoint import split_notes
from service.ledger.copies import CheckpointCopies, copy_of
from service.ledger.entry import Entry
from service.ledger.reading import records as reading
from service.ledger.sequencer import Pass, sequence
from service.ledger.stored import DatabaseSource, begin_snapshot
from service.ledger.verify import Report, verify
from service.store.engine import plain_engine
from service.store.session import enter_program, in_unit_sync
from tests.house import Cluster
from tests.ledger_entries import START, Key, some_entries

DEPLOYMENT = "test"


@dataclass
class LedgerDatabase:
    """`database` is migrated. Times start at START and move by a second with every pass."""

    cluster: Cluster
    database: str
    folder: Path
    signer: Key = field(default_factory=Key)
    mac_key: bytes = bytes(range(32))
    now: datetime = START
    seed: int = 0

    def __post_init__(self) -> None:
        self.copies = CheckpointCopies(self.folder)
        self.settings = self.cluster.settings(self.database, self.folder.parent)
        self.app: Engine = plain_engine(self.settings.database_url)
        self.sequencer: Engine = plain_engine(self.settings.sequencer_database_url)

    @contextmanager
    def superuser(self) -> Iterator[psycopg.Connection[Any]]:
        """The database's owner at work: no trigger fires, nothing is refused."""
        with self.cluster.superuser(self.database) as admin:
            admin.execute("set session_replication_role = replica")
            yield admin

    def tamper(self, statement: str, *values: object) -> int:
        with self.superuser() as admin:
            return admin.execute(statement, values).rowcount  # type: ignore[arg-type]

    def new_tree(self) -> UUID:
        """A fresh program, hence a fresh tree."""
        tree = uuid4()
        founding = replace(self.entries(SERVICE_PROGRAM, 1)[0], id=uuid4(), program_id=tree)
        self.tamper(
            "insert into program (id, key, name, config, version, changed_at, entry_id) "
            "values (%s, %s, 'Test', '{}', 1, now(), %s)",
            tree,
            f"p{tree.hex[:12]}",
            founding.id,
        )
        in_unit_sync(self.app, lambda db: self.append_in(db, founding))
        return tree

    def entries(self, tree: UUID, count: int) -> list[Entry]:
        self.seed += 1
        return [replace(entry, id=uuid4()) for entry in some_entries(count, tree, self.seed)]

    def append(self, tree: UUID, count: int) -> list[Entry]:
        """`count` entries, each in a transaction of its own, as the application writes them."""
        made = self.entries(tree, count)
        for entry in made:
            in_unit_sync(self.app, lambda db, entry=entry: self.append_in(db, entry))
        return made

    def append_in(self, db: Connection, entry: Entry) -> None:
        enter_program(db, str(entry.program_id))
        append(db, entry, self.mac_key)

    def sequence(self, copy: bool = True, **options: Any) -> Pass:
        """One pass, committed and copied outside."""
        self.now += timedelta(seconds=1)

        def unit(db: Connection) -> Pass:
            return sequence(db, self.signer, self.mac_key, self.now, deployment=DEPLOYMENT, **options)

        done = in_unit_sync(self.sequencer, unit)
        if copy:
            for tree in done.extended:
                self.copy(tree)
        return done

    def copy(self, tree: UUID) -> int:
        head = self.copies.head(tree)
        after = head.size if head else -1
        notes = in_unit_sync(self.sequencer, lambda db: records.notes_after(db, tree, after))
        return self.copies.append(tree, notes)

    def grow(self, tree: UUID, *batches: int) -> None:
        """The tree, grown by batches of so many entries, each batch with its checkpoint."""
        for count in batches:
            self.append(tree, count)
            self.sequence()

    def origin(self, tree: UUID) -> str:
        return f"consentry/{DEPLOYMENT}/{'service' if tree == SERVICE_PROGRAM else f'p{tree.hex[:12]}'}"

    def notes(self, tree: UUID) -> list[str]:
        path = copy_of(self.folder, tree)
        return list(split_notes(StringIO(path.read_text()))) if path.exists() else []

    def verify(
        self, tree: UUID, *, mac: bool = True, copies: Sequence[str] | None = None, strays: bool = False
    ) -> Report:
        """What a verification of this tree says; with every key and the outside copies unless told otherwise."""

        def unit(db: Connection) -> Report:
            begin_snapshot(db)
            others = [one for one in reading.trees_anywhere(db) if one != tree] if strays else None
            return verify(
                DatabaseSource(db, tree, others),
                self.origin(tree),
                public_key=self.signer.public_key,
                mac_keys=(self.mac_key,) if mac else (),
                copies=self.notes(tree) if copies is None else copies,
            )

        return in_unit_sync(self.sequencer, unit)

    def rows(self, statement: str, **values: object) -> list[Any]:
        return in_unit_sync(self.sequencer, lambda db: list(db.execute(text(statement), values)))
