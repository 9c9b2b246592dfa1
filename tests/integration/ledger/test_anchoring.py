"""Anchors at work: heads reach every place within a minute, a place that is away or slow, a restore that only one knows.

Everything goes through the anchoring of a process, as it runs in the service; the object store is moto's server.
"""

import asyncio
import os
import re
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch
from uuid import UUID, uuid4

import psycopg
import pytest
from botocore.exceptions import ClientError
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from service.access.engine import Engine
from service.app import Options, build
from service.clock import monotonic
from service.config import AnchorSettings, Settings
from service.edge.metrics import exposition
from service.edge.state import State
from service.errors import StartRefused
from service.ids import SERVICE_PROGRAM
from service.ledger.anchors.anchor import Anchor, AnchorFailed
from service.ledger.anchors.opening import open_anchors
from service.ledger.anchors.s3 import ObjectStoreAnchor
from service.ledger.checkpoint import parse
from service.ledger.standing import LedgerState
from tests.anchors import BUCKET, SystemLog, everywhere, object_store, starting
from tests.fakes import FakeClock
from tests.house import Account, Cluster, House, Service, open_program
from tests.integration.ledger.cutting import cut_back, cut_copies
from tests.serving import command
from tests.showing import Counted

Root = psycopg.Connection[Any]

PERSON = {"given_name": "Tilda", "family_name": "Testperson", "birth_date": "1984-02-29", "sex": "female"}
SEARCH = {"family_name": "Testperson", "birth_date": "1984-02-29"}
#: Seconds of the fake clock under load, and the acts in each.
SECONDS, ACTS = (600 if os.environ.get("CONSENTRY_BATTERY") == "1" else 66), 2
LATEST: Final = 60.0


@dataclass
class Process:
    """A process that serves; its two tasks are run by hand."""

    http: TestClient
    state: State

    def pass_by(self) -> None:
        """What the tasks do within ten seconds or so."""
        portal = self.http.portal
        assert portal is not None
        for call in (self._sequence, self.state.anchoring.reach_far) * 2:
            portal.call(call)
        portal.call(self._sequence)

    async def _sequence(self) -> None:
        while (await self.state.sequencer.run_once()).more:
            pass

    def stands(self) -> str:
        return str(self.http.get("/readyz").json()["ledger"])

    def post(self, who: Account, path: str, body: dict[str, str]) -> Any:
        headers = {"Authorization": f"Bearer {who.token}", "Purpose-Of-Use": "TREAT"}
        return self.http.post(f"/api/v1{path}", json=body, headers=headers)


@dataclass
class Far:
    """A house with all three anchors, and what stands behind two of them."""

    house: House
    log: SystemLog
    client: Any
    prefix: str

    @property
    def store(self) -> Anchor:
        return next(one for one in self.house.state.anchoring.anchors if one.name == "s3")

    @property
    def process(self) -> Process:
        return Process(self.house.http, self.house.state)

    @contextmanager
    def another(self) -> Generator[Process]:
        """A process that starts now."""
        application = build(self.house.settings, Options(clock=self.house.clock, sequence=False))
        with TestClient(application, raise_server_exceptions=False) as http:
            yield Process(http, application.state.consentry)


class _Anchored:
    """A cluster whose deployments have these anchors."""

    def __init__(self, cluster: Cluster, anchors: AnchorSettings) -> None:
        self._cluster, self._anchors = cluster, anchors

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)

    def settings(self, database: str, data: Any) -> Settings:
        return replace(self._cluster.settings(database, data), anchors=self._anchors)


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[str, Any]]:
    with object_store() as found, patch.object(Engine, "load", cache(Engine.load)):
        yield found


_numbers = count()


