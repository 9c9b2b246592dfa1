"""Somebody writes rows that decide, with every right the database knows: each is found, and none decides.

The look at all rows (`consentry integrity verify`) is asked about every table and column that the metadata knows, in a
transaction that is rolled back; the decisions are asked over HTTP, about what was really written.
"""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    Connection,
    Date,
    Engine,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    create_engine,
    text,
)
from typer.testing import CliRunner

from service.cli.integrity import app
from service.identity.operations import end_all_sessions
from service.store.rowcodes import CODED, OPTION, RowCodes, covered
from service.store.sweep import KNOWN_TO_THE_TRAIL, BadRow, Fault, look
from service.work import enter
from tests.house import House, Service, open_program
from tests.integration.custody.test_findings import denied
from tests.integration.custody.test_shredding import LONG, later, register
from tests.integration.custody.watchfulness import Watchfulness
from tests.integration.disclosure.office import TPO, Office
from tests.integration.identity.test_administration import new_user

LICENCE = {
    "kind": "licensed_clinician",
    "number": "SYN-0001",
    "issuer": "State board (synthetic)",
    "starts_on": "2026-01-01",
    "ends_on": "2027-12-31",
    "verified_with": "the board's register",
}
PLACES = [(table, column) for table in CODED for column in covered(table)]
#: A program that rows are taken to.
ELSEWHERE = UUID("00000000-0000-7000-8000-00000000e15e")
#: What the scene has of the things the trail knows; the others need a story of their own.
IN_THE_SCENE = [kind for kind in KNOWN_TO_THE_TRAIL if kind not in {"safety_flag", "attachment", "episode"}]


@pytest.fixture(scope="module")
def scene(house: House) -> Office:
    """A program with a row in every table that decides."""
    house.clock.set(house.clock.beginning)
    service = open_program(house)
    over = register(service)  # whose record may be destroyed by now
    later(service, LONG)
    body = {"patient_id": over, "basis": "retention_over", "reason": "Every period is over."}
    made = service.client("compliance").post("/keys/shreddings", body)
    assert made.status_code == 201, made.text
    house.clock.set(house.clock.beginning)
    service.accounts.clear()
    office = Office(service)
    office.item("attendance")
    consent = office.signed(TPO)["id"]
    said = {"kind": "doubted", "reason": "a call (synthetic)"}
    made = office.service.client("compliance").post(f"/consents/{consent}/rulings", said)
    assert made.status_code == 201, made.text
    wanted = {
        "items": [office.items["attendance"]],
        "recipients": [office.clinic],
        "purposes": ["TREAT"],
        "classes": ["treatment"],
    }
    made = office.intake.post(f"/patients/{office.patient_id}/restrictions", wanted)
    assert made.status_code == 201, made.text
    clinician = office.clinician.who.id
    made = office.service.client("administrator").post(f"/users/{clinician}/credentials", LICENCE)
    assert made.status_code == 201, made.text
    made = office.service.client("administrator").post("/users", new_user())
    assert made.status_code == 201, made.text
    owner_id = str(office.service.account("compliance").id)
    for path, body in (
        (f"/patients/{office.patient_id}/watches", {"kind": "vip", "reason": "known (synthetic)"}),
        ("/legal-holds", {"patient_id": office.patient_id, "owner_id": owner_id, "reason": "a claim"}),
    ):
        made = office.service.client("compliance").post(path, body)
        assert made.status_code == 201, made.text
    said = {
        "kind": "staff",
        "account_id": str(clinician),
        "starts_on": "2026-01-01",
        "evidence": "on the team",
    }
    made = office.intake.post(f"/patients/{office.patient_id}/relationships", said)
    assert made.status_code == 201, made.text
    watch = Watchfulness(service)
    denied(watch, 5)
    assert watch.look()
    return office


@pytest.fixture(scope="module")
def owner(house: House) -> Iterator[Engine]:
    """The owner of the cluster: no trigger, grant or policy binds it."""
    engine = create_engine(house.cluster.server.url("postgres", house.database))
    yield engine
    engine.dispose()


def codes_of(house: House) -> RowCodes:
    found = house.engine.get_execution_options()[OPTION]
    assert isinstance(found, RowCodes)
    return found


def after(
    scene: Office, owner: Engine, bend: Callable[[Connection], object], program_id: UUID | None = None
) -> list[BadRow]:
    """What the look at the program (or another one) finds after the owner did this, which then never happened."""
    with owner.connect() as db, db.begin() as transaction:
        db.execute(text("set local session_replication_role = replica"))
        bend(db)
        db.execute(text("set local role consentry_app"))
        enter(db, program_id or scene.service.program_id)
        found = list(look(db, codes_of(scene.service.house), lambda _count: None))
        transaction.rollback()
    return found


def one_row(db: Connection, scene: Office, table: Table) -> dict[str, Any]:
    """The first row of the table in this program, by its primary key."""
    key = ", ".join(column.name for column in table.primary_key)
    of = "id" if table.name == "program" else "program_id"
    found = db.execute(
        text(f"select {key} from {table.name} where {of} = :program order by {key} limit 1"),
        {"program": scene.service.program_id},
    )
    return {str(name): value for name, value in found.mappings().one().items()}


