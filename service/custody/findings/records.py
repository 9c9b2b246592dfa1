"""The SQL of findings: how far the trail was looked through, and what was found and decided."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, Text, Uuid, bindparam, insert, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from service.store.rowcodes import change_row, coded, verified
from service.store.standing import newest_version, refuse_older
from service.store.tables.findings import finding, finding_decision, finding_fact, finding_mark
from service.store.types import Sealed
from service.vault.envelope import SealedTable

FINDING_ROW: Final = SealedTable("finding", ("particulars",))
DECISION_ROW: Final = SealedTable("finding_decision", ("reason",))


@dataclass(frozen=True, slots=True, repr=False)
class StoredFinding:
    """A finding as stored: what was counted is sealed under the patient's key, or the program's."""

    id: UUID
    program_id: UUID
    rule: str
    severity: str
    actor_id: UUID
    patient_id: UUID | None
    day: date
    begins_at: datetime
    ends_at: datetime
    state: str
    facts: int
    version: int
    particulars: Sealed
    raised_at: datetime
    changed_at: datetime
    entry_id: UUID


@dataclass(frozen=True, slots=True, repr=False)
class StoredDecision:
    """What somebody decided; why is sealed."""

    id: UUID
    program_id: UUID
    finding_id: UUID
    patient_id: UUID | None
    decision: str
    decided_by: UUID
    decided_at: datetime
    reason: Sealed


@dataclass(frozen=True, slots=True)
class Fact:
    """A ledger entry a finding rests on, and when it was noted."""

    about_id: UUID
    occurred_at: datetime
    noted_at: datetime


_MARK = select(finding_mark.c.position).where(
    finding_mark.c.program_id == bindparam("program_id"), finding_mark.c.question == bindparam("question")
)
_MOVE_MARK = upsert(finding_mark).on_conflict_do_update(
    index_elements=["program_id", "question"],
    set_={"position": bindparam("new_position"), "changed_at": bindparam("now")},
)
#: A finding, and the newest version of it that the trail knows.
_KNOWN = select(finding, newest_version(finding.c.id).label("newest"))
_SAME = _KNOWN.where(
    finding.c.program_id == bindparam("program_id"),
    finding.c.rule == bindparam("rule"),
    finding.c.actor_id == bindparam("actor_id"),
    finding.c.patient_id.is_not_distinct_from(bindparam("patient_id", type_=Uuid())),
    finding.c.day == bindparam("day"),
).with_for_update(of=finding)
_ADD = insert(finding)
#: What a change of a finding may set.
_CHANGED: Final = (
    "state",
    "begins_at",
    "ends_at",
    "facts",
    "version",
    "particulars",
    "changed_at",
    "entry_id",
)
_ONE = _KNOWN.where(finding.c.id == bindparam("id"))
_ONE_CHANGING = _ONE.with_for_update(of=finding)
_LIST = (
    _KNOWN.where(
        or_(
            bindparam("any_state", type_=Text()).is_not(None),
            finding.c.state.in_(bindparam("states", expanding=True)),
        ),
        or_(bindparam("rule", type_=Text()).is_(None), finding.c.rule == bindparam("rule", type_=Text())),
        or_(
            bindparam("actor", type_=Uuid()).is_(None), finding.c.actor_id == bindparam("actor", type_=Uuid())
        ),
        or_(
            bindparam("patient", type_=Uuid()).is_(None),
            finding.c.patient_id == bindparam("patient", type_=Uuid()),
        ),
        or_(bindparam("after", type_=Uuid()).is_(None), finding.c.id > bindparam("after", type_=Uuid())),
    )
    .order_by(finding.c.id)
    .limit(bindparam("at_most"))
)
_ADD_FACTS = insert(finding_fact)
_KNOWN_FACTS = select(finding_fact.c.about_id).where(finding_fact.c.finding_id == bindparam("finding_id"))
_FACTS = (
    select(finding_fact.c.about_id, finding_fact.c.occurred_at, finding_fact.c.noted_at)
    .where(finding_fact.c.finding_id == bindparam("finding_id"))
    .order_by(finding_fact.c.occurred_at, finding_fact.c.about_id)
    .limit(bindparam("at_most"))
)
_ADD_DECISION = insert(finding_decision)
_DECISIONS = (
    select(finding_decision)
    .where(finding_decision.c.finding_id == bindparam("finding_id"))
    .order_by(finding_decision.c.id)
)


def mark(db: Connection, program_id: UUID, question: str) -> int:
    """The last position looked at for this question; -1 at first."""
    found = db.execute(_MARK, {"program_id": program_id, "question": question}).scalar_one_or_none()
    return -1 if found is None else int(found)


def move_mark(db: Connection, program_id: UUID, question: str, position: int, now: datetime) -> None:
    db.execute(
        _MOVE_MARK,
        {
            "program_id": program_id,
            "question": question,
            "position": position,
            "changed_at": now,
            "new_position": position,
            "now": now,
        },
    )


def same_finding(
    db: Connection, program_id: UUID, rule: str, actor_id: UUID, patient_id: UUID | None, day: date
) -> StoredFinding | None:
    """The finding of this rule, caller, patient and day, locked."""
    parameters = {
        "program_id": program_id,
        "rule": rule,
        "actor_id": actor_id,
        "patient_id": patient_id,
        "day": day,
    }
    return _finding(db, db.execute(_SAME, parameters).one_or_none())


def add_finding(db: Connection, stored: StoredFinding) -> None:
    values = {name: getattr(stored, name) for name in StoredFinding.__slots__}
    db.execute(_ADD, coded(db, finding, values))


def change_finding(db: Connection, stored: StoredFinding) -> None:
    """Keep a finding that was locked: its state and what it rests on."""
    change_row(db, finding, {"id": stored.id}, {name: getattr(stored, name) for name in _CHANGED})


def finding_by_id(db: Connection, finding_id: UUID, *, changing: bool = False) -> StoredFinding | None:
    return _finding(db, db.execute(_ONE_CHANGING if changing else _ONE, {"id": finding_id}).one_or_none())


def findings(
    db: Connection,
    *,
    states: Sequence[str] | None,
    rule: str | None,
    actor_id: UUID | None,
    patient_id: UUID | None,
    after: UUID | None,
    at_most: int,
) -> list[StoredFinding]:
    """Findings in the order they were raised; `states` None: all."""
    parameters = {
        "any_state": None if states is not None else "any",
        "states": list(states or ()),
        "rule": rule,
        "actor": actor_id,
        "patient": patient_id,
        "after": after,
        "at_most": at_most,
    }
    return [one for row in db.execute(_LIST, parameters) if (one := _finding(db, row)) is not None]


def add_facts(db: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Note what a finding rests on; `rows` by column name."""
    db.execute(_ADD_FACTS, list(rows))


