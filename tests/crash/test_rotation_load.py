"""Keys are rotated while the service works, over two processes: no request fails, and nothing is left under old keys.

Charts are read, written, found and registered, and somebody signs in, at an even rate; meanwhile an operator gives,
again and again, the commands of docs/keys.md: a new key-encryption key, new keys for every patient and program, new keys
for the blind indexes. And the commands are killed at any moment, and given again.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from random import Random
from unittest.mock import patch
from uuid import uuid4

import httpx2
import pytest

from service.config import ROOT
from service.store.engine import plain_engine
from service.vault import keyring, reindexing, resealing
from tests.house import Account, Cluster, House, Service, open_program, verify_ledger
from tests.integration.disclosure.office import PATIENT, Office
from tests.integration.sealed_columns import opened
from tests.processes import Worker
from tests.serving import clean_environment, command
from tests.showing import Counted

#: In `make test` at a size that fits; in `make battery` at full size.
pytestmark = [pytest.mark.battery, pytest.mark.shows("O-30")]
BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
SECONDS = 120.0 if BATTERY else 10.0
ROTATIONS = 10 if BATTERY else 4
KINDS = ("kek", "data", "index")
KILLS = 10 if BATTERY else 2
PER_SECOND = 20.0
THREADS = 4
#: Requests of the test last a tenth of that; the default waits for what may last longer.
SETTLED = "2" if BATTERY else "0.5"

USER = {
    "grant_type": "password",
    "username": "uli.testperson-rotating",
    "password": "four wet herons on a slate roof",
}

Call = tuple[str, str, Mapping[str, object] | None, Account, int]


@dataclass
class Seen:
    """What was answered: how often as it should be, and whatever else."""

    right: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    registered: list[Mapping[str, object]] = field(default_factory=list[Mapping[str, object]])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Sequence[Worker]]]:
    """A database of its own and two serving processes."""
    cluster = Cluster(tmp_path_factory.mktemp("rotate") / "data")
    house = House(cluster, "consentry_rotate", tmp_path_factory.mktemp("rotate-house"))
    house.clock.set(datetime.now(UTC))
    logs = tmp_path_factory.mktemp("rotate-logs")
    try:
        service = open_program(house)
        with Worker(house.settings, logs / "a.log") as one, Worker(house.settings, logs / "b.log") as two:
            yield service, (one, two)
    finally:
        house.close()
        cluster.stop()


def _calls(office: Office, seed: int) -> Iterator[Call]:
    """What people do all day: write, read, look up, register."""
    patient, who, desk = f"/patients/{office.patient_id}", office.clinician.who, office.intake.who
    sought = {name: PATIENT[name] for name in ("family_name", "birth_date")}
    for number in count():
        text = f"Attended, session {seed}-{number}"
        item = {"kind": "attendance", "note_class": "ordinary", "unit": "U1", "content": {"text": text}}
        yield "POST", f"{patient}/items", item, who, 201
        yield "GET", patient, None, who, 200
        yield "GET", f"/items/{office.items['attendance']}", None, who, 200
        yield "POST", "/patients/search", sought, desk, 200
        name = f"Testperson {uuid4().hex}"
        born = f"19{number % 90 + 10}-03-0{seed % 9 + 1}"
        person: dict[str, object] = {"family_name": name, "given_name": name[::-1], "birth_date": born}
        yield "POST", "/patients", person, desk, 201
        if number % 4 == seed % 4:
            yield "POST", "/auth/token", USER, desk, 200


def _caller(worker: Worker, calls: Iterator[Call], seen: Seen, stop: threading.Event) -> None:
    due = time.monotonic()
    with httpx2.Client(base_url=f"{worker.base_url}/api/v1", timeout=20) as client:
        while not stop.is_set():
            due += THREADS / PER_SECOND
            stop.wait(max(0.0, due - time.monotonic()))
            method, path, body, who, wanted = next(calls)
            headers = {"Authorization": f"Bearer {who.token}", "Purpose-Of-Use": "TREAT"}
            if method == "POST":
                headers["Idempotency-Key"] = str(uuid4())
            name = f"{method} {path.split('/')[1]}/{path.rsplit('/', 1)[-1][:6]}"
            try:
                if path == "/auth/token":
                    answer = client.post(path, data=USER)
                else:
                    answer = client.request(method, path, json=body, headers=headers)
            except httpx2.HTTPError as error:
                seen.wrong.append(f"{name}: {type(error).__name__}")
                continue
            found = not path.endswith("/search") or (answer.status_code == 200 and answer.json()["items"])
            if answer.status_code == wanted and found:
                seen.right[method] += 1
                if path == "/patients" and body:
                    seen.registered.append(body)
            else:
                seen.wrong.append(f"{name}: {answer.status_code} {answer.text[:200]}")


def _under_load(workers: Sequence[Worker], office: Office, act: Callable[[], None]) -> Seen:
    seen, stop = Seen(), threading.Event()
    threads = [
        threading.Thread(target=_caller, args=(workers[n % 2], _calls(office, n), seen, stop))
        for n in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    try:
        act()
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    return seen


def test_rotations_under_load(served: tuple[Service, Sequence[Worker]], counted: Counted) -> None:
    service, workers = served
    office = Office(service)
    office.chart()
    user = {"display_name": "Uli Testperson", "roles": ["intake"], "units": ["U1"]}
    made = service.client("administrator").post(
        "/users", {**user, "username": USER["username"], "password": USER["password"]}
    )
    assert made.status_code == 201, made.text
    settings = service.house.settings
    lasted: list[float] = []

    def rotate() -> None:
        began = time.monotonic()
        for number in range(ROTATIONS):
            started = time.monotonic()
            ended = command("keys", "rotate", KINDS[number % 3], "--settled", SETTLED)
            assert ended.returncode == 0, ended
            lasted.append(time.monotonic() - started)
            time.sleep(max(0.0, began + SECONDS * (number + 1) / ROTATIONS - time.monotonic()))

    with patch.dict(os.environ, settings.to_environment()):
        first = keyring.load(settings.keyring).active_id
        seen = _under_load(workers, office, rotate)
        assert command("keys", "status").returncode == 0
        listed = command("keys", "list")
    assert listed.returncode == 0, listed
    assert seen.wrong == []
    total = sum(seen.right.values())
    assert total >= 0.5 * PER_SECOND * SECONDS, seen.right  # less load than this proves nothing
    assert settings.keeper_database_url
    _nothing_left(service)
    _still_anchored(service)
    for person in seen.registered:
        sought = {name: person[name] for name in ("family_name", "birth_date")}
        assert len(service.client("intake").post("/patients/search", sought).json()["items"]) == 1
    epochs = keyring.load(settings.keyring).epochs()
    assert [one.active for one in epochs] == [True]
    assert epochs[0].id != first
    assert sum(1 for _ in opened(service)) > total / 5
    verify_ledger(service)
    counted("rotations under load", ROTATIONS)
    counted("requests during rotations, none failed", total)
    counted("patients registered during rotations, each found afterwards", len(seen.registered))
    print(
        f"{ROTATIONS} rotations in {SECONDS:.0f} s of load, {total / SECONDS:.1f} requests/s: {total} answered, "
        f"0 failed, 0 rows on old keys; a rotation took {min(lasted):.1f} to {max(lasted):.1f} s"
    )


def _still_anchored(service: Service) -> None:
    """The processes under test sequence and anchor; this one has no sequencer that would tell it so."""
    service.house.state.mechanisms.standing.renewed = None


def _nothing_left(service: Service) -> None:
    """No row and no index is under a key that was replaced."""
    assert service.house.settings.keeper_database_url
    keeper = plain_engine(service.house.settings.keeper_database_url)
    assert resealing.left_in(keeper) == {}
    assert reindexing.left_in(keeper) == {}


@pytest.mark.long
@pytest.mark.parametrize("kind", ["data", "index"])
def test_a_rotation_killed_at_any_moment_and_given_again(
    served: tuple[Service, Sequence[Worker]], kind: str, counted: Counted
) -> None:
    _still_anchored(served[0])
    service = open_program(served[0].house)
    office, settings, kills = Office(service), service.house.settings, KILLS // 2
    office.chart()
    before, chance = sorted(opened(service)), Random(30)
    with patch.dict(os.environ, settings.to_environment()):
        for _ in range(kills):
            _killed(service, kind, after=chance.uniform(0.0, 1.5))
            until = time.monotonic() + 60
            while (ended := command("keys", "rotate", kind, "--settled", "0.1")).returncode:
                # the service may have taken up the rotation by itself
                assert "Another process" in ended.stderr, ended
                assert time.monotonic() < until
                time.sleep(0.5)
            _nothing_left(service)
            assert command("keys", "status").returncode == 0
    assert sorted(opened(service)) == before
    sought = {name: PATIENT[name] for name in ("family_name", "birth_date")}
    found = service.client("intake").post("/patients/search", sought).json()["items"]
    assert office.patient_id in {one["id"] for one in found}
    verify_ledger(service)
    counted("rotations killed and given again", kills)


def _killed(service: Service, kind: str, *, after: float) -> None:
    """The command as a process of its own, ended by SIGKILL so long after it began to rotate."""
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli.main", "keys", "rotate", kind, "--settled", "30"],
        cwd=ROOT,
        env=clean_environment() | service.house.settings.to_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with service.house.superuser() as root:
            under_way = "SELECT 1 FROM vault_rotation WHERE kind = %s AND ended_at IS NULL"
            until = time.monotonic() + 60
            while root.execute(under_way, [kind]).fetchone() is None:
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.02)
        time.sleep(after)
    finally:
        process.kill()
    assert process.wait(10) == -signal.SIGKILL
