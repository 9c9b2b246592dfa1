"""Accounts of staff, from the console: the first administrator of a program is made here."""

import sys
from typing import Annotated

import typer

from service.access.caller import CallerKind, Role
from service.access.program import Program
from service.cli.database import DEFAULT_DATA, Data, database_settings
from service.cli.operator import Operator
from service.clock import SystemClock
from service.errors import Code, Invalid, NotFound
from service.identity import accounts, passwords
from service.identity.accounts import NewAccount
from service.identity.model import Account
from service.identity.names import normal_name
from service.ids import SERVICE_PROGRAM

app = typer.Typer(no_args_is_help=True)

ProgramKey = Annotated[str, typer.Option("--program", help="Key of the program.")]


@app.command("add")
def add(
    username: Annotated[str, typer.Argument(help="3 to 64 of a-z, 0-9 and . _ @ + -")],
    program: ProgramKey,
    role: Annotated[list[Role], typer.Option("--role", help="May be given more than once.")],
    name: Annotated[str, typer.Option("--name", help="As colleagues know them.")],
    unit: Annotated[list[str] | None, typer.Option("--unit", help="Units the person works in.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from input.")
    ] = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Add a member of staff; asks for the password."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _asked()
    faults = passwords.faults(password, (username, name))
    if faults:
        raise Invalid(Code.PASSWORD_UNACCEPTABLE, "This password is not acceptable.", faults)
    new = NewAccount(
        kind=CallerKind.STAFF,
        username=username,
        display_name=name,
        password_hash=passwords.hash_password(password),
        roles=frozenset(role),
        units=frozenset(unit or ()),
    )
    with database_settings(data) as settings:
        operator = Operator(settings, SystemClock())
        made = operator.act(lambda work: accounts.create_account(work, new), operator.program(program))
    typer.echo(f"{made.username}: {made.id}")


@app.command("disable")
def disable(username: str, program: ProgramKey, data: Data = DEFAULT_DATA) -> None:
    """Disable an account; its sessions end with the next call, on every worker."""
    with database_settings(data) as settings:
        operator = Operator(settings, SystemClock())
        there = operator.program(program)
        account = _find(operator, there, normal_name(username))
        ended = operator.act(lambda work: accounts.disable_account(work, account.id), there)
    typer.echo(f"{ended.username}: {ended.state.value}")


def _asked() -> str:
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _find(operator: Operator, program: Program, username: str) -> Account:
    after, page = SERVICE_PROGRAM, 200
    while True:
        start = after
        found = operator.act(lambda work: accounts.list_accounts(work, start, page), program)  # noqa: B023
        for account in found:
            if account.username == username:
                return account
        if len(found) < page:
            raise NotFound(Code.NOT_FOUND, f"There is no account {username!r} in this program.")
        after = found[-1].id
