"""P1: an authorised read of one record over HTTP against the bare stack, at concurrency 1, 16 and 64.

The figure is the serving process's own CPU time per request (user and system, from the kernel's accounting), so that
neither the load generator nor PostgreSQL counts. Both servers run the whole time; rounds alternate between them.
"""

import asyncio
import os
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from tests.bench.harness import Outcome, median
from tests.house import Account, Cluster, House, open_program
from tests.processes import Worker

CONCURRENCY = (1, 16, 64)
ROUNDS = 5
SECONDS = 2.0
BAR = 1.5
_TICK = os.sysconf("SC_CLK_TCK")

_SET_UP = """
CREATE TABLE bench_log (LIKE audit_entry INCLUDING DEFAULTS INCLUDING INDEXES);
CREATE TABLE bench_rows (id uuid PRIMARY KEY, content bytea NOT NULL);
GRANT SELECT, INSERT ON bench_log, bench_rows TO consentry_app;
"""


@dataclass(frozen=True)
class Load:
    """Requests a second and CPU milliseconds of the server per request."""

    rate: float
    cpu: float


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


async def _load(url: str, who: Account, pid: int, concurrency: int, seconds: float) -> Load:
    headers = {"Authorization": f"Bearer {who.token}", "Purpose-Of-Use": "TREAT"}
    done = 0
    limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with httpx2.AsyncClient(limits=limits, timeout=30, headers=headers) as client:
        end = time.perf_counter() + seconds

        async def one() -> None:
            nonlocal done
            while time.perf_counter() < end:
                answer = await client.get(url)
                if answer.status_code != 200:
                    raise RuntimeError(f"the bench got {answer.status_code}: {answer.text[:200]}")
                done += 1

        before, started = _cpu_seconds(pid), time.perf_counter()
        await asyncio.gather(*(one() for _ in range(concurrency)))
        elapsed = time.perf_counter() - started
        return Load(done / elapsed, (_cpu_seconds(pid) - before) * 1000 / done)


def run() -> Outcome:
    """Start both servers on one database, measure, report."""
    outcome = Outcome(
        "P1",
        "authorised read of one record over HTTP against the bare stack",
        ("concurrency", "service req/s", "bare req/s", "service CPU ms", "bare CPU ms", "CPU ratio", "bar"),
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        cluster = Cluster(folder / "cluster")
        house = House(cluster, "consentry_bench", folder / "house")
        try:
            _measure(house, folder, outcome)
        finally:
            house.close()
            cluster.stop()
    return outcome


def _measure(house: House, folder: Path, outcome: Outcome) -> None:
    house.clock.set(datetime.now(UTC))
    service = open_program(house)
    with house.superuser() as root:
        root.execute(_SET_UP)
    intake = service.client("intake")
    patient = intake.post(
        "/patients", {"given_name": "Bench", "family_name": "Testperson", "birth_date": "1980-01-01"}
    ).json()
    who = service.account("clinician", related_to=[patient["id"]])
    body = {
        "kind": "progress_note",
        "note_class": "ordinary",
        "unit": "U1",
        "content": {"text": "Calm. " * 160},
    }
    made = service.client(who).post(f"/patients/{patient['id']}/items", body)
    item_id = made.json()["id"]
    with house.superuser() as root:
        root.execute("INSERT INTO bench_rows VALUES (%s, %s)", [item_id, b"x" * 1000])
    settings = replace(house.settings, pool_size=40)  # two servers share 100 connections
    real = Worker(settings, folder / "service.log")
    bare = Worker(settings, folder / "bare.log", factory="tests.bench.bare:create")
    with real, bare:
        urls = {
            real: f"{real.base_url}/api/v1/items/{item_id}",
            bare: f"{bare.base_url}/bare/{item_id}",
        }
        for concurrency in CONCURRENCY:
            loads: dict[Worker, list[Load]] = {real: [], bare: []}
            for number in range(ROUNDS + 1):
                for worker, url in urls.items():
                    assert worker.process is not None
                    load = asyncio.run(
                        _load(url, who, worker.process.pid, concurrency, SECONDS if number else 0.5)
                    )
                    if number:
                        loads[worker].append(load)
            _report(outcome, concurrency, loads[real], loads[bare])


def _report(outcome: Outcome, concurrency: int, real: list[Load], bare: list[Load]) -> None:
    ratio = median([a.cpu / b.cpu for a, b in zip(real, bare, strict=True)])
    outcome.rows.append(
        [
            str(concurrency),
            f"{median([one.rate for one in real]):.0f}",
            f"{median([one.rate for one in bare]):.0f}",
            f"{median([one.cpu for one in real]):.2f}",
            f"{median([one.cpu for one in bare]):.2f}",
            f"{ratio:.2f}",
            f"<= {BAR}",
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
    if ratio > BAR:
        outcome.missed.append(f"P1 at concurrency {concurrency}: {ratio:.2f} x, bar {BAR} x")
