"""Database roles: who owns, who works, who sequences, and who must not start the service.

    consentry_owner      owns database and tables, runs migrations
    consentry_app        the serving processes: no DDL, row-level security always applies
    consentry_sequencer  gives ledger positions and signs checkpoints
    consentry_keeper     seals again what is sealed under an old key, and can change nothing else
    consentry_lookup     cannot sign in; owner of the SECURITY DEFINER functions that find a session's program

The same as plain SQL for a database administrator: `deploy/postgres/roles.sql`. Works on PostgreSQL 15 to 18,
as a superuser or as an administrator who may create roles and databases.
"""

from collections.abc import Mapping
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, text

from service.errors import StartRefused

DATABASE = "consentry"
OWNER = "consentry_owner"
APP = "consentry_app"
SEQUENCER = "consentry_sequencer"
KEEPER = "consentry_keeper"
LOOKUP = "consentry_lookup"
_LOGIN_ROLES = (OWNER, APP, SEQUENCER, KEEPER)

_Admin = psycopg.Connection[Any]

_PROVISIONING = (
    0x636F6E73  # advisory lock: two provisioning processes would trip over each other's CREATE ROLE
)

_UNSAFE: LiteralString = """
select r.rolsuper, r.rolbypassrls, r.rolcreaterole,
       exists (select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema')
                 and n.nspname not like 'pg\\_%' and pg_has_role(current_user, c.relowner, 'MEMBER')),
       has_schema_privilege(current_user, 'public', 'CREATE')
from pg_roles r where r.rolname = current_user
"""
_UNSAFE_BECAUSE = (
    "it is a superuser",
    "it bypasses row-level security",
    "it may create roles",
    "it owns tables, or is a member of the role that does",
    "it may create tables",
)


def provision(admin: _Admin, database: str = DATABASE, passwords: Mapping[str, str] | None = None) -> None:
    """Create what is missing of roles and `database`, and set grants; safe to repeat.

    `admin` is in autocommit. `passwords` by role name; None where the operating
    system vouches for the caller (peer authentication).
    """
    admin.execute("select pg_advisory_lock(%s)", [_PROVISIONING])
    try:
        _create_roles(admin, passwords or {})
        if not _exists(admin, "select 1 from pg_database where datname = %s", database):
            admin.execute(_sql("create database {} owner {} template template0", database, OWNER))
        admin.execute(_sql("revoke all on database {} from public", database))
        admin.execute(_sql("grant connect on database {} to {}, {}, {}, {}", database, *_LOGIN_ROLES))
    finally:
        admin.execute("select pg_advisory_unlock(%s)", [_PROVISIONING])
    parameters = make_conninfo(admin.info.dsn, dbname=database, password=admin.info.password or None)
    with psycopg.connect(parameters, autocommit=True) as target:
        target.execute(_sql("revoke all on schema public from public"))
        target.execute(_sql("grant usage, create on schema public to {}", OWNER))
        target.execute(_sql("grant usage on schema public to {}, {}, {}, {}", APP, SEQUENCER, KEEPER, LOOKUP))


def refuse_unsafe_role(connection: Connection) -> None:
    """Raise `StartRefused` when the service's role could step around row-level security or change tables."""
    row = connection.execute(text(_UNSAFE)).one()
    found = [why for is_so, why in zip(row, _UNSAFE_BECAUSE, strict=True) if is_so]
    if found:
        raise StartRefused(
            f"The service must not work as this database role: {'; '.join(found)}. "
            f"Use {APP} (deploy/postgres/roles.sql)."
        )


def _create_roles(admin: _Admin, passwords: Mapping[str, str]) -> None:
    for role in (*_LOGIN_ROLES, LOOKUP):
        if not _exists(admin, "select 1 from pg_roles where rolname = %s", role):
            admin.execute(_sql("create role {}" + (" nologin" if role == LOOKUP else " login"), role))
        if role in passwords:
            admin.execute(_sql("alter role {} password ", role) + sql.Literal(passwords[role]))
    # The owner hands functions over to the look-up role; an administrator who is no superuser must be able
    # to act as owner to make a database for it.
    admin.execute(_sql("grant {} to {}", LOOKUP, OWNER))
    if not _exists(admin, "select 1 from pg_roles where rolname = current_user and rolsuper"):
        admin.execute(_sql("grant {} to current_user", OWNER))


def _exists(admin: _Admin, query: LiteralString, *parameters: str) -> bool:
    return admin.execute(query, parameters).fetchone() is not None


def _sql(template: LiteralString, *names: str) -> sql.Composed:
    return sql.SQL(template).format(*map(sql.Identifier, names))
