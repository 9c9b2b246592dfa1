"""The only SQL of intake: assessments (beside their record items) and safety flags.

The record item holds what is sealed about an assessment; its row here says which instrument it is and how
far it has come. Flags have a life of their own: they outlive the form that raised them, a rejected form
included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Uuid, bindparam, insert, or_, select, update

from service.intake.assessment import AssessmentStatus
from service.intake.flags import FlagState
from service.store.tables.intake import assessment, safety_flag
from service.store.types import Sealed
from service.vault.envelope import SealedTable

FLAG_ROW: Final = SealedTable("safety_flag", ("finding", "acknowledgement"))

_ADD_ASSESSMENT = insert(assessment)
_MOVE_ASSESSMENT = (
    update(assessment)
    .where(assessment.c.item_id == bindparam("the_item"))
    .values(
        status=bindparam("new_status"),
        instrument_version=bindparam("new_instrument_version"),
        completed_at=bindparam("new_completed_at"),
        entry_id=bindparam("new_entry"),
    )
)
_STAGE = (
    assessment.c.item_id,
    assessment.c.patient_id,
    assessment.c.instrument,
    assessment.c.instrument_version,
    assessment.c.status,
    assessment.c.completed_at,
)
_ONE = select(*_STAGE).where(assessment.c.item_id == bindparam("item_id"))
_ONE_LOCKED = _ONE.with_for_update()
_OF_PATIENT = (
    select(*_STAGE)
    .where(
        assessment.c.patient_id == bindparam("patient_id"),
        or_(
            bindparam("instrument", type_=assessment.c.instrument.type).is_(None),
            assessment.c.instrument == bindparam("instrument", type_=assessment.c.instrument.type),
        ),
        or_(
            bindparam("before", type_=Uuid()).is_(None),
            assessment.c.item_id < bindparam("before", type_=Uuid()),
        ),
    )
    .order_by(assessment.c.item_id.desc())
    .limit(bindparam("at_most"))
)

_ADD_FLAG = insert(safety_flag)
_FLAG_LOCKED = select(safety_flag).where(safety_flag.c.id == bindparam("flag_id")).with_for_update()
_FLAGS = select(safety_flag).where(safety_flag.c.patient_id == bindparam("patient_id"))
_FLAGS_OPEN = _FLAGS.where(safety_flag.c.state == FlagState.OPEN.value)
_FLAGS_PAGE = (
    _FLAGS.where(
        or_(
            bindparam("before", type_=Uuid()).is_(None),
            safety_flag.c.id < bindparam("before", type_=Uuid()),
        )
    )
    .order_by(safety_flag.c.id.desc())
    .limit(bindparam("at_most"))
)
_CLOSE_FLAG = (
    update(safety_flag)
    .where(safety_flag.c.id == bindparam("the_flag"))
    .values(
        state=bindparam("new_state"),
        finding=bindparam("new_finding"),
        acknowledgement=bindparam("new_acknowledgement"),
        version=bindparam("new_version"),
        acknowledged_at=bindparam("new_acknowledged_at"),
        entry_id=bindparam("new_entry"),
    )
)


@dataclass(frozen=True, slots=True)
class Stage:
    """The clear part of an assessment: which instrument, how far it has come."""

    item_id: UUID
    patient_id: UUID
    instrument: str
    instrument_version: int
    status: AssessmentStatus
    completed_at: datetime | None


@dataclass(frozen=True, slots=True, repr=False)
class StoredFlag:
    """One safety flag as stored, still sealed."""

    id: UUID
    patient_id: UUID
    assessment_id: UUID | None
    state: FlagState
    version: int
    raised_at: datetime
    acknowledged_at: datetime | None
    finding: Sealed
    acknowledgement: Sealed | None


def add_stage(db: Connection, stage: Stage, program_id: UUID, entry_id: UUID) -> None:
    db.execute(
        _ADD_ASSESSMENT,
        {
            "item_id": stage.item_id,
            "program_id": program_id,
            "patient_id": stage.patient_id,
            "instrument": stage.instrument,
            "instrument_version": str(stage.instrument_version),
            "status": stage.status.value,
            "completed_at": stage.completed_at,
            "entry_id": entry_id,
        },
    )


def move_stage(db: Connection, stage: Stage, entry_id: UUID) -> None:
    """Where an assessment stands from now on; its loader has locked the row."""
    db.execute(
        _MOVE_ASSESSMENT,
        {
            "the_item": stage.item_id,
            "new_status": stage.status.value,
            "new_instrument_version": str(stage.instrument_version),
            "new_completed_at": stage.completed_at,
            "new_entry": entry_id,
        },
    )


def find_stage(db: Connection, item_id: UUID) -> Stage | None:
    return _stage(db.execute(_ONE, {"item_id": item_id}).one_or_none())


def stage_for_update(db: Connection, item_id: UUID) -> Stage | None:
    """Locked until the transaction ends: two savers of one form take turns."""
    return _stage(db.execute(_ONE_LOCKED, {"item_id": item_id}).one_or_none())


def stages_of(
    db: Connection, patient_id: UUID, *, instrument: str | None, before: UUID | None, at_most: int
) -> list[Stage]:
    """The patient's assessments, newest first, from the one before `before`."""
    parameters = {"patient_id": patient_id, "instrument": instrument, "before": before, "at_most": at_most}
    rows = db.execute(_OF_PATIENT, parameters).all()
    return [stage for row in rows if (stage := _stage(row)) is not None]


