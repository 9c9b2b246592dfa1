"""The database is lost, full of waiting callers, or will not take the entry: 503, nothing happened, healed by itself.

A server of its own: these tests kill it.
"""

import os
import signal
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from fastapi import Request, Response
from starlette.testclient import TestClient

from service.access.actions import Action
from service.app import Options, build
from service.edge.deps import perform, reply
from service.errors import Unavailable
from service.work import Work
from tests.house import Cluster, House, Service, open_program
from tests.integration.disclosure.office import SPECIFIC, Office
from tests.unit.evidence.papers import PAPERS

pytestmark = pytest.mark.shows("O-22", "T5")


def _probe(work: Work) -> str:
    """A smallest real act: allowed, recorded."""
    work.require(Action.ACCOUNT_READ_SELF)
    work.record(action=Action.ACCOUNT_READ_SELF, object_kind="account", object_id=work.caller.account_id)
    return str(work.caller.account_id)


async def _route(request: Request) -> Response:
    return reply(200, {"id": await perform(request, _probe)})


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A program on a database server that may be killed."""
    cluster = Cluster(tmp_path_factory.mktemp("fragile") / "data", durable=True)
    house = House(cluster, "consentry_faults", tmp_path_factory.mktemp("fragile-house"))
    house.app.add_api_route("/probe", _route, methods=["GET"])
    house.clock.set(datetime.now(UTC))
    try:
        yield open_program(house)
    finally:
        house.close()
        cluster.stop()


@pytest.fixture(autouse=True)
def healed(fragile: Service) -> None:
    """Every test starts on a server that answers, whatever the one before left behind."""
    _heal(fragile)


def _heal(service: Service) -> None:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        service.house.cluster.server.ensure_running()
        try:
            with service.house.superuser() as root:
                root.execute("SELECT 1")
            if _get(service)[0] == 200:
                return
        except (psycopg.Error, Unavailable):
            pass
        time.sleep(0.1)
    raise AssertionError("the database did not come back")


def _get(service: Service, http: TestClient | None = None) -> tuple[int, dict[str, str], float]:
    started = time.monotonic()
    answer = (http or service.house.http).get(
        "/probe", headers={"Authorization": f"Bearer {service.account('intake').token}"}
    )
    return answer.status_code, dict(answer.headers), time.monotonic() - started


def _count(service: Service) -> int:
    return len(service.entries(action="account.read_self"))


def test_database_killed_then_back(fragile: Service) -> None:
    assert _get(fragile)[0] == 200
    os.kill(fragile.house.cluster.server.postmaster_pid, signal.SIGKILL)
    # A backend notices the death of its postmaster a moment later and may still answer until then.
    deadline = time.monotonic() + 10
    status, headers, seconds = _get(fragile)
    while status == 200 and time.monotonic() < deadline:
        status, headers, seconds = _get(fragile)
    assert status == 503
    assert headers["retry-after"] == "1"
    assert seconds < 5.5
    while fragile.house.http.get("/readyz").status_code == 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert fragile.house.http.get("/readyz").status_code == 503
    assert fragile.house.http.get("/healthz").status_code == 200
    _heal(fragile)
    assert _get(fragile)[0] == 200
    fragile.house.sequence()
    assert fragile.house.http.get("/readyz").status_code == 200


def test_pool_exhausted_says_so_within_a_second_and_a_half(fragile: Service) -> None:
    settings = replace(fragile.house.settings, pool_size=1)
    app = build(settings, Options(clock=fragile.clock, sequence=False))
    release, held = threading.Event(), threading.Event()

    def hold(work: Work) -> str:
        held.set()
        release.wait(10)
        return _probe(work)

    async def holding(request: Request) -> Response:
        return reply(200, {"id": await perform(request, hold)})

    app.add_api_route("/probe", _route, methods=["GET"])
    with TestClient(app, raise_server_exceptions=False) as http:
        engine = app.state.consentry.engine
        portal = http.portal
        assert portal is not None
        connection = portal.call(engine.connect().start)
        status, headers, seconds = _get(fragile, http)
        assert (status, headers["retry-after"]) == (503, "1")
        assert seconds < 1.6
        portal.call(connection.close)
        assert _get(fragile, http)[0] == 200
    assert holding and not held.is_set()


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        (
            "REVOKE INSERT (id) ON audit_entry FROM consentry_app",
            "GRANT INSERT (id) ON audit_entry TO consentry_app",
        ),
        (
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'; "
            "CREATE TRIGGER refuse BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION refuse()",
            "DROP TRIGGER refuse ON audit_entry; DROP FUNCTION refuse()",
        ),
    ],
    ids=["privilege revoked", "insert raises"],
)
def test_an_entry_that_cannot_be_written_means_nothing_happened(
    fragile: Service, broken: str, mended: str
) -> None:
    before = _count(fragile)
    with fragile.house.superuser() as root:
        root.execute(broken)  # type: ignore[call-overload]
        try:
            assert _get(fragile)[0] == 503
        finally:
            root.execute(mended)  # type: ignore[call-overload]
    assert _count(fragile) == before
    assert _get(fragile)[0] == 200
    assert _count(fragile) == before + 1


def test_a_locked_ledger_is_a_503_within_five_seconds(fragile: Service) -> None:
    before = _count(fragile)
    with fragile.house.superuser() as root:
        root.autocommit = False
        root.execute("LOCK TABLE audit_entry IN EXCLUSIVE MODE")
        status, _, seconds = _get(fragile)
        root.rollback()
    assert status == 503
    assert seconds < 5.5
    assert _count(fragile) == before
    assert _get(fragile)[0] == 200


def test_a_commit_that_fails_reaches_the_client(fragile: Service) -> None:
    """The response is built after the commit: a deferred failure cannot hide behind a 200."""
    before = _count(fragile)
    with fragile.house.superuser() as root:
        root.execute(
            "CREATE FUNCTION refuse_late() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN RAISE EXCEPTION ''late'' USING ERRCODE = ''57000''; END'; "
            "CREATE CONSTRAINT TRIGGER refuse_late AFTER INSERT ON audit_entry DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION refuse_late()"
        )
        try:
            assert _get(fragile)[0] == 503
        finally:
            root.execute("DROP TRIGGER refuse_late ON audit_entry; DROP FUNCTION refuse_late()")
    assert _count(fragile) == before


def test_an_act_that_records_nothing_is_refused(fragile: Service) -> None:
    async def silent(request: Request) -> Response:
        return reply(200, {"id": str(await perform(request, lambda w: w.require(Action.ACCOUNT_READ_SELF)))})

    fragile.house.app.add_api_route("/silent", silent, methods=["GET"])
    token = fragile.account("intake").token
    answer = fragile.house.http.get("/silent", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 503


def test_a_denial_that_cannot_be_recorded_is_503_not_403(fragile: Service) -> None:
    async def denied(request: Request) -> Response:
        return reply(200, {"id": str(await perform(request, lambda w: w.require(Action.AUDIT_READ)))})

    fragile.house.app.add_api_route("/denied", denied, methods=["GET"])
    headers = {"Authorization": f"Bearer {fragile.account('intake').token}"}
    assert fragile.house.http.get("/denied", headers=headers).status_code == 403
    assert fragile.entries(action="audit.read", outcome="deny")
    with fragile.house.superuser() as root:
        root.execute("REVOKE INSERT (id) ON audit_entry FROM consentry_app")
        try:
            assert fragile.house.http.get("/denied", headers=headers).status_code == 503
        finally:
            root.execute("GRANT INSERT (id) ON audit_entry TO consentry_app")


def test_an_unforeseen_error_says_nothing(fragile: Service, capfd: pytest.CaptureFixture[str]) -> None:
    canary = "Canary-Value-7319"

    async def failing(request: Request) -> Response:
        def unit(work: Work) -> str:
            work.db.exec_driver_sql("SELECT %s::int", (canary,))
            return ""

        return reply(200, {"id": await perform(request, unit)})

    fragile.house.app.add_api_route("/failing", failing, methods=["GET"])
    token = fragile.account("intake").token
    answer = fragile.house.http.get("/failing", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert canary not in answer.text
    printed = "".join(capfd.readouterr())
    assert canary not in printed


@contextmanager
def unwritable(service: Service, action: str) -> Generator[None]:
    """The ledger takes every entry but those of one action."""
    with service.house.superuser() as root:
        root.execute(
            "CREATE FUNCTION refuse_one() RETURNS trigger LANGUAGE plpgsql AS "  # type: ignore[call-overload]
            f"'BEGIN IF NEW.action = ''{action}'' THEN RAISE EXCEPTION ''no''; END IF; RETURN NEW; END'; "
            "CREATE TRIGGER refuse_one BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION refuse_one()"
        )
        try:
            yield
        finally:
            root.execute("DROP TRIGGER refuse_one ON audit_entry; DROP FUNCTION refuse_one()")


def _rows(service: Service, *tables: str) -> dict[str, int]:
    """How many rows of this program there are."""
    counted: dict[str, int] = {}
    with service.house.superuser() as root:
        for table in tables:
            query = f"SELECT count(*) FROM {table} WHERE program_id = %s"
            row = root.execute(query, [service.program_id]).fetchone()  # type: ignore[call-overload]
            counted[table] = row[0] if row else -1
    return counted


@pytest.mark.parametrize("action", ["evidence.record", "disclosure.make", "review.open"])
def test_of_an_emergency_everything_is_recorded_or_nothing_happens(fragile: Service, action: str) -> None:
    """Paper, disclosure and review are one act with three entries: without any one of them there is none of it."""
    fragile.accounts.clear()
    office = Office(fragile)
    item = office.item("medication_list")
    ed = office.recipient(
        {"type": "entity", "name": "St Ann Test ED", "covered_entity": True, "roles": ["medical_personnel"]}
    )
    paper = {"kind": "emergency", "particulars": dict(PAPERS["emergency"].particulars)}
    asked = {"channel": "phone", "items": [item], "evidence": paper}
    tables = ("evidence", "evidence_recipient", "disclosure", "accounting", "review", "audit_entry")
    before = _rows(fragile, *tables)
    with unwritable(fragile, action):
        answer = office.disclose(ed, "BTG", **asked)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1"), answer.text
        assert "content of" not in answer.text
    assert _rows(fragile, *tables) == before
    assert office.disclose(ed, "BTG", **asked).status_code == 201
    happened = _rows(fragile, "evidence", "disclosure", "review")
    assert happened == {table: before[table] + 1 for table in happened}


@pytest.mark.parametrize("action", ["event.record", "consent.expire"])
def test_an_event_and_the_consents_it_ends_are_one_act(fragile: Service, action: str) -> None:
    fragile.accounts.clear()  # the clinician and the patient of another test
    office = Office(fragile)
    consent = office.signed(SPECIFIC | {"expiry": {"kind": "event", "event": "discharge"}})["id"]
    day = fragile.clock.now().astimezone(fragile.program.zone).date().isoformat()
    path, body = f"/patients/{office.patient_id}/events", {"kind": "discharge", "occurred_on": day}
    before = _rows(fragile, "patient_event", "audit_entry")
    with unwritable(fragile, action):
        assert office.intake.post(path, body).status_code == 503
    assert _rows(fragile, "patient_event", "audit_entry") == before
    assert office.read(consent)["state"] == "active"
    assert office.intake.post(path, body).status_code == 201
    assert office.read(consent)["state"] == "expired"
