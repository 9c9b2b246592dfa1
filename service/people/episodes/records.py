"""The SQL of episodes. What is known about one but its state and days stays sealed here."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, Uuid, bindparam, func, insert, or_, select, update

from service.store.tables.people_care import episode, episode_step
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable

EPISODE_ROW: Final = SealedTable("episode", ("particulars",))
STEP_ROW: Final = SealedTable("episode_step", ("particulars",))


@dataclass(frozen=True, slots=True, repr=False)
class StoredEpisode:
    """An episode row, sealed."""

    id: UUID
    program_id: UUID
    patient_id: UUID
    unit: str
    state: str
    opened_on: date
    admitted_on: date | None
    ended_on: date | None
    version: int
    particulars: Sealed
    created_at: datetime
    changed_at: datetime

    @property
    def key(self) -> RowKey:
        return RowKey(self.program_id, self.id, self.version, self.patient_id)


@dataclass(frozen=True, slots=True, repr=False)
class StoredStep:
    """A step row, sealed; written once."""

    id: UUID
    program_id: UUID
    patient_id: UUID
    episode_id: UUID
    kind: str
    occurred_on: date
    particulars: Sealed
    recorded_at: datetime

    @property
    def key(self) -> RowKey:
        return RowKey(self.program_id, self.id, 1, self.patient_id)


_ONE = select(episode).where(episode.c.id == bindparam("id"))
_ONE_CHANGING = _ONE.with_for_update(key_share=True)
_OF_PATIENT = (
    select(episode)
    .where(
        episode.c.patient_id == bindparam("patient_id"),
        or_(bindparam("before", type_=Uuid()).is_(None), episode.c.id < bindparam("before", type_=Uuid())),
    )
    .order_by(episode.c.id.desc())
    .limit(bindparam("at_most"))
)
_OPEN = (
    select(episode)
    .where(
        episode.c.patient_id.in_(bindparam("patients", expanding=True)),
        episode.c.ended_on.is_(None),
    )
    .order_by(episode.c.opened_on.desc(), episode.c.id.desc())
)
_DISCHARGED = (
    select(episode)
    .where(
        episode.c.patient_id.in_(bindparam("patients", expanding=True)),
        episode.c.state == "discharged",
    )
    .order_by(episode.c.ended_on.desc(), episode.c.id.desc())
)
_ADD = insert(episode)
_CHANGE = (
    update(episode)
    .where(episode.c.id == bindparam("the_id"))
    .values(
        state=bindparam("new_state"),
        unit=bindparam("new_unit"),
        admitted_on=bindparam("new_admitted_on"),
        ended_on=bindparam("new_ended_on"),
        version=bindparam("new_version"),
        particulars=bindparam("new_particulars"),
        changed_at=bindparam("now"),
        entry_id=bindparam("entry"),
    )
)
_ADD_STEP = insert(episode_step)
_STEPS = (
    select(episode_step)
    .where(episode_step.c.episode_id == bindparam("episode_id"))
    .order_by(episode_step.c.recorded_at, episode_step.c.occurred_on, episode_step.c.id)
)
_LAST_DAY = select(func.max(episode_step.c.occurred_on)).where(
    episode_step.c.episode_id == bindparam("episode_id")
)


def episode_by_id(db: Connection, episode_id: UUID) -> StoredEpisode | None:
    row = db.execute(_ONE, {"id": episode_id}).one_or_none()
    return None if row is None else episode_of_row(row)


def episode_for_update(db: Connection, episode_id: UUID) -> StoredEpisode | None:
    """Locked until the transaction ends: nobody moves it meanwhile."""
    row = db.execute(_ONE_CHANGING, {"id": episode_id}).one_or_none()
    return None if row is None else episode_of_row(row)


def episodes_page(db: Connection, patient_id: UUID, before: UUID | None, at_most: int) -> list[StoredEpisode]:
    """Episodes of a patient, newest first."""
    parameters = {"patient_id": patient_id, "before": before, "at_most": at_most}
    return [episode_of_row(row) for row in db.execute(_OF_PATIENT, parameters)]


def open_episodes(db: Connection, patients: list[UUID]) -> list[StoredEpisode]:
    """Episodes of these charts that have not ended; the one opened last comes first."""
    return [episode_of_row(row) for row in db.execute(_OPEN, {"patients": patients})]


def discharged_episodes(db: Connection, patients: list[UUID]) -> list[StoredEpisode]:
    """Episodes of these charts that ended in a discharge, the last first."""
    return [episode_of_row(row) for row in db.execute(_DISCHARGED, {"patients": patients})]


def insert_episode(db: Connection, stored: StoredEpisode, entry_id: UUID) -> None:
    db.execute(
        _ADD,
        {
            "id": stored.id,
            "program_id": stored.program_id,
            "patient_id": stored.patient_id,
            "unit": stored.unit,
            "state": stored.state,
            "opened_on": stored.opened_on,
            "admitted_on": stored.admitted_on,
            "ended_on": stored.ended_on,
            "version": stored.version,
            "particulars": stored.particulars,
            "created_at": stored.created_at,
            "changed_at": stored.changed_at,
            "entry_id": entry_id,
        },
    )


def replace_episode(db: Connection, stored: StoredEpisode, entry_id: UUID) -> None:
    """Put the next version of an episode in force; its steps tell what it was."""
    db.execute(
        _CHANGE,
        {
            "the_id": stored.id,
            "new_state": stored.state,
            "new_unit": stored.unit,
            "new_admitted_on": stored.admitted_on,
            "new_ended_on": stored.ended_on,
            "new_version": stored.version,
            "new_particulars": stored.particulars,
            "now": stored.changed_at,
            "entry": entry_id,
        },
    )


def insert_step(db: Connection, stored: StoredStep, entry_id: UUID) -> None:
    db.execute(
        _ADD_STEP,
        {
            "id": stored.id,
            "program_id": stored.program_id,
            "patient_id": stored.patient_id,
            "episode_id": stored.episode_id,
            "kind": stored.kind,
            "occurred_on": stored.occurred_on,
            "particulars": stored.particulars,
            "recorded_at": stored.recorded_at,
            "entry_id": entry_id,
        },
    )


def steps(db: Connection, episode_id: UUID) -> list[StoredStep]:
    """What happened, in the order it was recorded."""
    return [_step(row) for row in db.execute(_STEPS, {"episode_id": episode_id})]


def last_day(db: Connection, episode_id: UUID) -> date | None:
    """The day of the latest step."""
    return db.execute(_LAST_DAY, {"episode_id": episode_id}).scalar_one()


def episode_of_row(row: Row[Any]) -> StoredEpisode:
    """A row of the table, still sealed; for whoever reads episodes by another question."""
    return StoredEpisode(
        id=row.id,
        program_id=row.program_id,
        patient_id=row.patient_id,
        unit=row.unit,
        state=row.state,
        opened_on=row.opened_on,
        admitted_on=row.admitted_on,
        ended_on=row.ended_on,
        version=row.version,
        particulars=row.particulars,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def _step(row: Row[Any]) -> StoredStep:
    return StoredStep(
        id=row.id,
        program_id=row.program_id,
        patient_id=row.patient_id,
        episode_id=row.episode_id,
        kind=row.kind,
        occurred_on=row.occurred_on,
        particulars=row.particulars,
        recorded_at=row.recorded_at,
    )
