"""Where an entry cannot be written there is no act: whichever statement of whichever act fails, nothing is left of it.

The connection is cut under the driver at the n-th statement of a request, its COMMIT included, for n = 1 and on
until the request gets through: in the end the same call succeeds, without a restart.
What a transaction left is seen by the database's own marks on rows, over all tables.
"""

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import timedelta
from threading import Event, Thread
from typing import Any
from unittest.mock import patch

import psycopg
import pytest

from service.config import Settings, read_settings
from tests.house import House, Service
from tests.integration.disclosure.office import SIGNATURE, SPECIFIC, TPO, Office
from tests.showing import Counted

pytestmark = [pytest.mark.battery, pytest.mark.shows("O-22", "T5")]
BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
#: Every statement, or every eleventh: another one of each act.
STEP = 1 if BATTERY else 11
#: How long the trail stays locked while callers come and go.
LOCKED_SECONDS = 30.0 if BATTERY else 3.5
PROMISED_SECONDS = 5.0
_KIM = {"given_name": "Kim", "family_name": "Testperson", "birth_date": "1988-03-02"}
#: No request has more statements than this.
MOST = 400


class Scissors:
    """Cuts the connection at the n-th statement that this process's requests send."""

    def __init__(self) -> None:
        self.left = 0

    def next(self, connection: "psycopg.AsyncConnection[Any]") -> None:
        self.left -= 1
        if self.left == 0:
            connection.pgconn.finish()

    @contextmanager
    def at_work(self) -> Generator[None]:
        execute, commit = psycopg.AsyncCursor.execute, psycopg.AsyncConnection.commit
        many = psycopg.AsyncCursor.executemany

        async def executing(cursor: Any, *given: Any, **options: Any) -> Any:
            self.next(cursor.connection)
            return await execute(cursor, *given, **options)

        async def executing_many(cursor: Any, *given: Any, **options: Any) -> Any:
            self.next(cursor.connection)
            return await many(cursor, *given, **options)

        async def committing(connection: Any) -> None:
            self.next(connection)
            await commit(connection)

        with (
            patch.object(psycopg.AsyncCursor, "execute", executing),
            patch.object(psycopg.AsyncCursor, "executemany", executing_many),
            patch.object(psycopg.AsyncConnection, "commit", committing),
        ):
            yield


@dataclass(frozen=True)
class Act:
    """A request, made again and again until it gets through, and what it is answered with then."""

    name: str
    send: Callable[[], Any]
    status: int = 200


def _written_since(house: House, mark: int | None) -> tuple[int, dict[str, tuple[int, int]]]:
    """The next transaction's number, and for every table its rows and those of transactions from `mark` on."""
    with house.superuser() as root:
        tables = root.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
            "AND NOT relispartition AND relname NOT LIKE 'alembic%'"
        ).fetchall()
        row = root.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
        assert row is not None
        asked = " UNION ALL ".join(
            f"SELECT '{name}', count(*), count(*) FILTER (WHERE xmin::text::bigint >= %(mark)s) FROM {name}"
            for (name,) in tables
        )
        found = root.execute(asked, {"mark": row[0] if mark is None else mark}).fetchall()  # type: ignore[call-overload]
    return row[0], {name: (rows, new) for name, rows, new in found}


def _cut_everywhere(house: House, act: Act, first: int) -> int:
    """How many statements were cut off before the act got through; none of them left anything."""
    scissors, cut = Scissors(), 0
    with scissors.at_work():
        for number in range(first, MOST, STEP):
            mark, before = _written_since(house, None)
            scissors.left, began = number, time.monotonic()
            answer = act.send()
            seconds = time.monotonic() - began
            if scissors.left > 0:
                assert answer.status_code == act.status, (act.name, answer.text)
                break
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1"), (
                act.name,
                number,
                answer.text,
            )
            assert seconds < PROMISED_SECONDS
            assert "content of" not in answer.text
            left = _written_since(house, mark)[1]
            assert left == before, (act.name, number, {n: v for n, v in left.items() if v != before[n]})
            cut += 1
    assert cut * STEP < MOST, act.name
    return cut


