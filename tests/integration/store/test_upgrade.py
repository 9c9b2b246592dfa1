"""An upgrade from the last release, with rows in every table: nothing is lost, the ledger holds, the guards stand.

And one that breaks off anywhere leaves the revision it stood at, whole, and goes on when it is repeated.
"""

import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError

from service.config import ROOT
from service.ids import SERVICE_PROGRAM
from service.ledger.verify import Kind
from service.store.engine import plain_engine
from service.store.versions import check_drift, database_version, expected_version, migrate
from tests.house import Cluster
from tests.integration.store import released
from tests.integration.store.catalogue import catalogue, columns, content
from tests.ledger_database import LedgerDatabase
from tests.showing import Counted

pytestmark = pytest.mark.battery

#: In an ordinary run an upgrade breaks off at the last statement of each revision and in its middle; else at each.
EVERYWHERE = "CONSENTRY_BATTERY" in os.environ
MIGRATIONS = ROOT / "migrations"
OLD, NEW, FRESH, WHOLE, BROKEN = (f"upgrade_{name}" for name in ("old", "new", "fresh", "whole", "broken"))
_DONE = re.compile(r"UPDATE alembic_version SET version_num='(\w+)'")
#: Checksums (CRC-32) of what was released: a database out there ran these, so they are never edited again.
RELEASED = {
    "0001_tables_of_the_first_path.py": 2_832_698_862,
    "0002_tenancy_and_guards.py": 4_287_709_726,
    "0003_programs_are_tenants.py": 554_739_933,
    "0004_law_widened.py": 1_917_134_828,
    "0005_intake_widened.py": 2_556_893_017,
}


@dataclass(frozen=True, slots=True)
class Old:
    """The released database: nobody changes it, what is tried is tried on copies."""

    cluster: Cluster
    rows: int
    columns: dict[str, str]
    content: dict[str, tuple[int, str]]

    def copy(self, name: str) -> None:
        with self.cluster.server.admin() as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {OLD} OWNER consentry_owner")  # type: ignore[arg-type]


def _owner(cluster: Cluster, name: str) -> Engine:
    return plain_engine(cluster.server.url("consentry_owner", name))


def _upgrade(cluster: Cluster, name: str, version: str) -> None:
    owner = _owner(cluster, name)
    with owner.connect() as db:
        released.upgrade(db, version)
    owner.dispose()


@pytest.fixture(scope="module")
def old(cluster: Cluster) -> Old:
    cluster.create_database(OLD)
    _upgrade(cluster, OLD, released.VERSION)
    with cluster.superuser(OLD) as root:
        rows = released.fill(root)
        named = columns(root)
        named.pop("alembic_version")
        return Old(cluster, rows, named, content(root, named))


@pytest.fixture(scope="module")
def new(old: Old) -> Iterator[psycopg.Connection[Any]]:
    """A copy of it, upgraded as `consentry migrate` does."""
    old.copy(NEW)
    owner = _owner(old.cluster, NEW)
    migrate(owner, MIGRATIONS)
    check_drift(owner, MIGRATIONS)
    owner.dispose()
    with old.cluster.superuser(NEW) as root:
        yield root


def test_what_was_released_is_as_it_was() -> None:
    found = {name: zlib.crc32((MIGRATIONS / "versions" / name).read_bytes()) for name in RELEASED}
    assert found == RELEASED


def test_every_row_survives(old: Old, new: psycopg.Connection[Any], counted: Counted) -> None:
    assert all(many >= 2 for many, _ in old.content.values())
    assert set(old.columns) <= set(columns(new))
    assert content(new, old.columns) == old.content
    counted("rows upgraded", old.rows)


def test_entries_stand_in_their_months_and_those_of_no_time_with_the_rest(
    new: psycopg.Connection[Any],
) -> None:
    stands = "SELECT DISTINCT tableoid::regclass::text FROM audit_entry WHERE {} ORDER BY 1"
    parts = [name for (name,) in new.execute(stands.format("true"))]  # type: ignore[arg-type]
    assert {"audit_entry_2019_12", "audit_entry_2024_02", "audit_entry_2100_01"} & set(parts) == {
        "audit_entry_2024_02"
    }
    assert {f"audit_entry_{month}" for month in ("2020_01", "2025_12", "2026_01", "2024_03")} <= set(parts)
    timeless = "substr(id::text, 15, 1) <> '7'"
    timeless += " OR id NOT BETWEEN audit_first_id('2020-01-01') AND audit_first_id('2100-01-01')"
    assert [name for (name,) in new.execute(stands.format(timeless))] == ["audit_entry_other"]  # type: ignore[arg-type]
    outside = (
        "SELECT count(*) FROM audit_entry WHERE tableoid <> 'audit_entry_other'::regclass AND tableoid <> "
        "('audit_entry_' || to_char(to_timestamp(('x' || lpad(left(replace(id::text, '-', ''), 12), 16, '0'))"
        "::bit(64)::bigint / 1000.0) AT TIME ZONE 'UTC', 'YYYY_MM'))::regclass"
    )
    assert new.execute(outside).fetchone() == (0,)  # type: ignore[arg-type]


