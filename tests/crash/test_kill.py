"""kill -9 under load: nothing acknowledged is lost, no act is without its entry, and the ledger verifies.

Every acknowledged write is remembered by the client and looked for afterwards, in the tables by their superuser, not by
asking the service. A write whose answer never came is sent again under its idempotency key: it must exist exactly once.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

import httpx2
import pytest

from tests.house import Account, Cluster, House, Service, open_program, verify_ledger
from tests.processes import Worker

#: In `make test` at a size that fits; in `make battery` at full size.
pytestmark = pytest.mark.battery
BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
SERVICE_KILLS = 20 if BATTERY else 5
DATABASE_KILLS = 5 if BATTERY else 2
WRITERS = 4
#: Less load than this proves nothing.
FLOOR_PER_SECOND = 20.0


@dataclass
class Told:
    """What clients were told: ids acknowledged, and the keys whose answer never came."""

    acknowledged: set[str] = field(default_factory=set[str])
    unknown: dict[str, dict[str, object]] = field(default_factory=dict[str, dict[str, object]])
    lock: threading.Lock = field(default_factory=threading.Lock)


@pytest.fixture(scope="module")
def killable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Worker]]:
    """A durable server of its own and one serving process."""
    cluster = Cluster(tmp_path_factory.mktemp("kill") / "data", durable=True)
    house = House(cluster, "consentry_kill", tmp_path_factory.mktemp("kill-house"))
    house.clock.set(datetime.now(UTC))
    service = open_program(house)
    worker = Worker(house.settings, tmp_path_factory.mktemp("kill-logs") / "worker.log")
    try:
        yield service, worker
    finally:
        worker.close()
        house.close()
        cluster.stop()


def _headers(who: Account, key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {who.token}", "Purpose-Of-Use": "TREAT", "Idempotency-Key": key}


def _write(client: httpx2.Client, url: str, who: Account, told: Told) -> None:
    key = str(uuid4())
    body: dict[str, object] = {
        "kind": "attendance",
        "note_class": "ordinary",
        "unit": "U1",
        "content": {"text": f"Attended, session {key}"},
    }
    with told.lock:
        told.unknown[key] = body
    try:
        answer = client.post(url, json=body, headers=_headers(who, key))
    except httpx2.HTTPError:
        return
    if answer.status_code == 201:
        with told.lock:
            told.acknowledged.add(answer.json()["id"])
            del told.unknown[key]


def _writer(url: str, who: Account, told: Told, stop: threading.Event) -> None:
    while not stop.is_set():
        with httpx2.Client(timeout=10) as client:
            for _ in range(50):
                if stop.is_set():
                    return
                before = len(told.acknowledged)
                _write(client, url, who, told)
                if len(told.acknowledged) == before:
                    time.sleep(0.02)


def _patient(service: Service, worker: Worker) -> str:
    answer = httpx2.post(
        f"{worker.base_url}/api/v1/patients",
        json={"given_name": "Kill", "family_name": "Testperson", "birth_date": "1980-05-06"},
        headers=_headers(service.account("intake"), str(uuid4())),
        timeout=10,
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_killed_under_load(killable: tuple[Service, Worker]) -> None:
    service, worker = killable
    worker.start()
    patient_id = _patient(service, worker)
    who = service.account("clinician", related_to=[patient_id])
    url = f"{worker.base_url}/api/v1/patients/{patient_id}/items"
    told, stop = Told(), threading.Event()
    threads = [threading.Thread(target=_writer, args=(url, who, told, stop)) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    rates: list[float] = []
    try:
        for round_number in range(SERVICE_KILLS + DATABASE_KILLS):
            rates.append(_some_load(told, seconds=1.0))
            if round_number % 3 == 1 and round_number // 3 < DATABASE_KILLS:
                os.kill(service.house.cluster.server.postmaster_pid, signal.SIGKILL)
                time.sleep(0.3)
                _revive(service)
            else:
                worker.kill()
                worker.start()
        rates.append(_some_load(told, seconds=1.0))
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
    assert min(rates) >= FLOOR_PER_SECOND, rates
    _settle(url, who, told)
    _check(service, told)
    worker.stop()
    verify_ledger(service)
    print(
        f"kills: {SERVICE_KILLS} service, {DATABASE_KILLS} database; acknowledged {len(told.acknowledged)}, lost 0"
    )


def _some_load(told: Told, *, seconds: float) -> float:
    """Wait until writes flow again, then measure acknowledged writes a second."""
    deadline = time.monotonic() + 40
    start = len(told.acknowledged)
    while len(told.acknowledged) < start + 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    begun, counted = time.monotonic(), len(told.acknowledged)
    time.sleep(seconds)
    return (len(told.acknowledged) - counted) / (time.monotonic() - begun)


def _revive(service: Service) -> None:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        service.house.cluster.server.ensure_running()
        try:
            with service.house.superuser() as root:
                root.execute("SELECT 1")
            return
        except Exception:
            time.sleep(0.1)
    raise AssertionError("the database did not come back")


def _settle(url: str, who: Account, told: Told) -> None:
    """Send every write without an answer again under its key: it becomes, or already is, exactly one item."""
    with httpx2.Client(timeout=10) as client:
        for key, body in list(told.unknown.items()):
            answer = client.post(url, json=body, headers=_headers(who, key))
            assert answer.status_code == 201, answer.text
            told.acknowledged.add(answer.json()["id"])


def _check(service: Service, told: Told) -> None:
    with service.house.superuser() as root:
        stored = {
            str(row[0])
            for row in root.execute("SELECT id FROM record_item WHERE program_id = %s", [service.program_id])
        }
        recorded = {
            str(row[0])
            for row in root.execute(
                "SELECT object_id FROM audit_entry WHERE program_id = %s AND action = 'item.write' "
                "AND outcome = 'permit'",
                [service.program_id],
            )
        }
    assert told.acknowledged - stored == set(), "acknowledged writes were lost"
    assert stored - recorded == set(), "acts without their entry"
    assert recorded - stored == set(), "entries without their act"
    assert stored == told.acknowledged
