"""The only SQL of placement decisions: the row beside the record item. What it rests on stays sealed here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from service.record import beside
from service.store.tables.admission import care_plan, placement, visit
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable

PLACEMENT_ROW: Final = SealedTable("placement", ("basis",))

_ADD: Final = insert(placement)
_CHANGE: Final = (
    update(placement)
    .where(placement.c.item_id == bindparam("the_item"))
    .values(
        state=bindparam("new_state"),
        version=bindparam("new_version"),
        basis=bindparam("new_basis"),
        second_at=bindparam("new_second_at"),
        second_by=bindparam("new_second_by"),
        entry_id=bindparam("new_entry"),
    )
)
_ONE: Final = beside.one(placement)
_ONE_CHANGING: Final = _ONE.with_for_update()
_OF_EPISODE: Final = beside.newest_of(placement, "episode_id")
_OF_EPISODE_CHANGING: Final = _OF_EPISODE.with_for_update()
_PAGE: Final = beside.page_of(placement, "episode_id")
_BETWEEN: Final = (
    select(placement)
    .where(
        placement.c.program_id == bindparam("program_id"),
        placement.c.decided_at >= bindparam("since"),
        placement.c.decided_at < bindparam("until"),
    )
    .order_by(placement.c.decided_at, placement.c.item_id)
)
_VISITS_SINCE: Final = (
    select(visit.c.held_on, visit.c.outcome)
    .where(visit.c.episode_id == bindparam("episode_id"), visit.c.held_on >= bindparam("since"))
    .order_by(visit.c.held_on, visit.c.item_id)
)
_REVIEW_DAY: Final = (
    select(care_plan.c.review_on)
    .where(care_plan.c.episode_id == bindparam("episode_id"), care_plan.c.status == "active")
    .order_by(care_plan.c.review_on)
    .limit(1)
)


@dataclass(frozen=True, slots=True, repr=False)
class StoredPlacement:
    """A row, sealed."""

    item_id: UUID
    program_id: UUID
    patient_id: UUID
    episode_id: UUID
    state: str
    rule_set: str
    overridden: bool
    version: int
    basis: Sealed
    decided_at: datetime
    decided_by: UUID
    second_at: datetime | None
    second_by: UUID | None

    @property
    def key(self) -> RowKey:
        return RowKey(self.program_id, self.item_id, self.version, self.patient_id)


def insert_placement(db: Connection, stored: StoredPlacement, entry_id: UUID) -> None:
    db.execute(
        _ADD,
        {
            "item_id": stored.item_id,
            "program_id": stored.program_id,
            "patient_id": stored.patient_id,
            "episode_id": stored.episode_id,
            "state": stored.state,
            "rule_set": stored.rule_set,
            "overridden": stored.overridden,
            "version": stored.version,
            "basis": stored.basis,
            "decided_at": stored.decided_at,
            "decided_by": stored.decided_by,
            "second_at": stored.second_at,
            "second_by": stored.second_by,
            "entry_id": entry_id,
        },
    )


def replace_placement(db: Connection, new: StoredPlacement, entry_id: UUID) -> None:
    """Put `new` in force; the row was locked for the change."""
    db.execute(
        _CHANGE,
        {
            "the_item": new.item_id,
            "new_state": new.state,
            "new_version": new.version,
            "new_basis": new.basis,
            "new_second_at": new.second_at,
            "new_second_by": new.second_by,
            "new_entry": entry_id,
        },
    )


def placement_by_id(db: Connection, item_id: UUID, *, changing: bool = False) -> StoredPlacement | None:
    row = db.execute(_ONE_CHANGING if changing else _ONE, {"item_id": item_id}).one_or_none()
    return None if row is None else placement_of_row(row)


def placements_of(db: Connection, episode_id: UUID, *, changing: bool = False) -> Sequence[StoredPlacement]:
    """All of an episode's, newest first."""
    rows = db.execute(_OF_EPISODE_CHANGING if changing else _OF_EPISODE, {"episode_id": episode_id}).all()
    return _all(rows)


def placements_page(
    db: Connection, episode_id: UUID, before: UUID | None, at_most: int
) -> Sequence[StoredPlacement]:
    """An episode's, newest first, from the one before `before`."""
    rows = db.execute(_PAGE, {"episode_id": episode_id, "before": before, "at_most": at_most}).all()
    return _all(rows)


def placements_between(
    db: Connection, program_id: UUID, since: datetime, until: datetime
) -> Sequence[StoredPlacement]:
    """A program's, decided from `since` on and before `until`."""
    rows = db.execute(_BETWEEN, {"program_id": program_id, "since": since, "until": until}).all()
    return _all(rows)


def visits_since(db: Connection, episode_id: UUID, since: date) -> Sequence[tuple[date, str]]:
    """Days of an episode's visits from `since` on, and what became of each, oldest first."""
    rows = db.execute(_VISITS_SINCE, {"episode_id": episode_id, "since": since}).all()
    return [(row.held_on, row.outcome) for row in rows]


def review_day(db: Connection, episode_id: UUID) -> date | None:
    """When the care plan in force is to be reviewed; None where none is."""
    return db.execute(_REVIEW_DAY, {"episode_id": episode_id}).scalar_one_or_none()


def _all(rows: Sequence[Row[Any]]) -> list[StoredPlacement]:
    return [placement_of_row(row) for row in rows]


def placement_of_row(row: Row[Any]) -> StoredPlacement:
    """A row of the table, still sealed; for whoever reads decisions by another question."""
    return StoredPlacement(
        item_id=row.item_id,
        program_id=row.program_id,
        patient_id=row.patient_id,
        episode_id=row.episode_id,
        state=row.state,
        rule_set=row.rule_set,
        overridden=row.overridden,
        version=row.version,
        basis=row.basis,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        second_at=row.second_at,
        second_by=row.second_by,
    )
