"""The SQL of lists of episodes: everybody in care by what is most pressing, whom to remind, whose plan to review."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Connection,
    Select,
    Uuid,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from service.people.episodes.records import StoredEpisode, episode_of_row
from service.store.tables.admission import care_plan, packet_item, placement
from service.store.tables.delivery import message
from service.store.tables.intake import safety_flag
from service.store.tables.people_care import episode

#: A flag somebody took waits like one nobody took.
_WAITING: Final = ("open", "taken")
# what a list of everybody is sorted by: an open flag, the sooner the earlier; then those not admitted yet, longest first
_NEVER: Final = datetime(9000, 1, 1, tzinfo=UTC)
_FLAG_DUE = (
    select(func.min(safety_flag.c.due_at))
    .where(safety_flag.c.patient_id == episode.c.patient_id, safety_flag.c.state.in_(_WAITING))
    .scalar_subquery()
)
_RANK = (
    func.coalesce(_FLAG_DUE, literal(_NEVER)),
    case((episode.c.state == "referred", 0), else_=1),
    episode.c.opened_on,
    episode.c.id,
)
_AFTER = select(*_RANK).where(episode.c.id == bindparam("after_id", type_=Uuid())).subquery()
_OPEN = (
    select(episode)
    .where(episode.c.program_id == bindparam("program_id"), episode.c.ended_on.is_(None))
    .order_by(*_RANK)
    .limit(bindparam("at_most"))
)
#: The row beside an episode's items that says how far its reminders have gone, and when to look again.
LADDER: Final = "reminders"
_LADDER = (
    select(packet_item.c.due_at)
    .where(packet_item.c.episode_id == episode.c.id, packet_item.c.item == LADDER)
    .scalar_subquery()
)
_TO_REMIND = (
    select(episode)
    .where(
        episode.c.program_id == bindparam("program_id"),
        episode.c.ended_on.is_(None),
        exists().where(
            message.c.patient_id == episode.c.patient_id,
            message.c.kind == "packet_link",
            message.c.state != "cancelled",
            message.c.created_at <= bindparam("sent_before"),
        ),
        or_(_LADDER.is_(None), bindparam("now") >= _LADDER),
    )
    .order_by(_LADDER.asc().nulls_first(), episode.c.id)
    .limit(bindparam("at_most"))
)
_TO_REVIEW = (
    select(episode)
    .join(care_plan, care_plan.c.episode_id == episode.c.id)
    .where(
        episode.c.program_id == bindparam("program_id"),
        episode.c.ended_on.is_(None),
        care_plan.c.status == "active",
        care_plan.c.review_on <= bindparam("today"),
        exists().where(placement.c.episode_id == episode.c.id, placement.c.state == "signed"),
    )
    .order_by(care_plan.c.review_on.desc(), episode.c.id)
    .limit(bindparam("at_most"))
)
_OPEN_AFTER = _OPEN.where(tuple_(*_RANK) > select(*_AFTER.c).scalar_subquery())


def open_episodes(
    db: Connection, program_id: UUID, after: UUID | None, at_most: int
) -> Sequence[StoredEpisode]:
    """Open episodes of the program, an open safety flag first, from the one after `after`."""
    parameters: dict[str, Any] = {"program_id": program_id, "at_most": at_most}
    if after is None:
        return _episodes(db, _OPEN, parameters)
    return _episodes(db, _OPEN_AFTER, parameters | {"after_id": after})


def to_be_reminded(
    db: Connection, program_id: UUID, *, now: datetime, sent_before: datetime, at_most: int
) -> Sequence[StoredEpisode]:
    """Open episodes of patients to whom a link went long enough ago, those looked at longest ago first."""
    parameters = {"program_id": program_id, "now": now, "sent_before": sent_before, "at_most": at_most}
    return _episodes(db, _TO_REMIND, parameters)


def to_be_reviewed(db: Connection, program_id: UUID, today: date, at_most: int) -> Sequence[StoredEpisode]:
    """Open episodes with a placement in force whose care plan is due for review, those due last first."""
    return _episodes(db, _TO_REVIEW, {"program_id": program_id, "today": today, "at_most": at_most})


def _episodes(db: Connection, statement: Select[Any], parameters: dict[str, Any]) -> Sequence[StoredEpisode]:
    return [episode_of_row(row) for row in db.execute(statement, parameters).all()]
