"""Thousands of random acts over HTTP, and a ledger that says what callers were told: nothing less and nothing more.

The machine below does whatever its rules allow, in any order: makes, reads, searches, is refused, signs in and fails
to, consents and revokes, discloses, breaks the glass, reads the trail, holds a transaction open for long or gives one
up. It keeps a book of its own (`tests/model`), and at the end of every example the book and the ledger are compared
entry by entry, every position is looked at, and the ledger verified.
"""

import csv
import io
import json
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import initialize, run_state_machine_as_test

from tests.house import House
from tests.model.consents import Consents
from tests.model.custody import LONG, Custody
from tests.model.once import everything_once
from tests.model.people import People
from tests.model.told import Book, database_time, differences, ledger_since
from tests.model.world import World, password_hash
from tests.showing import Counted

pytestmark = [pytest.mark.battery, pytest.mark.shows("O-21")]
BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
RUNS = range(3) if BATTERY else range(1)
#: The first example of a run is always the shortest there is.
EXAMPLES, STEPS, LEAST = (9, 300, 2_000) if BATTERY else (3, 75, 200)

#: The fields the trail sorts by, and the column each stands for (docs/ledger.md).
FIELDS = {
    "recorded_at": "recorded_at", "occurred_at": "occurred_at", "tree": "tree", "patient": "patient_id",
    "actor": "actor_id", "actor_kind": "actor_kind", "session": "session_id", "action": "action",
    "outcome": "outcome", "purpose": "purpose", "object_kind": "object_kind", "object": "object_id",
    "object_version": "object_version", "consent": "consent_id", "recipient": "recipient_id", "basis": "basis",
    "policy": "policies", "policy_set": "policy_set", "request": "request_id",
}  # fmt: skip


class Everybody(People, Consents, Custody):
    """All of them at once. `house` and `book` are set by the test; `worlds` keeps the last one."""

    house: House
    book: Book
    hashed: str
    worlds: list[World]

    @initialize()
    def open_a_program(self) -> None:
        self.house.clock.set(self.house.clock.beginning)
        self.world = World(self.house, self.book, self.hashed)
        self.worlds[:] = [self.world]

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.end()
        self.sequence()
        self.account_for_disclosures()
        self.write_strangers()
        rows = ledger_since(self.house, self.book.since)
        assert differences(self.book, rows) == []
        self.world.close()

    def write_strangers(self) -> None:
        state, portal = self.house.state, self.house.http.portal
        assert portal is not None
        portal.call(state.strangers.write, state.engine, state.mechanisms, state.clock.now())


@contextmanager
def log_kept() -> Generator[Callable[[], list[dict[str, Any]]]]:
    """What the application logs, as lines of JSON."""
    before, written = structlog.get_config(), io.StringIO()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(written))
    try:
        yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    finally:
        structlog.configure(**before)


@pytest.mark.parametrize("run", RUNS)
def test_the_ledger_is_what_callers_were_told(house: House, counted: Counted, run: int) -> None:
    del run
    book, worlds = Book(database_time(house)), list[World]()
    machine = type(
        "Acts", (Everybody,), {"house": house, "book": book, "hashed": password_hash(), "worlds": worlds}
    )
    asked = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        # a difference names its act by itself; doing thousands of acts again to shorten the story is not worth it
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    with log_kept() as log:
        _once(machine())
        run_state_machine_as_test(machine, settings=asked)
        lines = [line["request_id"] for line in log() if line["event"] == "request"]
    assert len(book.acts) >= LEAST
    assert sorted(one for one in lines if one in book.acts) == sorted(_answered(book))
    rows = ledger_since(house, book.since)
    assert differences(book, rows) == []
    (world,) = worlds
    until = database_time(house)
    known = [
        row
        for row in ledger_since(house, world.began)
        if row["program_id"] == world.service.program_id and row["recorded_at"] < until
    ]
    _every_field_sorts(world, known, until)
    _export_is_the_ledger(world, known, until)
    counted("acts", len(book.acts))
    counted("entries as told", book.entries)
    counted(
        "kinds of outcomes",
        len({(one.action, one.outcome) for act in book.acts.values() for one in act.says}),
    )


def _once(machine: Everybody) -> None:
    """Chance leaves some rules out of each example; whatever it does, each act is tried."""
    machine.open_a_program()
    everything_once(machine)
    machine.teardown()


def _answered(book: Book) -> list[str]:
    return [request for request, act in book.acts.items() if act.what != LONG]


def _every_field_sorts(world: World, known: list[dict[str, Any]], until: datetime) -> None:
    """Every field, up and down, over pages: exactly what Python makes of the stored entries."""
    trail = world.compliance
    for field, column in FIELDS.items():
        for descending in (False, True):
            shown, cursor = list[str](), {}
            while cursor is not None:
                asked = {"sort": "-" * descending + field, "to": _instant(until), "limit": 200} | cursor
                answer = trail.get("/audit/entries", params=asked)
                assert answer.status_code == 200, answer.text
                page = answer.json()
                assert all(one["recorded_at"].endswith("Z") for one in page["items"])
                assert all(one["occurred_at"].endswith("Z") for one in page["items"])
                shown += [one["id"] for one in page["items"]]
                cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
            wanted = sorted(known, key=_order(column), reverse=descending)
            assert shown == [str(row["id"]) for row in wanted], (field, descending)


def _order(column: str) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """Without a value first; equal ones by when they were recorded, then by id."""

    def key(row: dict[str, Any]) -> tuple[Any, ...]:
        value = row[column]
        return (value is not None, value if value is not None else 0, row["recorded_at"], row["id"])

    return key


def _export_is_the_ledger(world: World, known: list[dict[str, Any]], until: datetime) -> None:
    """What is handed on is what is stored, entry by entry."""
    answer = world.compliance.get("/audit/export", params={"format": "csv", "to": _instant(until)})
    assert answer.status_code == 200, answer.text
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    stored = [(str(row["id"]), row["action"], row["outcome"], _instant(row["recorded_at"])) for row in known]
    assert sorted((one["id"], one["action"], one["outcome"], one["recorded_at"]) for one in lines) == sorted(
        stored
    )


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
