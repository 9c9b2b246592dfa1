"""`consentry trail`: the months of the audit trail."""

from typing import Annotated

import typer

from service.cli.database import DEFAULT_DATA, Data, database_settings
from service.cli.operator import Operator
from service.clock import SystemClock
from service.custody.months import detach_months, months_ahead
from service.store import partitions
from service.store.engine import plain_engine
from service.store.session import in_unit_sync

app = typer.Typer(no_args_is_help=True)


@app.callback()
def trail() -> None:
    """The months of the audit trail."""


@app.command("months")
def months(data: Data = DEFAULT_DATA) -> None:
    """Make the months ahead that are missing, and list all: attached with their size as estimated, then detached."""
    with database_settings(data) as settings:
        Operator(settings, SystemClock()).act(lambda work: months_ahead(work))
        engine = plain_engine(settings.sequencer_database_url)
        for name, rows in in_unit_sync(engine, partitions.attached):
            typer.echo(f"{name}  about {rows} entries")
        for name in in_unit_sync(engine, partitions.detached):
            typer.echo(f"{name}  detached")


@app.command("detach")
def detach(
    years: Annotated[
        int, typer.Option("--years", min=partitions.LEAST_YEARS, help="Keep what is younger than this.")
    ] = partitions.LEAST_YEARS,
    data: Data = DEFAULT_DATA,
) -> None:
    """Detach months past retention from the trail. Nothing is dropped; the verifier goes on reading them."""
    with database_settings(data) as settings:
        gone = Operator(settings, SystemClock()).act(lambda work: detach_months(work, years))
        typer.echo("\n".join(f"detached: {month}" for month in gone) or "No month is past retention.")
