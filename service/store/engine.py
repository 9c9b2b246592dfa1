"""Engines: psycopg 3 under SQLAlchemy Core, every wait bounded.

`hide_parameters` keeps bound values out of exceptions and logs: they can be patient information. Timeouts are set on
the server side of every connection, so that a lost worker cannot hold a lock or the ledger's horizon for long.
"""

from typing import Any

from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from service.config import Settings


def _connect_args(settings: Settings, application: str) -> dict[str, Any]:
    milliseconds = {
        "statement_timeout": settings.statement_timeout,
        "lock_timeout": settings.lock_timeout,
        "idle_in_transaction_session_timeout": settings.idle_in_transaction_timeout,
    }
    options = " ".join(f"-c {name}={int(value * 1000)}" for name, value in milliseconds.items())
    return {
        "connect_timeout": settings.connect_timeout,
        "options": f"{options} -c timezone=UTC",
        "application_name": application,
        "keepalives": 1,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 2,
        "tcp_user_timeout": int(settings.statement_timeout * 1000) + 500,
    }


def application_engine(settings: Settings) -> AsyncEngine:
    """The pool of a serving worker, as the application role."""
    return create_async_engine(
        settings.database_url,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.pool_timeout,
        pool_pre_ping=False,  # a dead connection is a 503 and is dropped; a ping per request would cost a round trip
        pool_recycle=1800,
        hide_parameters=True,
        connect_args=_connect_args(settings, "consentry"),
    )


def sequencer_engine(settings: Settings) -> AsyncEngine:
    """One connection for the sequencer, as the sequencer role."""
    return create_async_engine(
        settings.sequencer_database_url,
        pool_size=1,
        max_overflow=1,
        hide_parameters=True,
        connect_args=_connect_args(settings, "consentry-sequencer"),
    )


def plain_engine(url: str, settings: Settings | None = None) -> Engine:
    """A synchronous engine without a pool: command line, migrations, tests."""
    arguments = _connect_args(settings, "consentry-cli") if settings else {}
    return create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
