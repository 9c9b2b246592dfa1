"""A large database dumped and restored with PostgreSQL's own tools: every sealed value opens with its keys, in time;
with others the service stays shut; the ledger and the copies outside vouch for it either way; a lost key takes its
own rows.

A million rows of the record in `make battery`, which prints the times.
"""

import multiprocessing
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from service.ids import SERVICE_PROGRAM, new_id
from service.ledger.checkpoint import origin_of, split_notes
from service.ledger.copies import copy_of
from service.ledger.stored import DatabaseSource, begin_snapshot
from service.ledger.verify import Report, verify
from service.store.engine import plain_engine
from service.vault import envelope, keyring
from service.vault.envelope import RowKey, SealedTable
from service.vault.epoch import VaultSealed
from service.vault.opening.everything import Opened, open_all
from service.vault.units import run_unit_sync
from service.vault.vault import Vault
from service.work import enter
from tests.house import Cluster, House, Service, open_program
from tests.integration.custody.test_shredding import register
from tests.integration.vault.test_restore import BINARIES, counts
from tests.needing import needs
from tests.showing import Counted

pytestmark = [pytest.mark.battery, pytest.mark.shows("O-32", "T11")]
BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
ROWS = 1_000_000 if BATTERY else 2_000
PATIENTS = 50 if BATTERY else 3
PROCESSES = 2 if BATTERY else 1
#: From the beginning of the restore to the last value opened.
MOST_SECONDS = 15 * 60.0
_ITEM = SealedTable("record_item", ("labels", "content"))
_COPY = (
    "COPY record_item (id, program_id, patient_id, kind, note_class, unit, state, dated_on, author_id, version, "
    "labels, content, created_at, changed_at, entry_id) FROM STDIN"
)
_RESTORED = "consentry_sized_again"


@dataclass
class Large:
    """A house with many rows, its dump, and what was in it."""

    house: House
    service: Service
    patients: Sequence[UUID]
    dumped: Path
    rows: dict[str, int]


@pytest.fixture(scope="module")
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Large]:
    """At full size on a server of its own, so that the room it takes goes with it."""
    folder = tmp_path_factory.mktemp("sized")
    own = Cluster(tmp_path_factory.mktemp("sized-cluster") / "data") if BATTERY else None
    cluster: Cluster = own or request.getfixturevalue("cluster")
    house = House(cluster, "consentry_sized", folder / "house")
    try:
        service = open_program(house)
        patients = [UUID(register(service, family_name=f"Testperson{n}")) for n in range(PATIENTS)]
        began = time.monotonic()
        fill(service, patients, ROWS)
        house.sequence()
        print(f"filled: {ROWS:,} rows, {time.monotonic() - began:.0f} s")
        began = time.monotonic()
        tool(cluster, "pg_dump", house.database, "-Fd", "-j2", "-Z1", "-f", str(folder / "dump"))
        print(f"dumped: {time.monotonic() - began:.0f} s")
        yield Large(house, service, patients, folder / "dump", counts(cluster, house.database))
    finally:
        house.close()
        shutil.rmtree(folder)
        if own is not None:
            own.stop()


def tool(cluster: Cluster, name: str, database: str, *more: str) -> None:
    """One of PostgreSQL's programs, as an administrator would run it."""
    program = needs(str(BINARIES / name), "dumping and restoring a database")
    address = cluster.server.address
    where = ["-h", str(address.sockets), "-p", str(address.port), "-U", "postgres", "-d", database]
    subprocess.run([program, *where, *more], check=True)


def fill(service: Service, patients: Sequence[UUID], rows: int) -> None:
    """Rows as the service writes them, by a shorter way: sealed under the patients' keys, copied in."""
    vault, now = service.house.state.mechanisms.vault, service.clock.now()
    keys = [
        service.unit(lambda db, one=one: vault.patient_key(db, service.program_id, one)) for one in patients
    ]
    entry = service.entries(action="patient.register")[0]["id"]
    with service.house.superuser() as root:
        root.execute("SET session_replication_role = replica")
        with root.cursor() as cursor, cursor.copy(_COPY) as copy:
            lines = list[str]()
            for number in range(rows):
                patient, key = patients[number % len(patients)], keys[number % len(keys)]
                row = RowKey(service.program_id, new_id(now), 1, patient)
                values = {
                    "labels": ["SUD"],
                    "content": {"text": f"Attended group, session {number}, was on time"},
                }
                sealed = envelope.seal_row(key, _ITEM, row, values)
                lines.append(
                    f"{row.row_id}\t{service.program_id}\t{patient}\tattendance\tordinary\tU1\tfinal\t2026-05-01\t"
                    f"{patient}\t1\t\\\\x{sealed['labels'].envelope.hex()}\t\\\\x{sealed['content'].envelope.hex()}\t"
                    f"{now.isoformat()}\t{now.isoformat()}\t{entry}\n"
                )
                if len(lines) == 5_000:
                    copy.write("".join(lines))
                    lines.clear()
            copy.write("".join(lines))


