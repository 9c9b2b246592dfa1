"""The job that finishes destructions and carries out rotations of keys that were asked for.

It has a task of its own, and a thread for what waits: a key store that hangs holds up no other job. One process at a
time does it, by the lock that the commands of the console take too; whoever dies loses it at once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, TypeVar, cast

from service.access.program import Program
from service.config import Settings
from service.custody.upkeep import Upkeep
from service.edge.metrics import count_job
from service.identity.programs import SERVICE
from service.jobs.runner import Service, report
from service.store.engine import plain_engine
from service.vault import resealing, rotation
from service.vault.rotating.records import alone
from service.work import Work

T = TypeVar("T")

NAME: Final = "keys"
EVERY: Final = 60.0


@dataclass(slots=True)
class Keeping:
    """The keeper of keys of one process. `settled` and `data_settled`: how long old keys stand, in seconds."""

    service: Service
    settings: Settings
    settled: float = rotation.SETTLED_SECONDS
    data_settled: float = resealing.SETTLED_SECONDS
    _ending: bool = field(default=False, init=False)

    async def run_forever(self) -> None:
        """A round every minute until cancelled; what a round has begun it ends at the next transaction."""
        try:
            while True:
                await asyncio.sleep(EVERY)
                await self.run_once()
        finally:
            self._ending = True

    async def run_once(self) -> int:
        """What is due now; how many rotations and destructions are done with. What fails is tried again."""
        try:
            programs = await self.service.programs()
            done = await asyncio.to_thread(self._round, asyncio.get_running_loop(), programs)
        except Exception as error:
            report(NAME, error)
            return 0
        count_job(NAME, "done")
        return done

    def _round(self, loop: asyncio.AbstractEventLoop, programs: list[Program]) -> int:
        hours, keeper = self.settings.finish_destructions, self.settings.keeper_database_url
        upkeep = Upkeep(
            kms=self.service.mechanisms.vault.kms,
            runs=_InLoop(loop, self),
            programs=[SERVICE, *programs],
            now=self.service.clock.now,
            finish_after=None if hours is None else timedelta(hours=hours),
            keeper=plain_engine(keeper, self.settings) if keeper else None,
            settled=self.settled,
            data_settled=self.data_settled,
        )
        found = upkeep.due()
        if not found.rotations and found.destroyed_at is None:
            return 0
        with plain_engine(self.settings.database_url).connect() as connection:
            # what is due is read again under the lock: whoever held it may just have done it
            return upkeep.round() if alone(connection) else 0

    async def act(self, unit: Callable[[Work], T], program: Program) -> T:
        """One unit as the service itself."""
        if self._ending:
            raise asyncio.CancelledError
        # None comes back only where another process leads, and this asks for no lead
        return cast("T", await self.service.act(program, unit))


@dataclass(frozen=True, slots=True)
class _InLoop:
    """Units of the thread, run by the loop that has the pool of connections."""

    loop: asyncio.AbstractEventLoop
    keeping: Keeping

    def act(self, unit: Callable[[Work], T], program: Program = SERVICE) -> T:
        return asyncio.run_coroutine_threadsafe(self.keeping.act(unit, program), self.loop).result()