def add_flag(db: Connection, flag: StoredFlag, program_id: UUID, entry_id: UUID) -> None:
    db.execute(
        _ADD_FLAG,
        {
            "id": flag.id,
            "program_id": program_id,
            "patient_id": flag.patient_id,
            "assessment_id": flag.assessment_id,
            "state": flag.state.value,
            "source": "assessment",
            "owner_role": "clinician",
            "due_at": flag.raised_at,
            "finding": flag.finding,
            "acknowledgement": flag.acknowledgement,
            "version": flag.version,
            "raised_at": flag.raised_at,
            "acknowledged_at": flag.acknowledged_at,
            "entry_id": entry_id,
        },
    )


def close_flag(db: Connection, flag: StoredFlag, entry_id: UUID) -> None:
    """Keep an acknowledged flag; its loader has locked the row."""
    db.execute(
        _CLOSE_FLAG,
        {
            "the_flag": flag.id,
            "new_state": flag.state.value,
            "new_finding": flag.finding,
            "new_acknowledgement": flag.acknowledgement,
            "new_version": flag.version,
            "new_acknowledged_at": flag.acknowledged_at,
            "new_entry": entry_id,
        },
    )


def flag_for_update(db: Connection, flag_id: UUID) -> StoredFlag | None:
    return _flag(db.execute(_FLAG_LOCKED, {"flag_id": flag_id}).one_or_none())


def open_flags(db: Connection, patient_id: UUID) -> list[StoredFlag]:
    """The flags of a patient that nobody has acknowledged."""
    return _flags(db.execute(_FLAGS_OPEN, {"patient_id": patient_id}).all())


def flags_of(db: Connection, patient_id: UUID, *, before: UUID | None, at_most: int) -> list[StoredFlag]:
    """The flags of a patient, newest first."""
    parameters = {"patient_id": patient_id, "before": before, "at_most": at_most}
    return _flags(db.execute(_FLAGS_PAGE, parameters).all())


def _stage(row: Any) -> Stage | None:
    if row is None:
        return None
    return Stage(
        item_id=row.item_id,
        patient_id=row.patient_id,
        instrument=row.instrument,
        instrument_version=int(row.instrument_version),
        status=AssessmentStatus(row.status),
        completed_at=row.completed_at,
    )


def _flags(rows: Sequence[Any]) -> list[StoredFlag]:
    return [flag for row in rows if (flag := _flag(row)) is not None]


def _flag(row: Any) -> StoredFlag | None:
    if row is None:
        return None
    return StoredFlag(
        id=row.id,
        patient_id=row.patient_id,
        assessment_id=row.assessment_id,
        state=FlagState(row.state),
        version=row.version,
        raised_at=row.raised_at,
        acknowledged_at=row.acknowledged_at,
        finding=row.finding,
        acknowledgement=row.acknowledgement,
    )
