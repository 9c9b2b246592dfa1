"""Which deployment a command is about: the settings, and a database that answers.

With `DATABASE_URL` the environment says everything. Without it the data folder has an embedded PostgreSQL: the
command uses the one a serving process keeps running, or starts it for as long as the command takes.
"""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from service.config import Settings, read_settings
from service.store import embedded
from service.store.embedded import Address, EmbeddedPostgres

DEFAULT_DATA = Path(".consentry")

Data = Annotated[
    Path,
    typer.Option(
        "--data", envvar="CONSENTRY_DATA", help="Data folder: keys, checkpoint copies, embedded database."
    ),
]


def uses_embedded(environment: Mapping[str, str] = os.environ) -> bool:
    """True when no database is named."""
    return not environment.get("DATABASE_URL")


def settings_at(data: Path, address: Address | None = None) -> Settings:
    """The settings of the environment, for this data folder and, when given, this embedded server."""
    environment = dict(os.environ) | {"CONSENTRY_DATA": str(data)}
    if address is not None:
        environment |= {
            "DATABASE_URL": address.app_url,
            "CONSENTRY_OWNER_DATABASE_URL": address.owner_url,
            "CONSENTRY_SEQUENCER_DATABASE_URL": address.sequencer_url,
            "CONSENTRY_KEEPER_DATABASE_URL": address.keeper_url,
        }
    return read_settings(environment)


@contextmanager
def database_settings(data: Path) -> Generator[Settings]:
    """The settings of a deployment whose database answers, for one command."""
    if not uses_embedded():
        yield settings_at(data)
        return
    address = embedded.running(data)
    if address is not None:
        yield settings_at(data, address)
        return
    with embedded.start(data) as server:
        yield settings_at(data, server.address)


@contextmanager
def served(data: Path, *, public_url: str, demo: bool) -> Generator[tuple[Settings, EmbeddedPostgres | None]]:
    """Settings for serving, and the embedded server that has to be kept running; None where PostgreSQL is given."""
    if uses_embedded():
        with embedded.start(data) as server:
            yield _serving(settings_at(data, server.address), public_url, demo), server
        return
    yield _serving(settings_at(data), public_url, demo), None


def _serving(settings: Settings, public_url: str, demo: bool) -> Settings:
    url = os.environ.get("CONSENTRY_PUBLIC_URL", public_url)
    return replace(settings, public_url=url, demo=demo)
