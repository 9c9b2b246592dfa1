"""`consentry integrity`: look at every row that decides, and take over those of a database older than the codes.

Exit status of `verify`: 0 every row is as the service wrote it, 1 one is not (named, and an incident in the trail).
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Connection, Engine

from service.access.actions import Action
from service.access.engine import Engine as Policies
from service.cli.database import DEFAULT_DATA, Data, database_settings
from service.cli.operator import OPERATOR
from service.clock import SystemClock
from service.config import Settings
from service.errors import StartRefused
from service.identity.integrity import record_bad_rows, record_operator
from service.ids import SERVICE_PROGRAM
from service.store.engine import plain_engine
from service.store.rowcodes import RowCodes
from service.store.sweep import BadRow, adopt, count_rows, look, programs_of
from service.vault.kms import open_kms
from service.vault.own import ServiceKeys
from service.vault.units import run_unit_sync
from service.vault.vault import Vault
from service.work import Mechanisms, enter

app = typer.Typer(no_args_is_help=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)
_MANY = 10
T = TypeVar("T")


@app.callback()
def group() -> None:
    """Rows that decide."""


@dataclass(frozen=True, slots=True)
class _Console:
    """What the commands work with."""

    settings: Settings
    vault: Vault
    engine: Engine

    def run(self, unit: Callable[[Connection], T]) -> T:
        return run_unit_sync(self.engine, self.vault, unit)

    def mechanisms(self, keys: ServiceKeys) -> Mechanisms:
        return Mechanisms(Policies.load(self.settings.policies), self.vault, keys.ledger_mac)


@app.command("adopt")
def adopt_command(data: Data = DEFAULT_DATA) -> None:
    """Give the rows of a database that is older than the codes their codes, once, with the service stopped.

    Whoever runs this vouches for what stands there: verify the trail first (`consentry ledger verify`).
    """
    with _console(data) as console:
        now = SystemClock().now()

        def unit(db: Connection) -> dict[str, int]:
            enter(db, SERVICE_PROGRAM)
            secret = console.vault.make_row_key(db, now)
            if secret is None:
                raise StartRefused("The rows of this database have been adopted: there is nothing to do.")
            codes, adopted = RowCodes(secret), dict[str, int]()
            for program_id in (*programs_of(db), SERVICE_PROGRAM):
                enter(db, program_id)
                for table, count in adopt(db, codes).items():
                    adopted[table] = adopted.get(table, 0) + count
            mechanisms = console.mechanisms(console.vault.load_service_keys(db))
            record_operator(mechanisms, db, OPERATOR, now, Action.KEY_MANAGE, {"rows": "adopted", **adopted})
            return adopted

        adopted = console.run(unit)
    for table, count in adopted.items():
        typer.echo(f"{table}: {count:,} adopted")
    typer.echo("From now on a row without a code is refused.")


@app.command("verify")
def verify_command(data: Data = DEFAULT_DATA) -> None:
    """Look at every row that decides, in every program; names the first that is not as the service wrote it."""
    with _console(data) as console:

        def load(db: Connection) -> ServiceKeys:
            enter(db, SERVICE_PROGRAM)
            return console.vault.load_service_keys(db)

        keys = console.run(load)
        codes = RowCodes(keys.row_mac)
        programs = [SERVICE_PROGRAM, *console.run(_programs)]
        bad = [one for program_id in programs for one in _verify(console, codes, program_id)]
        if bad:
            mechanisms, now = console.mechanisms(keys), SystemClock().now()
            console.run(lambda db: record_bad_rows(mechanisms, db, OPERATOR, now, bad))
    if not bad:
        typer.echo(f"{len(programs):,} programs: every row is as the service wrote it.")
        return
    typer.echo(f"NOT INTACT: {len(bad):,} row(s).")
    for at, one in enumerate(bad[:_MANY]):
        typer.echo(f"  {'also' if at else 'first bad row'}: {one.table} {one.key}: {one.fault.value}")
    raise typer.Exit(1)


def _programs(db: Connection) -> list[UUID]:
    enter(db, SERVICE_PROGRAM)
    return programs_of(db)


def _verify(console: _Console, codes: RowCodes, program_id: UUID) -> list[BadRow]:
    def unit(db: Connection) -> list[BadRow]:
        enter(db, program_id)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=_err, transient=True) as bar:
            task = bar.add_task(f"rows of {program_id}", total=count_rows(db))
            return list(look(db, codes, lambda count: bar.advance(task, count)))

    return console.run(unit)


@contextmanager
def _console(data: Data) -> Generator[_Console]:
    with database_settings(data) as settings:
        yield _Console(settings, Vault(open_kms(settings)), plain_engine(settings.database_url, settings))
