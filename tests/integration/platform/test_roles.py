"""Database roles: provisioned idempotently, by a superuser or not, and an unsafe one never serves."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import NullPool, create_engine

from service.errors import StartRefused
from service.store.embedded import EmbeddedPostgres
from service.store.roles import APP, LOOKUP, OWNER, SEQUENCER, provision, refuse_unsafe_role

_MISUSES = [
    ("superuser", "alter role {role} superuser", "superuser"),
    ("bypass", "alter role {role} bypassrls", "bypasses row-level security"),
    ("creates roles", "alter role {role} createrole", "may create roles"),
    ("may act as the owner", "grant consentry_owner to {role}", "owns tables"),
    ("creates tables", "grant create on schema public to {role}", "may create tables"),
]


@pytest.fixture
def admin(server: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    with server.admin("consentry") as connection:
        connection.execute("drop table if exists probe")
        connection.execute("create table probe (n int)")
        connection.execute(f"alter table probe owner to {OWNER}")
        yield connection
        connection.execute("drop table probe")


@pytest.mark.shows("O-24")
@pytest.mark.parametrize(("name", "misuse", "reason"), _MISUSES, ids=[m[0] for m in _MISUSES])
def test_a_role_that_could_step_around_the_rules_is_refused(
    server: EmbeddedPostgres, admin: psycopg.Connection, name: str, misuse: str, reason: str
) -> None:
    admin.execute("create role misused login")
    admin.execute("grant usage on schema public to misused")
    admin.execute("grant connect on database consentry to misused")
    try:
        with create_engine(server.url("misused"), poolclass=NullPool).connect() as connection:
            refuse_unsafe_role(connection)
        admin.execute(misuse.format(role="misused").encode())
        with (
            create_engine(server.url("misused"), poolclass=NullPool).connect() as connection,
            pytest.raises(StartRefused, match=reason),
        ):
            refuse_unsafe_role(connection)
    finally:
        admin.execute("drop owned by misused")
        admin.execute("drop role misused")


@pytest.mark.shows("O-24")
def test_the_application_role_is_accepted_and_the_owner_is_not(
    server: EmbeddedPostgres, admin: psycopg.Connection
) -> None:
    with create_engine(server.app_url, poolclass=NullPool).connect() as connection:
        refuse_unsafe_role(connection)
    for unsafe in (server.owner_url, server.admin_url):
        with create_engine(unsafe, poolclass=NullPool).connect() as connection, pytest.raises(StartRefused):
            refuse_unsafe_role(connection)


def test_an_administrator_who_is_no_superuser_can_provision_twice(server: EmbeddedPostgres) -> None:
    with server.admin() as admin:
        for role in (APP, SEQUENCER, LOOKUP, OWNER):
            assert admin.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
        admin.execute("create role keeper login createrole createdb")
        for role in (OWNER, LOOKUP):
            admin.execute(f"grant {role} to keeper with admin option".encode())
    try:
        with psycopg.connect(
            server.url("keeper", "postgres").replace("+psycopg", ""), autocommit=True
        ) as keeper:
            for _ in range(2):
                provision(keeper, "second")
        with psycopg.connect(server.url(APP, "second").replace("+psycopg", "")) as app:
            assert app.execute("select current_user").fetchone() == (APP,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute("create table mine (n int)")
    finally:
        with server.admin() as admin:
            admin.execute("drop database if exists second")
            admin.execute("drop owned by keeper")
            admin.execute("drop role keeper")


def test_nobody_else_may_connect(server: EmbeddedPostgres) -> None:
    with server.admin() as admin:
        admin.execute("create role stranger login")
    try:
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(server.url("stranger").replace("+psycopg", ""))
    finally:
        with server.admin() as admin:
            admin.execute("drop role stranger")


def test_passwords_are_set_and_stored_only_as_scram(server: EmbeddedPostgres) -> None:
    with server.admin() as admin:
        provision(admin, passwords={SEQUENCER: "it's a Testpassword"})
        stored = admin.execute("select rolpassword from pg_authid where rolname = %s", [SEQUENCER]).fetchone()
    assert stored is not None
    assert stored[0].startswith("SCRAM-SHA-256$")
    there = f"host=127.0.0.1 port={server.port} user={SEQUENCER} dbname=consentry"
    with psycopg.connect(there, password="it's a Testpassword") as connection:
        assert connection.execute("select 1").fetchone() == (1,)
