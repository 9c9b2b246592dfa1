"""kill -9 under load: nothing acknowledged is lost, no act is without its entry, no act is half done, and the ledger
verifies.

Items are written, records leave in emergencies (paper, disclosure, review: one act), and events end consents (event and
consents: one act).
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
from itertools import count, islice, repeat
from uuid import uuid4

import httpx2
import pytest

from tests.house import Account, Cluster, House, Service, open_program, verify_ledger
from tests.integration.disclosure.office import SPECIFIC, Office
from tests.processes import Worker
from tests.showing import Counted
from tests.unit.evidence.papers import PAPERS

#: In `make test` at a size that fits; in `make battery` at full size.
pytestmark = [pytest.mark.battery, pytest.mark.shows("T1")]
BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
#: On demand as many as somebody asks for: CONSENTRY_KILLS=1000 kills the service a thousand times, the database five
#: hundred times between.
SERVICE_KILLS = int(os.environ.get("CONSENTRY_KILLS", "28" if BATTERY else "3"))
DATABASE_KILLS = SERVICE_KILLS // 2
WRITERS = 4
#: Patients to be discharged while the load lasts, and how long one waits for the next.
DISCHARGES = 80 if BATTERY else 24
PAUSE_BETWEEN_DISCHARGES = 0.3
#: Less load than this proves nothing.
FLOOR_PER_SECOND = 20.0


@dataclass(frozen=True)
class Asked:
    """A request that has an effect, and what kind of thing comes of it."""

    made: str
    path: str
    body: dict[str, object]
    who: Account


@dataclass
class Told:
    """What clients were told: ids acknowledged, by what they are of; and what was never answered, by key."""

    acknowledged: dict[str, set[str]] = field(
        default_factory=lambda: {"item": set(), "disclosure": set(), "event": set()}
    )
    unknown: dict[str, Asked] = field(default_factory=dict[str, Asked])
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def total(self) -> int:
        return sum(map(len, self.acknowledged.values()))


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


def _write(client: httpx2.Client, url: str, asked: Asked, told: Told) -> bool:
    key = str(uuid4())
    with told.lock:
        told.unknown[key] = asked
    try:
        answer = client.post(f"{url}{asked.path}", json=asked.body, headers=_headers(asked.who, key))
    except httpx2.HTTPError:
        return False
    if answer.status_code != 201:
        return False
    with told.lock:
        told.acknowledged[asked.made].add(answer.json()["id"])
        del told.unknown[key]
    return True


def _writer(url: str, load: Iterator[Asked], pause: float, told: Told, stop: threading.Event) -> None:
    while not stop.is_set():
        with httpx2.Client(timeout=10) as client:
            for asked in islice(load, 50):
                if stop.is_set():
                    return
                time.sleep(pause if _write(client, url, asked, told) else pause + 0.02)
            stop.wait(0.02)


def _items(patient_id: str, who: Account) -> Iterator[Asked]:
    for number in count():
        yield Asked("item", f"/patients/{patient_id}/items", _item(f"Attended, session {number}"), who)


def _item(text: str) -> dict[str, object]:
    return {"kind": "attendance", "note_class": "ordinary", "unit": "U1", "content": {"text": text}}


def _emergencies(office: Office) -> Iterator[Asked]:
    """One act that leaves a paper, a disclosure and a review."""
    ed = office.recipient(
        {"type": "entity", "name": "St Ann Test ED", "covered_entity": True, "roles": ["medical_personnel"]}
    )
    body = office.asked(
        ed,
        "BTG",
        channel="phone",
        items=[office.item("medication_list")],
        evidence={"kind": "emergency", "particulars": dict(PAPERS["emergency"].particulars)},
    )
    return repeat(
        Asked("disclosure", f"/patients/{office.patient_id}/disclosures", body, office.clinician.who)
    )


def _discharges(service: Service) -> Iterator[Asked]:
    """Patients who are discharged, each with two consents that end with it."""
    day = service.clock.now().astimezone(service.program.zone).date().isoformat()
    patients: list[str] = []
    for _ in range(DISCHARGES):
        service.accounts.pop("patient", None)
        office = Office(service)
        for _ in range(2):
            office.signed(SPECIFIC | {"expiry": {"kind": "event", "event": "discharge"}})
        patients.append(office.patient_id)
    body: dict[str, object] = {"kind": "discharge", "occurred_on": day}
    return iter(
        [Asked("event", f"/patients/{one}/events", body, service.account("intake")) for one in patients]
    )


def test_killed_under_load(killable: tuple[Service, Worker], counted: Counted) -> None:
    service, worker = killable
    office = Office(service)
    emergencies, discharges = _emergencies(office), _discharges(service)
    written = len(office.items)
    worker.start()
    url = f"{worker.base_url}/api/v1"
    told, stop = Told(), threading.Event()
    loads = [
        *((_items(office.patient_id, office.clinician.who), 0.0) for _ in range(WRITERS)),
        (emergencies, 0.02),
        (discharges, PAUSE_BETWEEN_DISCHARGES),
    ]
    threads = [threading.Thread(target=_writer, args=(url, *load, told, stop)) for load in loads]
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
    print(f"acts a second: {sorted(round(rate) for rate in rates)}")
    assert min(rates) >= FLOOR_PER_SECOND, rates
    unanswered = len(told.unknown)
    _settle(url, told)
    assert all(told.acknowledged.values()), "not everything was tried"
    _check_items(service, told, already=written)
    _check_disclosures(service, told)
    _check_events(service, told)
    worker.stop()
    verify_ledger(service)
    counted("kills of the service", SERVICE_KILLS)
    counted("kills of the database", DATABASE_KILLS)
    counted("acknowledged acts, none lost", told.total)
    counted("acts sent again without an answer", unanswered)


def _some_load(told: Told, *, seconds: float) -> float:
    """Wait until writes flow again, then measure acknowledged writes a second."""
    deadline = time.monotonic() + 40
    start = told.total
    while told.total < start + 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    begun, counted = time.monotonic(), told.total
    time.sleep(seconds)
    return (told.total - counted) / (time.monotonic() - begun)


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


def _settle(url: str, told: Told) -> None:
    """Send every write without an answer again under its key: it becomes, or already is, exactly one thing."""
    with httpx2.Client(timeout=10) as client:
        for key, asked in list(told.unknown.items()):
            answer = client.post(f"{url}{asked.path}", json=asked.body, headers=_headers(asked.who, key))
            assert answer.status_code == 201, answer.text
            told.acknowledged[asked.made].add(answer.json()["id"])


def _check_items(service: Service, told: Told, *, already: int) -> None:
    """`already`: items written before anybody was killed."""
    stored = _ids(service, "SELECT id FROM record_item WHERE program_id = %s")
    recorded = _ids(service, _OBJECTS + "AND action = 'item.write'")
    assert told.acknowledged["item"] - stored == set(), "acknowledged writes were lost"
    assert stored - recorded == set(), "acts without their entry"
    assert recorded - stored == set(), "entries without their act"
    assert len(stored) == len(told.acknowledged["item"]) + already


def _check_disclosures(service: Service, told: Told) -> None:
    """Disclosure, paper, review, and the entries of all three: each or none."""
    stored = _ids(service, "SELECT id FROM disclosure WHERE program_id = %s")
    assert stored == told.acknowledged["disclosure"]
    assert stored == _ids(service, _OBJECTS + "AND action = 'disclosure.make'")
    assert stored == _ids(service, "SELECT subject_id FROM review WHERE program_id = %s")
    papers = _ids(service, "SELECT id FROM evidence WHERE program_id = %s")
    assert papers == _ids(service, "SELECT evidence_id FROM disclosure WHERE program_id = %s")
    assert papers == _ids(service, "SELECT evidence_id FROM evidence_recipient WHERE program_id = %s")
    assert papers == _ids(service, _OBJECTS + "AND action = 'evidence.record'")
    assert len(papers) == len(stored)


def _check_events(service: Service, told: Told) -> None:
    """An event and the end of both consents: all three or none."""
    stored = _ids(service, "SELECT id FROM patient_event WHERE program_id = %s")
    assert stored == told.acknowledged["event"]
    assert stored == _ids(service, _OBJECTS + "AND action = 'event.record'")
    expired = _ids(service, "SELECT id FROM consent WHERE program_id = %s AND state = 'expired'")
    due = _ids(
        service,
        "SELECT c.id FROM consent c WHERE c.program_id = %s AND EXISTS "
        "(SELECT FROM patient_event e WHERE e.patient_id = c.patient_id)",
    )
    assert expired == due
    # the nightly job records as well that it found none: an entry about no consent
    assert expired == _ids(service, _OBJECTS + "AND action = 'consent.expire' AND object_id IS NOT NULL")
    assert len(expired) == 2 * len(stored)


_OBJECTS = "SELECT object_id FROM audit_entry WHERE program_id = %s AND outcome = 'permit' "


def _ids(service: Service, query: str) -> set[str]:
    """What the tables say, to their superuser."""
    with service.house.superuser() as root:
        return {str(row[0]) for row in root.execute(query, [service.program_id])}  # type: ignore[call-overload]
