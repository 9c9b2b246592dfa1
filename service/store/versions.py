"""Schema versions: which one this code expects, which one a database has, and how to get from one to the other."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine


def _config(migrations: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations))
    return config


@cache
def expected_version(migrations: Path) -> str:
    """The revision this code was written for."""
    head = ScriptDirectory.from_config(_config(migrations)).get_current_head()
    return head or ""


def database_version(db: Connection) -> str:
    """The revision a database is at; empty when it was never migrated."""
    return MigrationContext.configure(db).get_current_revision() or ""


def migrate(owner: Engine, migrations: Path) -> None:
    """Bring the database to the expected revision, as its owner."""
    config = _config(migrations)
    with owner.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check_drift(owner: Engine, migrations: Path) -> None:
    """Raise alembic's error when the tables in code and the migrations say different things."""
    config = _config(migrations)
    with owner.connect() as connection:
        config.attributes["connection"] = connection
        command.check(config)