@pytest.fixture(scope="module")
def far(cluster: Cluster, store: tuple[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    endpoint, client = store
    log, prefix = SystemLog(), "far/"
    anchored: Any = _Anchored(cluster, everywhere(endpoint, log, prefix))
    house = House(anchored, "consentry_far", tmp_path_factory.mktemp("far"))
    try:
        yield Far(house, log, client, prefix)
    finally:
        house.close()
        log.close()


@pytest.fixture
def own(far: Far) -> Service:
    far.process.pass_by()
    return open_program(far.house)


# -- a minute


@dataclass
class Hours:
    """Time that passes when everybody in this loop sleeps: the clock goes to whoever wakes next."""

    clock: FakeClock
    _sleeping: list[tuple[datetime, int, asyncio.Future[None]]] = field(
        default_factory=list[tuple[datetime, int, asyncio.Future[None]]]
    )
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _sleep: Any = asyncio.sleep

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        if seconds <= 0 or loop is not self._loop:
            await self._sleep(seconds)
            return
        woken: asyncio.Future[None] = loop.create_future()
        heappush(self._sleeping, (self.clock.now() + timedelta(seconds=seconds), next(_numbers), woken))
        await woken

    async def everybody_sleeps(self, many: int) -> None:
        while len(self._sleeping) < many:
            await self._sleep(0.001)

    def wake_next(self) -> None:
        due, _, woken = heappop(self._sleeping)
        self.clock.set(due)
        woken.set_result(None)


@dataclass
class Ages:
    """How old what an anchor lacks ever was: asked just before anything changes."""

    own: Service
    recorded: dict[UUID, datetime] = field(default_factory=dict[UUID, datetime])
    oldest: dict[str, float] = field(default_factory=dict[str, float])

    def act(self) -> None:
        made = self.own.unit(lambda db: self.own.entry(db, "set-up"))
        self.recorded[made] = self.own.clock.now()

    def look(self, db: Root, anchors: Sequence[Anchor]) -> None:
        query = "select entry_id, position from audit_leaf where tree = %s"
        at: dict[UUID, int] = dict(db.execute(query, [SERVICE_PROGRAM]).fetchall())
        for anchor in anchors:
            head = anchor.newest(SERVICE_PROGRAM)
            size = head.size if head else 0
            lacking = [when for one, when in self.recorded.items() if at.get(one, size) >= size]
            age = (self.own.clock.now() - min(lacking)).total_seconds() if lacking else 0.0
            self.oldest[anchor.name] = max(age, self.oldest.get(anchor.name, 0.0))


async def _under_load(own: Service, ages: Ages) -> tuple[set[LedgerState], dict[str, float]]:
    """Both tasks of a leading process for so many seconds of the clock, with acts in each."""
    sequencer, anchoring = starting(own.house.settings, own.clock)
    hours, until = Hours(own.clock), own.clock.now() + timedelta(seconds=SECONDS)
    confirming = [one for one in anchoring.anchors if one.confirms]
    stood: set[LedgerState] = set()
    behind = dict.fromkeys((one.name for one in confirming), 0.0)
    with patch("asyncio.sleep", hours.sleep), own.house.superuser() as db:
        tasks = [asyncio.create_task(one.run_forever()) for one in (sequencer, anchoring)]
        while own.clock.now() < until:
            await hours.everybody_sleeps(len(tasks))
            for _ in range(ACTS):
                ages.act()
            hours.wake_next()
            ages.look(db, confirming)  # the clock has gone on, and nobody has done anything yet
            stood.add(anchoring.standing.state)
            for name, seconds in anchoring.behind.items():
                behind[name] = max(behind[name], seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await sequencer.engine.dispose()
    return stood, behind


@pytest.mark.long
@pytest.mark.shows("T4", "O-23")
def test_under_load_no_head_is_older_than_a_minute_outside(far: Far, own: Service, counted: Counted) -> None:
    """A fake clock drives both tasks of a process; what each anchor lacks is measured at the worst moments."""
    ages = Ages(own)
    before = len(far.log.messages()[SERVICE_PROGRAM])
    stood, behind = asyncio.run(_under_load(own, ages))
    far.process.pass_by()
    assert len(ages.recorded) >= SECONDS * ACTS
    assert stood == {LedgerState.OK}
    assert max(ages.oldest.values()) <= LATEST, ages.oldest
    assert max(behind.values()) <= LATEST, behind
    assert min(ages.oldest.values()) > 0  # otherwise nothing was measured
    sent = [parse(one).checkpoint.size for one in far.log.messages()[SERVICE_PROGRAM][before:]]
    assert len(sent) >= SECONDS // 12
    assert sent == sorted(sent)
    counted("acts anchored", len(ages.recorded))
    print(f"{len(ages.recorded)} acts in {SECONDS} s; oldest outside: {ages.oldest}, as measured: {behind}")


@pytest.mark.shows("T4")
def test_what_the_job_puts_into_the_object_store_is_locked_for_years(far: Far, own: Service) -> None:
    own.unit(lambda db: own.entry(db, "set-up"))
    far.process.pass_by()
    listed = far.client.list_object_versions(Bucket=BUCKET, Prefix=far.prefix)["Versions"]
    assert {str(UUID(one["Key"].split("/")[1])) for one in listed} >= {str(SERVICE_PROGRAM)}
    for one in listed:
        where = {"Bucket": BUCKET, "Key": one["Key"], "VersionId": one["VersionId"]}
        kept = far.client.head_object(**where)
        assert kept["ObjectLockMode"] == "COMPLIANCE"
        assert kept["ObjectLockRetainUntilDate"] >= own.clock.now() + timedelta(days=2191)
        with pytest.raises(ClientError, match="AccessDenied"):
            far.client.delete_object(**where)


# -- away, and back


@dataclass
class Wire:
    """The way to the object store."""

    cut: bool = True

    @contextmanager
    def between(self) -> Generator[None]:
        real = ObjectStoreAnchor.__dict__["_call"]

        def call(anchor: ObjectStoreAnchor, method: Any, **options: Any) -> Any:
            if self.cut:
                raise AnchorFailed("away")
            return real(anchor, method, **options)

        with patch.object(ObjectStoreAnchor, "_call", call):
            yield


@pytest.mark.shows("O-22", "O-25")
def test_an_object_store_that_is_away_alerts_then_refuses_and_heals_by_itself(far: Far, own: Service) -> None:
    house, intake = far.house, own.client("intake")
    far.process.pass_by()
    assert far.process.stands() == "ok"
    with Wire().between():
        assert intake.post("/patients", PERSON).status_code == 201
        far.process.pass_by()
        assert far.process.stands() == "ok"  # a minute is what it has
        house.clock.advance(timedelta(seconds=61))
        with capture_logs() as logged:
            far.process.pass_by()
        alerts = [(one["event"], one["log_level"], one.get("code")) for one in logged]
        assert ("ledger_standing", "error", "anchor_late") in alerts
        assert far.process.stands() == "anchor_late"
        assert b"consentry_ledger_standing 1.0" in exposition()[0]
        late = re.search(rb'anchor_behind_seconds\{anchor="s3"\} ([0-9.]+)', exposition()[0])
        assert late is not None
        assert float(late[1]) >= 61
        assert intake.post("/patients", PERSON).status_code == 201
        house.clock.advance(timedelta(seconds=300))
        far.process.pass_by()
        for answer in (intake.post("/patients", PERSON), intake.get(f"/patients/{uuid4()}")):
            assert (answer.status_code, answer.json()["code"]) == (503, "ledger_not_anchored")
            assert answer.headers["retry-after"]
        # the trail goes on being written and read, and near copies being made
        assert own.client("compliance").get("/audit/entries").status_code == 200
        assert house.http.get("/readyz").status_code == 503
    far.process.pass_by()
    assert far.process.stands() == "ok"
    assert intake.post("/patients", PERSON).status_code == 201
    far.process.pass_by()
    for tree in (SERVICE_PROGRAM, own.program_id):
        head, here = far.store.newest(tree), _size(house, tree)
        assert head is not None
        assert head.size == here


@pytest.mark.shows("O-22")
def test_an_anchor_that_does_not_answer_holds_up_neither_passes_nor_transactions(
    far: Far, own: Service
) -> None:
    """The object store takes the call and says nothing, first while it is written to, then while it is asked."""
    answers, asked = threading.Event(), threading.Event()

    def silent(*_given: object, **_named: object) -> Any:
        asked.set()
        answers.wait(20)
        raise AnchorFailed("nothing came")

    longest = 0.0
    with patch.object(ObjectStoreAnchor, "_call", silent):
        try:
            for _ in range(2):
                answers.clear()
                asked.clear()
                longest = max(longest, asyncio.run(_passes_beside(own, asked, answers)))
        finally:
            answers.set()
    assert longest < 2.0, longest


async def _passes_beside(own: Service, asked: threading.Event, answers: threading.Event) -> float:
    """Passes while the far task waits for an answer; how long the longest took, in seconds."""
    sequencer, anchoring = starting(own.house.settings, own.clock)
    answers.set()
    await anchoring.look()  # a process that starts asks once, and is told no
    answers.clear()
    asked.clear()
    anchoring.leading = True
    waiting = asyncio.create_task(anchoring.reach_far())
    assert await asyncio.to_thread(asked.wait, 5)
    longest = 0.0
    for _ in range(3):
        made = own.unit(lambda db: own.entry(db, "set-up"))
        began = monotonic()
        done = await sequencer.run_once()
        longest = max(longest, monotonic() - began)
        assert done.positions >= 1
        with own.house.superuser() as db:
            assert db.execute("select 1 from audit_leaf where entry_id = %s", [made]).fetchone()
            held = db.execute(
                "select count(*) from pg_stat_activity where datname = %s and xact_start is not null "
                "and usename = 'consentry_sequencer'",
                [own.house.database],
            ).fetchone()
        assert held == (0,)
    assert not waiting.done()
    answers.set()
    await waiting
    await sequencer.engine.dispose()
    return longest


def test_what_an_anchor_has_and_nobody_wrote_down_is_written_down(far: Far, own: Service) -> None:
    """Killed between the anchor's confirmation and the commit that notes it; afterwards nothing happens for long."""
    own.unit(lambda db: own.entry(db, "set-up"))
    far.process.pass_by()
    with far.house.superuser() as db:
        db.execute("set session_replication_role = replica")
        db.execute("update audit_anchor set size = size - 1, root = %s", [bytes(32)])
    far.house.clock.advance(timedelta(minutes=10))
    with far.another() as started:
        started.pass_by()
        far.house.clock.advance(timedelta(minutes=10))
        started.pass_by()
        assert started.stands() == "ok"


# -- a restore


@pytest.mark.shows("O-32", "T4")
def test_a_restore_that_took_the_copies_along_is_seen_by_the_object_store_alone(
    far: Far, own: Service
) -> None:
    """Database and data folder come from the same backup and agree; what was signed since is in the bucket."""
    house, tree, intake = far.house, own.program_id, own.client("intake")
    for _ in range(3):
        assert intake.post("/patients/search", SEARCH).status_code == 200
        far.process.pass_by()
    before = far.store.newest(tree)
    assert before is not None
    size = cut_back(house, tree, 2)
    cut_copies(house.settings.checkpoints, tree, size)
    with far.another() as started:
        assert started.stands() == "forked"
        started.pass_by()
        refused = started.post(intake.who, "/patients", PERSON)
        assert (refused.status_code, refused.json()["code"]) == (503, "ledger_forked")
        assert started.post(intake.who, "/patients/search", SEARCH).status_code == 200
        started.pass_by()
        assert far.store.newest(tree) == before  # nothing is published meanwhile
        _restored(house, size)
        started.pass_by()
        assert started.stands() == "ok"
        assert started.post(intake.who, "/patients", PERSON).status_code == 201
        started.pass_by()
    with patch.dict("os.environ", house.settings.to_environment()):
        assert command("ledger", "verify", "--program", own.program.key).returncode == 0
    head = far.store.newest(tree)
    assert head is not None
    assert head.size == _size(house, tree)
    kept = [parse(note).checkpoint for note in far.store.notes(tree)]
    assert kept.count(before) == 1  # what was given up stays where it is


def _restored(house: House, size: int) -> None:
    when = ("--reason", "server lost with its disk", "--backup-time", "2020-01-01T00:00:00")
    with patch.dict("os.environ", house.settings.to_environment()):
        done = command("ledger", "restored", *when)
    assert done.returncode == 0, done
    assert f"continues at {size}" in done.stdout


def _size(house: House, tree: UUID) -> int:
    with house.superuser() as db:
        row = db.execute("select size from audit_tree where tree = %s", [tree]).fetchone()
    assert row is not None
    return int(row[0])


# -- a start


@pytest.mark.shows("O-25")
@pytest.mark.parametrize("wrong", ["no bucket", "no lock", "no folder", "no log"])
def test_a_trail_without_a_place_outside_refuses_the_start(far: Far, wrong: str, tmp_path: Path) -> None:
    settings = far.house.settings
    if wrong == "no folder":
        (tmp_path / "checkpoints").write_text("no folder")
        settings = replace(settings, data=tmp_path)
    changes: dict[str, Any] = {
        "no bucket": {"s3_bucket": "not-there"},
        "no lock": {"s3_bucket": "unlocked"},
        "no folder": {},
        "no log": {"syslog": "http://somewhere"},
    }[wrong]
    with pytest.raises(StartRefused):
        open_anchors(replace(settings, anchors=replace(settings.anchors, **changes)), far.house.clock)


@pytest.mark.shows("O-25")
def test_a_service_that_starts_while_its_anchor_is_away_stays_at_503(far: Far, own: Service) -> None:
    """Nobody knows what that anchor holds, so nothing is served; when it answers, everything is, without a restart."""
    who, wire = own.account("intake"), Wire()
    with wire.between(), far.another() as started:
        answer = started.post(who, "/patients", PERSON)
        assert (answer.status_code, answer.json()["code"]) == (503, "ledger_not_anchored")
        assert started.stands() == "overdue"
        started.pass_by()
        assert started.stands() == "overdue"
        wire.cut = False
        started.pass_by()
        assert started.stands() == "ok"
        assert started.post(who, "/patients", PERSON).status_code == 201
