"""The only SQL of raised flags. There is none that deletes one, and the application's role could not run it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Connection, Uuid, and_, bindparam, func, insert, or_, select, update

from service.access.caller import Role
from service.intake.safety.flag import FlagSource, FlagState
from service.store.direct import write
from service.store.tables.intake import safety_flag
from service.store.types import Sealed
from service.vault.envelope import SealedTable

FLAG_ROW: Final = SealedTable("safety_flag", ("finding", "acknowledgement"))
_WAITING: Final = (FlagState.OPEN.value, FlagState.TAKEN.value)

_TAKE_TURN = select(func.pg_advisory_xact_lock(bindparam("lock", type_=BigInteger())))
#: The time a flag was given: the shorter, the more urgent.
_GIVEN = safety_flag.c.due_at - safety_flag.c.raised_at

_ADD = insert(safety_flag)
_LOCKED = select(safety_flag).where(safety_flag.c.id == bindparam("flag_id")).with_for_update()
_OF_PATIENTS = select(safety_flag).where(safety_flag.c.patient_id.in_(bindparam("patients", expanding=True)))
_OPEN_OF_PATIENTS = _OF_PATIENTS.where(safety_flag.c.state.in_(_WAITING)).order_by(
    safety_flag.c.raised_at, safety_flag.c.id
)
_PAGE = (
    _OF_PATIENTS.where(
        or_(
            bindparam("before", type_=Uuid()).is_(None),
            safety_flag.c.id < bindparam("before", type_=Uuid()),
        )
    )
    .order_by(safety_flag.c.id.desc())
    .limit(bindparam("at_most"))
)
_OPEN_OF_PROGRAM = (
    select(safety_flag)
    .where(safety_flag.c.program_id == bindparam("program_id"), safety_flag.c.state.in_(_WAITING))
    # how urgent a flag is stands sealed in it; how long it was given does not
    .order_by(_GIVEN, safety_flag.c.due_at, safety_flag.c.id)
    .limit(bindparam("at_most"))
)
_OVERDUE = (
    select(safety_flag)
    .where(
        safety_flag.c.program_id == bindparam("program_id"),
        safety_flag.c.state.in_(_WAITING),
        safety_flag.c.due_at <= bindparam("now"),
        or_(
            safety_flag.c.escalated_at.is_(None),
            and_(
                safety_flag.c.state == FlagState.TAKEN.value,
                safety_flag.c.escalated_at + _GIVEN <= bindparam("now"),
            ),
        ),
    )
    .order_by(safety_flag.c.due_at, safety_flag.c.id)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
)
_CHANGE = (
    update(safety_flag)
    .where(safety_flag.c.id == bindparam("the_flag"))
    .values(
        state=bindparam("new_state"),
        owner_id=bindparam("new_owner"),
        finding=bindparam("new_finding"),
        acknowledgement=bindparam("new_acknowledgement"),
        version=bindparam("new_version"),
        acknowledged_at=bindparam("new_acknowledged_at"),
        entry_id=bindparam("new_entry"),
    )
)
_ESCALATE = (
    update(safety_flag)
    .where(safety_flag.c.id == bindparam("the_flag"))
    .values(
        state=bindparam("new_state"),
        owner_role=bindparam("new_role"),
        owner_id=None,
        escalated_at=bindparam("now"),
        entry_id=bindparam("new_entry"),
    )
)


@dataclass(frozen=True, slots=True, repr=False)
class StoredFlag:
    """One raised flag as stored, still sealed."""

    id: UUID
    program_id: UUID
    patient_id: UUID
    source: FlagSource
    subject_id: UUID | None
    state: FlagState
    version: int
    raised_at: datetime
    due_at: datetime
    owner_role: Role
    owner_id: UUID | None
    escalated_at: datetime | None
    acknowledged_at: datetime | None
    finding: Sealed
    acknowledgement: Sealed | None


def take_turn(db: Connection, patient_id: UUID) -> None:
    """One transaction at a time raises flags of a patient: two that come at once see each other's. Taken after every row
    lock and before none, so that nobody waits for it in a ring.
    """
    digest = sha256(b"consentry flags " + patient_id.bytes).digest()
    db.execute(_TAKE_TURN, {"lock": int.from_bytes(digest[:8], "big", signed=True)})


def add_flag(db: Connection, flag: StoredFlag, entry_id: UUID) -> None:
    write(
        db,
        _ADD,
        {
            "id": flag.id,
            "program_id": flag.program_id,
            "patient_id": flag.patient_id,
            "assessment_id": flag.subject_id,
            "state": flag.state.value,
            "source": flag.source.value,
            "owner_role": flag.owner_role.value,
            "owner_id": flag.owner_id,
            "due_at": flag.due_at,
            "escalated_at": flag.escalated_at,
            "finding": flag.finding,
            "acknowledgement": flag.acknowledgement,
            "version": flag.version,
            "raised_at": flag.raised_at,
            "acknowledged_at": flag.acknowledged_at,
            "entry_id": entry_id,
        },
    )


def change_flag(db: Connection, flag: StoredFlag, entry_id: UUID) -> None:
    """Keep a flag that was taken, released or acknowledged; its loader has locked the row."""
    db.execute(
        _CHANGE,
        {
            "the_flag": flag.id,
            "new_state": flag.state.value,
            "new_owner": flag.owner_id,
            "new_finding": flag.finding,
            "new_acknowledgement": flag.acknowledgement,
            "new_version": flag.version,
            "new_acknowledged_at": flag.acknowledged_at,
            "new_entry": entry_id,
        },
    )


def escalate_flag(
    db: Connection, flag_id: UUID, *, state: FlagState, owner: Role, now: datetime, entry_id: UUID
) -> None:
    """Hand an overdue flag on. Nothing sealed is touched, so that nobody has to be allowed to open it."""
    values = {
        "the_flag": flag_id,
        "new_state": state.value,
        "new_role": owner.value,
        "now": now,
        "new_entry": entry_id,
    }
    db.execute(_ESCALATE, values)


def flag_for_update(db: Connection, flag_id: UUID) -> StoredFlag | None:
    row = db.execute(_LOCKED, {"flag_id": flag_id}).one_or_none()
    return None if row is None else flag_of_row(row)


def open_flags(db: Connection, charts: Sequence[UUID]) -> list[StoredFlag]:
    """The flags of these charts that nobody has acknowledged, oldest first."""
    return _flags(db.execute(_OPEN_OF_PATIENTS, {"patients": list(charts)}).all())


def flags_of(
    db: Connection, charts: Sequence[UUID], *, before: UUID | None, at_most: int
) -> list[StoredFlag]:
    """The flags of these charts, newest first."""
    parameters = {"patients": list(charts), "before": before, "at_most": at_most}
    return _flags(db.execute(_PAGE, parameters).all())


def open_flags_of_program(db: Connection, program_id: UUID, at_most: int) -> list[StoredFlag]:
    """The flags of a program that nobody has acknowledged: those with the shortest clock first, then the soonest due. A
    list that is cut off never hides an urgent one behind others that lie.
    """
    return _flags(db.execute(_OPEN_OF_PROGRAM, {"program_id": program_id, "at_most": at_most}).all())


def overdue_flags(db: Connection, program_id: UUID, now: datetime, at_most: int) -> list[StoredFlag]:
    """Flags whose clock has run out and that were not handed on yet, or that lie again with whoever took them then;
    locked, those somebody is acting on left out.
    """
    parameters = {"program_id": program_id, "now": now, "at_most": at_most}
    return _flags(db.execute(_OVERDUE, parameters).all())


def _flags(rows: Sequence[Any]) -> list[StoredFlag]:
    return [flag_of_row(row) for row in rows]


def flag_of_row(row: Any) -> StoredFlag:
    """A row of the table, still sealed; for whoever reads flags by another question."""
    return StoredFlag(
        id=row.id,
        program_id=row.program_id,
        patient_id=row.patient_id,
        source=FlagSource(row.source),
        subject_id=row.assessment_id,
        state=FlagState(row.state),
        version=row.version,
        raised_at=row.raised_at,
        due_at=row.due_at,
        owner_role=Role(row.owner_role),
        owner_id=row.owner_id,
        escalated_at=row.escalated_at,
        acknowledged_at=row.acknowledged_at,
        finding=row.finding,
        acknowledgement=row.acknowledgement,
    )
