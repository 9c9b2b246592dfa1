"""Looking at every row that decides, and giving a code to each where there was none.

Both run in the tenancy of one program at a time, as the application's role: what row-level security hides is another
program's, and looked at there. Rows come through a cursor, so that memory does not grow with the database.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Connection,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    exists,
    func,
    literal,
    null,
    select,
    update,
)

from service.store.rowcodes import CODE, CODED, RowCodes, values_of, with_code
from service.store.standing import newest_version
from service.store.tables.ledger import audit_entry
from service.store.tables.programs import program

#: Tables whose rows the trail calls by their own name, with a version for each change, and never deletes.
KNOWN_TO_THE_TRAIL: Final = frozenset(
    {
        "account",
        "relationship",
        "consent",
        "restriction",
        "credential",
        "recipient",
        "legal_hold",
        "shredding",
    }
)
_BATCH: Final = 500
_STREAM: Final = {"yield_per": _BATCH}
_PROGRAMS = select(program.c.id).order_by(program.c.id)


class Fault(StrEnum):
    """What is wrong with a row."""

    NO_CODE = "it carries no code: nobody who has the key wrote it"
    ALTERED = "its code does not fit: it was changed, moved or forged"
    OLDER = "the trail knows of a later version: an older row was put back"
    DELETED = "the trail knows of it, and it is gone"


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that is not as the service left it."""

    table: str
    key: str
    fault: Fault


def programs_of(db: Connection) -> list[UUID]:
    """The programs there are, by id; the service's own is not among them."""
    return list(db.execute(_PROGRAMS).scalars())


def count_rows(db: Connection) -> int:
    """How many rows a look at this program has before it."""
    return sum(db.execute(_counting(table)).scalar_one() for table in CODED)


def look(db: Connection, codes: RowCodes, seen: Callable[[int], None]) -> Iterator[BadRow]:
    """Every bad row of the program of this transaction; `seen` hears how many rows were looked at since it last did."""
    for table in CODED:
        for row in db.execute(_looking(table), execution_options=_STREAM):
            seen(1)
            fault = _fault(codes, table, row)
            if fault is not None:
                yield BadRow(table.name, _key_of(table, row), fault)
        if table.name in KNOWN_TO_THE_TRAIL:
            for lost in db.execute(_deleted(table)).scalars():
                yield BadRow(table.name, str(lost), Fault.DELETED)


def adopt(db: Connection, codes: RowCodes) -> dict[str, int]:
    """Give every row of this program that has no code its code; how many, by table. Whoever calls this vouches for
    them.
    """
    adopted: dict[str, int] = {}
    for table in CODED:
        rows = db.execute(_uncoded(table)).all()
        for at in range(0, len(rows), _BATCH):
            db.execute(_giving(table), [_given(codes, table, row) for row in rows[at : at + _BATCH]])
        if rows:
            adopted[table.name] = len(rows)
    return adopted


def _fault(codes: RowCodes, table: Table, row: Any) -> Fault | None:
    if row.mac is None:
        return Fault.NO_CODE
    if not codes.fits(table, values_of(table, row)):
        return Fault.ALTERED
    newest = row.newest
    if table.name == "session":
        return Fault.OLDER if newest is not None and row.ended_at is None else None
    return Fault.OLDER if newest is not None and newest > row.version else None


def _key_of(table: Table, row: Any) -> str:
    return " ".join(str(getattr(row, column.name)) for column in table.primary_key)


def _given(codes: RowCodes, table: Table, row: Any) -> dict[str, Any]:
    key = {f"the_{column.name}": getattr(row, column.name) for column in table.primary_key}
    return {**key, "new_code": codes.code(table, values_of(table, row))}


@cache
def _counting(table: Table) -> Select[Any]:
    return _own(table, select(func.count()).select_from(table))


@cache
def _looking(table: Table) -> Select[Any]:
    traced = table.name in KNOWN_TO_THE_TRAIL or table.name == "session"
    newest = newest_version(table.c.id) if traced else null()
    return _own(table, select(*with_code(table), newest.label("newest")).order_by(*table.primary_key))


@cache
def _uncoded(table: Table) -> Select[Any]:
    return _own(table, select(*with_code(table)).where(table.c[CODE].is_(None)))


@cache
def _giving(table: Table) -> Update:
    key = [column == bindparam(f"the_{column.name}", type_=column.type) for column in table.primary_key]
    return update(table).where(*key).values(**{CODE: bindparam("new_code")})


@cache
def _deleted(table: Table) -> Select[Any]:
    return (
        select(audit_entry.c.object_id)
        .where(
            audit_entry.c.program_id == func.current_program(),
            audit_entry.c.object_kind == literal(table.name),
            audit_entry.c.object_version.is_not(None),
            and_(~exists().where(table.c.id == audit_entry.c.object_id)),
        )
        .distinct()
    )


def _own(table: Table, statement: Select[Any]) -> Select[Any]:
    """Programs are hidden from nobody: of them, the one whose tenancy this is."""
    return statement.where(table.c.id == func.current_program()) if table is program else statement