def known_facts(db: Connection, finding_id: UUID) -> frozenset[UUID]:
    """The entries that are noted already."""
    return frozenset(db.execute(_KNOWN_FACTS, {"finding_id": finding_id}).scalars())


def facts_of(db: Connection, finding_id: UUID, at_most: int) -> list[Fact]:
    """What a finding rests on, oldest first."""
    rows: Iterable[Any] = db.execute(_FACTS, {"finding_id": finding_id, "at_most": at_most})
    return [Fact(*row) for row in rows]


def add_decision(db: Connection, stored: StoredDecision, entry_id: UUID) -> None:
    values = {name: getattr(stored, name) for name in StoredDecision.__slots__}
    db.execute(_ADD_DECISION, values | {"entry_id": entry_id})


def decisions_of(db: Connection, finding_id: UUID) -> list[StoredDecision]:
    """What was decided, oldest first."""
    rows: Iterable[Any] = db.execute(_DECISIONS, {"finding_id": finding_id})
    return [
        StoredDecision(
            id=row.id,
            program_id=row.program_id,
            finding_id=row.finding_id,
            patient_id=row.patient_id,
            decision=row.decision,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
            reason=row.reason,
        )
        for row in rows
    ]


def _finding(db: Connection, row: Row[Any] | None) -> StoredFinding | None:
    if row is None:
        return None
    verified(db, finding, row)
    refuse_older(row.version, row.newest)
    return StoredFinding(**{name: getattr(row, name) for name in StoredFinding.__slots__})
