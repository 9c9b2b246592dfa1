"""Blind indexes under old keys: keys that take each other's place (as the application), values that are computed again
(as the keeper).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    Table,
    any_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from service.store.tables.delivery import packet_link
from service.store.tables.identity import account, sign_in_slot
from service.store.tables.people import patient, patient_index, recipient
from service.store.tables.vault import vault_key
from service.store.types import Sealed
from service.vault.keys import KeyState, Purpose

_INDEX: Final = vault_key.c.purpose == Purpose.INDEX.value
_RETIRED: Final = (_INDEX, vault_key.c.state == KeyState.RETIRED.value, vault_key.c.emptied_at.is_(None))


@dataclass(frozen=True, slots=True, repr=False)
class IndexedRow:
    """A row whose blind indexes are not under the active key; locked, with what is sealed in it."""

    row_id: UUID
    version: int
    program_id: UUID
    sealed: Mapping[str, Sealed | None]


@dataclass(frozen=True, slots=True, repr=False)
class Again:
    """One value of an index: its name, what it is under any key there is, and what it is from now on."""

    name: str
    ever: tuple[bytes, ...]
    value: bytes


# -- keys, as the application ----------------------------------------------------------------------------------

_ACTIVE: Final = (
    vault_key.c.program_id == bindparam("b_program"),
    _INDEX,
    vault_key.c.state == KeyState.ACTIVE.value,
)
_NEXT: Final = (
    vault_key.c.program_id == bindparam("b_program"),
    _INDEX,
    vault_key.c.state == KeyState.NEXT.value,
)
_OLD: Final = select(vault_key.c.id).where(*_ACTIVE, vault_key.c.created_at < bindparam("before"))
_MADE: Final = select(vault_key.c.created_at).where(*_NEXT)
_RETIRE: Final = (
    update(vault_key).where(*_ACTIVE).values(state=KeyState.RETIRED.value, retired_at=bindparam("b_now"))
)
_ACTIVATE: Final = update(vault_key).where(*_NEXT).values(state=KeyState.ACTIVE.value)


def is_older(db: Connection, program_id: UUID, before: datetime) -> bool:
    """Whether the program's active index key was made before that."""
    return db.execute(_OLD, {"b_program": program_id, "before": before}).first() is not None


def next_made_at(db: Connection, program_id: UUID) -> datetime | None:
    """When the key was made that will take the active one's place; None when there is none."""
    return db.execute(_MADE, {"b_program": program_id}).scalar()


def put_next_in_place(db: Connection, program_id: UUID, now: datetime) -> int:
    """The next key becomes the active one, and that one is retired; how many keys came into use."""
    if next_made_at(db, program_id) is None:
        return 0
    db.execute(_RETIRE, {"b_program": program_id, "b_now": now})
    return db.execute(_ACTIVATE, {"b_program": program_id}).rowcount


# -- what is not computed again, as the application ------------------------------------------------------------

_LINKS_OVER: Final = (
    update(packet_link)
    .where(
        packet_link.c.program_id == bindparam("b_program"),
        packet_link.c.token_index.is_not(None),
        packet_link.c.index_key.is_distinct_from(bindparam("b_key", type_=LargeBinary())),
        or_(packet_link.c.state != "open", packet_link.c.expires_at <= bindparam("b_now")),
    )
    .values(token_index=None, index_key=None, entry_id=bindparam("b_entry"))
)
_SLOTS_OVER: Final = delete(sign_in_slot).where(
    sign_in_slot.c.index_key.is_distinct_from(bindparam("key", type_=LargeBinary())),
    or_(sign_in_slot.c.locked_until.is_(None), sign_in_slot.c.locked_until <= bindparam("now")),
)


def take_links_over(db: Connection, program_id: UUID, key: bytes, now: datetime, entry_id: UUID) -> int:
    """Null the indexes of links that are over and under another key than this; how many."""
    given = {"b_program": program_id, "b_key": key, "b_now": now, "b_entry": entry_id}
    return db.execute(_LINKS_OVER, given).rowcount


def take_slots_over(db: Connection, key: bytes, now: datetime) -> int:
    """Remove attempts kept for names under another key than this, where no lock stands; how many."""
    return db.execute(_SLOTS_OVER, {"key": key, "now": now}).rowcount


# -- rows, as the keeper ---------------------------------------------------------------------------------------


def _stale(table: Table) -> ColumnElement[bool]:
    """Not under the active key; also where it is not known, as in rows of an earlier version."""
    active = exists().where(
        vault_key.c.key_id == table.c.index_key, _INDEX, vault_key.c.state == KeyState.ACTIVE.value
    )
    return ~active


