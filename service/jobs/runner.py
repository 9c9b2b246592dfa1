"""Running jobs: each in every program, one transaction at a time, for ever; what fails is counted and tried again.

Every process runs this. Who leads a job in a program is decided by an advisory lock of the very transaction that does
the work, so two leaders are impossible and a dead one blocks nobody. That another process may do the same a moment later
does not matter: a job takes what is due, and what is done is no longer due.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from service.access.program import Program, read_program
from service.clock import Clock, monotonic
from service.edge.metrics import count_job
from service.identity.system import PURPOSE, system_caller
from service.identity.tenants import records as tenants
from service.ids import SERVICE_PROGRAM, ProgramId
from service.jobs.job import Job
from service.jobs.records import try_lead
from service.log import log
from service.vault.units import run_unit
from service.work import Denied, Mechanisms, Work, enter, record_denial

T = TypeVar("T")

#: Rounds of one job in one program before the others get their turn.
MOST_ROUNDS: Final = 20
#: How often the clock is looked at, and how long one transaction may take: seconds.
TICK: Final = 5.0
_UNIT_SECONDS: Final = 30.0


@dataclass(slots=True)
class Service:
    """The service as a caller of its own operations."""

    engine: AsyncEngine
    mechanisms: Mechanisms
    clock: Clock

    async def programs(self) -> list[Program]:
        """All programs there are, as they are configured now."""

        def read(db: Connection) -> list[Program]:
            enter(db, SERVICE_PROGRAM)
            return [read_program(ProgramId(one.id), one.config) for one in tenants.every_program(db)]

        return await self._run(read)

    async def act(
        self, program: Program, unit: Callable[[Work], T], *, leading: str | None = None
    ) -> T | None:
        """Run `unit` in one transaction of this program and commit; None when another process leads `leading`.

        A denial is recorded and raised, as everywhere.
        """

        def attempt(db: Connection) -> T | None:
            enter(db, program.id)
            if leading is not None and not try_lead(db, leading, program.id):
                return None
            self.mechanisms.vault.hear(db)
            work = self._work(db, program)
            result = unit(work)
            work.close()
            return result

        def refuse(denied: Denied) -> Callable[[Connection], None]:
            def record(db: Connection) -> None:
                enter(db, program.id)
                record_denial(self._work(db, program), denied)

            return record

        try:
            return await self._run(attempt)
        except Denied as denied:
            await self._run(refuse(denied))
            raise

    async def _run(self, unit: Callable[[Connection], T]) -> T:
        return await run_unit(self.engine, self.mechanisms.vault, unit, seconds=_UNIT_SECONDS)

    def _work(self, db: Connection, program: Program) -> Work:
        caller, now = system_caller(program.id), self.clock.now()
        return Work(self.mechanisms, db, caller, program, now, purpose=PURPOSE, request_id="job")


@dataclass(slots=True)
class Jobs:
    """The jobs of one process."""

    service: Service
    jobs: Sequence[Job]
    _due: dict[str, float] = field(default_factory=dict[str, float])

    async def run_forever(self) -> None:
        """Each job when it is due, until cancelled."""
        while True:
            now = monotonic()
            ready = [job for job in self.jobs if self._due.get(job.name, 0.0) <= now]
            await self.run_once(ready)
            self._due |= {job.name: monotonic() + job.every.total_seconds() for job in ready}
            await asyncio.sleep(TICK)

    async def run_once(self, jobs: Sequence[Job] | None = None) -> dict[str, int]:
        """These jobs (all of them) in every program now; how much each did. What fails stops nothing else."""
        done: dict[str, int] = {}
        chosen = self.jobs if jobs is None else jobs
        programs = await self._programs() if chosen else []
        for job in chosen:
            done[job.name] = sum([await self._run(job, program) for program in programs])
        return done

    async def _programs(self) -> list[Program]:
        try:
            return await self.service.programs()
        except Exception as error:
            report("programs", error)
            return []

    async def _run(self, job: Job, program: Program) -> int:
        total = 0
        try:
            for _ in range(MOST_ROUNDS):
                done = await self.service.act(program, job.unit, leading=job.name)
                if not done:
                    break
                total += done
        except Exception as error:
            report(job.name, error)
        else:
            count_job(job.name, "done")
        return total


def report(job: str, error: Exception) -> None:
    """What went wrong, by its class: a message could hold anything."""
    count_job(job, "failed")
    log().error("job_failed", job=job, error=type(error).__name__)
