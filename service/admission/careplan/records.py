"""The only SQL of care plans and visits: the clear rows beside their record items, and which items are safety plans."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Uuid, bindparam, insert, or_, select, update

from service.admission.careplan.parts import Status
from service.admission.careplan.visit import Outcome
from service.record import beside
from service.store.tables.admission import care_plan, visit
from service.store.tables.record import record_item

_ADD_PLAN: Final = insert(care_plan)
_MOVE_PLAN: Final = (
    update(care_plan)
    .where(care_plan.c.item_id == bindparam("the_item"))
    .values(
        status=bindparam("new_status"),
        starts_on=bindparam("new_starts_on"),
        review_on=bindparam("new_review_on"),
        entry_id=bindparam("new_entry"),
    )
)
_ONE_PLAN: Final = beside.one(care_plan)
_ONE_PLAN_LOCKED: Final = _ONE_PLAN.with_for_update()
_OF_EPISODE: Final = beside.newest_of(care_plan, "episode_id")
_OF_EPISODE_LOCKED: Final = _OF_EPISODE.with_for_update()
_OF_PATIENT: Final = beside.page_of(care_plan, "patient_id")
_ADD_VISIT: Final = insert(visit)
#: What was entered in error counts nowhere.
_VISITS: Final = (
    select(visit)
    .join(record_item, record_item.c.id == visit.c.item_id)
    .where(visit.c.episode_id == bindparam("episode_id"), record_item.c.state != "entered_in_error")
    .order_by(visit.c.held_on, visit.c.item_id)
)
_VISITS_PAGE: Final = beside.page_of(visit, "episode_id")
_ONE_VISIT: Final = beside.one(visit)
_ITEMS_OF_KIND: Final = (
    select(record_item.c.id)
    .where(
        record_item.c.patient_id == bindparam("patient_id"),
        record_item.c.kind == bindparam("kind"),
        record_item.c.state != "entered_in_error",
        or_(
            bindparam("before", type_=Uuid()).is_(None), record_item.c.id < bindparam("before", type_=Uuid())
        ),
    )
    .order_by(record_item.c.id.desc())
    .limit(bindparam("at_most"))
)


@dataclass(frozen=True, slots=True)
class PlanRow:
    """The clear part of a plan."""

    item_id: UUID
    patient_id: UUID
    episode_id: UUID
    status: Status
    starts_on: date
    review_on: date


@dataclass(frozen=True, slots=True)
class VisitRow:
    """The clear part of a visit: what deadlines and hours count."""

    item_id: UUID
    patient_id: UUID
    episode_id: UUID
    held_on: date
    minutes: int
    outcome: Outcome


def add_plan(db: Connection, row: PlanRow, program_id: UUID, entry_id: UUID) -> None:
    db.execute(
        _ADD_PLAN,
        {
            "item_id": row.item_id,
            "program_id": program_id,
            "patient_id": row.patient_id,
            "episode_id": row.episode_id,
            "status": row.status.value,
            "starts_on": row.starts_on,
            "review_on": row.review_on,
            "entry_id": entry_id,
        },
    )


def move_plan(db: Connection, row: PlanRow, entry_id: UUID) -> None:
    """Where a plan stands from now on; its loader has locked the row."""
    db.execute(
        _MOVE_PLAN,
        {
            "the_item": row.item_id,
            "new_status": row.status.value,
            "new_starts_on": row.starts_on,
            "new_review_on": row.review_on,
            "new_entry": entry_id,
        },
    )


def plan_row(db: Connection, item_id: UUID, *, lock: bool = False) -> PlanRow | None:
    row = db.execute(_ONE_PLAN_LOCKED if lock else _ONE_PLAN, {"item_id": item_id}).one_or_none()
    return None if row is None else _plan(row)


def plans_of_episode(db: Connection, episode_id: UUID, *, lock: bool = False) -> Sequence[PlanRow]:
    """Newest first."""
    statement = _OF_EPISODE_LOCKED if lock else _OF_EPISODE
    return [_plan(row) for row in db.execute(statement, {"episode_id": episode_id}).all()]


def plans_of_patient(
    db: Connection, patient_id: UUID, before: UUID | None, at_most: int
) -> Sequence[PlanRow]:
    """Newest first, from the one before `before`."""
    given = {"patient_id": patient_id, "before": before, "at_most": at_most}
    return [_plan(row) for row in db.execute(_OF_PATIENT, given).all()]


def add_visit(db: Connection, row: VisitRow, program_id: UUID, entry_id: UUID) -> None:
    db.execute(
        _ADD_VISIT,
        {
            "item_id": row.item_id,
            "program_id": program_id,
            "patient_id": row.patient_id,
            "episode_id": row.episode_id,
            "held_on": row.held_on,
            "minutes": row.minutes,
            "outcome": row.outcome.value,
            "entry_id": entry_id,
        },
    )


def visits_of_episode(db: Connection, episode_id: UUID) -> Sequence[VisitRow]:
    """All that were not entered in error, by day."""
    return [_visit(row) for row in db.execute(_VISITS, {"episode_id": episode_id}).all()]


def visits_page(db: Connection, episode_id: UUID, before: UUID | None, at_most: int) -> Sequence[VisitRow]:
    """Newest first, from the one before `before`, those entered in error with them."""
    given = {"episode_id": episode_id, "before": before, "at_most": at_most}
    return [_visit(row) for row in db.execute(_VISITS_PAGE, given).all()]


def visit_row(db: Connection, item_id: UUID) -> VisitRow | None:
    row = db.execute(_ONE_VISIT, {"item_id": item_id}).one_or_none()
    return None if row is None else _visit(row)


def items_of_kind(
    db: Connection, patient_id: UUID, kind: str, before: UUID | None, at_most: int
) -> Sequence[UUID]:
    """Ids of a patient's items of one kind, newest first."""
    given = {"patient_id": patient_id, "kind": kind, "before": before, "at_most": at_most}
    return [row.id for row in db.execute(_ITEMS_OF_KIND, given).all()]


def _plan(row: Any) -> PlanRow:
    return PlanRow(
        item_id=row.item_id,
        patient_id=row.patient_id,
        episode_id=row.episode_id,
        status=Status(row.status),
        starts_on=row.starts_on,
        review_on=row.review_on,
    )


def _visit(row: Any) -> VisitRow:
    return VisitRow(
        item_id=row.item_id,
        patient_id=row.patient_id,
        episode_id=row.episode_id,
        held_on=row.held_on,
        minutes=row.minutes,
        outcome=Outcome(row.outcome),
    )