def _old(table: Table) -> ColumnElement[bool]:
    """Under a key that was replaced."""
    return exists().where(vault_key.c.key_id == table.c.index_key, *_RETIRED)


@dataclass(frozen=True, slots=True)
class _Indexed:
    """A table whose rows have an index, and the table that its values stand in."""

    table: Table
    sealed: str
    values: Table
    some: Select[Any]


def _indexed(table: Table, sealed: str, values: Table) -> _Indexed:
    own = values is table
    stale = _stale(table) if own else exists().where(values.c.patient_id == table.c.id, _stale(values))
    some: Select[Any] = (
        select(*(table.c[name] for name in ("id", "version", "program_id", sealed)))
        .where(stale, table.c.id > bindparam("after"))
        .order_by(table.c.id)
        .limit(bindparam("at_most"))
        # Whoever writes a patient's terms has locked the patient for it; who only reads the patient goes on.
        .with_for_update(skip_locked=True, read=not own)
    )
    return _Indexed(table, sealed, values, some)


_TABLES: Final = {
    "patient": _indexed(patient, "demographics", patient_index),
    "recipient": _indexed(recipient, "identity", recipient),
    "account": _indexed(account, "profile", account),
}
_LEFT: Final = {
    name: select(func.count()).select_from(one.values).where(_stale(one.values))
    for name, one in _TABLES.items()
}
_BEHIND: Final = {
    name: select(func.count()).select_from(one.values).where(_old(one.values))
    for name, one in _TABLES.items()
}
_TERMS_LEFT: Final = (
    select(func.count())
    .select_from(patient_index)
    .where(patient_index.c.patient_id == bindparam("patient_id"), _stale(patient_index))
)
_TERM: Final = (
    update(patient_index)
    .where(
        patient_index.c.patient_id == bindparam("b_patient"),
        patient_index.c.name == bindparam("b_name"),
        patient_index.c.value == any_(bindparam("b_ever", type_=ARRAY(LargeBinary()))),
        patient_index.c.index_key.is_distinct_from(bindparam("b_key", type_=patient_index.c.index_key.type)),
    )
    .values(value=bindparam("b_value"), index_key=bindparam("b_key", type_=patient_index.c.index_key.type))
)
_EMPTY: Final = (
    update(vault_key)
    .where(*_RETIRED, vault_key.c.retired_at <= bindparam("b_before"))
    .values(emptied_at=bindparam("b_now"))
)
_HOW_MANY_RETIRED: Final = select(func.count()).select_from(vault_key).where(*_RETIRED)


def rows_left(db: Connection, table: str, after: UUID, at_most: int) -> Sequence[IndexedRow]:
    """The next rows of a table to be done, locked; those that somebody is changing are left out."""
    one = _TABLES[table]
    rows = db.execute(one.some, {"after": after, "at_most": at_most})
    return [
        IndexedRow(row.id, row.version, row.program_id, {one.sealed: getattr(row, one.sealed)})
        for row in rows
    ]


def how_many_left(db: Connection) -> dict[str, int]:
    """Index values that are not under the active key, by table."""
    return {name: int(db.execute(statement).scalar_one()) for name, statement in _LEFT.items()}


def how_many_old(db: Connection) -> dict[str, int]:
    """Index values that are known to be under a replaced key, by table."""
    return {name: int(db.execute(statement).scalar_one()) for name, statement in _BEHIND.items()}


def write_columns(db: Connection, table: str, row_id: UUID, values: Mapping[str, bytes | None]) -> None:
    """Put index values, and the key that they are under, into a row that is locked."""
    one = _TABLES[table].table
    db.execute(update(one).where(one.c.id == bindparam("b_id")).values(**values), {"b_id": row_id})


def write_terms(db: Connection, patient_id: UUID, terms: Sequence[Again], key: bytes) -> bool:
    """Put a patient's terms under a key, each where it stands under another; False when some remain that are none of
    these.
    """
    of = {"b_patient": patient_id, "b_key": key}
    changes = [
        {**of, "b_name": term.name, "b_ever": list(term.ever), "b_value": term.value} for term in terms
    ]
    db.execute(_TERM, changes)
    return db.execute(_TERMS_LEFT, {"patient_id": patient_id}).scalar_one() == 0


def note_emptied(db: Connection, *, retired_before: datetime, now: datetime) -> int:
    """Write down that nothing is under the keys that were retired before that; how many they are. Waits for whoever is
    writing under one of them; whoever comes later is refused.
    """
    return db.execute(_EMPTY, {"b_before": retired_before, "b_now": now}).rowcount


def how_many_retired(db: Connection) -> int:
    """Replaced keys that are still asked for."""
    return int(db.execute(_HOW_MANY_RETIRED).scalar_one())
