"""Relationships: recorded with period and evidence, ended, never deleted."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from service.access.actions import Action
from service.access.caller import CallerKind
from service.errors import Code, FieldError, Invalid, Stale
from service.identity.model import AccountState
from service.identity.records import account_for_share
from service.ids import PatientId, RecipientId, new_id
from service.people.facts import load_patient, patient_facts, program_day
from service.people.recipient import (
    PEOPLE_OF,
    RecipientType,
    RelationshipKind,
    in_force,
)
from service.people.recipients.records import recipient_by_id
from service.people.records import patient_for_update
from service.people.relationships import records
from service.people.relationships.records import StoredRelationship
from service.people.relationships.roles import StaffRole, taken
from service.people.relationships.standing import evidence_of, role_of
from service.vault.envelope import RowKey
from service.work import Loaded, Work


@dataclass(frozen=True, slots=True, repr=False)
class NewRelationship:
    """A relationship to be recorded; `evidence` says how it is known."""

    kind: RelationshipKind
    starts_on: date
    evidence: str
    ends_on: date | None = None
    account_id: UUID | None = None
    recipient_id: UUID | None = None
    #: Of a member of staff.
    role: StaffRole | None = None


@dataclass(frozen=True, slots=True)
class Handover:
    """A patient goes from one member of staff to another on a day, with the role."""

    account_id: UUID
    on: date
    evidence: str


@dataclass(frozen=True, slots=True, repr=False)
class Relationship:
    """A recorded relationship, opened."""

    id: UUID
    patient_id: PatientId
    kind: RelationshipKind
    account_id: UUID | None
    recipient_id: RecipientId | None
    starts_on: date
    ends_on: date | None
    evidence: str
    version: int
    role: StaffRole | None = None


def record_relationship(work: Work, patient_id: UUID, new: NewRelationship) -> Relationship:
    """Say that somebody treats, pays for, or works with a patient, from a day on and how that is known."""
    work.authorised(Action.RELATIONSHIP_RECORD, lambda work: load_patient(work, patient_id, changing=True))
    _check(work, patient_id, new)
    return _add(work, patient_id, new)


def end_relationship(work: Work, relationship_id: UUID, version: int, ends_on: date) -> Relationship:
    """Set the last day of a relationship. It stays on record: what was lawful then must stay explainable."""
    stored = work.authorised(
        Action.RELATIONSHIP_RECORD, lambda work: _load(work, relationship_id, changing=True)
    )
    if stored.version != version:
        raise Stale(Code.VERSION_STALE, "Somebody changed this relationship since you read it.")
    if ends_on < stored.starts_on:
        raise _invalid("ends_on", "before_start", "The last day is not before the first.")
    return _end(work, stored, ends_on)


def hand_over(work: Work, relationship_id: UUID, to: Handover, *, version: int | None = None) -> Relationship:
    """Another member of staff takes over from a day on: the old relationship ends the day before (one that began that
    very day, on it), the new one has its role. One act, so that the patient is nobody's on no day.
    """
    stored = work.authorised(
        Action.RELATIONSHIP_RECORD, lambda work: _load(work, relationship_id, changing=True)
    )
    if version is not None and stored.version != version:
        raise Stale(Code.VERSION_STALE, "Somebody changed this relationship since you read it.")
    if stored.kind is not RelationshipKind.STAFF or not in_force(stored.starts_on, stored.ends_on, to.on):
        raise _invalid("on", "not_in_force", "What is handed over is a staff relationship of that day.")
    if stored.account_id == to.account_id:
        raise _invalid("account_id", "same", "Name another member of staff.")
    ended = _end(work, stored, max(stored.starts_on, to.on - timedelta(days=1)))
    new = NewRelationship(
        kind=RelationshipKind.STAFF,
        starts_on=to.on,
        evidence=to.evidence,
        ends_on=stored.ends_on,
        account_id=to.account_id,
        role=ended.role,
    )
    _check(work, stored.patient_id, new, but=stored.id)
    return _add(work, stored.patient_id, new)


def list_relationships(
    work: Work, patient_id: UUID, *, after: UUID | None, at_most: int
) -> tuple[tuple[Relationship, ...], bool]:
    """Everybody ever recorded around a patient, oldest first, and whether there are more."""
    work.authorised(Action.PATIENT_READ, lambda work: load_patient(work, patient_id))
    page = records.relationships_page(work.db, patient_id, after, at_most + 1)
    found = tuple(_relationship(work, stored) for stored in page[:at_most])
    work.record(
        action=Action.PATIENT_READ,
        object_kind="relationship",
        object_id=None,
        patient_id=patient_id,
        detail={"listed": len(found)},
    )
    return found, len(page) > at_most


def read_relationship(work: Work, relationship_id: UUID) -> Relationship:
    """One relationship of a patient whom the caller may read."""
    stored = work.authorised(Action.PATIENT_READ, lambda work: _load(work, relationship_id))
    work.record(
        action=Action.PATIENT_READ,
        object_kind="relationship",
        object_id=stored.id,
        object_version=stored.version,
        patient_id=stored.patient_id,
    )
    return _relationship(work, stored)


# -- inside ----------------------------------------------------------------------------------------


def _load(work: Work, relationship_id: UUID, *, changing: bool = False) -> Loaded[StoredRelationship] | None:
    """`changing` locks the patient, then the relationship: in the order in which decisions lock them."""
    stored = records.relationship_by_id(work.db, relationship_id)
    if stored is not None and changing:
        patient_for_update(work.db, stored.patient_id)
        stored = records.relationship_for_update(work.db, relationship_id)
    facts = None if stored is None else patient_facts(work, stored.patient_id)
    if stored is None or facts is None:
        return None
    return Loaded(stored, facts, "relationship", stored.id, patient_id=stored.patient_id)


def _add(work: Work, patient_id: UUID, new: NewRelationship) -> Relationship:
    row_id = new_id(work.now)
    row = RowKey(work.caller.program_id, row_id, 1, patient_id)
    said = {"note": new.evidence} | ({} if new.role is None else {"role": new.role.value})
    stored = StoredRelationship(
        id=row_id,
        program_id=work.caller.program_id,
        patient_id=PatientId(patient_id),
        kind=new.kind,
        account_id=new.account_id,
        recipient_id=None if new.recipient_id is None else RecipientId(new.recipient_id),
        starts_on=new.starts_on,
        ends_on=new.ends_on,
        evidence=work.seal(records.RELATIONSHIP_ROW, row, {"evidence": said})["evidence"],
        version=1,
    )
    records.insert_relationship(work.db, stored, work.now, work.entry_id)
    _record(work, stored, "recorded")
    return _relationship(work, stored)


def _end(work: Work, stored: StoredRelationship, ends_on: date) -> Relationship:
    row = RowKey(stored.program_id, stored.id, stored.version + 1, stored.patient_id)
    sealed = work.seal(records.RELATIONSHIP_ROW, row, {"evidence": evidence_of(work, stored)})["evidence"]
    ended = replace(stored, ends_on=ends_on, version=stored.version + 1, evidence=sealed)
    records.end_relationship(
        work.db,
        stored.id,
        last_day=ends_on,
        evidence=sealed,
        version=ended.version,
        entry_id=work.entry_id,
    )
    _record(work, ended, "ended")
    return _relationship(work, ended)


def _check(work: Work, patient_id: UUID, new: NewRelationship, *, but: UUID | None = None) -> None:
    if new.ends_on is not None and new.ends_on < new.starts_on:
        raise _invalid("ends_on", "before_start", "The last day is not before the first.")
    if new.starts_on > program_day(work):
        raise _invalid("starts_on", "in_the_future", "A relationship is recorded once it began.")
    if new.kind is RelationshipKind.STAFF:
        account = account_for_share(work.db, new.account_id) if new.account_id else None
        staff = account is not None and account.kind is CallerKind.STAFF
        if account is None or not staff or account.state is not AccountState.ACTIVE or new.recipient_id:
            raise _invalid("account_id", "unknown", "A staff relationship names a member of staff.")
        _check_role(work, patient_id, new, but)
        return
    if new.role is not None:
        raise _invalid("role", "not_applicable", "A role is that of a member of staff.")
    known = recipient_by_id(work.db, new.recipient_id) if new.recipient_id else None
    if known is None or new.account_id:
        raise _invalid("recipient_id", "unknown", "This relationship names a registered recipient.")
    if known.type is RecipientType.CLASS:
        raise _invalid("recipient_id", "class", "A class has members, it is not one.")
    people = PEOPLE_OF.get(new.kind)
    if people is not None and known.type not in people:
        raise _invalid("recipient_id", "not_a_person", "This relationship is with a person.")
    if people is not None and not new.evidence.strip():
        raise _invalid(
            "evidence", "missing", "Say on what the authority rests: which papers, of whom, of when."
        )


def _check_role(work: Work, patient_id: UUID, new: NewRelationship, but: UUID | None) -> None:
    """The patient is locked, so nobody becomes primary clinician meanwhile. `but`: the one who hands over."""
    if new.role is not StaffRole.PRIMARY_CLINICIAN:
        return
    others = [
        (role_of(work, one), one.starts_on, one.ends_on)
        for one in records.relationships(work.db, patient_id)
        if one.kind is RelationshipKind.STAFF and one.id != but
    ]
    if taken(new.role, new.starts_on, new.ends_on, others):
        raise _invalid("role", "taken", "There is a primary clinician; hand the patient over.")


def _record(work: Work, stored: StoredRelationship, change: str) -> None:
    work.record(
        action=Action.RELATIONSHIP_RECORD,
        object_kind="relationship",
        object_id=stored.id,
        object_version=stored.version,
        patient_id=stored.patient_id,
        recipient_id=stored.recipient_id,
        detail={
            "change": change,
            "kind": stored.kind.value,
            "account": None if stored.account_id is None else str(stored.account_id),
        },
    )


def _relationship(work: Work, stored: StoredRelationship) -> Relationship:
    return Relationship(
        id=stored.id,
        patient_id=stored.patient_id,
        kind=stored.kind,
        account_id=stored.account_id,
        recipient_id=stored.recipient_id,
        starts_on=stored.starts_on,
        ends_on=stored.ends_on,
        evidence=str(evidence_of(work, stored)["note"]),
        version=stored.version,
        role=role_of(work, stored),
    )


def _invalid(field: str, code: str, message: str) -> Invalid:
    return Invalid(
        Code.RELATIONSHIP_INVALID,
        "This relationship cannot be recorded as it is.",
        [FieldError(field, code, message)],
    )
