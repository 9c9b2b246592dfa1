"""`consentry`: serve, set up, administer, verify. What an operator must do first is said by what refuses to start."""

import sys

import httpx
import psycopg
import typer
from rich.console import Console
from sqlalchemy.exc import DBAPIError

from service import __version__
from service.cli import (
    consents,
    integrity,
    jobs,
    keys,
    keys_open,
    ledger,
    patients,
    policies,
    programs,
    schema,
    serve,
    tour,
    trail,
    users,
)
from service.cli.person import WrongAnswer
from service.errors import ConsentryError

app = typer.Typer(
    name="consentry",
    help="Intake and consent service: 42 CFR Part 2 and HIPAA enforced, and proven.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("migrate")(schema.migrate)
app.command("tour")(tour.tour)
app.add_typer(schema.app, name="db", help="The database: roles.")
app.add_typer(keys.app, name="keys", help="The key-encryption key.")
keys.app.command("verify")(keys_open.verify)
app.add_typer(integrity.app, name="integrity", help="Rows that decide: adopt, verify.")
app.add_typer(ledger.app, name="ledger", help="The audit ledger: verify, export.")
app.add_typer(policies.app, name="policies", help="The policy files.")
app.add_typer(programs.app, name="programs", help="Programs, each one YAML file.")
app.add_typer(consents.app, name="consents", help="Consents: write the end of those whose last day is over.")
app.add_typer(jobs.app, name="jobs", help="What the service does by itself.")
app.add_typer(patients.app, name="patients", help="Patients, after an upgrade.")
app.add_typer(trail.app, name="trail", help="The audit trail: its months.")
app.add_typer(users.app, name="users", help="Accounts of staff.")


@app.command("version")
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    """Entry point: what the service refuses becomes one sentence on standard error and exit status 1."""
    try:
        app()
    except (DBAPIError, psycopg.OperationalError, WrongAnswer, httpx.TransportError) as error:
        text = (
            str(error)
            if isinstance(error, WrongAnswer)
            else f"{type(error).__name__}; is everything running?"
        )
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"consentry: {text}", markup=False)
        sys.exit(1)
    except ConsentryError as error:
        console = Console(stderr=True, soft_wrap=True, highlight=False)
        console.print(f"consentry: {error.detail}", markup=False)
        for fault in error.errors:
            console.print(f"  {fault.field}: {fault.message}", markup=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