def open_part(url: str, ring: Path, programs: Sequence[UUID], part: int) -> Opened:
    """One process's share of the looking."""
    return open_all(plain_engine(url), Vault(keyring.load(ring)), programs, part=part, parts=PROCESSES)


def open_everything(url: str, ring: Path, programs: Sequence[UUID]) -> Opened:
    total = Opened()
    if PROCESSES == 1:
        return open_part(url, ring, programs, 0)
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        for found in pool.map(
            open_part, *zip(*((url, ring, programs, part) for part in range(PROCESSES)), strict=True)
        ):
            total = total.and_(found)
    return total


def starts(url: str, ring: Path) -> None:
    """What a start does with the keys; VaultSealed when they are not this database's."""
    vault = Vault(keyring.load(ring))

    def load(db: object) -> None:
        enter(db, SERVICE_PROGRAM)  # type: ignore[arg-type]
        vault.load_service_keys(db)  # type: ignore[arg-type]

    run_unit_sync(plain_engine(url), vault, load)


def ledger(large: Large, database: str, *, keys: bool) -> Report:
    settings, state = large.house.cluster.settings(database, large.house.data), large.house.state
    notes = copy_of(settings.checkpoints, large.service.program_id).read_text().splitlines(keepends=True)
    with plain_engine(settings.sequencer_database_url).connect() as db:
        begin_snapshot(db)
        return verify(
            DatabaseSource(db, large.service.program_id),
            origin_of(settings.deployment, large.service.program.key),
            public_key=state.sequencer.signer.public_key,
            mac_keys=[state.mechanisms.ledger_mac_key] if keys else [],
            copies=split_notes(notes),
        )


@pytest.mark.long
def test_a_large_restore_is_whole_in_time_shut_without_its_keys_and_names_what_a_lost_key_took(
    large: Large, tmp_path: Path, counted: Counted
) -> None:
    cluster, programs = large.house.cluster, [SERVICE_PROGRAM, large.service.program_id]
    url = cluster.settings(_RESTORED, large.house.data).database_url
    ring = large.house.settings.keyring
    began = time.monotonic()
    cluster.create_database(_RESTORED)
    tool(cluster, "pg_restore", _RESTORED, "--exit-on-error", "-j2", str(large.dumped))
    restored = time.monotonic()
    starts(url, ring)
    found = open_everything(url, ring, programs)
    seconds = time.monotonic() - began
    print(f"restored: {ROWS:,} rows, {restored - began:.0f} s; with every value opened {seconds:.0f} s")
    assert seconds < MOST_SECONDS
    assert (found.failed, found.destroyed) == ({}, 0)
    assert found.opened >= ROWS + PATIENTS
    assert counts(cluster, _RESTORED) == large.rows
    counted("rows restored and opened", found.opened)
    whole = ledger(large, _RESTORED, keys=True)
    assert whole.intact, whole.findings
    assert whole.copies > 0

    other = tmp_path / "other" / "keyring.json"
    keyring.init(other, large.house.clock.now())
    with pytest.raises(VaultSealed):
        starts(url, other)
    shut = ledger(large, _RESTORED, keys=False)
    assert (shut.intact, shut.signatures_checked, shut.macs_checked) == (True, True, False), shut.findings

    lost = large.patients[0]
    with cluster.superuser(_RESTORED) as root:
        root.execute("DELETE FROM vault_key WHERE patient_id = %s", [lost])
        hers = {name: rows_of(root, name, lost) for name in ("record_item", "patient")}
    again = time.monotonic()
    after = open_everything(url, ring, programs)
    assert {name: set(ids) for name, ids in after.failed.items()} == hers
    assert after.opened == found.opened - sum(len(ids) for ids in hers.values())
    print(f"one key lost: looked through again in {time.monotonic() - again:.0f} s")
    counted("rows named after a key was lost", sum(len(ids) for ids in hers.values()))


def rows_of(root: "psycopg.Connection[tuple[UUID]]", table: str, patient: UUID) -> set[UUID]:
    column = "id" if table == "patient" else "patient_id"
    found = root.execute(f"SELECT id FROM {table} WHERE {column} = %s", [patient])  # type: ignore[arg-type]
    return {one for (one,) in found.fetchall()}
