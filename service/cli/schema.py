"""The database: roles and schema."""

import tempfile
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from service import setup
from service.cli.database import DEFAULT_DATA, Data, database_settings
from service.clock import SystemClock
from service.config import ROOT
from service.errors import StartRefused
from service.store import embedded, versions
from service.store.engine import plain_engine
from service.store.roles import APP, DATABASE, KEEPER, OWNER, SEQUENCER, provision

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """The database."""


@app.command("provision")
def provision_roles(
    admin_url: Annotated[str, typer.Option("--admin-url", help="An administrator's postgresql:// URL.")],
    database: Annotated[str, typer.Option(help="Name of the service's database.")] = DATABASE,
    passwords: Annotated[
        bool, typer.Option("--passwords", help="Ask for a password for each role that signs in.")
    ] = False,
) -> None:
    """Create the database roles and the database (the same as deploy/postgres/roles.sql); safe to repeat."""
    chosen = {
        role: typer.prompt(f"Password of {role}", hide_input=True, confirmation_prompt=True)
        for role in ((OWNER, APP, SEQUENCER, KEEPER) if passwords else ())
    }
    try:
        with psycopg.connect(admin_url.replace("+psycopg", "", 1), autocommit=True) as admin:
            provision(admin, database, chosen)
    except psycopg.OperationalError:
        raise StartRefused("The database cannot be reached with this administrator's URL.") from None
    typer.echo(f"Database {database} and its roles are there.")


def migrate(
    data: Data = DEFAULT_DATA,
    check: Annotated[
        bool, typer.Option("--check", help="Only compare tables and migrations, on a database thrown away.")
    ] = False,
) -> None:
    """Bring the database to this version, as its owner, and make the service's own keys where missing."""
    if check:
        _check_drift()
        typer.echo("Tables and migrations say the same.")
        return
    with database_settings(data) as settings:
        setup.prepare_database(settings, SystemClock())
        typer.echo(f"The schema is at {versions.expected_version(settings.migrations)}.")


def _check_drift() -> None:
    folder = Path(tempfile.mkdtemp(prefix="consentry-check-"))
    folder.chmod(0o711)
    server = embedded.start(folder / "data", durable=False)
    try:
        owner = plain_engine(server.owner_url)
        versions.migrate(owner, ROOT / "migrations")
        versions.check_drift(owner, ROOT / "migrations")
    finally:
        server.stop(remove=True)
        _remove(folder)


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    folder.rmdir()
