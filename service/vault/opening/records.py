"""Sealed rows of a program as they stand, streamed: a table may hold millions."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, RowMapping, Select, Text, bindparam, cast, func, select

from service.store.base import metadata
from service.vault.places import Place

_AT_ONCE: Final = 1_000


def sealed_rows(
    db: Connection, place: Place, program_id: UUID, part: int, parts: int
) -> Iterable[RowMapping]:
    """One share of the rows of a table, with their sealed values and what says where these belong."""
    values = {"program_id": program_id, "part": part, "parts": parts}
    return db.execute(_statement(place), values).mappings()


def _statement(place: Place) -> Select[Any]:
    table = metadata.tables[place.table.name]
    names = dict.fromkeys(
        name for name in (place.row, place.version, place.patient, *place.table.columns) if name is not None
    )
    share = func.abs(func.mod(func.hashtext(cast(table.c[place.row], Text)), bindparam("parts")))
    return (
        select(*(table.c[name] for name in names))
        .where(table.c.program_id == bindparam("program_id"))
        .where(share == bindparam("part"))
        # of this statement alone: what looks up a key meanwhile is no cursor
        .execution_options(stream_results=True, yield_per=_AT_ONCE)
    )