def _acts(office: Office) -> list[Act]:
    service, item = office.service, office.items["attendance"]
    path, compliance = f"/patients/{office.patient_id}", service.client("compliance", "HOPERAT")
    specific, signed = office.drafted(SPECIFIC)["id"], office.signed(TPO)["id"]
    stranger = service.client(service.account("clinician", name="stranger"), "ETREAT")
    now = service.clock.now().isoformat().replace("+00:00", "Z")
    revocation = {"received_at": now, "form": "written", "by": "patient"}
    body = office.asked(office.clinic, items=[item])
    emergency = {"nature": "unresponsive", "why_no_consent": "nobody can be reached"}
    hold = {"patient_id": office.patient_id, "owner_id": str(compliance.who.id), "reason": "a letter"}
    born = {"family_name": "Testperson", "birth_date": "1990-04-05"}
    note = {"kind": "progress_note", "unit": "U1", "labels": ["SUD"], "content": "content of a note"}
    return [
        Act("register", lambda: office.intake.post("/patients", _KIM), 201),
        Act("read patient", lambda: office.intake.get(path)),
        Act("search", lambda: office.intake.post("/patients/search", born)),
        Act("write item", lambda: office.clinician.post(f"{path}/items", note), 201),
        Act("read item", lambda: office.clinician.get(f"/items/{item}")),
        Act("refused read", lambda: stranger.get(path), 403),
        Act("sign", lambda: office.patient.post(f"/consents/{specific}/signatures", SIGNATURE), 201),
        Act("disclose", lambda: office.clinician.post(f"{path}/disclosures", body), 201),
        Act("account", lambda: office.patient.get(f"{path}/accounting")),
        Act("revoke", lambda: office.patient.post(f"/consents/{signed}/revocation", revocation)),
        Act("refused disclosure", lambda: office.clinician.post(f"{path}/disclosures", body), 403),
        Act("break glass", lambda: stranger.post(f"{path}/emergency-access", emergency), 201),
        Act("hold", lambda: compliance.post("/legal-holds", hold), 201),
        Act("read the trail", lambda: compliance.get("/audit/entries?limit=5")),
    ]


def test_whichever_statement_fails_nothing_happened_and_the_next_call_gets_through(
    service: Service, counted: Counted
) -> None:
    office = Office(service)
    office.item("attendance")
    cuts = [
        _cut_everywhere(service.house, act, first=2 + number % 9) for number, act in enumerate(_acts(office))
    ]
    assert sum(cuts) > len(cuts)
    counted("failures injected", sum(cuts))
    counted("kinds of acts cut off", len(cuts))


def test_a_destruction_happens_whole_or_not_at_all(service: Service, counted: Counted) -> None:
    patient = {"given_name": "Zelda", "family_name": "Testperson", "birth_date": "1981-05-06"}
    made = service.client("intake").post("/patients", patient).json()["id"]
    service.clock.advance(timedelta(days=366 * 8))
    service.accounts.clear()
    body = {"patient_id": made, "basis": "retention_over", "reason": "Every period is over."}
    asked = service.client("compliance").post("/keys/shreddings", body)
    assert asked.status_code == 201, asked.text
    path = f"/keys/shreddings/{asked.json()['id']}/approval"
    approve = Act("destroy", lambda: service.client("administrator").post(path, {"decision": "approved"}))
    service.account("administrator")
    counted("failures injected", _cut_everywhere(service.house, approve, first=2))
    assert service.client("intake").get(f"/patients/{made}").status_code == 410


# -- the entry itself ------------------------------------------------------------------------------------------


@contextmanager
def _insert_raises(root: psycopg.Connection[Any]) -> Generator[None]:
    root.execute(
        "CREATE FUNCTION refuse_all() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'; "
        "CREATE TRIGGER refuse_all BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION refuse_all()"
    )
    try:
        yield
    finally:
        root.execute("DROP TRIGGER refuse_all ON audit_entry; DROP FUNCTION refuse_all()")


@contextmanager
def _privilege_revoked(root: psycopg.Connection[Any]) -> Generator[None]:
    """One column's, and exactly that one is given back."""
    root.execute("REVOKE INSERT (id) ON audit_entry FROM consentry_app")
    try:
        yield
    finally:
        root.execute("GRANT INSERT (id) ON audit_entry TO consentry_app")


