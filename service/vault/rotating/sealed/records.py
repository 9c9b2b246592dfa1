"""Values under old keys, read and sealed again as the keeper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Connection,
    LargeBinary,
    Select,
    Table,
    Update,
    bindparam,
    exists,
    func,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)

from service.store.base import metadata
from service.store.tables.vault import vault_key
from service.store.types import Sealed
from service.vault.keys import KeyState
from service.vault.places import PLACES, Place
from service.vault.rotating.records import SEALING

_AFTER: Final = ("after", "after_version")
_RENEWED: Final = (
    vault_key.c.state == KeyState.RETIRED.value,
    vault_key.c.purpose.in_(SEALING),
    vault_key.c.emptied_at.is_(None),
)


@dataclass(frozen=True, slots=True, repr=False)
class SealedRow:
    """A row with values under old keys; `patient_id` None: under the program's."""

    row_id: UUID
    version: int
    program_id: UUID
    patient_id: UUID | None
    sealed: Mapping[str, Sealed | None]


@dataclass(frozen=True, slots=True)
class _Statements:
    first: Select[Any]
    next: Select[Any]
    count: Select[Any]
    update: Mapping[str, Update]


def _statements(place: Place) -> _Statements:
    table: Table = metadata.tables[place.table.name]
    columns = table.c
    ids = [func.substring(type_coerce(columns[name], LargeBinary), 3, 16) for name in place.table.columns]
    old = or_(*(exists().where(vault_key.c.key_id == key_id, *_RENEWED) for key_id in ids))
    keys = [columns[place.row], *([columns[place.version]] if place.version else [])]
    wanted = [columns.program_id, *keys, *(columns[name] for name in place.table.columns)]
    if place.patient and place.patient != place.row:
        wanted.append(columns[place.patient])
    some = (
        select(*wanted)
        .where(old)
        .order_by(*keys)
        .limit(bindparam("at_most"))
        .with_for_update(skip_locked=True)
    )
    after = [bindparam(name, type_=column.type) for name, column in zip(_AFTER, keys, strict=False)]
    here = [columns[place.row] == bindparam("b_row")]
    if place.version:
        here.append(columns[place.version] == bindparam("b_version"))
    return _Statements(
        first=some,
        next=some.where(tuple_(*keys) > tuple_(*after)),
        count=select(func.count()).select_from(table).where(old),
        update={
            name: update(table)
            .where(*here, columns[name] == bindparam("b_before", type_=columns[name].type))
            .values({name: bindparam("b_again", type_=columns[name].type)})
            for name in place.table.columns
        },
    )


_OF: Final = {place.table.name: _statements(place) for place in PLACES}
_EMPTIED = (
    update(vault_key)
    .where(*_RENEWED, vault_key.c.retired_at <= bindparam("b_before"))
    .values(emptied_at=bindparam("b_now"))
)
_RETIRED = select(func.count()).select_from(vault_key).where(*_RENEWED)


def under_old_keys(
    db: Connection, place: Place, after: SealedRow | None, at_most: int
) -> Sequence[SealedRow]:
    """The next rows with values under retired keys, locked; those that somebody is changing are left out."""
    statements = _OF[place.table.name]
    if after is None:
        rows = db.execute(statements.first, {"at_most": at_most}).mappings()
    else:
        parameters: dict[str, Any] = {"at_most": at_most, "after": after.row_id}
        if place.version:
            parameters["after_version"] = after.version
        rows = db.execute(statements.next, parameters).mappings()
    return [_sealed_row(place, row) for row in rows]


def how_many_under_old_keys(db: Connection, place: Place) -> int:
    return int(db.execute(_OF[place.table.name].count).scalar_one())


def seal_instead(db: Connection, place: Place, row: SealedRow, again: Mapping[str, Sealed]) -> int:
    """Put the new envelopes where the old ones still are; how many columns that were."""
    where: dict[str, Any] = {"b_row": row.row_id} | ({"b_version": row.version} if place.version else {})
    return sum(
        db.execute(
            _OF[place.table.name].update[name],
            {**where, "b_before": row.sealed[name], "b_again": envelope},
        ).rowcount
        for name, envelope in again.items()
    )


def how_many_retired(db: Connection) -> int:
    """Keys that opened values when last looked at, though nothing new is sealed with them."""
    return int(db.execute(_RETIRED).scalar_one())


def note_emptied(db: Connection, *, retired_before: datetime, now: datetime) -> int:
    """Write down that nothing is under the keys that were retired before that; how many they are."""
    return db.execute(_EMPTIED, {"b_before": retired_before, "b_now": now}).rowcount


def _sealed_row(place: Place, named: Mapping[Any, Any]) -> SealedRow:
    return SealedRow(
        row_id=named[place.row],
        version=named[place.version] if place.version else 1,
        program_id=named["program_id"],
        patient_id=named[place.patient] if place.patient else None,
        sealed={name: named[name] for name in place.table.columns},
    )
