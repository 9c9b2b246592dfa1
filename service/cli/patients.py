"""Patients: what an operator does about all of them after an upgrade."""

from functools import partial
from uuid import UUID

import typer
from rich.progress import Progress

from service.cli.database import DEFAULT_DATA, Data, database_settings
from service.cli.operator import Operator
from service.clock import SystemClock
from service.people.reindexing.operations import write_missing_terms

app = typer.Typer(no_args_is_help=True)


@app.callback()
def patients() -> None:
    """Patients, after an upgrade."""


@app.command("reindex")
def reindex(data: Data = DEFAULT_DATA) -> None:
    """Make patients of an earlier version findable by former names and telephone, in every program.

    Run it once after an upgrade, while the service is running or not. Broken off, it goes on where it stopped; once
    everybody is done, it does nothing.
    """
    with database_settings(data) as settings:
        operator = Operator(settings, SystemClock())
        with Progress() as progress:
            for key in operator.program_keys():
                written, damaged = _reindexed(operator, key, progress)
                progress.console.print(f"{key}: {written} written", markup=False, highlight=False)
                for one in damaged:
                    progress.console.print(f"  {one}: does not verify, left as it is", highlight=False)


def _reindexed(operator: Operator, key: str, progress: Progress) -> tuple[int, list[UUID]]:
    program, task = operator.program(key), progress.add_task(key, total=None)
    written, damaged, after = 0, list[UUID](), None
    while True:
        batch = operator.job(partial(write_missing_terms, after=after), program)
        written, after = written + batch.written, batch.last
        damaged += batch.damaged
        progress.update(task, completed=written, total=written + batch.left - len(damaged))
        if after is None:
            return written, damaged
