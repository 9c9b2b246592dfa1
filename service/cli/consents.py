"""Consents: the nightly job that writes their end into the rows."""

import typer

from service.cli.database import DEFAULT_DATA, Data, database_settings
from service.cli.operator import Operator
from service.clock import SystemClock
from service.consent.ending_by_event import expire_past

app = typer.Typer(no_args_is_help=True)


@app.callback()
def consents() -> None:
    """Consents, by the clock."""


@app.command("expire")
def expire(data: Data = DEFAULT_DATA) -> None:
    """Write `expired` into consents whose last day is over, in every program. Run it once a night.

    Decisions do not wait for it: they work out the end of a consent for themselves.
    """
    with database_settings(data) as settings:
        operator = Operator(settings, SystemClock())
        for key in operator.program_keys():
            program, ended = operator.program(key), 0
            while found := len(operator.job(expire_past, program)):
                ended += found
            typer.echo(f"{key}: {ended} ended")
