"""The SQL of patients in care whom nobody of the staff is assigned to."""

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Uuid, bindparam, exists, or_, select

from service.people.recipient import RelationshipKind
from service.store.tables.people import relationship
from service.store.tables.people_care import episode

_UNASSIGNED: Final = (
    select(episode.c.id, episode.c.patient_id, episode.c.unit, episode.c.state, episode.c.opened_on)
    .where(
        episode.c.program_id == bindparam("program_id"),
        episode.c.state.in_(("referred", "admitted", "stepped_down")),
        or_(bindparam("after", type_=Uuid()).is_(None), episode.c.id > bindparam("after", type_=Uuid())),
        ~exists().where(
            relationship.c.patient_id == episode.c.patient_id,
            relationship.c.kind == RelationshipKind.STAFF.value,
            relationship.c.starts_on <= bindparam("on"),
            or_(relationship.c.ends_on.is_(None), relationship.c.ends_on >= bindparam("on")),
        ),
    )
    .order_by(episode.c.id)
    .limit(bindparam("at_most"))
)


def unassigned(
    db: Connection, program_id: UUID, on: date, after: UUID | None, at_most: int
) -> list[tuple[UUID, UUID, str, str, date]]:
    """(episode, patient, unit, state, opened on) of open episodes without anybody of the staff, oldest first."""
    parameters = {"program_id": program_id, "on": on, "after": after, "at_most": at_most}
    return [
        (row.id, row.patient_id, row.unit, row.state, row.opened_on)
        for row in db.execute(_UNASSIGNED, parameters)
    ]
