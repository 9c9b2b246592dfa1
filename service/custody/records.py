"""The trail's SQL for reading. The only place in the service where a statement is composed from what a caller asks.

It is composed from `FIELDS`, a closed map of names to columns; values are bound, never text. Row-level security shows
a program its own entries, those in the service's tree (sign-ins) included.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Connection, Text, bindparam, cast, func, literal, select, tuple_

from service.store.tables.ledger import audit_checkpoint, audit_entry, audit_leaf

_E = audit_entry.c

#: What can be filtered by and sorted by, and the column it stands for (45 CFR 170.315(d)(3): sortable by each datum).
FIELDS: Final[Mapping[str, Column[Any]]] = {
    "recorded_at": _E.recorded_at,
    "occurred_at": _E.occurred_at,
    "patient": _E.patient_id,
    "actor": _E.actor_id,
    "actor_kind": _E.actor_kind,
    "session": _E.session_id,
    "action": _E.action,
    "outcome": _E.outcome,
    "purpose": _E.purpose,
    "object_kind": _E.object_kind,
    "object": _E.object_id,
    "consent": _E.consent_id,
    "recipient": _E.recipient_id,
    "basis": _E.basis,
    "request": _E.request_id,
}
_INSTANTS = frozenset({"recorded_at", "occurred_at"})

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
_LATEST = (
    select(audit_checkpoint.c.size, audit_checkpoint.c.note)
    .where(audit_checkpoint.c.tree == bindparam("tree"))
    .order_by(audit_checkpoint.c.size.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as a reader sees it; `policies` and `detail` are JSON texts. `position` None: not sequenced yet."""

    id: UUID
    tree: UUID
    occurred_at: datetime
    recorded_at: datetime
    actor_kind: str
    actor_id: UUID | None
    session_id: UUID | None
    action: str
    outcome: str
    purpose: str | None
    object_kind: str | None
    object_id: UUID | None
    object_version: int | None
    patient_id: UUID | None
    consent_id: UUID | None
    recipient_id: UUID | None
    basis: str | None
    policy_set: str
    policies: str
    detail: str
    request_id: str
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What a reader asks: equalities by field name, a span of time, an order, and where to go on."""

    equals: Mapping[str, UUID | str]
    begin: datetime | None = None
    end: datetime | None = None
    sort: str = "recorded_at"
    descending: bool = True
    after: UUID | None = None
    limit: int = 50


def entry_by_id(db: Connection, entry_id: UUID) -> StoredEntry | None:
    row = db.execute(_BY_ID, {"id": entry_id}).one_or_none()
    return None if row is None else StoredEntry(*row)


def entries(db: Connection, query: Query) -> list[StoredEntry] | None:
    """One page and one more, in the order asked, equal values by id. None: the entry to go on after is not there.

    KeyError for a name that is not in FIELDS.
    """
    order = (_sortable(query.sort), _E.id)
    statement = select(*_SHOWN).where(*(FIELDS[name] == value for name, value in query.equals.items()))
    if query.begin is not None:
        statement = statement.where(_E.recorded_at >= query.begin)
    if query.end is not None:
        statement = statement.where(_E.recorded_at < query.end)
    if query.after is not None:
        last = db.execute(select(*order).where(_E.id == query.after)).one_or_none()
        if last is None:
            return None
        here, there = tuple_(*order), tuple_(*(literal(value) for value in last))
        statement = statement.where(here < there if query.descending else here > there)
    statement = statement.order_by(*(column.desc() if query.descending else column.asc() for column in order))
    return [StoredEntry(*row) for row in db.execute(statement.limit(query.limit + 1))]


def latest_checkpoint(db: Connection, tree: UUID) -> tuple[int, str] | None:
    """(size, note) of the newest checkpoint of this tree, where this program may see it."""
    row = db.execute(_LATEST, {"tree": tree}).one_or_none()
    return None if row is None else (int(row.size), str(row.note))


def _sortable(name: str) -> ColumnElement[Any]:
    """The column, with NULL as the empty text, so that it has a place in the order."""
    column = FIELDS[name]
    if name in _INSTANTS:
        return column
    return func.coalesce(cast(column, Text), "")