def test_the_ledger_verifies_and_goes_on(old: Old, new: psycopg.Connection[Any], tmp_path: Path) -> None:
    ledger = LedgerDatabase(old.cluster, NEW, tmp_path / "checkpoints", mac_key=released.LEDGER_KEY)
    origins = {released.PROGRAM: "consentry/test/first", SERVICE_PROGRAM: "consentry/test/service"}
    ledger.origin = origins.__getitem__  # type: ignore[method-assign]
    before = {tree: ledger.verify(tree, copies=[], strays=tree == SERVICE_PROGRAM) for tree in origins}
    for report in before.values():
        assert report.intact, report.findings
    for tree in origins:
        ledger.append(tree, 3)
    ledger.sequence(copy=False)
    for tree in origins:
        report = ledger.verify(tree, copies=[])
        assert report.intact, report.findings
        assert report.entries == before[tree].entries + 3
    ledger.tamper("UPDATE audit_entry SET basis = 'B99' WHERE id = (SELECT entry_id FROM audit_leaf "
                  "WHERE tree = %s AND position = 5)", released.PROGRAM)  # fmt: skip
    found = ledger.verify(released.PROGRAM, copies=[]).first
    assert found is not None
    assert (found.kind, found.position) == (Kind.ALTERED, 5)
    ledger.app.dispose()
    ledger.sequencer.dispose()


def test_tables_guards_and_rights_are_those_of_a_fresh_database(
    old: Old, new: psycopg.Connection[Any]
) -> None:
    old.cluster.create_database(FRESH)
    owner = _owner(old.cluster, FRESH)
    migrate(owner, MIGRATIONS)
    owner.dispose()
    with old.cluster.superuser(FRESH) as fresh:
        expected, found = catalogue(fresh), catalogue(new)
    for kind, things in expected.items():
        assert found[kind] == things, (kind, found[kind] ^ things)
        assert things, kind


@contextmanager
def _at_each_statement(owner: Engine, act: Callable[[str, int], None]) -> Iterator[None]:
    """`act(statement, backend)` before each statement of an upgrade."""

    def before(connection: Any, _: object, statement: str, *__: object) -> None:
        act(statement, connection.connection.dbapi_connection.info.backend_pid)

    event.listen(owner, "before_cursor_execute", before)
    yield
    event.remove(owner, "before_cursor_execute", before)


@pytest.mark.long
def test_an_upgrade_broken_off_leaves_what_was_and_is_repeated(old: Old, counted: Counted) -> None:
    """The connection dies before a statement of a revision: its transaction takes everything back with it."""
    cluster, broken = old.cluster, 0
    old.copy(BROKEN)
    statements = _statements(old)
    assert sorted(statements) == _later_versions()
    for version, every in statements.items():
        with cluster.superuser(BROKEN) as root:
            before = catalogue(root), content(root, columns(root))
            for statement in every if EVERYWHERE else (every[len(every) // 2], every[-1]):
                _break_off(cluster, root, version, statement)
                assert (catalogue(root), content(root, columns(root))) == before, (version, statement)
                broken += 1
        _upgrade(cluster, BROKEN, version)
    with cluster.superuser(BROKEN) as root, _owner(cluster, BROKEN).connect() as db:
        assert database_version(db) == expected_version(MIGRATIONS)
        assert content(root, old.columns) == old.content
    counted("upgrades broken off", broken)


def _later_versions() -> list[str]:
    versions = sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    return versions[versions.index(released.VERSION) + 1 :]


def _statements(old: Old) -> dict[str, list[str]]:
    """The different statements of each revision, the one that says it is done as the last; from an upgrade that is."""
    old.copy(WHOLE)
    owner = _owner(old.cluster, WHOLE)
    said: dict[str, list[str]] = {}
    waiting: dict[str, None] = {}

    def hear(statement: str, _: int) -> None:
        waiting[statement] = None
        if done := _DONE.match(statement):
            said[done[1]] = list(waiting)
            waiting.clear()

    with _at_each_statement(owner, hear), owner.connect() as db:
        released.upgrade(db, "head")
    owner.dispose()
    return said


def _break_off(cluster: Cluster, root: psycopg.Connection[Any], version: str, at: str) -> None:
    def end(statement: str, backend: int) -> None:
        if statement == at:
            root.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])

    owner = _owner(cluster, BROKEN)
    with _at_each_statement(owner, end), pytest.raises(DBAPIError), owner.connect() as db:
        released.upgrade(db, version)
    owner.dispose()
