"""The only SQL of assessments, which stand beside their record items.

The record item holds what is sealed about an assessment; its row here says which instrument it is and how
far it has come.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Uuid, bindparam, insert, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from service.intake.assessment import AssessmentStatus
from service.store.direct import write
from service.store.tables.intake import assessment
from service.store.tables.record import record_item

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

_DRAFTS = (
    select(*_STAGE)
    .join(record_item, record_item.c.id == assessment.c.item_id)
    .where(
        assessment.c.patient_id == bindparam("patient_id"),
        assessment.c.status == AssessmentStatus.DRAFT.value,
        record_item.c.state == AssessmentStatus.DRAFT.value,
        record_item.c.changed_at >= bindparam("since"),
    )
    .order_by(record_item.c.changed_at.desc(), assessment.c.item_id)
    .limit(bindparam("at_most"))
)
#: The newest finished one of each instrument.
_LATEST = (
    select(*_STAGE)
    .ext(distinct_on(assessment.c.instrument))
    .where(
        assessment.c.patient_id == bindparam("patient_id"),
        assessment.c.status.in_((AssessmentStatus.COMPLETED.value, AssessmentStatus.AMENDED.value)),
    )
    .order_by(assessment.c.instrument, assessment.c.completed_at.desc(), assessment.c.item_id.desc())
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


def add_stage(db: Connection, stage: Stage, program_id: UUID, entry_id: UUID) -> None:
    write(
        db,
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


def drafts_of(db: Connection, patient_id: UUID, *, since: datetime, at_most: int) -> list[Stage]:
    """The patient's drafts saved since then, the last saved first."""
    parameters = {"patient_id": patient_id, "since": since, "at_most": at_most}
    return [stage for row in db.execute(_DRAFTS, parameters).all() if (stage := _stage(row)) is not None]


def latest_of(db: Connection, patient_id: UUID) -> list[Stage]:
    """The newest completed or amended assessment of each instrument."""
    rows = db.execute(_LATEST, {"patient_id": patient_id}).all()
    return [stage for row in rows if (stage := _stage(row)) is not None]


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
