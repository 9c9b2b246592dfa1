"""The trail's SQL for reading. The only place in the service where a statement is composed from what a caller asks.

It is composed from `FIELDS`, a closed map of names to columns; values are bound, never text. Row-level security shows
a program its own entries, those in the service's tree (sign-ins) included.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Connection, Row, bindparam, func, literal, select, tuple_
from sqlalchemy.exc import DBAPIError

from service.custody.entry import StoredEntry
from service.ledger.entry import COLUMNS, leaf_bytes
from service.ledger.export import leaf_line
from service.ledger.records import ENTRY_AS_TEXT
from service.store.session import sqlstate
from service.store.tables.ledger import audit_checkpoint, audit_entry, audit_leaf

_E = audit_entry.c

#: What can be filtered by and sorted by, and the column it stands for (45 CFR 170.315(d)(3): sortable by each datum).
#: `policy` sorts by the list of deciding policies; as a filter it is one of them (`Query.policy`).
FIELDS: Final[Mapping[str, Column[Any]]] = {
    "recorded_at": _E.recorded_at,
    "occurred_at": _E.occurred_at,
    "tree": _E.tree,
    "patient": _E.patient_id,
    "actor": _E.actor_id,
    "actor_kind": _E.actor_kind,
    "session": _E.session_id,
    "action": _E.action,
    "outcome": _E.outcome,
    "purpose": _E.purpose,
    "object_kind": _E.object_kind,
    "object": _E.object_id,
    "object_version": _E.object_version,
    "consent": _E.consent_id,
    "recipient": _E.recipient_id,
    "basis": _E.basis,
    "policy": _E.policies,
    "policy_set": _E.policy_set,
    "request": _E.request_id,
}
_CANCELLED: Final = "57014"

_SHOWN = (
    _E.id, _E.tree, _E.occurred_at, _E.recorded_at, _E.actor_kind, _E.actor_id, _E.session_id, _E.action, _E.outcome,
    _E.purpose, _E.object_kind, _E.object_id, _E.object_version, _E.patient_id, _E.consent_id, _E.recipient_id,
    _E.basis, _E.policy_set, _E.policies, _E.detail, _E.request_id,
)  # fmt: skip
_BY_ID = (
    select(*_SHOWN, audit_leaf.c.position)
    .select_from(audit_entry.outerjoin(audit_leaf, audit_leaf.c.entry_id == _E.id))
    .where(_E.id == bindparam("id"))
)
_AS_EXPORTED = (
    select(audit_leaf.c.position, audit_leaf.c.leaf_hash, _E.id, *ENTRY_AS_TEXT)
    .select_from(audit_entry.join(audit_leaf, audit_leaf.c.entry_id == _E.id))
    .where(_E.id.in_(bindparam("ids", expanding=True)))
)
_NOW = select(func.clock_timestamp())
_LATEST = (
    select(audit_checkpoint.c.size, audit_checkpoint.c.note)
    .where(audit_checkpoint.c.tree == bindparam("tree"))
    .order_by(audit_checkpoint.c.size.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Query:
    """What a reader asks: equalities by field name, spans of time, an order, and where to go on.

    `begin` and `end` are about when an entry was recorded, the other pair about when its act was done.
    """

    equals: Mapping[str, UUID | str | int]
    begin: datetime | None = None
    end: datetime | None = None
    occurred_begin: datetime | None = None
    occurred_end: datetime | None = None
    policy: str | None = None
    sort: str = "recorded_at"
    descending: bool = True
    after: UUID | None = None
    limit: int = 50


class TooMuchToSortError(Exception):
    """The trail has no index for this order and too many entries fit: the database gave up in time."""


def entry_by_id(db: Connection, entry_id: UUID) -> StoredEntry | None:
    row = db.execute(_BY_ID, {"id": entry_id}).one_or_none()
    return None if row is None else StoredEntry(*row)


def entries(db: Connection, query: Query) -> list[StoredEntry] | None:
    """One page and one more, in the order asked, equal values by time. None: the entry to go on after is not there.

    An entry never changes, so what it is sorted by is read again from the one a cursor names; new entries move nobody to
    another page. Those without a value come before all others. KeyError for a name that is not in FIELDS.
    """
    column = FIELDS[query.sort]
    order = (column, _E.recorded_at, _E.id) if column is not _E.recorded_at else (column, _E.id)
    last: Row[Any] | None = None
    if query.after is not None:
        last = db.execute(select(*order).where(_E.id == query.after)).one_or_none()
        if last is None:
            return None
    found: list[StoredEntry] = []
    for conditions in _parts(order, query, last):
        statement = (
            select(*_SHOWN)
            .where(*_filters(query), *conditions)
            .order_by(*(one.desc() if query.descending else one.asc() for one in order))
            .limit(query.limit + 1 - len(found))
        )
        found.extend(StoredEntry(*row) for row in _within_time(db, statement))
        if len(found) > query.limit:
            break
    return found


def export_lines(db: Connection, ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """The line of an export for each of these entries that has its position."""
    return {
        found[2]: leaf_line(found[0], bytes(found[1]), leaf_bytes(dict(zip(COLUMNS, found[3:], strict=True))))
        for found in (tuple(row) for row in db.execute(_AS_EXPORTED, {"ids": list(ids)}))
    }


def database_now(db: Connection) -> datetime:
    """The database's clock, which is the one that says when an entry was recorded."""
    return db.execute(_NOW).scalar_one()


def latest_checkpoint(db: Connection, tree: UUID) -> tuple[int, str] | None:
    """(size, note) of the newest checkpoint of this tree, where this program may see it."""
    row = db.execute(_LATEST, {"tree": tree}).one_or_none()
    return None if row is None else (int(row.size), str(row.note))


def _filters(query: Query) -> Iterator[ColumnElement[bool]]:
    yield from (FIELDS[name] == value for name, value in query.equals.items())
    if query.policy is not None:  # an element of a JSON array whose elements have no quotes in them
        yield _E.policies.contains(f'"{query.policy}"', autoescape=True)
    for column, begin, end in (
        (_E.recorded_at, query.begin, query.end),
        (_E.occurred_at, query.occurred_begin, query.occurred_end),
    ):
        if begin is not None:
            yield column >= begin
        if end is not None:
            yield column < end


def _parts(
    order: Sequence[Column[Any]], query: Query, last: Row[Any] | None
) -> list[tuple[ColumnElement[bool], ...]]:
    """What is read one after the other: entries with a value, and those without.

    One statement over both would have to compare NULL, which no index can: the row comparison is what lets a page begin
    where the last one ended, however far down.
    """
    column = order[0]
    if not column.nullable or query.sort in query.equals:
        return [() if last is None else (_beyond(order, last, query.descending),)]
    empty, valued = (column.is_(None),), (column.is_not(None),)
    if last is None:
        return [valued, empty] if query.descending else [empty, valued]
    if last[0] is None:
        rest = (*empty, _beyond(order[1:], last[1:], query.descending))
        return [rest] if query.descending else [rest, valued]
    rest = (_beyond(order, last, query.descending),)
    return [rest, empty] if query.descending else [rest]


def _beyond(order: Sequence[Column[Any]], last: Sequence[Any], descending: bool) -> ColumnElement[bool]:
    here = tuple_(*order)
    there = tuple_(*(literal(value, column.type) for column, value in zip(order, last, strict=True)))
    return here < there if descending else here > there


def _within_time(db: Connection, statement: Any) -> Sequence[Row[Any]]:
    try:
        return db.execute(statement).all()
    except DBAPIError as error:
        if sqlstate(error) == _CANCELLED:
            raise TooMuchToSortError from error
        raise
