"""P7: what it costs to find a patient by name and birth date among 1,000, 100,000, 1,000,000, against itself at 1,000.

Each size has a database of its own, so that its indexes are as deep as they would be. All but a few patients are written
by COPY: rows and index values as real ones have them, sealed columns that nobody opens, no keys. Those who are looked
for are registered as everybody is. `search` is the whole unit of a search by staff: terms, look-up, opening, entries of
the ledger, commit. `alike` is the same for a registration's question who may be the same person, `exact` the look-up for
an outside requester. Rounds go through the sizes in turn; medians of the rounds are quoted. The bar is on `search`.
"""

import contextlib
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from service.access.actions import Action
from service.ids import new_id
from service.people import operations, searching
from service.people.duplicates import duplicates_of, find_exact
from service.people.finding import Index
from service.people.searching import Search
from service.work import Work
from tests.bench.harness import Outcome, median
from tests.house import Cluster, House, Service, open_program

SIZES = (1_000, 100_000, 1_000_000)
ROUNDS = 200
WARM = 20
#: Times the cost among 1,000.
BAR = 1.5
#: Patients who are looked for in turn: a search that always finds the same one measures a cache.
SOUGHT = 50

#: What a patient with a record number, a telephone and an e-mail address is found by.
_INDEXES = (
    Index.FAMILY_BIRTH,
    Index.GIVEN_BIRTH,
    Index.NAME_BIRTH,
    Index.PHONETIC_BIRTH,
    Index.IDENTIFIER,
    Index.SYSTEM_IDENTIFIER,
    Index.PHONE,
    Index.PHONE_YEAR,
)
_BATCH = 5_000
_PATIENTS = (
    "COPY patient (id, program_id, state, version, demographics, created_at, changed_at, entry_id) FROM STDIN"
)
_TERMS = "COPY patient_index (id, program_id, patient_id, name, value) FROM STDIN"
#: Built after the rows are there, as a restored backup does it: the indexes are the real ones.
_SECONDARY = """
SELECT indexname, indexdef FROM pg_indexes
WHERE tablename IN ('patient', 'patient_index') AND indexname LIKE 'ix\\_%'
"""


def _sought(number: int) -> dict[str, Any]:
    return {
        "given_name": f"Ana{'abcdefghij'[number % 10]}",
        "family_name": f"Testperson{'klmnopqrst'[number // 10]}",
        "birth_date": f"19{50 + number % 50}-04-05",
        "identifiers": [{"system": "mrn", "value": f"T{number:05}"}],
        "phone": f"212 555 {number:04}",
    }


def _seed(service: Service, many: int) -> None:
    """So many patients whose rows and index values nobody will open."""
    now = datetime.now(UTC)
    with service.house.superuser() as root:
        root.execute("SET session_replication_role = replica")  # rows copied have no entry of their own
        secondary = root.execute(_SECONDARY).fetchall()
        for name, _ in secondary:
            root.execute(f"DROP INDEX {name}")  # type: ignore[arg-type]
        ids = [new_id(now) for _ in range(many)]
        with root.cursor() as cursor:
            _copy(cursor, _PATIENTS, _patients(service.program_id, ids, now))
            _copy(cursor, _TERMS, _terms(service.program_id, ids))
        for _, definition in secondary:
            root.execute(definition)  # type: ignore[arg-type]
        root.execute("ANALYZE patient, patient_index")


def _copy(cursor: "psycopg.Cursor[Any]", statement: str, lines: Iterator[str]) -> None:
    with cursor.copy(statement) as copy:  # type: ignore[arg-type]
        batch: list[str] = []
        for line in lines:
            batch.append(line)
            if len(batch) == _BATCH:
                copy.write("".join(batch))
                batch.clear()
        copy.write("".join(batch))


def _patients(program_id: UUID, ids: list[UUID], now: datetime) -> Iterator[str]:
    sealed = f"\\\\x{secrets.token_hex(420)}"  # as long as ordinary demographics, sealed
    entry = new_id(now)
    for one in ids:
        yield f"{one}\t{program_id}\tregistered\t1\t{sealed}\t{now.isoformat()}\t{now.isoformat()}\t{entry}\n"


