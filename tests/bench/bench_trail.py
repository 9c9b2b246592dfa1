"""P8: what it costs to search the trail for one patient, the last 30 days, newest first, among 100,000, 1,000,000 and
(as `P8-large`, `make bench-large`) 10,000,000 entries, against itself at 100,000.

Each size has a database of its own whose entries are written by COPY over twelve months, so that they stand in the
months they would stand in: a fifth of them about no patient. `first` is the
whole unit of a search: decision, first page of 50, names opened, its own entry, commit. `next` is the page after that,
`actor` the same question about an account. Rounds go through the sizes in turn; medians are quoted, and the 95th
percentile of `first`.
"""

import contextlib
import random
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from service.clock import SystemClock
from service.custody.operations import search_entries
from service.custody.records import Query
from service.ids import new_id
from service.work import Work
from tests.bench.harness import Outcome, median
from tests.house import Cluster, House, open_program

SIZES = (100_000, 1_000_000)
LARGE = (100_000, 10_000_000)
ROUNDS = 120
WARM = 20
BAR = 2.0
FIRST_PAGE_MS = 100.0
#: Entries of each patient: eighty in any month of the year, more than a page.
_PER_PATIENT = 1_200
_ACCOUNTS = 40
_DAYS = 360
_BATCH = 5_000
_COPY = (
    "COPY audit_entry (id, tree, program_id, occurred_at, recorded_at, actor_kind, actor_id, session_id, action, "
    "outcome, purpose, object_kind, object_id, patient_id, policy_set, policies, detail, request_id, mac) FROM STDIN"
)
_SECONDARY = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'audit_entry' AND indexname LIKE 'ix\\_%'"
)