@contextmanager
def _not_there(root: psycopg.Connection[Any]) -> Generator[None]:
    root.execute("ALTER TABLE audit_entry RENAME TO audit_entry_aside")
    try:
        yield
    finally:
        root.execute("ALTER TABLE audit_entry_aside RENAME TO audit_entry")


@contextmanager
def _read_only(root: psycopg.Connection[Any]) -> Generator[None]:
    """As on a standby; for new sessions, so those there are have to end."""
    name = root.info.dbname
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = 'consentry_app'"
    root.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")  # type: ignore[arg-type]
    root.execute(end, [name])
    try:
        yield
    finally:
        root.execute("SET default_transaction_read_only = off")
        root.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")  # type: ignore[arg-type]
        root.execute(end, [name])


@pytest.mark.shows("O-25")
@pytest.mark.parametrize("broken", [_insert_raises, _privilege_revoked, _not_there, _read_only])
def test_without_a_trail_patients_information_is_neither_read_nor_written(
    service: Service, counted: Counted, broken: Callable[[psycopg.Connection[Any]], Any]
) -> None:
    office = Office(service)
    office.item("attendance")
    acts = [
        act for act in _acts(office) if act.name in ("register", "read patient", "read item", "refused read")
    ]
    mark, before = _written_since(service.house, None)
    with service.house.superuser() as root, broken(root):
        for act in acts:
            began = time.monotonic()
            answer = act.send()
            assert answer.status_code == 503, (act.name, answer.status_code, answer.text)
            assert time.monotonic() - began < PROMISED_SECONDS
    assert _written_since(service.house, mark)[1] == before
    for act in acts:
        assert _healed(act) == act.status, act.name
    counted("failures injected", len(acts))


@pytest.mark.shows("O-25")
def test_there_is_no_word_that_switches_it_off(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting is about whether there is a trail, at the start or while the service runs: a read is an entry."""
    patient = Office(service).patient_id
    assert not [field.name for field in fields(Settings) if "audit" in field.name or "ledger" in field.name]
    given = service.house.settings.to_environment()
    names = ("CONSENTRY_AUDIT", "CONSENTRY_LEDGER", "CONSENTRY_TRAIL", "CONSENTRY_LOG_AUDIT", "AUDIT")
    assert read_settings(given | dict.fromkeys(names, "off")) == read_settings(given)
    for name in names:
        monkeypatch.setenv(name, "off")
    assert service.client("intake").get(f"/patients/{patient}").status_code == 200
    assert [entry["outcome"] for entry in service.entries(action="patient.read")] == ["permit"]


def _healed(act: Act) -> int:
    """A connection that was ended meanwhile is noticed by whoever gets it: one 503 for each, and no restart."""
    status = act.send().status_code
    for _ in range(10):
        if status != 503:
            break
        status = act.send().status_code
    return status


def test_a_trail_locked_for_long_is_a_503_within_five_seconds_each_time(
    service: Service, counted: Counted
) -> None:
    office = Office(service)
    path = f"/patients/{office.patient_id}"
    acts = [
        Act("read patient", lambda: office.intake.get(path)),
        Act("register", lambda: office.intake.post("/patients", _KIM), 201),
    ]
    done, slowest, heard = Event(), [0.0], list[str]()

    def come_and_go() -> None:
        while not done.is_set():
            for act in acts:
                began = time.monotonic()
                answer = act.send()
                seconds = time.monotonic() - began
                if done.is_set():
                    return
                slowest.append(seconds)
                assert answer.status_code == 503, answer.text
                heard.append(act.name)

    mark, before = _written_since(service.house, None)
    caller = Thread(target=come_and_go)
    with service.house.superuser() as root:
        root.autocommit = False
        root.execute("LOCK TABLE audit_entry IN EXCLUSIVE MODE")
        caller.start()
        time.sleep(LOCKED_SECONDS)
        done.set()
        after = _written_since(service.house, mark)[1]
        root.rollback()
    caller.join(10)
    assert heard
    assert max(slowest) < PROMISED_SECONDS
    assert after == before
    for act in acts:
        assert act.send().status_code == act.status
    counted("failures injected", len(heard))
