"""The SQL of patients whose search terms are not those of this version."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, Uuid, and_, bindparam, exists, func, or_, select

from service.ids import PatientId
from service.people.records import IndexedTerm
from service.store.tables.people import patient, patient_index

_LACKING = and_(
    patient.c.program_id == bindparam("program_id"),
    ~exists().where(
        patient_index.c.patient_id == patient.c.id,
        patient_index.c.name == bindparam("name"),
        patient_index.c.value == bindparam("value"),
    ),
)
_AFTER = bindparam("after", type_=Uuid())
_NEXT = (
    select(patient.c.id)
    .where(_LACKING, or_(_AFTER.is_(None), patient.c.id > _AFTER))
    .order_by(patient.c.id)
    .limit(bindparam("at_most"))
)
_HOW_MANY = select(func.count()).select_from(patient).where(_LACKING)


def patients_without(
    db: Connection, program_id: UUID, term: IndexedTerm, *, after: UUID | None, at_most: int
) -> Sequence[PatientId]:
    """Patients of the program who lack this term, by id, from the one after `after`."""
    asked = {"program_id": program_id, "name": term.index.value, "value": term.value}
    rows = db.execute(_NEXT, asked | {"after": after, "at_most": at_most}).all()
    return [PatientId(row.id) for row in rows]


def how_many_without(db: Connection, program_id: UUID, term: IndexedTerm) -> int:
    """How many patients of the program lack this term."""
    asked = {"program_id": program_id, "name": term.index.value, "value": term.value}
    return int(db.execute(_HOW_MANY, asked).scalar_one())