def where(row: dict[str, Any]) -> str:
    return " and ".join(f"{name} = :{name}" for name in row)


def other(column: Column[Any]) -> str:
    """SQL of some other value for a column."""
    name = column.name
    if column.name == "program_id" or (column.table.name == "program" and name == "id"):
        return f"'{ELSEWHERE}'"
    if isinstance(column.type, Boolean):
        return f"not {name}"
    if isinstance(column.type, Uuid):
        return "gen_random_uuid()"
    if isinstance(column.type, Integer):
        return f"{name} + 1"
    if isinstance(column.type, Date):
        return f"coalesce({name}, '2026-01-01') + 1"
    if isinstance(column.type, Text):
        return f"coalesce({name}, '') || 'x'"
    if isinstance(column.type, ARRAY):
        return f"{name} || '{{administrator}}'"
    if isinstance(column.type, LargeBinary):
        return f"{name} || '\\x00'"
    return f"coalesce({name}, now()) + interval '1 microsecond'"


def test_untouched_rows_are_as_they_were_written(scene: Office, owner: Engine) -> None:
    assert after(scene, owner, lambda db: None) == []


@pytest.mark.parametrize(("table", "column"), PLACES, ids=[f"{t.name}-{c.name}" for t, c in PLACES])
def test_a_changed_column_is_found(scene: Office, owner: Engine, table: Table, column: Column[Any]) -> None:
    def bend(db: Connection) -> None:
        row = one_row(db, scene, table)
        changed = db.execute(
            text(f"update {table.name} set {column.name} = {other(column)} where {where(row)}"), row
        )
        assert changed.rowcount == 1

    moved = column.name == "program_id" or (table.name == "program" and column.name == "id")
    found = after(scene, owner, bend, ELSEWHERE if moved else None)
    assert (table.name, Fault.ALTERED) in {(one.table, one.fault) for one in found}


@pytest.mark.parametrize("table", CODED, ids=lambda table: table.name)
def test_a_row_without_a_code_is_found(scene: Office, owner: Engine, table: Table) -> None:
    def bend(db: Connection) -> None:
        row = one_row(db, scene, table)
        db.execute(text(f"update {table.name} set mac = null where {where(row)}"), row)

    assert [(one.table, one.fault) for one in after(scene, owner, bend)] == [(table.name, Fault.NO_CODE)]


def known(owner: Engine, scene: Office, kind: str) -> str:
    """A thing of this kind that the trail knows with its version."""
    with owner.connect() as db:
        found = db.execute(
            text(
                "select object_id from audit_entry where program_id = :program and object_kind = :kind "
                "and object_version is not null limit 1"
            ),
            {"program": scene.service.program_id, "kind": kind},
        )
        return str(found.scalar_one())


@pytest.mark.parametrize("kind", IN_THE_SCENE)
def test_a_deleted_row_is_missed(scene: Office, owner: Engine, kind: str) -> None:
    table, row_id = KNOWN_TO_THE_TRAIL[kind], known(owner, scene, kind)

    def bend(db: Connection) -> None:
        db.execute(text(f"delete from {table.name} where id = :id"), {"id": row_id})

    assert after(scene, owner, bend) == [BadRow(table.name, row_id, Fault.DELETED)]


@pytest.mark.parametrize("kind", IN_THE_SCENE)
def test_a_row_older_than_the_trail_says_is_found(scene: Office, owner: Engine, kind: str) -> None:
    """Also of those that carry no code: what is compared is their version."""
    table, row_id = KNOWN_TO_THE_TRAIL[kind], known(owner, scene, kind)

    def bend(db: Connection) -> None:
        db.execute(
            text("update audit_entry set object_version = object_version + 1 where object_id = :id"),
            {"id": row_id},
        )

    assert after(scene, owner, bend) == [BadRow(table.name, row_id, Fault.OLDER)]


# -- at the next decision --------------------------------------------------------------------------


def by_hand(service: Service, statement: str, *values: object) -> None:
    with service.house.superuser() as db:
        db.execute("set session_replication_role = replica")
        assert db.execute(statement, values).rowcount == 1  # type: ignore[arg-type]


def incidents(service: Service) -> int:
    with service.house.superuser() as db:
        row = db.execute("select count(*) from audit_entry where action = 'integrity.failed'").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("account", "roles = roles || '{administrator}'"),
        ("account", "units = '{U1,U2,U3}'"),
        ("account", "kind = 'system'"),
        ("account", "mac = null"),
        ("session", "expires_at = expires_at + interval '1 day'"),
        ("session", "channel = 'page'"),
        ("session", "mac = null"),
    ],
)
def test_a_bent_account_or_session_is_nobody(service: Service, table: str, change: str) -> None:
    who = service.account("clinician")
    assert service.client(who).get("/auth/me").status_code == 200
    before = incidents(service)
    row = who.id if table == "account" else who.session_id
    by_hand(service, f"update {table} set {change} where id = %s", row)
    assert service.client(who).get("/auth/me").status_code == 401
    assert incidents(service) == before + 1


