"""What the database itself refuses, below the application: acts without entries, other tenants, a changed ledger."""

from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError

from service.errors import Unavailable
from service.ids import new_id
from service.store.session import in_unit_sync
from service.store.tables.ledger import audit_entry
from service.store.tables.people import patient
from service.store.tables.programs import program
from service.store.types import Sealed
from tests.house import House, Service, open_program


def _row(service: Service, entry_id: UUID) -> dict[str, object]:
    now = service.clock.now()
    return {
        "id": new_id(now),
        "program_id": service.program_id,
        "state": "active",
        "version": 1,
        "demographics": Sealed(b"x"),
        "created_at": now,
        "changed_at": now,
        "entry_id": entry_id,
    }


@pytest.mark.shows("O-22")
def test_an_act_without_its_entry_is_not_committed(service: Service) -> None:
    row = _row(service, uuid4())
    with pytest.raises(Unavailable):
        service.unit(lambda db: db.execute(insert(patient).values(row)))
    found = service.unit(lambda db: db.execute(select(patient.c.id).where(patient.c.id == row["id"])).all())
    assert found == []


def test_an_entry_of_an_earlier_transaction_does_not_count(service: Service) -> None:
    earlier = service.unit(lambda db: service.entry(db, "patient.register"))
    with pytest.raises(Unavailable):
        service.unit(lambda db: db.execute(insert(patient).values(_row(service, earlier))))


def test_a_change_needs_its_own_entry_too(service: Service) -> None:
    row = service.unit(
        lambda db: (
            (values := _row(service, service.entry(db, "patient.register")))
            and db.execute(insert(patient).values(values))
            and values
        )
    )
    change = update(patient).where(patient.c.id == row["id"]).values(state="merged")
    with pytest.raises(Unavailable):
        service.unit(lambda db: db.execute(change))
    service.unit(lambda db: db.execute(change.values(entry_id=service.entry(db, "patient.update"))))
    assert service.entries(action="patient.update")


def test_one_program_never_sees_or_writes_another(service: Service, house: House) -> None:
    row = service.unit(
        lambda db: (
            (values := _row(service, service.entry(db, "patient.register")))
            and db.execute(insert(patient).values(values))
            and values
        )
    )
    other = open_program(house)
    assert other.unit(lambda db: db.execute(select(patient.c.id)).all()) == []
    with pytest.raises(DBAPIError, match="row-level security"):
        other.unit(lambda db: db.execute(insert(patient).values(row | {"id": uuid4()})))
    # Without a program the tables are empty, not open.
    assert in_unit_sync(house.engine, lambda db: db.execute(select(patient.c.id)).all()) == []
    assert in_unit_sync(house.engine, lambda db: db.execute(select(audit_entry.c.id)).all()) == []


@pytest.mark.shows("O-24")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET outcome = 'permit'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "DROP TABLE audit_entry",
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
        "ALTER TABLE patient DISABLE ROW LEVEL SECURITY",
        "SET session_replication_role = replica",
        "INSERT INTO audit_leaf SELECT * FROM audit_leaf",
        "UPDATE audit_tree SET size = 0",
        "UPDATE audit_checkpoint SET note = ''",
        "CREATE TABLE mine (x int)",
        "SET ROLE consentry_owner",
        "UPDATE disclosure SET basis = 'B02'",
        "DELETE FROM consent",
        "UPDATE audit_entry SET recorded_at = now()",
        "UPDATE audit_leaf SET position = 0",
        "DELETE FROM audit_leaf",
        "TRUNCATE audit_leaf, audit_checkpoint",
        "DROP TABLE audit_checkpoint",
        "ALTER TABLE audit_entry DROP COLUMN mac",
        "ALTER TABLE audit_entry OWNER TO consentry_app",
        "ALTER TABLE audit_entry NO FORCE ROW LEVEL SECURITY",
        "DROP TRIGGER append_only ON audit_entry",
        "CREATE TRIGGER aside BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION append_only()",
        "CREATE RULE aside AS ON INSERT TO audit_entry DO INSTEAD NOTHING",
        "CREATE POLICY aside ON audit_entry USING (true)",
        "ALTER FUNCTION require_entry() SECURITY DEFINER",
        "INSERT INTO audit_anchor SELECT * FROM audit_anchor",
        "UPDATE audit_anchor SET size = 0",
        "DELETE FROM ledger_standing",
        "UPDATE ledger_restore SET backup_time = now()",
        "DELETE FROM ledger_restore",
    ],
)
def test_the_application_role_cannot(service: Service, statement: str) -> None:
    with pytest.raises(DBAPIError) as refused:
        service.unit(lambda db: db.execute(text(statement)))
    assert refused.value.orig is not None
    assert getattr(refused.value.orig, "sqlstate", "") in ("42501", "42704", "22023")


