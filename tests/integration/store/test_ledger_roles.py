"""No role the service works under can change, empty, drop or switch off anything of the ledger; no verb of the API can.

Three roles serve: the application's, the sequencer's, the keeper's. Every table of the ledger and every month of the
trail is tried as each of them, months made ahead and a month that was detached included, on connections of their own.
"""

from collections.abc import Iterator
from typing import Final, LiteralString

import psycopg
import pytest
from psycopg import sql

from tests.house import House, Service
from tests.showing import Counted

pytestmark = pytest.mark.shows("O-24")

ROLES: Final = ("consentry_app", "consentry_sequencer", "consentry_keeper")
_LEDGER: LiteralString = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
    "AND relname ~ '^(audit|ledger)_' ORDER BY 1"
)
_OWN_COLUMNS: LiteralString = (
    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
)
#: What each of them has to write again to do its work: sizes, standings and marks, and what is sealed anew under another
#: key; never an entry, a position or a checkpoint.
REWRITES: Final = {
    "consentry_app": {"ledger_standing"},
    "consentry_sequencer": {"audit_tree", "audit_anchor"},
    "consentry_keeper": {"ledger_restore.reason"},
}
ON_TABLES: Final[tuple[LiteralString, ...]] = (
    "DELETE FROM {table}",
    "TRUNCATE {table}",
    "DROP TABLE {table}",
    "DROP TABLE {table} CASCADE",
    "ALTER TABLE {table} ADD COLUMN aside int",
    "ALTER TABLE {table} RENAME TO aside",
    "ALTER TABLE {table} SET SCHEMA pg_temp",
    "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "ALTER TABLE {table} DISABLE TRIGGER USER",
    "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE {table} SET UNLOGGED",
    "ALTER TABLE {table} OWNER TO {role}",
    "CREATE POLICY aside ON {table} USING (true)",
    "CREATE RULE aside AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "CREATE TRIGGER aside BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION append_only()",
    "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
)
ANYWHERE: Final[tuple[LiteralString, ...]] = (
    "SET session_replication_role = replica",
    "SET ROLE consentry_owner",
    "SET SESSION AUTHORIZATION consentry_owner",
    "ALTER ROLE {role} SUPERUSER",
    "ALTER ROLE {role} BYPASSRLS",
    "GRANT consentry_owner TO {role}",
    "ALTER DATABASE {database} SET session_replication_role = replica",
    "DROP FUNCTION append_only() CASCADE",
    "DROP FUNCTION require_entry() CASCADE",
    "CREATE OR REPLACE FUNCTION require_entry() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "ALTER FUNCTION require_entry() SECURITY DEFINER",
    "DROP OWNED BY consentry_owner CASCADE",
    "DROP SCHEMA public CASCADE",
    "CREATE TABLE public.aside (x int)",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "ALTER TABLE audit_entry DETACH PARTITION audit_entry_other",
)
#: Insufficient privilege: refused because of who asks, not because of what else is wrong with it.
_REFUSED: Final = "42501"


def _connection(house: House, role: str) -> psycopg.Connection:
    return psycopg.connect(house.cluster.server.url(role, house.database).replace("+psycopg", ""))


def _ledger(house: House) -> list[str]:
    with house.superuser() as root:
        return [row[0] for row in root.execute(_LEDGER).fetchall()]


def _updates(house: House, role: str, tables: list[str]) -> Iterator[sql.Composed]:
    """Every column by itself: a privilege may be one column's."""
    with house.superuser() as root:
        for table in tables:
            for (column,) in root.execute(_OWN_COLUMNS, [table]).fetchall():
                template: LiteralString = "UPDATE {} SET {} = NULL"
                if not REWRITES[role] & {table, f"{table}.{column}"}:
                    yield sql.SQL(template).format(sql.Identifier(table), sql.Identifier(column))


def _on_table(table: str, role: str) -> Iterator[sql.Composed]:
    for statement in ON_TABLES:
        if statement.startswith("LOCK") and table in REWRITES[role]:
            continue  # whoever may write a table may lock it; nothing is lost by that
        yield sql.SQL(statement).format(table=sql.Identifier(table), role=sql.Identifier(role))


def _outcome(db: psycopg.Connection, statement: sql.Composed) -> str | None:
    """The SQLSTATE it is refused with, None when it is not; whatever it did is undone."""
    try:
        db.execute(statement)
    except psycopg.Error as refused:
        return refused.sqlstate
    finally:
        db.rollback()
    return None


