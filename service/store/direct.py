"""The hottest statements, handed to the driver as text that was compiled once.

SQLAlchemy's Core costs about a tenth of a millisecond a statement beyond the driver: a cache key, a compiled context, a
cursor result. For a handful of constants that every request runs, that was a fifth of its time. Here a constant is
compiled when it is first used, and its parameters and rows pass through the same types as ever: what is sealed goes in
and comes out as `Sealed`. Errors are those SQLAlchemy would raise, and quote no value.

For statements without lists of unknown length (`expanding`), whose bound names are their parameters.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from sqlalchemy import Connection, Dialect, Insert, Select
from sqlalchemy.exc import DBAPIError

#: Values by the name of the parameter: of an INSERT, its columns.
Values = Mapping[str, Any]
_Process = Callable[[Any], Any]


def write(db: Connection, statement: Insert, values: Values) -> None:
    """Insert one row, in the transaction of `db`."""
    text, processors = _inserting(statement, tuple(values), db.dialect)
    _executed(db, text, _bound(values, processors), fetch=False)


def rows(db: Connection, statement: Select[Any], values: Values) -> Sequence[Any]:
    """The rows, each with its columns as attributes."""
    text, fixed, processors, made = _selecting(statement, db.dialect)
    found = _executed(db, text, {**fixed, **values}, fetch=True)
    return [made(*_processed(row, processors)) for row in found]


def _executed(db: Connection, text: str, values: Values, *, fetch: bool) -> Sequence[Sequence[Any]]:
    if not db.in_transaction():
        db.begin()  # else the commit at the unit's end would find nothing to commit
    cursor = db.connection.cursor()
    try:
        cursor.execute(text, values)
        return cursor.fetchall() if fetch else ()
    except psycopg.Error as error:
        raise _as_sqlalchemy(db, error) from error
    finally:
        cursor.close()


def _as_sqlalchemy(db: Connection, error: psycopg.Error) -> BaseException:
    lost = db.dialect.is_disconnect(error, db.connection.dbapi_connection, None)  # pyright: ignore[reportArgumentType] -- the stub knows no DBAPI connection
    if lost:
        db.invalidate(error)
    return DBAPIError.instance(
        None, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=lost
    )


def _bound(values: Values, processors: tuple[tuple[str, _Process], ...]) -> Values:
    return (
        {**values, **{name: process(values[name]) for name, process in processors}} if processors else values
    )


def _processed(row: Sequence[Any], processors: tuple[tuple[int, _Process], ...]) -> Sequence[Any]:
    if not processors:
        return row
    read = list(row)
    for place, process in processors:
        read[place] = process(read[place])
    return read


@lru_cache(maxsize=64)
def _inserting(
    statement: Insert, names: tuple[str, ...], dialect: Dialect
) -> tuple[str, tuple[tuple[str, _Process], ...]]:
    text = str(statement.compile(dialect=dialect, column_keys=list(names)))
    columns = statement.table.c
    processors = ((name, columns[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names)
    return text, tuple((name, process) for name, process in processors if process is not None)


@lru_cache(maxsize=64)
def _selecting(
    statement: Select[Any], dialect: Dialect
) -> tuple[str, Values, tuple[tuple[int, _Process], ...], Callable[..., Any]]:
    compiled = statement.compile(dialect=dialect)
    fixed = {name: value for name, value in compiled.params.items() if value is not None}
    columns = list(statement.selected_columns)
    processors = (column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns)
    made = namedtuple("Read", [str(column.key) for column in columns])  # type: ignore[misc]
    kept = tuple((place, process) for place, process in enumerate(processors) if process is not None)
    return str(compiled), fixed, kept, made