@pytest.mark.shows("O-24")
def test_only_the_database_sets_when_and_in_which_transaction(service: Service) -> None:
    for column, value in (("recorded_at", "now()"), ("xid", "pg_current_xact_id()")):
        with pytest.raises(DBAPIError, match="permission denied"):
            service.unit(
                lambda db, c=column, v=value: db.execute(
                    text(
                        f"INSERT INTO audit_entry (id, tree, program_id, occurred_at, actor_kind, action, outcome, "
                        f"policy_set, policies, detail, request_id, mac, {c}) VALUES (gen_random_uuid(), :p, :p, "
                        f"now(), 'system', 'x', 'permit', '', '[]', '{{}}', '', '', {v})"
                    ),
                    {"p": service.program_id},
                )
            )


@pytest.mark.shows("O-24")
def test_the_owner_is_bound_by_row_level_security_and_cannot_rewrite_the_ledger(service: Service) -> None:
    house = service.house
    with psycopg.connect(
        house.settings.owner_database_url.replace("postgresql+psycopg", "postgresql")  # type: ignore[union-attr]
    ) as owner:
        assert owner.execute("SELECT count(*) FROM patient").fetchone() == (0,)
        assert owner.execute("SELECT count(*) FROM audit_entry").fetchone() == (0,)
    with house.superuser() as root, pytest.raises(psycopg.Error, match="append-only"):
        root.execute("DELETE FROM audit_entry WHERE program_id = %s", [service.program_id])


def test_every_table_with_a_program_is_under_forced_row_level_security(house: House) -> None:
    with house.superuser() as root:
        rows = root.execute(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity FROM pg_class c "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('program_id', 'tree') "
            "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
        ).fetchall()
    assert len(rows) > 20
    assert [name for name, forced in rows if not forced] == []


def test_every_table_with_an_entry_has_the_guard(house: House) -> None:
    with house.superuser() as root:
        missing = root.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'entry_id' "
            "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'audit_leaf' "
            "AND NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'act_has_entry' "
            "AND t.tgdeferrable AND t.tginitdeferred AND t.tgenabled = 'O')"
        ).fetchall()
    assert missing == []


#: Tables of the intake, and whether a row may change once it stands.
OF_THE_INTAKE = {
    **dict.fromkeys(
        ("episode", "patient_merge", "packet_item", "form_signature", "placement", "care_plan"), True
    ),
    **dict.fromkeys(("visit", "message", "packet_link", "intake_entry", "content_pack", "credential"), True),
    **dict.fromkeys(("safety_flag", "assessment", "care_plan_paragraph"), True),
    "episode_step": False,
}


@pytest.mark.parametrize("table", OF_THE_INTAKE)
def test_a_table_of_the_intake_is_guarded_and_nothing_leaves_it(house: House, table: str) -> None:
    """Forced row-level security with a rule, the guard of entries, and no right to take a row away."""
    asked = (
        "SELECT c.relrowsecurity AND c.relforcerowsecurity, "
        "EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid), "
        "EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'act_has_entry' "
        "AND t.tgdeferrable AND t.tginitdeferred AND t.tgenabled = 'O'), "
        "has_table_privilege('consentry_app', c.oid, 'INSERT'), "
        "has_any_column_privilege('consentry_app', c.oid, 'UPDATE'), "
        "has_table_privilege('consentry_app', c.oid, 'DELETE') "
        "OR has_table_privilege('consentry_app', c.oid, 'TRUNCATE') "
        "FROM pg_class c WHERE c.relname = %s AND c.relnamespace = 'public'::regnamespace"
    )
    with house.superuser() as root:
        row = root.execute(asked, [table]).fetchone()
    assert row == (True, True, True, True, OF_THE_INTAKE[table], False)


def test_a_program_row_is_guarded_as_well(service: Service) -> None:
    with pytest.raises(Unavailable):
        service.unit(
            lambda db: db.execute(update(program).where(program.c.id == service.program_id).values(version=2))
        )
