"""One migrated database and one application per test worker; one fresh program per test.

Everything is real: PostgreSQL, migrations, roles, keys, policies, middleware. Only the clock is ours. Accounts are made
the short way (no argon2) with the ledger entry the database demands; sign-in has its own tests.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import Connection, Engine, Table, create_engine, insert
from starlette.testclient import TestClient

from service.access.caller import Caller, CallerKind, Role
from service.access.program import Program, read_program
from service.app import Options, build
from service.config import Settings
from service.edge.state import State
from service.errors import Unavailable
from service.ids import SERVICE_PROGRAM, AccountId, ProgramId, SessionId, new_id
from service.ledger.checkpoint import origin_of
from service.ledger.entry import Entry
from service.ledger.stored import DatabaseSource, begin_snapshot
from service.ledger.verify import verify
from service.setup import prepare_database
from service.store import embedded
from service.store.roles import provision
from service.store.rowcodes import OPTION, RowCodes, change_row, coded
from service.store.tables.identity import account, session
from service.store.tables.people import relationship
from service.store.tables.programs import program as program_table
from service.vault import keyring
from service.vault.envelope import RowKey, SealedTable
from service.vault.units import run_unit_sync
from service.work import Work, enter, write_entry
from tests.fakes import FakeClock

T = TypeVar("T")

PROGRAM_FILE = """
key: {key}
name: Harbour Steps IOP (synthetic)
timezone: America/New_York
state: NY
director: Dr Dana Director
covered_entity: true
front_office: {{name: Front Desk on Test Street, phone: "+1-555-0142"}}
on_call: {{name: Dr Olu Testperson, phone: "+1-555-0143"}}
units:
  - {{key: U1, name: SUD intensive outpatient, regime: part2, publicly_sud_only: true}}
  - {{key: U2, name: Mental health intensive outpatient, regime: hipaa_only}}
"""
_ACCOUNT = SealedTable("account", ("profile",))
_RELATIONSHIP = SealedTable("relationship", ("evidence",))


class Cluster:
    """A PostgreSQL server for the whole test run; `durable` for tests that kill it."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self.server = embedded.start(folder, durable=durable)

    def create_database(self, name: str) -> None:
        with self.server.admin() as admin:
            admin.autocommit = True
            provision(admin, name)

    def settings(self, database: str, data: Path) -> Settings:
        return Settings(
            data=data,
            database_url=self.server.url("consentry_app", database),
            owner_database_url=self.server.url("consentry_owner", database),
            sequencer_database_url=self.server.url("consentry_sequencer", database),
            keeper_database_url=self.server.url("consentry_keeper", database),
            deployment="test",
            pool_size=8,
        )

    def superuser(self, database: str) -> psycopg.Connection[Any]:
        """A connection that may do anything: the attacker with the database."""
        connection = self.server.admin(database)
        connection.autocommit = True
        return connection

    def stop(self) -> None:
        self.server.stop(remove=True)


@dataclass
class Account:
    """An account of a test, with a live session."""

    id: UUID
    session_id: UUID
    token: str
    caller: Caller


def _pooled(url: str) -> Engine:
    return create_engine(url, pool_size=2, max_overflow=8, pool_pre_ping=True, hide_parameters=True)


def _keyring(data: Path) -> None:
    keyring.init(keyring.keyring_path(data), datetime.now(UTC))


class House:
    """The application of one test worker."""

    def __init__(
        self, cluster: Cluster, database: str, data: Path, make_keys: Callable[[Path], None] = _keyring
    ) -> None:
        self.cluster = cluster
        self.database = database
        self.data = data
        self.clock = FakeClock()
        cluster.create_database(database)
        self.settings = cluster.settings(database, data)
        make_keys(data)
        codes = RowCodes(prepare_database(self.settings, self.clock).row_mac)
        # pooled, as the application's own are: a connection for every look would be a good part of the run's time
        self.engine = _pooled(self.settings.database_url).execution_options(**{OPTION: codes})
        self.sequencer_engine = _pooled(self.settings.sequencer_database_url)
        self.app = build(self.settings, Options(clock=self.clock, sequence=False))
        self.http = TestClient(self.app, base_url="http://testserver", raise_server_exceptions=False)
        self.http.__enter__()

    @property
    def state(self) -> State:
        return self.app.state.consentry

    def close(self) -> None:
        self.http.__exit__(None, None, None)
        self.engine.dispose()
        self.sequencer_engine.dispose()

    def superuser(self) -> psycopg.Connection[Any]:
        return self.cluster.superuser(self.database)

    def sequence(self) -> None:
        """Give every committed entry its position, as the sequencer task would: a pass that finds a connection of the
        last one dead, because the server was killed, is followed by another.
        """
        portal = self.http.portal
        assert portal is not None
        more, broken = True, 0
        while more:
            try:
                more = portal.call(self.state.sequencer.run_once).more
            except Unavailable:
                broken += 1
                if broken > 3:
                    raise


