"""The SQL of relationships. What shows that one exists stays sealed here."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, Uuid, bindparam, insert, or_, select

from service.ids import PatientId, RecipientId
from service.people.recipient import RelationshipKind
from service.store.rowcodes import change_row, check, coded, verified, with_code
from service.store.standing import newest_version, refuse_older
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


#: A relationship, and the newest version of it that the trail knows.
_KNOWN = select(relationship, newest_version(relationship.c.id).label("newest"))
_RELATIONSHIP = _KNOWN.where(relationship.c.id == bindparam("id"))
_RELATIONSHIP_CHANGING = _RELATIONSHIP.with_for_update()
_RELATIONSHIPS = _KNOWN.where(relationship.c.patient_id == bindparam("patient_id")).order_by(
    relationship.c.id
)
_PAGE = (
    _KNOWN.where(
        relationship.c.patient_id == bindparam("patient_id"),
        or_(bindparam("after", type_=Uuid()).is_(None), relationship.c.id > bindparam("after", type_=Uuid())),
    )
    .order_by(relationship.c.id)
    .limit(bindparam("at_most"))
)
_ADD_RELATIONSHIP = insert(relationship)
_ON_DAY = (
    relationship.c.starts_on <= bindparam("on"),
    or_(relationship.c.ends_on.is_(None), relationship.c.ends_on >= bindparam("on")),
)
_KINDS = _KNOWN.where(
    relationship.c.patient_id == bindparam("patient_id"),
    relationship.c.recipient_id == bindparam("recipient_id"),
    *_ON_DAY,
).with_for_update(read=True)


_CASELOAD = (
    _KNOWN.where(
        relationship.c.account_id == bindparam("account_id"),
        relationship.c.kind == RelationshipKind.STAFF.value,
        *_ON_DAY,
    )
    .order_by(relationship.c.id)
    .limit(2000)  # a caseload is dozens of people; a page is cut from it by name
)


#: The columns of a relationship beside those of another row, and what the trail knows of it.
_BESIDE: Final = {column.name: f"relation_{column.name}" for column in with_code(relationship)}
_NEWEST: Final = "relation_newest"


def staff_relation(patient_id: ColumnElement[UUID]) -> Select[Any]:
    """Whether the account `account_id` works with that patient on the day `on`: its row, locked. One rule for the
    question by itself and for statements that ask it of a row they read (as a lateral join).
    """
    return (
        select(
            *(column.label(_BESIDE[column.name]) for column in with_code(relationship)),
            newest_version(relationship.c.id).label(_NEWEST),
        )
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
    values = {
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
    }
    db.execute(_ADD_RELATIONSHIP, coded(db, relationship, values))


def relationship_by_id(db: Connection, relationship_id: UUID) -> StoredRelationship | None:
    row = db.execute(_RELATIONSHIP, {"id": relationship_id}).one_or_none()
    return None if row is None else _relationship(db, row)


def relationship_for_update(db: Connection, relationship_id: UUID) -> StoredRelationship | None:
    row = db.execute(_RELATIONSHIP_CHANGING, {"id": relationship_id}).one_or_none()
    return None if row is None else _relationship(db, row)


def relationships(db: Connection, patient_id: UUID) -> list[StoredRelationship]:
    """All relationships ever recorded for a patient, oldest first."""
    return [_relationship(db, row) for row in db.execute(_RELATIONSHIPS, {"patient_id": patient_id})]


def relationships_page(
    db: Connection, patient_id: UUID, after: UUID | None, at_most: int
) -> list[StoredRelationship]:
    """The same by pages."""
    parameters = {"patient_id": patient_id, "after": after, "at_most": at_most}
    return [_relationship(db, row) for row in db.execute(_PAGE, parameters)]


def caseload(db: Connection, account_id: UUID, on: date) -> list[StoredRelationship]:
    """The staff relationships of one account in force on a day, oldest first."""
    return [_relationship(db, row) for row in db.execute(_CASELOAD, {"account_id": account_id, "on": on})]


def end_relationship(
    db: Connection, relationship_id: UUID, *, last_day: date, evidence: Sealed, version: int, entry_id: UUID
) -> None:
    """Set the last day; `evidence` is sealed anew for `version`."""
    changes = {"ends_on": last_day, "evidence": evidence, "version": version, "entry_id": entry_id}
    change_row(db, relationship, {"id": relationship_id}, changes)


def kinds_between(
    db: Connection, patient_id: UUID, recipient_id: UUID, on: date
) -> frozenset[RelationshipKind]:
    """Kinds of relationship in force on a day, locked until the transaction ends."""
    parameters = {"patient_id": patient_id, "recipient_id": recipient_id, "on": on}
    return frozenset(_relationship(db, row).kind for row in db.execute(_KINDS, parameters))


def staff_related(db: Connection, patient_id: UUID, account_id: UUID, on: date) -> bool:
    """Whether a member of staff works with the patient on a day; the row found is locked."""
    parameters = {"patient_id": patient_id, "account_id": account_id, "on": on}
    found = db.execute(_STAFF, parameters).first()
    return found is not None and related_by(db, found)


def related_by(db: Connection, row: Any) -> bool:
    """What `staff_relation` found beside this row: true for a relationship that is as it was last written."""
    if row.relation_id is None:
        return False
    check(db, relationship, {name: getattr(row, beside) for name, beside in _BESIDE.items()})
    refuse_older(row.relation_version, row.relation_newest)
    return True


def _relationship(db: Connection, row: Row[Any]) -> StoredRelationship:
    verified(db, relationship, row)
    refuse_older(row.version, row.newest)
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
