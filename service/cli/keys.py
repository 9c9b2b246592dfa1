"""Keys: made once, on purpose. Nothing else in the service makes a key-encryption key."""

import typer

from service.cli.database import DEFAULT_DATA, Data
from service.clock import SystemClock
from service.vault import keyring

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """The key-encryption key."""


@app.command("init")
def init(data: Data = DEFAULT_DATA) -> None:
    """Make the keyring of a new deployment. Never replaces one: what it sealed would be lost."""
    path = keyring.keyring_path(data)
    keyring.init(path, SystemClock().now())
    typer.echo(
        f"New keyring at {path}. Back it up apart from the database; whoever has both can read everything."
    )
