"""The service with a key store outside the process: never asked while a transaction is open, and what happens when it
is gone. The key store is a fake that can be taken away; database, application and ledger are real.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from service.app import open_state
from service.cli.operator import Operator
from service.edge import deps
from service.errors import IntegrityError, StartRefused
from service.ids import SERVICE_PROGRAM
from service.jobs.runner import Service as JobService
from service.people import searching
from service.vault import epochfile, kms, steady, units
from service.vault.epoch import KmsUnavailable
from service.vault.keyring import VaultSealed
from service.vault.kms import open_kms
from service.vault.remote import first_plan
from service.vault.source import AHEAD
from service.vault.units import run_unit_sync
from service.vault.vault import Vault
from service.work import Work, enter
from tests.house import Client, Cluster, House, Service, open_program, verify_ledger
from tests.remote_keys import STORE
from tests.showing import Counted

T = TypeVar("T")

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PERSON = {"given_name": "Ada", "family_name": "Testperson", "birth_date": "1990-02-03"}


def in_file(data: Path) -> None:
    epochfile.create(data / "keys" / "kms.json", first_plan(STORE, "fake", {}, NOW))


@pytest.fixture(scope="module")
def remote(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An application whose keys are outside. From its start on, a call while a transaction is open is a failure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(kms.PROVIDERS, "fake", "tests.remote_keys")  # type: ignore[arg-type]
        patch.setattr(steady, "WAITS", (0.01, 0.02))
        patch.setattr(steady, "SHUT_SECONDS", 0.05)
        built = House(cluster, "consentry_remote", tmp_path_factory.mktemp("remote"), in_file)
        yield built
        built.close()


@pytest.fixture
def service(remote: House) -> Iterator[Service]:
    remote.clock.set(remote.clock.beginning)
    another_worker(remote)
    STORE.before = lambda: outside_any_transaction(remote)
    fresh = open_program(remote)
    yield fresh
    STORE.gone = False
    STORE.before = lambda: None
    time.sleep(0.06)
    verify_ledger(fresh)


def outside_any_transaction(house: House) -> None:
    """As the database sees it: nobody of ours has a transaction open at this moment."""
    with house.superuser() as db:
        row = db.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND xact_start IS NOT NULL"
            " AND usename = 'consentry_app'",
            [house.database],
        ).fetchone()
    assert row is not None
    open_now.append(row[0])


#: What `outside_any_transaction` saw: an assertion in a thread of the key store would be taken for its failure.
open_now: list[int] = []


class Tally:
    """How often something happened, and how often at the same moment at most."""

    def __init__(self) -> None:
        self.all = self.now = self.most = 0
        self._lock = threading.Lock()

    def enter(self) -> None:
        with self._lock:
            self.all += 1
            self.now += 1
            self.most = max(self.most, self.now)

    def __enter__(self) -> None:
        self.enter()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.now -= 1


def another_worker(house: House) -> None:
    """The application as a process that was just started: no key in memory but the service's own."""
    vault = Vault(open_kms(house.settings))

    def load(db: Connection) -> None:
        enter(db, SERVICE_PROGRAM)
        vault.load_service_keys(db)

    run_unit_sync(house.engine, vault, load)
    house.state.mechanisms = replace(house.state.mechanisms, vault=vault)
    STORE.calls.clear()
    STORE.opened.clear()
    open_now.clear()


def register(who: Client) -> str:
    answer = who.post("/patients", PERSON)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_no_call_is_made_while_a_transaction_is_open_and_every_effect_happens_once(service: Service) -> None:
    intake = service.client("intake")
    patient = register(intake)
    assert "encrypt" in STORE.calls
    another_worker(service.house)
    STORE.before = lambda: outside_any_transaction(service.house)
    assert intake.get(f"/patients/{patient}").json()["family_name"] == "Testperson"
    assert "decrypt" in STORE.calls
    assert len(open_now) == len(STORE.calls) > 0
    assert set(open_now) == {0}
    assert [len(service.entries(action=action)) for action in ("patient.register", "patient.read")] == [1, 1]
    asked = len(STORE.calls)
    assert intake.get(f"/patients/{patient}").status_code == 200
    assert len(STORE.calls) == asked  # kept


def test_what_a_unit_did_before_it_missed_a_key_is_undone(service: Service) -> None:
    another_worker(service.house)
    runs: list[int] = []
    vault = service.house.state.mechanisms.vault

    def unit(db: Connection) -> bytes:
        runs.append(1)
        service.entry(db, "program.manage")
        return vault.keyed_hash(db, service.program_id, {"what": "an effect, then a key that is missing"})

    before = len(service.entries())
    service.unit(unit)
    assert len(runs) == 2
    assert len(service.entries()) == before + 1


def test_new_patients_take_keys_that_were_wrapped_ahead(service: Service) -> None:
    intake = service.client("intake")
    register(intake)
    wrapped = STORE.calls.count("encrypt")
    for _ in range(AHEAD - 1):
        register(intake)
    assert STORE.calls.count("encrypt") == wrapped
    register(intake)
    assert STORE.calls.count("encrypt") == wrapped + AHEAD