def _terms(program_id: UUID, ids: list[UUID]) -> Iterator[str]:
    for one in ids:
        values = secrets.token_hex(16 * len(_INDEXES))
        rows = secrets.token_hex(16 * len(_INDEXES))
        for place, index in enumerate(_INDEXES):
            cut = slice(32 * place, 32 * place + 32)
            yield f"{rows[cut]}\t{program_id}\t{one}\t{index.value}\t\\\\x{values[cut]}\n"


class Town:
    """One database with so many patients, and what is asked of it."""

    def __init__(self, house: House, many: int) -> None:
        self.service = open_program(house)
        self.caller = self.service.account("intake").caller
        self.people = [
            self.service.work(self.caller, lambda work, n=n: operations.register_patient(work, _sought(n)).id)
            for n in range(SOUGHT)
        ]
        _seed(self.service, many - SOUGHT)

    def search(self, number: int) -> float:
        """Milliseconds of a whole search, committed."""
        person = _sought(number)
        asked = Search(
            family_name=person["family_name"],
            given_name=person["given_name"],
            birth_date=date.fromisoformat(person["birth_date"]),
        )
        started = time.perf_counter()
        found = self.service.work(self.caller, lambda work: searching.find_patients(work, asked))
        spent = (time.perf_counter() - started) * 1_000
        self._found([one.id for one in found], number)
        return spent

    def alike(self, number: int) -> float:
        """Milliseconds of looking for duplicates, within a unit."""
        return self._within(
            number, lambda work: [one.patient_id for one in duplicates_of(work, _sought(number))][:1]
        )

    def exact(self, number: int) -> float:
        """Milliseconds of the look-up for a requester, within a unit."""
        person = _sought(number)
        born = date.fromisoformat(person["birth_date"])
        return self._within(
            number, lambda work: [*find_exact(work, person["family_name"], person["given_name"], born)]
        )

    def _within(self, number: int, look: Callable[[Work], list[Any]]) -> float:
        def act(work: Work) -> tuple[float, list[Any]]:
            work.require(Action.PATIENT_SEARCH)
            started = time.perf_counter()
            found = look(work)
            spent = (time.perf_counter() - started) * 1_000
            work.record(action=Action.PATIENT_SEARCH, object_kind="patient", object_id=None)
            return spent, found

        spent, found = self.service.work(self.caller, act)
        self._found(found, number)
        return spent

    def _found(self, found: list[UUID], number: int) -> None:
        if found != [self.people[number]]:
            raise RuntimeError("the bench finds somebody else")


def _measured(folder: Path, sizes: tuple[int, ...]) -> dict[str, dict[int, list[float]]]:
    measured: dict[str, dict[int, list[float]]] = {
        shape: {n: [] for n in sizes} for shape in ("search", "alike", "exact")
    }
    with ExitStack() as opened:
        cluster = Cluster(folder / "cluster")
        opened.callback(cluster.stop)
        towns: dict[int, Town] = {}
        for n in sizes:
            house = opened.enter_context(contextlib.closing(House(cluster, f"find{n}", folder / str(n))))
            towns[n] = Town(house, n)
        for number in range(ROUNDS + WARM):
            for n, town in towns.items():
                for shape, act in (("search", town.search), ("alike", town.alike), ("exact", town.exact)):
                    spent = act(number % SOUGHT)
                    if number >= WARM:
                        measured[shape][n].append(spent)
    return measured


def run(sizes: tuple[int, ...] = SIZES) -> Outcome:
    """Measure the curve and hold `search` against the bar."""
    outcome = Outcome(
        "P7",
        "finding a patient by name and birth date",
        ("shape", "patients", "median ms", "ratio", "bar"),
    )
    with tempfile.TemporaryDirectory() as temporary:
        measured = _measured(Path(temporary), sizes)
    for shape, curve in measured.items():
        _report(outcome, shape, curve)
    return outcome


def _report(outcome: Outcome, shape: str, curve: Mapping[int, list[float]]) -> None:
    first = median(next(iter(curve.values())))
    for n, spent in curve.items():
        ratio = median(spent) / first
        barred = shape == "search" and n != min(curve)
        outcome.rows.append(
            [shape, f"{n:,}", f"{median(spent):.3f}", f"{ratio:.2f}", f"<= {BAR} x" if barred else ""]
        )
        outcome.figures.append({"shape": shape, "patients": n, "milliseconds": spent, "ratio": ratio})
        if barred and ratio > BAR:
            outcome.missed.append(f"P7 among {n:,}: {ratio:.2f} x, bar {BAR} x")