@pytest.mark.parametrize("role", ROLES)
def test_nothing_of_the_ledger_can_be_changed_or_switched_off(
    house: House, role: str, counted: Counted
) -> None:
    tables = _ledger(house)
    months = [name for name in tables if name.startswith("audit_entry_2")]
    assert len(months) >= 4, "the month and those made ahead"
    assert {"audit_checkpoint", "audit_leaf", "audit_tile_root", "audit_cosignature", "ledger_restore"} < set(
        tables
    )
    statements = [*_updates(house, role, tables)]
    for table in tables:
        statements += _on_table(table, role)
    for statement in ANYWHERE:
        names = {"role": sql.Identifier(role), "database": sql.Identifier(house.database)}
        statements.append(sql.SQL(statement).format(**names))
    with _connection(house, role) as db:
        passed = {one.as_string(db): _outcome(db, one) for one in statements}
        db.autocommit = True
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("ALTER SYSTEM SET session_replication_role = replica")
    allowed = {one: state for one, state in passed.items() if state != _REFUSED}
    assert allowed == {}
    counted("statements refused", len(statements) + 1)


@pytest.mark.parametrize("role", ROLES)
def test_a_detached_month_is_no_more_theirs_than_an_attached_one(
    house: House, role: str, counted: Counted
) -> None:
    """In one transaction that is undone: nobody else ever sees the month detached."""
    month = next(name for name in _ledger(house) if name.startswith("audit_entry_2"))
    with house.superuser() as root:
        root.autocommit = False
        root.execute(sql.SQL("ALTER TABLE audit_entry DETACH PARTITION {}").format(sql.Identifier(month)))
        root.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
        insert: LiteralString = "INSERT INTO {} SELECT * FROM audit_entry"
        statements = [*_on_table(month, role), sql.SQL(insert).format(sql.Identifier(month))]
        for statement in statements:
            root.execute("SAVEPOINT before")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                root.execute(statement)
            root.execute("ROLLBACK TO before")
        root.rollback()
    counted("statements refused", len(statements))


def test_what_retention_may_detach_is_older_than_six_years(house: House) -> None:
    with _connection(house, "consentry_app") as db, pytest.raises(psycopg.Error):
        db.execute("SELECT audit_detach_months(5)")


def test_entries_go_into_the_trail_and_not_into_a_month_beside_it(house: House) -> None:
    with _connection(house, "consentry_app") as db:
        for month in (name for name in _ledger(house) if name.startswith("audit_entry_")):
            template: LiteralString = "INSERT INTO {} (id) VALUES (gen_random_uuid())"
            assert _outcome(db, sql.SQL(template).format(sql.Identifier(month))) == _REFUSED, month


@pytest.mark.parametrize("role", ROLES)
def test_the_role_owns_nothing_and_is_nobody_else(house: House, role: str) -> None:
    with house.superuser() as root:
        flags = root.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles WHERE rolname = %s",
            [role],
        ).fetchone()
        owned = root.execute(
            "SELECT count(*) FROM pg_class WHERE relowner = %s::regrole AND relkind <> 't'", [role]
        ).fetchone()
        functions = root.execute(
            "SELECT count(*) FROM pg_proc WHERE proowner = %s::regrole", [role]
        ).fetchone()
        member = root.execute(
            "SELECT count(*) FROM pg_auth_members WHERE member = %s::regrole", [role]
        ).fetchone()
    assert flags == (False, False, False, False, False)
    assert (owned, functions, member) == ((0,), (0,), (0,))


def test_no_verb_of_the_api_changes_the_trail(service: Service, counted: Counted) -> None:
    """Whatever is not described is refused before anybody asks who calls; what is described only reads or adds."""
    compliance = service.client("compliance", purpose="HOPERAT")
    compliance.get("/audit/entries")
    paths = {
        path: set(verbs)
        for path, verbs in service.house.app.openapi()["paths"].items()
        if path.startswith("/api/v1/audit")
    }
    assert "/api/v1/audit/entries/{entry_id}" in paths
    entries = service.entries()
    adding = {path for path, verbs in paths.items() if verbs - {"get"}}
    assert all({"get", "post"} >= verbs for verbs in paths.values())
    assert all("/reviews/" in path or path.endswith("/cosignatures") for path in adding), adding
    tried = 0
    for path, verbs in paths.items():
        place = path
        for name in ("{entry_id}", "{review_id}"):
            place = place.replace(name, str(entries[0]["id"]))
        for verb in {"post", "put", "patch", "delete"} - verbs:
            answer = compliance.request(verb.upper(), place, json={"outcome": "permit"})
            assert answer.status_code in (404, 405), (verb, place, answer.text)
            tried += 1
    assert service.entries() == entries
    counted("verbs refused", tried)
