"""Keeping the outside up to date, and seeing when it disagrees.

Every process looks; only the one that leads publishes, outside any transaction. The order is always the same: first the
heads outside are read, then the database, so that what a working sequencer signs meanwhile is never mistaken for a
fork. The commit point of a publication is the anchor's own confirmation: killed before it, the next leader publishes
again what the anchor does not have; killed after it, the anchor is ahead of `audit_anchor`, and the next leader writes
there what the anchor has.

An anchor that is far away is called by a task of its own, never by a pass of the sequencer, however long it takes to
answer; only a process that starts asks it first. It is published to once what it holds has been compared, not before.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from service.clock import Clock, monotonic
from service.config import AnchorSettings
from service.ledger.anchors import records
from service.ledger.anchors.anchor import Anchor, AnchorFailed
from service.ledger.anchors.forks import Fork, branches_of, find_forks
from service.ledger.checkpoint import Checkpoint, parse
from service.ledger.merkle import Frontier
from service.ledger.records import notes_after
from service.ledger.restores import Branch, continued
from service.ledger.standing import LATE, LedgerState, Standing, judge
from service.log import log
from service.store.session import in_unit

T = TypeVar("T")

#: Writes a change of state into the ledger, as an act of the service.
Notice = Callable[[LedgerState], Awaitable[None]]

_CALL_SECONDS = 15.0
_TRIES = 2
_FAR_INTERVAL = 10.0
#: A process that does not lead, or not yet, asks itself this often whether it does.
_LEADING_INTERVAL = 1.0
_AT_ONCE = 1000


@dataclass(slots=True)
class Anchoring:
    """The anchors of one process. `engine` is the sequencer's."""

    engine: AsyncEngine
    anchors: Sequence[Anchor]
    settings: AnchorSettings
    clock: Clock
    mac_keys: Sequence[bytes]
    standing: Standing
    notice: Notice | None = None
    forks: tuple[Fork, ...] = ()
    leading: bool = False
    behind: dict[str, float] = field(default_factory=dict[str, float])
    _heads: dict[str, dict[UUID, Checkpoint]] = field(default_factory=dict[str, dict[UUID, Checkpoint]])
    #: The heads that the last look compared with the database: the very objects, so that others are told from them.
    _compared: dict[str, dict[UUID, Checkpoint]] = field(default_factory=dict[str, dict[UUID, Checkpoint]])
    _looked: bool = False
    _led: bool = False
    _complete: dict[str, datetime] = field(default_factory=dict[str, datetime])
    _branches: dict[UUID, list[Branch]] = field(default_factory=dict[UUID, list[Branch]])
    _recorded: str = LedgerState.OK

    def known_head(self, tree: UUID) -> Checkpoint | None:
        """The largest head seen outside for a tree, where it stands after recorded restores."""
        found = [heads[tree] for heads in self._heads.values() if tree in heads]
        stands = [continued(head, self._branches.get(tree, ())) for head in found]
        return max(stands, key=lambda head: head.size, default=None)

    @property
    def forked(self) -> frozenset[UUID]:
        return frozenset(fork.tree for fork in self.forks)

    async def look(self, sequencer_behind: float = 0.0) -> LedgerState:
        """Compare outside and database, and say how the ledger stands. `sequencer_behind` in seconds."""
        reached = [anchor for anchor in self.anchors if await self._known(anchor)]
        self._looked = True
        now = self.clock.now()

        compared = dict(self._heads)

        def read(db: Connection) -> tuple[dict[UUID, Frontier], dict[str, datetime | None], bool]:
            self._branches = branches_of(db, self.mac_keys)
            heads = {
                tree: {name: found[tree] for name, found in compared.items() if tree in found}
                for tree in {tree for found in compared.values() for tree in found}
            }
            self.forks = find_forks(db, heads, self._branches)
            stored = records.standing(db)
            self._recorded = stored.state if stored else LedgerState.OK
            still = stored is not None and stored.state == LedgerState.FORKED
            settled = [at for _, at, _ in records.restores(db) if stored and at >= stored.since]
            oldest = {anchor.name: records.oldest_out(db, anchor.name) for anchor in self.anchors}
            return records.trees(db), oldest, still and not settled

        here, oldest, still_forked = await in_unit(self.engine, read)
        self._compared = compared
        for anchor in reached:
            if not anchor.near or self._has_all(anchor, here):
                self._complete[anchor.name] = now
        self.behind = {
            anchor.name: max(self._behind(anchor.name, oldest[anchor.name], now), sequencer_behind)
            for anchor in self.anchors
            if anchor.confirms
        }
        required = set(self.settings.required)
        state = judge(
            forked=bool(self.forks) or still_forked,
            required={name: late for name, late in self.behind.items() if name in required},
            others={name: late for name, late in self.behind.items() if name not in required},
            grace=self.settings.grace * LATE,
        )
        self._tell(state)
        return state

    async def note_change(self) -> None:
        """Have the change that was seen written into the ledger, once for the deployment."""
        if self.notice is not None and self.standing.state != self._recorded:
            await self.notice(self.standing.state)

    async def publish(self, *, near: bool | None = None) -> None:
        """Bring the anchors (all, or only those near or far) up to the database. What fails is tried again next time,
        after it was asked again what it holds.
        """
        here = await in_unit(self.engine, records.trees)
        for anchor in self.anchors:
            held = self._heads.get(anchor.name)
            if near in (None, anchor.near) and held is not None and held is self._compared.get(anchor.name):
                try:
                    await self._bring_up(anchor, here)
                except AnchorFailed:
                    self._heads.pop(anchor.name, None)
                    log().error("ledger_anchor_failed", address=anchor.name)

    async def run_forever(self) -> None:
        """The anchors that are far away, by themselves: they must not delay a pass of the sequencer."""
        while True:
            led = self._led
            try:
                await self.reach_far()
            except Exception as error:
                log().error("ledger_anchoring_failed", error=type(error).__name__)
            await asyncio.sleep(_FAR_INTERVAL if led else _LEADING_INTERVAL)

    async def reach_far(self) -> None:
        """Publish to the anchors that are far away, when this process leads; ask those that had not answered, and all of
        them when it begins to lead: another may have published since. What they say is compared by the next look.
        """
        begins, self._led = self.leading and not self._led, self.leading
        for anchor in self.anchors:
            if not anchor.near and (begins or anchor.name not in self._heads):
                await self._read_heads(anchor)
        if self.leading:
            await self.publish(near=False)

    async def _bring_up(self, anchor: Anchor, here: Mapping[UUID, Frontier]) -> None:
        known = await in_unit(self.engine, lambda db: records.anchored(db, anchor.name))
        for tree, frontier in here.items():
            if not frontier.size or tree in self.forked:
                continue
            outside = self._heads.get(anchor.name, {}).get(tree)
            head = frontier.size, frontier.root()
            if outside is not None and (outside.size, outside.root) == head != known.get(tree):
                await self._confirmed(anchor, tree, outside)
            while outside is None or (outside.size, outside.root) != head:
                stands = continued(outside, self._branches.get(tree, ())) if outside else None
                size = stands.size if stands else -1
                notes = await in_unit(self.engine, lambda db: self._notes(db, anchor, tree, size))  # noqa: B023
                if not notes:
                    break
                over = outside if stands != outside else None
                await self._called(anchor, lambda: anchor.publish(tree, notes, over))  # noqa: B023
                outside = parse(notes[-1]).checkpoint
                self._heads.setdefault(anchor.name, {})[tree] = outside
                await self._confirmed(anchor, tree, outside)
                if len(notes) < _AT_ONCE:
                    break

    def _notes(self, db: Connection, anchor: Anchor, tree: UUID, size: int) -> list[str]:
        if anchor.near:
            return notes_after(db, tree, size, _AT_ONCE)
        newest = records.newest_note(db, tree)
        return [newest] if newest is not None and parse(newest).checkpoint.size > size else []

    async def _confirmed(self, anchor: Anchor, tree: UUID, head: Checkpoint) -> None:
        now = self.clock.now()
        await in_unit(self.engine, lambda db: records.put_anchored(db, anchor.name, tree, head, now))

    async def _known(self, anchor: Anchor) -> bool:
        """Whether it is known what this anchor holds: asked now if it is near, or if nobody here has looked yet."""
        if anchor.near or not self._looked:
            return await self._read_heads(anchor)
        return anchor.name in self._heads

    async def _read_heads(self, anchor: Anchor) -> bool:
        """Ask an anchor what it holds; False when it does not answer."""

        def read() -> dict[UUID, Checkpoint]:
            found = ((tree, anchor.newest(tree)) for tree in anchor.trees())
            return {tree: head for tree, head in found if head is not None}

        try:
            self._heads[anchor.name] = await self._called(anchor, read)
        except AnchorFailed:
            log().error("ledger_anchor_unreachable", address=anchor.name)
            return False
        return True

    async def _called(self, anchor: Anchor, call: Callable[[], T]) -> T:
        """A blocking call of an anchor, bounded and tried twice."""
        for attempt in range(_TRIES):
            try:
                async with asyncio.timeout(_CALL_SECONDS):
                    return await asyncio.to_thread(call)
            except TimeoutError:
                break
            except AnchorFailed:
                if attempt + 1 == _TRIES:
                    raise
                await asyncio.sleep(0.1)
        raise AnchorFailed(f"{anchor.name} does not answer")

    def _has_all(self, anchor: Anchor, here: Mapping[UUID, Frontier]) -> bool:
        heads = self._heads.get(anchor.name, {})
        return all(
            tree in heads and (heads[tree].size, heads[tree].root) == (frontier.size, frontier.root())
            for tree, frontier in here.items()
            if frontier.size
        )

    def _behind(self, name: str, oldest: datetime | None, now: datetime) -> float:
        """Seconds: since the oldest head it lacks was signed, or, if its state is unknown, since it was whole."""
        if name not in self._complete:
            return float("inf") if name not in self._heads else _age(oldest, now)
        whole = self._complete[name]
        return max(_age(oldest, now), _age(whole, now) if whole < now else 0.0)

    def _tell(self, state: LedgerState) -> None:
        before, self.standing.state = self.standing.state, state
        self.standing.renewed = monotonic()
        if before is not state:
            level = log().info if state is LedgerState.OK else log().error
            level("ledger_standing", code=state.value, count=len(self.forks))


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max((now - since).total_seconds(), 0.0)
