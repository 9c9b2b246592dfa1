"""A look at all rows that decide, some at a time: where it stands, so that anybody can go on with it.

The whole look (`sweep.look`) is for somebody at a console. What the service does by itself takes a page of rows per
transaction and writes down how far it came: no transaction is long, and a process that dies loses one page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Select, Table, bindparam, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from service.store.rowcodes import CODED, RowCodes
from service.store.sweep import (
    BEGINNING,
    BadRow,
    Known,
    against_the_trail,
    known_to_the_trail,
    look_at,
    looking,
)
from service.store.tables.custody import row_look

_TRAIL: Final = "trail"
_NAMES: Final = (*(table.name for table in CODED), _TRAIL)
_TABLES: Final = {table.name: table for table in CODED}
_LAST = select(row_look).where(row_look.c.program_id == bindparam("program_id"))
_KEEP = insert(row_look)
_KEEP_AGAIN = _KEEP.on_conflict_do_update(
    index_elements=["program_id"],
    set_={column.name: _KEEP.excluded[column.name] for column in row_look.c if not column.primary_key},
)


@dataclass(frozen=True, slots=True)
class Look:
    """A look at the rows of a program. `place` and `after`: the table (or the trail) and the key where it goes on;
    `seen` and `bad`: rows so far.
    """

    program_id: UUID
    began_at: datetime
    ended_at: datetime | None = None
    place: str = _NAMES[0]
    after: str = ""
    seen: int = 0
    bad: int = 0


def last_look(db: Connection, program_id: UUID) -> Look | None:
    """The one that is under way, or that ended last."""
    row = db.execute(_LAST, {"program_id": program_id}).one_or_none()
    return None if row is None else Look(*row)


def keep_look(db: Connection, look: Look) -> None:
    """Write down how far it came."""
    db.execute(_KEEP_AGAIN, {name: getattr(look, name) for name in Look.__slots__})


def look_on(
    db: Connection, codes: RowCodes, look: Look, most: int, now: datetime
) -> tuple[Look, Sequence[BadRow]]:
    """The next rows, at most so many, and where the look stands then; it has ended when nothing is left."""
    if look.place == _TRAIL:
        return _trail(db, look, most, now)
    table = _TABLES.get(look.place, CODED[0])  # a table of another release: from the beginning
    key = [UUID(one) for one in look.after.split()]
    wanted = {f"after_{at}": one for at, one in enumerate(key)} | {"most": most}
    rows = db.execute(_page(table, more=bool(key)), wanted).all()
    bad = [fault for row in rows if (fault := look_at(codes, table, row)) is not None]
    if len(rows) < most:
        place, after = _NAMES[_NAMES.index(table.name) + 1], ""
    else:
        place, after = table.name, " ".join(str(getattr(rows[-1], name)) for name in _key_of(table))
    return replace(look, place=place, after=after, seen=look.seen + len(rows), bad=look.bad + len(bad)), bad


def _trail(db: Connection, look: Look, most: int, now: datetime) -> tuple[Look, Sequence[BadRow]]:
    known, kind = look.after.split() if look.after else (str(BEGINNING.id), "")
    page = known_to_the_trail(db, Known(UUID(known), kind, 0), most)
    bad = list(against_the_trail(db, page))
    ended = None if len(page) == most else now
    after = f"{page[-1].id} {page[-1].kind}" if page else look.after
    return replace(
        look, after=after, ended_at=ended, seen=look.seen + len(page), bad=look.bad + len(bad)
    ), bad


def _key_of(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.primary_key)


@cache
def _page(table: Table, *, more: bool) -> Select[Any]:
    key = list(table.primary_key)
    after = [bindparam(f"after_{at}", type_=column.type) for at, column in enumerate(key)]
    page = looking(table).limit(bindparam("most"))
    return page.where(tuple_(*key) > tuple_(*after)) if more else page
