"""The only place that commits.

A unit is an ordinary function over a connection. It runs in one transaction, and the caller gets its result only after
the commit: no response can promise what the database has not kept.
"""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine, bindparam, func, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from service.errors import Code, Unavailable

T = TypeVar("T")

_SET_PROGRAM = select(func.set_config("consentry.program", bindparam("program"), True))

#: SQLSTATE classes that say "not now": connection (08), no resources (53), timeouts and cancellation (57), lock not
#: available (55), deadlock and serialisation (40), read-only standby (25), and our guards (CE).
_NOT_NOW = ("08", "53", "57", "55", "40", "25", "CE")
#: A table that is not there: a restore under way, or a trail somebody took away. Nothing can be done until it is back.
_NO_TABLE = "42P01"


def enter_program(connection: Connection, program_id: str) -> None:
    """Set the tenant of this transaction: row-level security shows nothing else until it ends."""
    connection.execute(_SET_PROGRAM, {"program": program_id})


async def in_unit(engine: AsyncEngine, unit: Callable[[Connection], T]) -> T:
    """Run `unit` in one transaction and commit it; Unavailable when the database cannot do it now."""
    try:
        async with engine.connect() as connection:
            result = await connection.run_sync(unit)
            await connection.commit()
            return result
    except (SQLAlchemyError, OSError) as error:
        raise not_now(error) from error


def in_unit_sync(engine: Engine, unit: Callable[[Connection], T]) -> T:
    """The same on a synchronous engine, for commands and tests."""
    try:
        with engine.connect() as connection:
            result = unit(connection)
            connection.commit()
            return result
    except (SQLAlchemyError, OSError) as error:
        raise not_now(error) from error


def not_now(error: BaseException) -> BaseException:
    """Unavailable for what may succeed later; anything else is returned as it is (and becomes an internal error)."""
    unavailable = Unavailable(
        Code.UNAVAILABLE, "The service cannot do this now. Nothing was changed.", retry_after=1
    )
    if isinstance(error, PoolTimeout | OSError):
        return unavailable
    if isinstance(error, DBAPIError):
        state = sqlstate(error)
        lost = state is None and isinstance(error, OperationalError | InterfaceError)
        if (
            error.connection_invalidated
            or lost
            or (state is not None and (state[:2] in _NOT_NOW or state == _NO_TABLE))
        ):
            return unavailable
    return error


def sqlstate(error: DBAPIError) -> str | None:
    """The five-character SQLSTATE, or None when the server never answered."""
    state: object = getattr(error.orig, "sqlstate", None)
    return state if isinstance(state, str) else None
