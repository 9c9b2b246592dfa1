"""P5: what an audit append costs, against a plain INSERT of the same row and a naive hash chain under a lock.

All variants are one transaction over the same kind of connection, its tenant already set: write one row, commit.
Ids are those of now, so that entries go into this month's part. `plain` writes the row into a copy of the table with its
indexes, without parts and row-level security. `append` builds the MAC as every act does.
`append+seq` is the same while the sequencer gives positions and signs once a second in this very process. `chain` takes
a lock, reads its predecessor's hash, and writes the row with its own.
"""

import asyncio
import contextlib
import hashlib
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, MetaData, bindparam, insert, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from service.clock import SystemClock
from service.config import ROOT
from service.ids import new_id
from service.ledger.append import append
from service.ledger.copies import CheckpointCopies
from service.ledger.entry import MAC_COLUMNS, Entry, mac_payload
from service.ledger.sequencer import Sequencer
from service.store import embedded
from service.store.engine import plain_engine
from service.store.session import in_unit
from service.store.tables.ledger import audit_entry
from service.store.versions import migrate
from tests.bench.harness import Outcome, Variant, interleaved, median, paired
from tests.ledger_entries import some_entries

WRITERS = (1, 16, 64)
ROUNDS = 12
SECONDS = 0.7
KEY = bytes(range(32))
TREE = uuid4()

_SET_UP = """
create table bench_plain (like audit_entry including defaults including indexes);
create table bench_chain (like audit_entry including defaults including indexes);
create table bench_head (one integer primary key, hash bytea not null);
insert into bench_head values (1, '\\x00');
grant select, insert on bench_plain, bench_chain to consentry_app;
grant select, update on bench_head to consentry_app;
"""
_COLUMNS = (*MAC_COLUMNS, "mac")
_PLAIN = insert(audit_entry.to_metadata(MetaData(), name="bench_plain")).values(
    {name: bindparam(name) for name in _COLUMNS}
)
_CHAIN = insert(audit_entry.to_metadata(MetaData(), name="bench_chain")).values(
    {name: bindparam(name) for name in _COLUMNS}
)
_HEAD = text("select hash from bench_head where one = 1 for update")
_NEW_HEAD = text("update bench_head set hash = :hash where one = 1")


def _entries() -> list[Entry]:
    return list(some_entries(500, TREE))


class Variants:
    """The acts that are compared, over one pool."""

    def __init__(self, engine: AsyncEngine, sequencer: Sequencer) -> None:
        self.engine = engine
        self.sequencer = sequencer
        self._entries = _entries()
        self._at = 0

    def _next(self) -> int:
        self._at = (self._at + 1) % len(self._entries)
        return self._at

    async def plain(self, _: int) -> None:
        entry = replace(self._entries[self._next()], id=new_id(datetime.now(UTC)))

        def unit(db: Connection) -> None:
            db.execute(_PLAIN, {**entry.values(), "mac": KEY})

        await in_unit(self.engine, unit)

    async def append(self, _: int) -> None:
        entry = replace(self._entries[self._next()], id=new_id(datetime.now(UTC)))

        def unit(db: Connection) -> None:
            append(db, entry, KEY)

        await in_unit(self.engine, unit)

    async def chain(self, _: int) -> None:
        entry = replace(self._entries[self._next()], id=new_id(datetime.now(UTC)))

        def unit(db: Connection) -> None:
            before = bytes(db.execute(_HEAD).scalar_one())
            hashed = hashlib.sha256(before + mac_payload(entry)).digest()
            db.execute(_CHAIN, {**entry.values(), "mac": hashed})
            db.execute(_NEW_HEAD, {"hash": hashed})

        await in_unit(self.engine, unit)

    @contextlib.asynccontextmanager
    async def drained(self) -> AsyncGenerator[None]:
        """What was appended gets its position afterwards, outside the measurement."""
        yield
        while (await self.sequencer.run_once()).more:
            pass

    @contextlib.asynccontextmanager
    async def sequencing(self) -> AsyncGenerator[None]:
        """The sequencer at work in this process, as in a serving one."""
        task = asyncio.create_task(self.sequencer.run_forever())
        async with self.drained():
            try:
                yield
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task


async def _measure(server: embedded.EmbeddedPostgres, folder: Path) -> Outcome:
    tenant = {"options": f"-c consentry.program={TREE}"}
    engine = create_async_engine(server.app_url, pool_size=max(WRITERS), max_overflow=0, connect_args=tenant)
    sequencer = Sequencer(
        engine=create_async_engine(server.sequencer_url),
        signer=_Signer(),
        mac_key=KEY,
        copies=CheckpointCopies(folder / "checkpoints"),
        clock=SystemClock(),
    )
    acts = Variants(engine, sequencer)
    variants = {
        "plain": Variant(acts.plain),
        "append": Variant(acts.append, acts.drained),
        "append+seq": Variant(acts.append, acts.sequencing),
        "chain": Variant(acts.chain),
    }
    outcome = Outcome(
        "P5",
        "audit append, transactions a second; medians, interleaved",
        ["writers", *variants, "append / plain", "append+seq / plain", "append / chain"],
    )
    for writers in WRITERS:
        measured = await interleaved(variants, writers, rounds=ROUNDS, seconds=SECONDS)
        _add(outcome, writers, measured)
    await sequencer.engine.dispose()
    await engine.dispose()
    return outcome


def _add(outcome: Outcome, writers: int, measured: dict[str, list[float]]) -> None:
    rate = {name: median(values) for name, values in measured.items()}
    plain = paired(measured["append"], measured["plain"])
    sequenced = paired(measured["append+seq"], measured["plain"])
    chain = paired(measured["append"], measured["chain"])
    figures = {"append/plain": plain, "append+seq/plain": sequenced, "append/chain": chain}
    outcome.rows.append(
        [
            str(writers),
            *(f"{value:,.0f}" for value in rate.values()),
            *(f"{ratio:.2f}" for ratio in figures.values()),
        ]
    )
    outcome.figures.append({"writers": writers, "rounds": measured, **figures})
    if writers == max(WRITERS):
        if plain < 0.9:
            outcome.missed.append(f"append at {writers} writers is {plain:.2f} of a plain INSERT, not 0.9")
        if chain < 5:
            outcome.missed.append(f"append at {writers} writers is {chain:.1f} times the chain, not 5")


class _Signer:
    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def run() -> Outcome:
    """Start a database of its own, with fsync as in production, and measure."""
    with tempfile.TemporaryDirectory() as folder, embedded.start(Path(folder) / "data") as server:
        migrate(plain_engine(server.owner_url), ROOT / "migrations")
        with server.admin("consentry") as admin:
            admin.execute(_SET_UP)
        outcome = asyncio.run(_measure(server, Path(folder)))
        server.stop(remove=True)
    return outcome
