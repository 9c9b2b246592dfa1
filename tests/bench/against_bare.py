"""A request to the service against the bare stack: both servers up the whole time, rounds alternating between them.

The figure is the serving process's own CPU time per request (user and system, from the kernel's accounting), so that
neither the load generator nor PostgreSQL counts.
"""

import asyncio
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from tests.bench.harness import Outcome, median
from tests.house import Account, Cluster, House, Service, open_program
from tests.processes import Worker

CONCURRENCY = (1, 16, 64)
COLUMNS = ("concurrency", "service req/s", "bare req/s", "service CPU ms", "bare CPU ms", "CPU ratio", "bar")
_ROUNDS = 5
_SECONDS = 2.0
_TICK = os.sysconf("SC_CLK_TCK")
_BUSY = 503
_SET_UP = """
CREATE TABLE bench_log (LIKE audit_entry INCLUDING DEFAULTS INCLUDING INDEXES);
CREATE TABLE bench_rows (id uuid PRIMARY KEY, content bytea NOT NULL);
GRANT SELECT, INSERT ON bench_log, bench_rows TO consentry_app;
"""


@dataclass(frozen=True)
class Asked:
    """What is asked of both servers. `paths` of the service are taken in turn; `row` is what the bare one reads."""

    who: Account
    method: str
    paths: Sequence[str]
    row: str
    body: Any = None
    status: int = 200


@dataclass(frozen=True)
class Load:
    """Requests a second and CPU milliseconds of the server per request."""

    rate: float
    cpu: float


def measured(outcome: Outcome, bar: float, prepare: Callable[[Service], Asked]) -> Outcome:
    """Start both servers on one database, measure, report."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        cluster = Cluster(folder / "cluster")
        house = House(cluster, "consentry_bench", folder / "house")
        try:
            house.clock.set(datetime.now(UTC))
            with house.superuser() as root:
                root.execute(_SET_UP)
            asked = prepare(open_program(house))
            with house.superuser() as root:
                root.execute("INSERT INTO bench_rows VALUES (%s, %s)", [asked.row, b"x" * 1000])
            _measure(house, folder, asked, outcome, bar)
        finally:
            house.close()
            cluster.stop()
    return outcome


def _measure(house: House, folder: Path, asked: Asked, outcome: Outcome, bar: float) -> None:
    settings = replace(house.settings, pool_size=40)  # two servers share 100 connections
    real = Worker(settings, folder / "service.log")
    bare = Worker(settings, folder / "bare.log", factory="tests.bench.bare:create")
    with real, bare:
        urls = {
            real: [f"{real.base_url}/api/v1{path}" for path in asked.paths],
            bare: [f"{bare.base_url}/bare/{asked.row}"],
        }
        for concurrency in CONCURRENCY:
            loads: dict[Worker, list[Load]] = {real: [], bare: []}
            for number in range(_ROUNDS + 1):
                for worker in (real, bare):
                    status = asked.status if worker is real else 200
                    load = asyncio.run(
                        _load(urls[worker], asked, status, worker, concurrency, _SECONDS if number else 0.5)
                    )
                    if number:
                        loads[worker].append(load)
            _report(outcome, concurrency, loads[real], loads[bare], bar)


def _cpu_seconds(worker: Worker) -> float:
    assert worker.process is not None
    fields = Path(f"/proc/{worker.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


async def _load(
    urls: Sequence[str], asked: Asked, status: int, worker: Worker, concurrency: int, seconds: float
) -> Load:
    headers = {"Authorization": f"Bearer {asked.who.token}", "Purpose-Of-Use": "TREAT"}
    sent = {} if asked.body is None else {"json": asked.body}
    done, turns = 0, itertools.cycle(urls)
    limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with httpx2.AsyncClient(limits=limits, timeout=30, headers=headers) as client:
        end = time.perf_counter() + seconds

        async def one() -> None:
            nonlocal done
            while time.perf_counter() < end:
                answer = await client.request(asked.method, next(turns), **sent)
                if answer.status_code == _BUSY:
                    continue  # refused in time, which costs the server too and counts for nothing
                if answer.status_code != status:
                    raise RuntimeError(f"the bench got {answer.status_code}: {answer.text[:200]}")
                done += 1

        before, started = _cpu_seconds(worker), time.perf_counter()
        await asyncio.gather(*(one() for _ in range(concurrency)))
        elapsed = time.perf_counter() - started
        return Load(done / elapsed, (_cpu_seconds(worker) - before) * 1000 / done)


def _report(outcome: Outcome, concurrency: int, real: list[Load], bare: list[Load], bar: float) -> None:
    ratio = median([a.cpu / b.cpu for a, b in zip(real, bare, strict=True)])
    outcome.rows.append(
        [
            str(concurrency),
            f"{median([one.rate for one in real]):.0f}",
            f"{median([one.rate for one in bare]):.0f}",
            f"{median([one.cpu for one in real]):.2f}",
            f"{median([one.cpu for one in bare]):.2f}",
            f"{ratio:.2f}",
            f"<= {bar}",
        ]
    )
    outcome.figures.append(
        {
            "concurrency": concurrency,
            "cpu_ratio": ratio,
            "service_rate": [one.rate for one in real],
            "bare_rate": [one.rate for one in bare],
            "service_cpu_ms": [one.cpu for one in real],
            "bare_cpu_ms": [one.cpu for one in bare],
        }
    )
    if ratio > bar:
        outcome.missed.append(f"{outcome.name} at concurrency {concurrency}: {ratio:.2f} x, bar {bar} x")