def test_a_session_handed_to_another_account_is_nobody(service: Service) -> None:
    who, admin = service.account("clinician"), service.account("administrator")
    by_hand(service, "update session set account_id = %s where id = %s", admin.id, who.session_id)
    assert service.client(who).get("/users").status_code == 401


def test_a_session_put_back_after_its_end_is_nobody(service: Service) -> None:
    for ending in ("one", "all"):
        who = service.account("clinician", name=ending)
        client = service.client(who)
        with service.house.superuser() as db:
            was = db.execute(
                "select ended_at, end_reason, entry_id, mac from session where id = %s", [who.session_id]
            ).fetchone()
        if ending == "one":
            assert client.delete(f"/auth/sessions/{who.session_id}").status_code == 204
        else:
            assert service.work(who.caller, end_all_sessions, purpose=None) == 1
        assert was is not None
        by_hand(
            service,
            "update session set ended_at = %s, end_reason = %s, entry_id = %s, mac = %s where id = %s",
            *was,
            who.session_id,
        )
        assert client.get("/auth/me").status_code == 401


def test_an_account_enabled_again_by_hand_is_nobody(service: Service) -> None:
    admin = service.client("administrator")
    who = service.account("clinician")
    columns = "state, version, profile, entry_id, mac"
    with service.house.superuser() as db:
        was = db.execute(f"select {columns} from account where id = %s", [who.id]).fetchone()
        session = db.execute(
            "select ended_at, end_reason, entry_id, mac from session where id = %s", [who.session_id]
        ).fetchone()
    assert admin.post(f"/users/{who.id}/disable").status_code == 200
    assert was is not None
    assert session is not None
    by_hand(
        service,
        "update account set state = %s, version = %s, profile = %s, entry_id = %s, mac = %s where id = %s",
        *was,
        who.id,
    )
    by_hand(
        service,
        "update session set ended_at = %s, end_reason = %s, entry_id = %s, mac = %s where id = %s",
        *session,
        who.session_id,
    )
    assert service.client(who).get("/auth/me").status_code == 401


def test_a_forged_relationship_opens_no_chart(service: Service) -> None:
    office = Office(service)
    stranger = service.account("clinician", name="stranger")
    with service.house.superuser() as db:
        db.execute("set session_replication_role = replica")
        db.execute(
            "insert into relationship select (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(), "
            "'account_id', %s::uuid))).* from relationship r where patient_id = %s limit 1",
            [stranger.id, UUID(office.patient_id)],
        )
    assert service.client(stranger).get(f"/patients/{office.patient_id}").status_code >= 400


def test_a_revoked_consent_put_back_whole_decides_nothing(service: Service) -> None:
    office = Office(service)
    office.item("attendance")
    clinic, consent = office.clinic, UUID(office.signed(TPO)["id"])
    assert office.disclose(clinic).status_code == 201
    with service.house.superuser() as db:
        cursor = db.execute("select * from consent where id = %s", [consent])
        names = [column.name for column in cursor.description or ()]
        was = cursor.fetchone()
    office.revoke(str(consent))
    assert was is not None
    assert office.disclose(clinic).status_code == 403
    by_hand(
        service,
        f"update consent set ({', '.join(names)}) = row({', '.join(['%s'] * len(names))}) where id = %s",
        *was,
        consent,
    )
    assert office.disclose(clinic).status_code == 403


def test_a_deleted_restriction_stops_the_disclosure(scene: Office, service: Service) -> None:
    office = Office(service)
    office.item("attendance")
    clinic = office.clinic
    office.signed(TPO)
    wanted = {
        "items": [office.items["attendance"]],
        "recipients": [clinic],
        "purposes": ["HPAYMT"],
        "classes": ["payment"],
    }
    made = office.intake.post(f"/patients/{office.patient_id}/restrictions", wanted)
    assert made.status_code == 201, made.text
    assert office.disclose(clinic).status_code == 201
    by_hand(service, "delete from restriction where id = %s", UUID(made.json()["id"]))
    stopped = office.disclose(clinic)
    assert (stopped.status_code >= 500, stopped.json()["code"]) == (True, "integrity")


def test_the_command_names_the_first_bad_row_and_adopts_once(service: Service) -> None:
    house = service.house
    who = service.account("clinician")
    environment = house.settings.to_environment()
    by_hand(service, "update account set units = '{}' where id = %s", who.id)
    before = incidents(service)
    told = CliRunner().invoke(app, ["verify", "--data", str(house.data)], env=environment)
    assert told.exit_code == 1, told.output
    assert "NOT INTACT" in told.output
    assert "first bad row: account" in told.output
    assert incidents(service) == before + 1
    refused = CliRunner().invoke(app, ["adopt", "--data", str(house.data)], env=environment)
    assert refused.exit_code != 0
    assert "adopted" in str(refused.exception)
