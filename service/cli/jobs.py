"""Jobs: what the service does by itself, done once from the console."""

import asyncio

import typer

from service.app import open_state
from service.cli.database import DEFAULT_DATA, Data, database_settings
from service.clock import SystemClock
from service.config import Settings
from service.jobs.registered import jobs_of, keeping_of, post_of

app = typer.Typer(no_args_is_help=True)


@app.callback()
def jobs() -> None:
    """Jobs, by the clock. A serving process runs them by itself."""


@app.command("run-once")
def run_once(data: Data = DEFAULT_DATA) -> None:
    """Do everything that is due now, in every program, and say how much it was."""
    with database_settings(data) as settings:
        for name, done in asyncio.run(_run(settings)).items():
            typer.echo(f"{name}: {done}")


async def _run(settings: Settings) -> dict[str, int]:
    state = await open_state(settings, SystemClock())
    try:
        done = await jobs_of(state).run_once()
        keys = await keeping_of(state).run_once()
        return done | {"delivery": await post_of(state).run_once(), "keys": keys}
    finally:
        await state.sequencer.engine.dispose()
        await state.engine.dispose()
