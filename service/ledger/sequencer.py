"""Giving entries their positions: one pass takes what waits, extends the trees and signs their new heads.

A pass takes *all visible* entries that have no leaf and orders them by (recorded_at, id). `recorded_at` is
read from the database's clock after the act's locks are held, so of two acts that lock the same row the one
that committed first has the earlier time; and whoever sees the later one also sees the earlier, so no later
pass can bring it. Waiting below the snapshot horizon instead would give no more order, and would let one
long transaction stop the ledger. What this rests on: the database server's clock does not step back between
two acts on the same row.

Leadership is an advisory lock of the same transaction that writes. A leader that stops loses it with its
transaction; two leaders are impossible, and would violate the primary key of `audit_leaf`.

An entry whose MAC is wrong was not written by this service: it gets no position, and the refusal is logged.
`consentry ledger verify` names it.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from service.clock import Clock, monotonic
from service.errors import ConsentryError
from service.ids import SERVICE_PROGRAM
from service.ledger import records
from service.ledger.anchors.anchoring import Anchoring
from service.ledger.checkpoint import Checkpoint, Signer, origin_of, sign
from service.ledger.copies import CheckpointCopies
from service.ledger.entry import Row, leaf_bytes, mac_is_right
from service.ledger.merkle import Frontier, leaf_hash
from service.ledger.tiles import HEIGHT
from service.ledger.tiling import records as tile_records
from service.log import log
from service.store.session import in_unit

#: Entries a pass takes at most: about 15 ms of work, so that requests served by the same process hardly
#: notice.
BATCH = 500

#: Seconds that a stopping process gives its last pass.
_LAST_PASS = 3.0

#: The newest checkpoint copied outside for a tree, where the process can see one.
KnownHead = Callable[[UUID], Checkpoint | None]


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass did. `more` says that the batch was full;

    `halted` trees contradict their outside copy.
    """

    led: bool
    positions: int = 0
    more: bool = False
    extended: tuple[UUID, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    halted: tuple[UUID, ...] = ()
    waiting: int = 0
    oldest_seconds: float = 0.0


def sequence(
    db: Connection,
    signer: Signer,
    mac_key: bytes,
    now: datetime,
    *,
    deployment: str = "local",
    known_head: KnownHead | None = None,
    skip: Collection[UUID] = (),
    known_refused: Collection[UUID] = (),
    batch: int = BATCH,
) -> Pass:
    """One pass in the current transaction, which the caller commits; then its notes may be copied outside.

    `skip` names trees that were halted before, `known_refused` entries whose MAC was wrong before: they keep waiting
    and do not fill the batch of others.
    """
    if not records.try_lead(db):
        return Pass(led=False)
    mark = records.horizon(db)
    rows = records.waiting(db, mark.low_water, skip, known_refused, batch)
    refused = tuple((str(row["id"]), str(row["tree"])) for row in rows if not mac_is_right(row, mac_key))
    wrong = {entry_id for entry_id, _ in refused}
    by_tree: dict[UUID, list[Row]] = {}
    for row in rows:
        if row["id"] not in wrong:
            by_tree.setdefault(UUID(str(row["tree"])), []).append(row)
    frontiers = records.frontiers(db, by_tree)
    halted = tuple(tree for tree in by_tree if _contradicts(frontiers.get(tree), known_head, tree))
    full = len(rows) == batch
    # Entries left behind must be found again, so the mark moves only when nothing is left behind.
    next_mark = mark.low_water if full or halted or skip else mark.xmin
    keys = records.tree_keys(db) if by_tree else {}
    for tree, entries in by_tree.items():
        if tree not in halted:
            head = _extend(db, tree, frontiers.get(tree), entries, next_mark, now)
            checkpoint = Checkpoint(origin_of(deployment, keys.get(tree, str(tree))), head.size, head.root())
            records.add_checkpoint(db, tree, head.size, checkpoint.root, sign(checkpoint, signer), now)
    if rows and SERVICE_PROGRAM not in by_tree:
        records.set_low_water(db, next_mark, now)
    extended = tuple(tree for tree in by_tree if tree not in halted)
    waiting, oldest = records.oldest_waiting(db, mark.low_water)
    return Pass(
        led=True,
        positions=sum(len(by_tree[tree]) for tree in extended),
        more=full and bool(extended or refused),
        extended=extended,
        refused=refused,
        halted=halted,
        waiting=waiting,
        oldest_seconds=oldest,
    )


def _extend(
    db: Connection, tree: UUID, before: Frontier | None, entries: Sequence[Row], low_water: str, now: datetime
) -> Frontier:
    start = before or Frontier()
    leaves = [(str(row["id"]), leaf_hash(leaf_bytes(row))) for row in entries]
    roots: list[tuple[int, int, bytes]] = []

    def grown(height: int, number: int, root: bytes) -> None:
        if height % HEIGHT == 0:
            roots.append((height // HEIGHT, number, root))

    after = start.extended((hashed for _, hashed in leaves), grown)
    records.add_leaves(db, tree, start.size, leaves)
    tile_records.add_roots(db, tree, roots)
    records.put_tree(db, tree, before, after, low_water=low_water, now=now)
    return after


def _contradicts(stored: Frontier | None, known_head: KnownHead | None, tree: UUID) -> bool:
    """Whether the copy outside shows more, or something else, than the database does.

    Signing on would make two histories of one tree, which a log must never do (C2SP tlog-checkpoint); an
    operator has to look first.
    """
    head = known_head(tree) if known_head else None
    if head is None:
        return False
    here = stored or Frontier()
    return head.size > here.size or (head.size == here.size and head.root != here.root())


@dataclass(slots=True)
class Sequencer:
    """The passes of one serving process: every process runs one, the database decides which of them leads."""

    engine: AsyncEngine
    signer: Signer
    mac_key: bytes
    copies: CheckpointCopies
    clock: Clock
    deployment: str = "local"
    interval: float = 1.0
    #: The anchors of the deployment; without them checkpoints go to `copies` alone (a bench).
    anchoring: Anchoring | None = None
    last: Pass | None = None
    failures: int = 0
    refused: set[UUID] = field(default_factory=set[UUID])
    halted: set[UUID] = field(default_factory=set[UUID])
    _last_success: float = field(default_factory=monotonic)
    _copied_all: bool = False

    @property
    def lag_seconds(self) -> float:
        """Seconds the oldest entry was seen waiting, or since a pass last succeeded, whichever is more."""
        since_success = monotonic() - self._last_success
        return max(since_success - self.interval, self.last.oldest_seconds if self.last else 0.0, 0.0)

    @property
    def healthy(self) -> bool:
        """Whether the ledger can be relied upon: no tree contradicts its copy, no pass is overdue."""
        return not self.halted and self.lag_seconds < 60

    async def run_forever(self) -> None:
        """A pass every interval until cancelled, and one more then; what fails is logged and tried again."""
        try:
            while True:
                more = await self._try_once()
                await asyncio.sleep(0 if more else self.interval)
        finally:
            # Requests have ended by now; what they recorded last should not wait for the next start.
            async with asyncio.timeout(_LAST_PASS):
                await self._try_once()

    async def _try_once(self) -> bool:
        try:
            return (await self.run_once()).more
        except (SQLAlchemyError, ConsentryError, OSError, ValueError, records.TreeMovedError) as error:
            self.failures += 1
            log().error("sequencer_pass_failed", error=type(error).__name__, count=self.failures)
            return False

    async def run_once(self) -> Pass:
        """One pass, committed, and its checkpoints copied outside."""
        now = self.clock.now()
        known_head: KnownHead = self.copies.head
        if self.anchoring is not None:
            await self.anchoring.look(monotonic() - self._last_success - self.interval)
            self.halted, known_head = set(self.anchoring.forked), self.anchoring.known_head
        done = await in_unit(
            self.engine,
            lambda db: sequence(
                db,
                self.signer,
                self.mac_key,
                now,
                deployment=self.deployment,
                known_head=known_head,
                skip=self.halted,
                known_refused=self.refused,
            ),
        )
        self._report(done)
        # The commit above is what counts. Killed here, the copies lag behind; whoever leads next brings
        # them up.
        if self.anchoring is not None:
            self.anchoring.leading = done.led
            if done.led:
                await self.anchoring.publish(near=True)
                await self.anchoring.note_change()
        elif done.led:
            trees = done.extended if self._copied_all else await in_unit(self.engine, records.known_trees)
            for tree in trees:
                await self._copy(tree)
        self._copied_all = done.led
        self._last_success = monotonic()
        self.last = done
        return done

    async def _copy(self, tree: UUID) -> None:
        while True:
            head = await asyncio.to_thread(self.copies.head, tree)
            size = head.size if head else -1
            notes = await in_unit(self.engine, lambda db: records.notes_after(db, tree, size))  # noqa: B023
            if not notes or not await asyncio.to_thread(self.copies.append, tree, notes):
                return

    def _report(self, done: Pass) -> None:
        for entry_id, tree in done.refused:
            self.refused.add(UUID(entry_id))
            log().error("ledger_entry_refused", entry_id=entry_id, tree=tree)
        for tree in done.halted:
            log().error("ledger_contradicts_checkpoint_copy", tree=str(tree))
        self.halted.update(done.halted)