@dataclass
class Service:
    """A fresh program in the worker's application; `at` the clock's start."""

    house: House
    program_id: UUID
    program: Program
    accounts: dict[str, Account] = field(default_factory=dict)

    @property
    def clock(self) -> FakeClock:
        return self.house.clock

    # -- units outside HTTP -----------------------------------------------------------------------

    def unit(self, act: Callable[[Connection], T]) -> T:
        """Run `act` in this program's tenancy as the application role, committed."""

        def entered(db: Connection) -> T:
            enter(db, self.program_id)
            return act(db)

        return run_unit_sync(self.house.engine, self.house.state.mechanisms.vault, entered)

    def work(self, caller: Caller, act: Callable[[Work], T], *, purpose: str | None = "TREAT") -> T:
        """Run an operation as `caller` without HTTP."""

        def entered(db: Connection) -> T:
            work = Work(
                self.house.state.mechanisms, db, caller, self.program, self.clock.now(), purpose=purpose
            )
            result = act(work)
            work.close()
            return result

        return self.unit(entered)

    def entry(self, db: Connection, what: str) -> UUID:
        """A ledger entry of the test's own set-up."""
        now = self.clock.now()
        entry = Entry(
            id=new_id(now),
            tree=SERVICE_PROGRAM,
            program_id=self.program_id,
            occurred_at=now,
            actor_kind="system",
            actor_id=None,
            session_id=None,
            action=what,
            outcome="permit",
            purpose=None,
            object_kind="test",
            object_id=None,
            object_version=None,
            patient_id=None,
            consent_id=None,
            recipient_id=None,
            basis=None,
            policy_set="",
            policies="[]",
            detail="{}",
            payload_hash=None,
            request_id="set-up",
        )
        write_entry(db, entry, self.house.state.mechanisms.ledger_mac_key)
        return entry.id

    def rewrite(self, table: Table, row_id: UUID, **changes: Any) -> None:
        """Change a row that decides as the service would: with an entry, and with its code."""

        def change(db: Connection) -> None:
            entry_id = self.entry(db, "set-up")
            assert change_row(db, table, {"id": row_id}, {**changes, "entry_id": entry_id})

        self.unit(change)

    # -- people -----------------------------------------------------------------------------------

    def account(
        self,
        role: str,
        *,
        name: str | None = None,
        units: Iterable[str] = ("U1", "U2"),
        patient_id: UUID | str | None = None,
        recipient_id: UUID | str | None = None,
        related_to: Iterable[UUID | str] = (),
    ) -> Account:
        """An account with a live session; the same `name` (default: the role) gives the same account."""
        key = name or role
        known = self.accounts.get(key)
        if known is None:
            known = self._make_account(Role(role), frozenset(units), _uuid(patient_id), _uuid(recipient_id))
            self.accounts[key] = known
        for patient in related_to:
            self.relate(known, patient)
        return known

    def _make_account(
        self, role: Role, units: frozenset[str], patient_id: UUID | None, recipient_id: UUID | None
    ) -> Account:
        kind = CallerKind(role.value) if role.value in set(CallerKind) else CallerKind.STAFF
        now = self.clock.now()
        account_id, session_id = new_id(now), new_id(now)
        until = datetime.fromtimestamp(now.timestamp() + 12 * 3600, UTC)

        def make(db: Connection) -> None:
            entry_id = self.entry(db, "user.manage")
            row = RowKey(self.program_id, account_id, 1, None)
            profile = {"username": f"test-{account_id}", "display_name": f"Test {role.value.title()}"}
            sealed = self.house.state.mechanisms.vault.seal_row(db, _ACCOUNT, row, {"profile": profile})
            db.execute(
                insert(account),
                coded(
                    db,
                    account,
                    {
                        "id": account_id,
                        "program_id": self.program_id,
                        "kind": kind.value,
                        "username_index": uuid4().bytes,
                        "profile": sealed["profile"],
                        "roles": [role.value],
                        "units": sorted(units) if kind is CallerKind.STAFF else [],
                        "patient_id": patient_id,
                        "recipient_id": recipient_id,
                        "password_hash": "!",
                        "state": "active",
                        "version": 1,
                        "created_at": now,
                        "entry_id": entry_id,
                    },
                ),
            )
            db.execute(
                insert(session),
                coded(
                    db,
                    session,
                    {
                        "id": session_id,
                        "program_id": self.program_id,
                        "account_id": account_id,
                        "channel": "token",
                        "created_at": now,
                        "last_used_at": now,
                        "expires_at": until,
                        "entry_id": entry_id,
                    },
                ),
            )

        self.unit(make)
        token = self.house.state.tokens.issue(
            account_id=AccountId(account_id),
            session_id=SessionId(session_id),
            token_id=new_id(now),
            now=now,
            until=until,
        )
        caller = Caller(
            kind=kind,
            account_id=AccountId(account_id),
            program_id=ProgramId(self.program_id),
            session_id=SessionId(session_id),
            roles=frozenset({role}),
            units=units if kind is CallerKind.STAFF else frozenset(),
            patient_id=patient_id,  # type: ignore[arg-type]
            recipient_id=recipient_id,  # type: ignore[arg-type]
        )
        return Account(account_id, session_id, token, caller)

    def relate(self, who: Account, patient_id: UUID | str, *, ends_on: date | None = None) -> None:
        """Record a staff relationship between an account and a patient."""

        def make(db: Connection) -> None:
            entry_id = self.entry(db, "relationship.record")
            row_id, patient = new_id(self.clock.now()), _uuid(patient_id)
            assert patient is not None
            row = RowKey(self.program_id, row_id, 1, patient)
            vault = self.house.state.mechanisms.vault
            sealed = vault.seal_row(db, _RELATIONSHIP, row, {"evidence": {"note": "caseload"}})
            db.execute(
                insert(relationship),
                coded(
                    db,
                    relationship,
                    {
                        "id": row_id,
                        "program_id": self.program_id,
                        "patient_id": patient,
                        "kind": "staff",
                        "account_id": who.id,
                        "starts_on": date(2020, 1, 1),
                        "ends_on": ends_on,
                        "evidence": sealed["evidence"],
                        "version": 1,
                        "created_at": self.clock.now(),
                        "entry_id": entry_id,
                    },
                ),
            )

        self.unit(make)

    # -- HTTP -------------------------------------------------------------------------------------

    def client(self, who: Account | str, purpose: str | None = "TREAT") -> "Client":
        """HTTP as this account (or as the account of a role)."""
        return Client(self, self.account(who) if isinstance(who, str) else who, purpose)

    def entries(self, **where: object) -> list[dict[str, Any]]:
        """This program's ledger entries, oldest first, as the superuser sees them."""
        clauses = " AND ".join(["program_id = %s", *(f"{column} = %s" for column in where)])
        with self.house.superuser() as db:
            cursor = db.execute(
                f"SELECT * FROM audit_entry WHERE {clauses} ORDER BY recorded_at, id",  # type: ignore[arg-type]
                [self.program_id, *where.values()],
            )
            names = [column.name for column in cursor.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        for row in rows:
            row["detail"] = json.loads(row["detail"])
            row["policies"] = json.loads(row["policies"])
        return rows


@dataclass
class Client:
    """The worker's HTTP client with one account's token and purpose."""

    service: Service
    who: Account
    purpose: str | None

    @property
    def headers(self) -> dict[str, str]:
        """Who calls, and what for."""
        purpose = {"Purpose-Of-Use": self.purpose} if self.purpose else {}
        return {"Authorization": f"Bearer {self.who.token}", **purpose}

    def request(self, method: str, path: str, **options: Any) -> Any:
        headers = self.headers | (options.pop("headers", None) or {})
        if "version" in options:
            headers["If-Match"] = f'"{options.pop("version")}"'
        url = path if path.startswith(("/api", "/.", "/healthz")) else f"/api/v1{path}"
        return self.service.house.http.request(method, url, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Any:
        return self.request("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> Any:
        return self.request("POST", path, json={} if json is None else json, **options)

    def put(self, path: str, json: Any, **options: Any) -> Any:
        return self.request("PUT", path, json=json, **options)

    def patch(self, path: str, json: Any, **options: Any) -> Any:
        headers = {"Content-Type": "application/json"} | (options.pop("headers", None) or {})
        return self.request("PATCH", path, json=json, headers=headers, **options)

    def delete(self, path: str, **options: Any) -> Any:
        return self.request("DELETE", path, **options)


def _uuid(value: UUID | str | None) -> UUID | None:
    return UUID(value) if isinstance(value, str) else value


def open_program(house: House) -> Service:
    """A fresh program with its keys."""
    now = house.clock.now()
    program_id = new_id(now)
    document = PROGRAM_FILE.format(key=f"test-{str(program_id)[-12:]}")
    program = read_program(ProgramId(program_id), document)
    service = Service(house, program_id, program)

    def make(db: Connection) -> None:
        entry_id = service.entry(db, "program.manage")
        db.execute(
            insert(program_table),
            coded(
                db,
                program_table,
                {
                    "id": program_id,
                    "key": program.key,
                    "name": program.name,
                    "config": document,
                    "version": 1,
                    "changed_at": now,
                    "entry_id": entry_id,
                },
            ),
        )
        house.state.mechanisms.vault.ensure_program_keys(db, program_id, now)

    service.unit(make)
    return service


def verify_ledger(service: Service) -> None:
    """Sequence what is left and have the verifier look at this program's tree and every act of the program."""
    house = service.house
    house.sequence()
    state = house.state
    with house.sequencer_engine.connect() as db:
        begin_snapshot(db)
        report = verify(
            DatabaseSource(db, service.program_id),
            origin_of(house.settings.deployment, service.program.key),
            public_key=state.sequencer.signer.public_key,
            mac_keys=[state.mechanisms.ledger_mac_key],
        )
    assert report.intact, report.findings


__all__ = ["Client", "Cluster", "House", "Service", "open_program", "verify_ledger"]