def test_fifty_requests_for_one_patient_make_one_call(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what is counted are calls, not how soon a busy machine gives fifty requests one of eight connections
    monkeypatch.setattr(service.house.state.engine.pool, "_timeout", 30)
    monkeypatch.setattr(deps, "UNIT_SECONDS", 30)
    intake = service.client("intake")
    patient = register(intake)
    another_worker(service.house)
    STORE.before = lambda: time.sleep(0.05)
    with ThreadPoolExecutor(50) as threads:
        asked = [threads.submit(intake.get, f"/patients/{patient}") for _ in range(50)]
        assert [one.result().status_code for one in asked] == [200] * 50
    assert max(Counter(STORE.opened).values()) == 1


def test_a_page_of_fifty_patients_asks_for_all_their_keys_at_once(
    service: Service, monkeypatch: pytest.MonkeyPatch, counted: Counted
) -> None:
    """Three runs at most: first the program's index key is missing, then fifty patients' keys."""
    monkeypatch.setattr(searching, "MOST_FOUND", 50)
    # what is counted are runs, not how soon a busy machine makes them
    monkeypatch.setattr(deps, "UNIT_SECONDS", 30)
    intake = service.client("intake")
    patients = {register(intake) for _ in range(50)}
    another_worker(service.house)
    runs, at_once = Tally(), Tally()
    run_once = units.in_unit

    async def in_unit(engine: AsyncEngine, unit: Callable[[Connection], T]) -> T:
        runs.enter()
        return await run_once(engine, unit)

    def watched() -> None:
        with at_once:
            outside_any_transaction(service.house)
            time.sleep(0.01)

    monkeypatch.setattr(units, "in_unit", in_unit)
    STORE.before = watched
    found = intake.post("/patients/search", {name: PERSON[name] for name in ("family_name", "birth_date")})
    assert {one["id"] for one in found.json()["items"]} == patients
    assert runs.all <= 3
    assert Counter(STORE.calls)["decrypt"] == at_once.all
    assert 50 <= at_once.all <= 52  # and the program's own
    assert 1 < at_once.most <= 8
    assert set(open_now) == {0}
    counted("keys fetched for one page", at_once.all)


@pytest.mark.shows("O-31")
def test_when_the_key_store_is_gone_the_service_is_sealed_and_serves_again_by_itself(
    service: Service,
) -> None:
    intake = service.client("intake")
    patient = register(intake)
    another_worker(service.house)
    STORE.gone = True
    before = len(service.entries())
    for answer in (intake.get(f"/patients/{patient}"), intake.post("/patients", PERSON)):
        assert (answer.status_code, answer.json()["code"]) == (503, "sealed")
        assert int(answer.headers["retry-after"]) >= 1
    assert len(service.entries()) == before
    ready = service.house.http.get("/readyz")
    assert ready.status_code == 503
    assert (ready.json()["checks"]["keys"], ready.json()["checks"]["database"]) == (False, True)

    STORE.gone = False
    time.sleep(0.06)
    assert intake.get(f"/patients/{patient}").status_code == 200
    assert service.house.http.get("/readyz").json()["checks"]["keys"] is True


def test_a_key_row_moved_to_another_patient_is_an_incident(service: Service) -> None:
    intake = service.client("intake")
    one, other = register(intake), register(intake)
    with service.house.superuser() as db:
        db.execute(
            "UPDATE vault_key SET wrapped = (SELECT wrapped FROM vault_key WHERE patient_id = %s)"
            " WHERE patient_id = %s",
            [UUID(other), UUID(one)],
        )
    another_worker(service.house)
    answer = intake.get(f"/patients/{one}")
    assert (answer.status_code, answer.json()["code"]) == (500, "integrity")
    assert len(service.entries(action="integrity.failed")) == 1
    assert intake.get(f"/patients/{other}").status_code == 200


def test_jobs_and_the_console_fetch_between_transactions_too(service: Service) -> None:
    def unit(work: Work) -> bytes:
        return work.keyed_hash({"what": "a key that is missing"})

    expected = service.unit(
        lambda db: service.house.state.mechanisms.vault.keyed_hash(
            db, service.program_id, {"what": "a key that is missing"}
        )
    )
    another_worker(service.house)
    STORE.before = lambda: outside_any_transaction(service.house)
    state = service.house.state
    jobs = JobService(state.engine, state.mechanisms, service.clock)
    assert service.house.http.portal is not None
    assert service.house.http.portal.call(jobs.act, service.program, unit) == expected
    assert Operator(service.house.settings, service.clock).job(unit, service.program) == expected
    assert len(open_now) >= 2
    assert set(open_now) == {0}


@pytest.mark.shows("O-31")
def test_a_service_does_not_start_without_its_key_store_nor_with_another(remote: House) -> None:
    vault = Vault(open_kms(remote.settings))

    def load(db: Connection) -> None:
        enter(db, SERVICE_PROGRAM)
        vault.load_service_keys(db)

    STORE.gone = True
    with pytest.raises(KmsUnavailable):
        run_unit_sync(remote.engine, vault, load)
    STORE.gone = False
    with pytest.raises(VaultSealed, match="is for fake"):
        open_kms(replace(remote.settings, kms="aws"))


def rewritten(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.unlink()
    path.write_text(json.dumps(document))
    path.chmod(0o400)


def says(**fields: object) -> Callable[[Path], None]:
    """The first epoch says this."""
    return lambda path: rewritten(path, lambda document: document["epochs"][0].update(fields))


def foreign(path: Path) -> None:
    path.unlink()
    epochfile.create(path, first_plan(STORE, "fake", {}, NOW))


def of_nobody(path: Path) -> None:
    rewritten(path, lambda document: document.update(provider="nobody"))


def another_key(path: Path) -> None:
    """The right id over a key that is not it."""
    says(reference=STORE.create_key(b"another key"))(path)


def twice(path: Path) -> None:
    rewritten(path, lambda document: document["epochs"].append(dict(document["epochs"][0])))


def one_key_under_two_ids(path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        document["epochs"].append({**document["epochs"][0], "id": "ab" * 16})

    rewritten(path, change)


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (Path.unlink, "No key store file"),
    "short": (says(id="ab" * 8), "malformed epoch id"),
    "damaged": (
        lambda path: rewritten(path, lambda document: document.pop("epochs")),
        "fields of its format",
    ),
    "wrong": (foreign, "another deployment"),
    "other-key": (another_key, "another deployment"),
    "world-readable": (lambda path: path.chmod(0o444), "open to others"),
    "names-no-key": (says(reference=""), "malformed epoch"),
    "duplicate": (twice, "one id twice"),
    "one-key-twice": (one_key_under_two_ids, "one key under two ids"),
    "of-nobody": (of_nobody, "CONSENTRY_KMS is fake"),
}


@pytest.mark.shows("O-31")
@pytest.mark.parametrize("fault", FAULTS)
def test_without_exactly_its_keys_outside_a_service_does_not_start(
    remote: House, tmp_path: Path, fault: str
) -> None:
    """No start, no key made in the key store or the database, the file as it was: as with a keyring."""
    spoil, message = FAULTS[fault]
    path = tmp_path / "keys" / "kms.json"
    path.parent.mkdir(mode=0o700)
    path.write_bytes(kms.epochs_path(remote.settings.keyring).read_bytes())
    path.chmod(0o400)
    spoil(path)
    left = path.read_bytes() if path.exists() else None
    STORE.calls.clear()
    with remote.superuser() as db:
        keys = db.execute("SELECT count(*), max(created_at) FROM vault_key").fetchone()
        assert remote.http.portal is not None
        with pytest.raises(StartRefused, match=message) as refusal:
            elsewhere = replace(remote.settings, data=tmp_path, kms="fake")
            remote.http.portal.call(open_state, elsewhere, remote.clock)
        assert refusal.value.code.value == "sealed"
        assert db.execute("SELECT count(*), max(created_at) FROM vault_key").fetchone() == keys
    assert not {"create", "encrypt", "destroy"} & set(STORE.calls)
    assert (path.read_bytes() if path.exists() else None) == left
    assert [file.name for file in path.parent.iterdir()] == ([] if left is None else ["kms.json"])


@pytest.mark.shows("O-31")
def test_a_key_store_that_does_not_answer_at_the_start_makes_no_service(remote: House) -> None:
    STORE.calls.clear()
    STORE.gone = True
    try:
        assert remote.http.portal is not None
        with pytest.raises(KmsUnavailable):
            remote.http.portal.call(open_state, remote.settings, remote.clock)
    finally:
        STORE.gone = False
        time.sleep(0.06)
    assert set(STORE.calls) == {"decrypt"}


@pytest.mark.shows("O-31")
def test_a_lost_file_of_epochs_is_no_way_back_to_a_keyring(tmp_path: Path, remote: House) -> None:
    elsewhere = replace(remote.settings, data=tmp_path, kms="fake")
    with pytest.raises(VaultSealed, match="No key directory"):
        open_kms(elsewhere)
    path = tmp_path / "keys" / "kms.json"
    path.parent.mkdir(mode=0o700)
    path.write_text(
        '{"format": "consentry-kms-1", "provider": "nobody", "settings": {}, "active": "%s",'
        ' "epochs": [{"id": "%s", "reference": "r", "created": "2026-01-01T00:00:00+00:00"}]}'
        % (("ab" * 16,) * 2)
    )
    path.chmod(0o400)
    with pytest.raises(VaultSealed, match="no key store 'nobody'"):
        open_kms(replace(elsewhere, kms=""))
    path.chmod(0o444)
    with pytest.raises(VaultSealed, match="open to others"):
        open_kms(replace(elsewhere, kms=""))


def test_a_key_of_nobody_is_refused_whoever_asks(service: Service) -> None:
    vault = service.house.state.mechanisms.vault
    with pytest.raises(IntegrityError):
        service.unit(lambda db: vault.patient_key(db, service.program_id, uuid4()))