class Archive:
    """One database with so many entries, and what is asked of it."""

    def __init__(self, house: House, many: int) -> None:
        self.service = open_program(house)
        self.caller = self.service.account("compliance").caller
        self.now = SystemClock().now()
        self.patients = [new_id(self.now) for _ in range(max(many // _PER_PATIENT, 20))]
        self.accounts = [self.service.account("clinician", name=f"bench{n}").id for n in range(_ACCOUNTS)]
        started = time.perf_counter()
        self._seed(many)
        self.seeded = time.perf_counter() - started

    def _seed(self, many: int) -> None:
        with self.service.house.superuser() as root:
            root.execute("SET session_replication_role = replica")
            for back in range(13):
                root.execute(
                    "SELECT audit_add_month(date_trunc('month', "
                    "(now() AT TIME ZONE 'UTC') - make_interval(months => %s)))",
                    [back],
                )
            secondary = root.execute(_SECONDARY).fetchall()
            for name, _ in secondary:
                root.execute(f"DROP INDEX {name}")  # type: ignore[arg-type]
            with root.cursor() as cursor, cursor.copy(_COPY) as copy:  # type: ignore[arg-type]
                batch: list[str] = []
                for line in self._lines(many):
                    batch.append(line)
                    if len(batch) == _BATCH:
                        copy.write("".join(batch))
                        batch.clear()
                copy.write("".join(batch))
            for _, definition in secondary:  # as the catalogue writes it, an index would be on no part
                root.execute(definition.replace(" ON ONLY ", " ON "))  # type: ignore[arg-type]
            root.execute("ANALYZE audit_entry")

    def _lines(self, many: int) -> Iterator[str]:
        chance = random.Random(many)  # which patient an entry is about, the same in every run
        program, step = self.service.program_id, timedelta(days=_DAYS) / many
        mac = f"\\\\x{secrets.token_hex(32)}"
        for number in range(many):
            at = self.now - step * (many - number)
            about = f"{chance.choice(self.patients)}" if number % 5 else "\\N"
            act = ("patient.read", "record.read", "item.read", "consent.read", "assessment.list")[number % 5]
            actor, request = chance.choice(self.accounts), f"{chance.getrandbits(128):032x}"
            yield (
                f"{new_id(at)}\t{program}\t{program}\t{at.isoformat()}\t{at.isoformat()}\tstaff\t{actor}\t"
                f"{new_id(at)}\t{act}\tpermit\tTREAT\tpatient\t{about}\t{about}\tset\t[]\t{{}}\t{request}\t{mac}\n"
            )

    def ask(
        self, number: int, field: str = "patient", after: UUID | None = None
    ) -> tuple[float, UUID | None]:
        """Milliseconds of a whole search, committed, and where the next page begins."""
        sought = self.patients if field == "patient" else self.accounts
        query = Query(
            {field: sought[number % len(sought)]}, begin=datetime.now(UTC) - timedelta(days=30), after=after
        )

        def unit(work: Work) -> tuple[int, UUID | None]:
            page = search_entries(work, query)
            return len(page.entries), page.next

        started = time.perf_counter()
        found, following = self.service.work(self.caller, unit)
        spent = (time.perf_counter() - started) * 1_000
        if not found:
            raise RuntimeError("the bench finds nothing")
        return spent, following


def _measured(
    folder: Path, sizes: tuple[int, ...]
) -> tuple[dict[str, dict[int, list[float]]], dict[int, float]]:
    measured: dict[str, dict[int, list[float]]] = {
        shape: {n: [] for n in sizes} for shape in ("first", "next", "actor")
    }
    with ExitStack() as opened:
        cluster = Cluster(folder / "cluster")
        opened.callback(cluster.stop)
        archives: dict[int, Archive] = {}
        for n in sizes:
            house = opened.enter_context(contextlib.closing(House(cluster, f"trail{n}", folder / str(n))))
            archives[n] = Archive(house, n)
        for number in range(ROUNDS + WARM):
            for n, archive in archives.items():
                first, following = archive.ask(number)
                spent = {"first": first, "actor": archive.ask(number, "actor")[0]}
                if following is not None:
                    spent["next"] = archive.ask(number, after=following)[0]
                for shape, milliseconds in spent.items():
                    if number >= WARM:
                        measured[shape][n].append(milliseconds)
        return measured, {n: archive.seeded for n, archive in archives.items()}


def run(sizes: tuple[int, ...] = SIZES) -> Outcome:
    """Measure the curve and hold `first` against the bars."""
    outcome = Outcome(
        "P8",
        "searching the trail for a patient, last 30 days, newest first",
        ("shape", "entries", "median ms", "p95 ms", "ratio", "bar"),
    )
    with tempfile.TemporaryDirectory() as temporary:
        measured, seeded = _measured(Path(temporary), sizes)
    for n, seconds in seeded.items():
        outcome.figures.append({"entries": n, "seconds_to_seed": seconds})
        outcome.rows.append(["seeding", f"{n:,}", f"{seconds * 1_000:,.0f}", "", "", ""])
    for shape, curve in measured.items():
        base = median(curve[min(curve)])
        for n, spent in curve.items():
            _add(outcome, shape, n, spent, median(spent) / base, n != min(curve))
    return outcome


def run_large() -> Outcome:
    """The same among ten million; writing those takes minutes."""
    return run(LARGE)


def _add(outcome: Outcome, shape: str, n: int, spent: list[float], ratio: float, compared: bool) -> None:
    late = sorted(spent)[int(len(spent) * 0.95)]
    barred = shape == "first" and compared
    outcome.rows.append(
        [
            shape,
            f"{n:,}",
            f"{median(spent):.2f}",
            f"{late:.2f}",
            f"{ratio:.2f}",
            f"<= {BAR} x, p95 <= {FIRST_PAGE_MS:.0f} ms" if barred else "",
        ]
    )
    outcome.figures.append({"shape": shape, "entries": n, "milliseconds": spent, "ratio": ratio, "p95": late})
    if barred and ratio > BAR:
        outcome.missed.append(f"P8 among {n:,}: {ratio:.2f} x, bar {BAR} x")
    if barred and late > FIRST_PAGE_MS:
        outcome.missed.append(f"P8 among {n:,}: first page p95 {late:.0f} ms, bar {FIRST_PAGE_MS:.0f} ms")
