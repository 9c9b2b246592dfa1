"""The SQL of relationships. What shows that one exists stays sealed here."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, Uuid, bindparam, insert, or_, select, update

from service.ids import PatientId, RecipientId
from service.people.recipient import RelationshipKind
from service.store.tables.people import relationship
from service.store.types import Sealed
from service.vault.envelope import SealedTable

RELATIONSHIP_ROW: Final = SealedTable("relationship", ("evidence",))


@dataclass(frozen=True, slots=True)
class StoredRelationship:
    """A relationship row; what shows that it exists is sealed under the patient's key."""

    id: UUID
    program_id: UUID
    patient_id: PatientId
    kind: RelationshipKind
    account_id: UUID | None
    recipient_id: RecipientId | None
    starts_on: date
    ends_on: date | None
    evidence: Sealed
    version: int


_RELATIONSHIP = select(relationship).where(relationship.c.id == bindparam("id"))
_RELATIONSHIP_CHANGING = _RELATIONSHIP.with_for_update()
_RELATIONSHIPS = (
    select(relationship)
    .where(relationship.c.patient_id == bindparam("patient_id"))
    .order_by(relationship.c.id)
)
_PAGE = (
    select(relationship)
    .where(
        relationship.c.patient_id == bindparam("patient_id"),
        or_(bindparam("after", type_=Uuid()).is_(None), relationship.c.id > bindparam("after", type_=Uuid())),
    )
    .order_by(relationship.c.id)
    .limit(bindparam("at_most"))
)
_ADD_RELATIONSHIP = insert(relationship)
_END_RELATIONSHIP = (
    update(relationship)
    .where(relationship.c.id == bindparam("the_id"))
    .values(
        ends_on=bindparam("last_day"),
        evidence=bindparam("new_evidence"),
        version=bindparam("new_version"),
        entry_id=bindparam("entry"),
    )
)
_ON_DAY = (
    relationship.c.starts_on <= bindparam("on"),
    or_(relationship.c.ends_on.is_(None), relationship.c.ends_on >= bindparam("on")),
)
_KINDS = (
    select(relationship.c.kind)
    .where(
        relationship.c.patient_id == bindparam("patient_id"),
        relationship.c.recipient_id == bindparam("recipient_id"),
        *_ON_DAY,
    )
    .with_for_update(read=True)
)


_CASELOAD = (
    select(relationship)
    .where(
        relationship.c.account_id == bindparam("account_id"),
        relationship.c.kind == RelationshipKind.STAFF.value,
        *_ON_DAY,
    )
    .order_by(relationship.c.id)
    .limit(2000)  # a caseload is dozens of people; a page is cut from it by name
)


def staff_relation(patient_id: ColumnElement[UUID]) -> Select[tuple[UUID]]:
    """Whether the account `account_id` works with that patient on the day `on`: its row, locked. One rule for the
    question by itself and for statements that ask it of a row they read (as a lateral join).
    """
    return (
        select(relationship.c.id)
        .where(
            relationship.c.patient_id == patient_id,
            relationship.c.account_id == bindparam("account_id"),
            relationship.c.kind == RelationshipKind.STAFF.value,
            *_ON_DAY,
        )
        .limit(1)
        .with_for_update(read=True)
    )


_STAFF = staff_relation(bindparam("patient_id"))


def insert_relationship(db: Connection, stored: StoredRelationship, now: datetime, entry_id: UUID) -> None:
    db.execute(
        _ADD_RELATIONSHIP,
        {
            "id": stored.id,
            "program_id": stored.program_id,
            "patient_id": stored.patient_id,
            "kind": stored.kind.value,
            "account_id": stored.account_id,
            "recipient_id": stored.recipient_id,
            "starts_on": stored.starts_on,
            "ends_on": stored.ends_on,
            "evidence": stored.evidence,
            "version": stored.version,
            "created_at": now,
            "entry_id": entry_id,
        },
    )


def relationship_by_id(db: Connection, relationship_id: UUID) -> StoredRelationship | None:
    row = db.execute(_RELATIONSHIP, {"id": relationship_id}).one_or_none()
    return None if row is None else _relationship(row)


def relationship_for_update(db: Connection, relationship_id: UUID) -> StoredRelationship | None:
    row = db.execute(_RELATIONSHIP_CHANGING, {"id": relationship_id}).one_or_none()
    return None if row is None else _relationship(row)


def relationships(db: Connection, patient_id: UUID) -> list[StoredRelationship]:
    """All relationships ever recorded for a patient, oldest first."""
    return [_relationship(row) for row in db.execute(_RELATIONSHIPS, {"patient_id": patient_id})]


def relationships_page(
    db: Connection, patient_id: UUID, after: UUID | None, at_most: int
) -> list[StoredRelationship]:
    """The same by pages."""
    parameters = {"patient_id": patient_id, "after": after, "at_most": at_most}
    return [_relationship(row) for row in db.execute(_PAGE, parameters)]


def caseload(db: Connection, account_id: UUID, on: date) -> list[StoredRelationship]:
    """The staff relationships of one account in force on a day, oldest first."""
    return [_relationship(row) for row in db.execute(_CASELOAD, {"account_id": account_id, "on": on})]


def end_relationship(
    db: Connection, relationship_id: UUID, *, last_day: date, evidence: Sealed, version: int, entry_id: UUID
) -> None:
    """Set the last day; `evidence` is sealed anew for `version`."""
    db.execute(
        _END_RELATIONSHIP,
        {
            "the_id": relationship_id,
            "last_day": last_day,
            "new_evidence": evidence,
            "new_version": version,
            "entry": entry_id,
        },
    )


def kinds_between(
    db: Connection, patient_id: UUID, recipient_id: UUID, on: date
) -> frozenset[RelationshipKind]:
    """Kinds of relationship in force on a day, locked until the transaction ends."""
    parameters = {"patient_id": patient_id, "recipient_id": recipient_id, "on": on}
    return frozenset(RelationshipKind(kind) for kind in db.execute(_KINDS, parameters).scalars())


def staff_related(db: Connection, patient_id: UUID, account_id: UUID, on: date) -> bool:
    """Whether a member of staff works with the patient on a day; the row found is locked."""
    parameters = {"patient_id": patient_id, "account_id": account_id, "on": on}
    return db.execute(_STAFF, parameters).first() is not None


def _relationship(row: Row[Any]) -> StoredRelationship:
    return StoredRelationship(
        id=row.id,
        program_id=row.program_id,
        patient_id=PatientId(row.patient_id),
        kind=RelationshipKind(row.kind),
        account_id=row.account_id,
        recipient_id=None if row.recipient_id is None else RecipientId(row.recipient_id),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        evidence=row.evidence,
        version=row.version,
    )
