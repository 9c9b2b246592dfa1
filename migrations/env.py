"""Alembic environment: runs as the owner role, on one connection passed in, with timeouts.

A migration that cannot get its lock within seconds gives up instead of queueing every reader behind it.
"""

from alembic import context
from sqlalchemy import Connection, create_engine, text

import service.store.tables  # noqa: F401 -- fills the metadata
from service.store.base import metadata
from service.store.partitions import is_partition

LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "10min"


def _described(name: str | None, kind: str, _: object) -> bool:
    """Months of the trail come and go by themselves; the table they are parts of is compared."""
    return not (kind == "table" and name is not None and is_partition(name))


def _run(connection: Connection) -> None:
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        compare_type=True,
        compare_server_default=False,
        include_name=_described,
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    connection: Connection | None = context.config.attributes.get("connection")
    if connection is not None:
        _run(connection)
        return
    url = context.config.get_main_option("sqlalchemy.url")
    if url is None:
        raise RuntimeError("no owner database URL was given to the migrations")
    with create_engine(url).connect() as own:
        _run(own)


main()
