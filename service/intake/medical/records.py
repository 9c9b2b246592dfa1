"""The only SQL of the medical intake: which record item is which part of it. What is sealed is the item's."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from service.store.tables.intake import intake_entry

#: An entry of a list stands under the key of its section with this behind it.
ENTRY: Final = "[]"

_ADD = insert(intake_entry)
_ONE = select(intake_entry).where(intake_entry.c.item_id == bindparam("item_id"))
_OF_PATIENT = (
    select(intake_entry)
    .where(intake_entry.c.patient_id == bindparam("patient_id"), intake_entry.c.state != "removed")
    .order_by(intake_entry.c.item_id)
)
_MOVE = (
    update(intake_entry)
    .where(intake_entry.c.item_id == bindparam("the_item"))
    .values(
        state=bindparam("new_state"),
        reviewed_at=bindparam("at"),
        reviewed_by=bindparam("by"),
        entry_id=bindparam("entry"),
    )
)
_REVIEW = (
    update(intake_entry)
    .where(intake_entry.c.item_id.in_(bindparam("ids", expanding=True)))
    .values(reviewed_at=bindparam("at"), reviewed_by=bindparam("by"), entry_id=bindparam("entry"))
)


@dataclass(frozen=True, slots=True)
class Stage:
    """Which part an item is and how far it is: draft | current | removed; reviewed as it is now, or not."""

    item_id: UUID
    patient_id: UUID
    place: str
    state: str
    reviewed_at: datetime | None = None
    reviewed_by: UUID | None = None

    @property
    def section(self) -> str:
        return self.place.removesuffix(ENTRY)

    @property
    def is_entry(self) -> bool:
        return self.place.endswith(ENTRY)


def add_stage(db: Connection, stage: Stage, program_id: UUID, entry_id: UUID) -> None:
    db.execute(
        _ADD,
        {
            "item_id": stage.item_id,
            "program_id": program_id,
            "patient_id": stage.patient_id,
            "section": stage.place,
            "state": stage.state,
            "reviewed_at": None,
            "reviewed_by": None,
            "entry_id": entry_id,
        },
    )


def move_stage(db: Connection, stage: Stage, entry_id: UUID) -> None:
    db.execute(
        _MOVE,
        {
            "the_item": stage.item_id,
            "new_state": stage.state,
            "at": stage.reviewed_at,
            "by": stage.reviewed_by,
            "entry": entry_id,
        },
    )


def review(db: Connection, ids: Iterable[UUID], at: datetime, by: UUID, entry_id: UUID) -> None:
    """Somebody has read these as they are now and signs for it."""
    db.execute(_REVIEW, {"ids": list(ids), "at": at, "by": by, "entry": entry_id})


def stage_of(db: Connection, item_id: UUID) -> Stage | None:
    row = db.execute(_ONE, {"item_id": item_id}).one_or_none()
    return None if row is None else _stage(row)


def stages_of(db: Connection, patient_id: UUID) -> tuple[Stage, ...]:
    """Everything of the patient's intake that was not taken back, oldest first."""
    return tuple(_stage(row) for row in db.execute(_OF_PATIENT, {"patient_id": patient_id}))


def _stage(row: Row[Any]) -> Stage:
    return Stage(
        item_id=row.item_id,
        patient_id=row.patient_id,
        place=row.section,
        state=row.state,
        reviewed_at=row.reviewed_at,
        reviewed_by=row.reviewed_by,
    )
