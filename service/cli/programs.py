"""Programs: the tenants, each described by one YAML file."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.database import DEFAULT_DATA, Data, database_settings
from service.cli.operator import Operator
from service.clock import SystemClock
from service.identity.programs import apply_program, list_programs
from service.ids import SERVICE_PROGRAM

app = typer.Typer(no_args_is_help=True)


@app.command("apply")
def apply(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The program's description.")],
    data: Data = DEFAULT_DATA,
) -> None:
    """Put a program's description into force: a new key makes a new program."""
    document = file.read_text(encoding="utf-8")
    with database_settings(data) as settings:
        applied = Operator(settings, SystemClock()).act(lambda work: apply_program(work, document))
    typer.echo(f"{applied.key}: version {applied.version}, {applied.id}")


@app.command("list")
def list_all(data: Data = DEFAULT_DATA) -> None:
    """The programs there are."""
    with database_settings(data) as settings:
        operator = Operator(settings, SystemClock())
        for program in operator.act(lambda work: list_programs(work, SERVICE_PROGRAM, 200)):
            typer.echo(f"{program.key}: version {program.version}, {program.id}, {program.name}")
