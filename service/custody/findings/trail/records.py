"""The SQL by which the trail is looked through: new entries by position, and what stands beside them.

New entries come by their position in the program's tree. The sequencer gives positions below the horizon of running
transactions, one after the other: whatever is committed late gets a later position, so a mark that moves over positions
passes nothing. What stands beside an entry is found by the indexes of caller and patient; these are by the time of
recording, so the span is widened by `SLACK` on both sides and the instant of the act decides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from service.store.tables.emergency import emergency_grant
from service.store.tables.ledger import audit_entry, audit_leaf
from service.store.tables.people import relationship

#: Between an act and its recording lie seconds; a day is far more than any transaction may take.
SLACK: Final = timedelta(days=1)
#: So many entries of one caller beside a new one; who has more is found by these.
MOST_BESIDE: Final = 2000
_PERMIT: Final = "permit"
_PARTIAL: Final = "partial"

_E = audit_entry.c


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the trail; `position` None where it was found beside another."""

    id: UUID
    occurred_at: datetime
    recorded_at: datetime
    actor_kind: str
    actor_id: UUID | None
    patient_id: UUID | None
    action: str
    outcome: str
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """A relationship of a caller with a patient, and since when it is on record."""

    actor_id: UUID
    patient_id: UUID
    starts_on: date
    ends_on: date | None
    created_at: datetime

    def holds(self, at: datetime, day: date) -> bool:
        """Whether it held on that day of the program, and was on record at that instant."""
        ended = self.ends_on is not None and self.ends_on < day
        return self.starts_on <= day and not ended and self.created_at <= at


@dataclass(frozen=True, slots=True)
class Grant:
    """Break-glass access of a caller to a patient."""

    actor_id: UUID
    patient_id: UUID
    starts_at: datetime
    ends_at: datetime

    def holds(self, at: datetime, day: date) -> bool:
        """Whether it held at that instant, whatever day it was."""
        return self.starts_at <= at <= self.ends_at


_SHOWN = (
    _E.id, _E.occurred_at, _E.recorded_at, _E.actor_kind, _E.actor_id, _E.patient_id, _E.action, _E.outcome,
)  # fmt: skip
_AFTER = (
    select(*_SHOWN, audit_leaf.c.position)
    .select_from(audit_leaf.join(audit_entry, _E.id == audit_leaf.c.entry_id))
    .where(
        audit_leaf.c.tree == bindparam("tree"),
        audit_leaf.c.position > bindparam("position"),
        _E.program_id == bindparam("tree"),
    )
    .order_by(audit_leaf.c.position)
    .limit(bindparam("at_most"))
)
_OF_ACTOR = (
    select(*_SHOWN)
    .where(
        _E.program_id == bindparam("program_id"),
        _E.actor_id == bindparam("actor_id"),
        _E.recorded_at.between(bindparam("recorded_from"), bindparam("recorded_to")),
        _E.occurred_at.between(bindparam("begin"), bindparam("end")),
        _E.outcome.in_(bindparam("outcomes", expanding=True)),
    )
    .order_by(_E.recorded_at.desc())
    .limit(bindparam("at_most"))
)
_ACTS_OF_ACTOR = _OF_ACTOR.where(_E.action.in_(bindparam("actions", expanding=True)))
_RELATED = select(
    relationship.c.account_id,
    relationship.c.patient_id,
    relationship.c.starts_on,
    relationship.c.ends_on,
    relationship.c.created_at,
).where(
    relationship.c.account_id.in_(bindparam("actors", expanding=True)),
    relationship.c.patient_id.in_(bindparam("patients", expanding=True)),
)
_GRANTED = select(
    emergency_grant.c.account_id,
    emergency_grant.c.patient_id,
    emergency_grant.c.starts_at,
    emergency_grant.c.ends_at,
).where(
    emergency_grant.c.account_id.in_(bindparam("actors", expanding=True)),
    emergency_grant.c.patient_id.in_(bindparam("patients", expanding=True)),
)


def entries_after(db: Connection, program_id: UUID, position: int, at_most: int) -> list[Entry]:
    """Entries of the program's tree behind a position, in their order."""
    parameters = {"tree": program_id, "position": position, "at_most": at_most}
    return [Entry(*row) for row in db.execute(_AFTER, parameters)]


def beside(
    db: Connection,
    program_id: UUID,
    actor_id: UUID,
    near: Sequence[Entry],
    within: timedelta,
    *,
    outcome: str,
    actions: Iterable[str] | None = None,
) -> list[Entry]:
    """Entries of a caller up to `within` before and after some of theirs, of one outcome; `actions` None: all acts.
    What was permitted in part was permitted.
    """
    parameters: dict[str, Any] = {
        "program_id": program_id,
        "actor_id": actor_id,
        "recorded_from": min(one.recorded_at for one in near) - within - SLACK,
        "recorded_to": max(one.recorded_at for one in near) + within + SLACK,
        "begin": min(one.occurred_at for one in near) - within,
        "end": max(one.occurred_at for one in near) + within,
        "outcomes": [outcome, _PARTIAL] if outcome == _PERMIT else [outcome],
        "at_most": MOST_BESIDE,
    }
    if actions is None:
        return [Entry(*row) for row in db.execute(_OF_ACTOR, parameters)]
    return [Entry(*row) for row in db.execute(_ACTS_OF_ACTOR, parameters | {"actions": sorted(actions)})]


def relationships(db: Connection, actors: Iterable[UUID], patients: Iterable[UUID]) -> list[Relation]:
    """Relationships of these callers with these patients, whenever they held."""
    rows = db.execute(_RELATED, {"actors": list(actors), "patients": list(patients)})
    return [Relation(*row) for row in rows]


def grants(db: Connection, actors: Iterable[UUID], patients: Iterable[UUID]) -> list[Grant]:
    """Break-glass grants of these callers for these patients."""
    rows = db.execute(_GRANTED, {"actors": list(actors), "patients": list(patients)})
    return [Grant(*row) for row in rows]
