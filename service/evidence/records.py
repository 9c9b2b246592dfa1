"""The only SQL of evidence. What a paper says stays sealed here.

A row's version is 1 when recorded and grows with its state; the row that names a recipient is never changed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Select, Uuid, bindparam, func, insert, or_, select, update

from service.evidence.model import EvidenceKind, EvidenceState
from service.store.tables.evidence import evidence, evidence_recipient
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable

EVIDENCE_ROW: Final = SealedTable("evidence", ("particulars",))


class Lock(Enum):
    """How a row is read: shared by who rests a decision on it, for update by who changes it."""

    NONE = "none"
    SHARE = "share"
    UPDATE = "update"


@dataclass(frozen=True, slots=True, repr=False)
class StoredEvidence:
    """An evidence row, sealed, with the recipients its own rows name."""

    id: UUID
    program_id: UUID
    patient_id: UUID | None
    kind: EvidenceKind
    state: EvidenceState
    version: int
    starts_on: date
    ends_on: date | None
    particulars: Sealed
    recorded_by: UUID
    recorded_at: datetime
    signed_off_by: UUID | None
    signed_off_at: datetime | None
    changed_at: datetime
    recipients: frozenset[UUID]

    @property
    def key(self) -> RowKey:
        """Where the sealed column belongs; an agreement is sealed with the program's key."""
        return RowKey(self.program_id, self.id, self.version, self.patient_id)


_NAMED = (
    select(func.array_agg(evidence_recipient.c.recipient_id))
    .where(evidence_recipient.c.evidence_id == evidence.c.id)
    .scalar_subquery()
    .label("recipients")
)
_ALL = select(evidence, _NAMED)


def _locked(statement: Select[Any]) -> dict[Lock, Select[Any]]:
    return {
        Lock.NONE: statement,
        Lock.SHARE: statement.with_for_update(read=True, of=evidence),
        Lock.UPDATE: statement.with_for_update(of=evidence),
    }


_ONE = _locked(_ALL.where(evidence.c.id == bindparam("id")))
_KIND = select(evidence.c.kind).where(evidence.c.id == bindparam("id"))
_BEFORE = or_(bindparam("before", type_=Uuid()).is_(None), evidence.c.id < bindparam("before", type_=Uuid()))
_OF_PATIENT = (
    _ALL.where(evidence.c.patient_id == bindparam("patient_id"), _BEFORE)
    .order_by(evidence.c.id.desc())
    .limit(bindparam("at_most"))
)
_AGREEMENTS = (
    _ALL.where(evidence.c.patient_id.is_(None), _BEFORE)
    .order_by(evidence.c.id.desc())
    .limit(bindparam("at_most"))
)
_WITH_RECIPIENT = evidence.c.id.in_(
    select(evidence_recipient.c.evidence_id).where(
        evidence_recipient.c.recipient_id == bindparam("recipient_id")
    )
)
_AGREEMENTS_WITH = _AGREEMENTS.where(_WITH_RECIPIENT)
_AGREEMENTS_FOR = (
    _ALL.where(evidence.c.patient_id.is_(None), _WITH_RECIPIENT)
    .order_by(evidence.c.id)
    .with_for_update(read=True, of=evidence)
)
_ADD = insert(evidence)
_NAME = insert(evidence_recipient)
_CHANGE = (
    update(evidence)
    .where(evidence.c.id == bindparam("the_id"), evidence.c.version == bindparam("old_version"))
    .values(
        state=bindparam("new_state"),
        version=bindparam("new_version"),
        particulars=bindparam("new_particulars"),
        signed_off_by=bindparam("new_signed_off_by"),
        signed_off_at=bindparam("new_signed_off_at"),
        changed_at=bindparam("new_changed_at"),
        entry_id=bindparam("new_entry"),
    )
)


def evidence_by_id(db: Connection, evidence_id: UUID, lock: Lock) -> StoredEvidence | None:
    """Locked until the transaction ends, as asked."""
    row = db.execute(_ONE[lock], {"id": evidence_id}).one_or_none()
    return None if row is None else _stored(row)


def kind_of(db: Connection, evidence_id: UUID) -> str | None:
    """The kind alone, which never changes: it says which act signing off is."""
    return db.execute(_KIND, {"id": evidence_id}).scalar_one_or_none()


def evidence_of_patient(
    db: Connection, patient_id: UUID, before: UUID | None, at_most: int
) -> Sequence[StoredEvidence]:
    """Newest first."""
    given = {"patient_id": patient_id, "before": before, "at_most": at_most}
    return [_stored(row) for row in db.execute(_OF_PATIENT, given).all()]


def agreements(
    db: Connection, recipient_id: UUID | None, before: UUID | None, at_most: int
) -> Sequence[StoredEvidence]:
    """Agreements of the program, newest first: all, or those that name a recipient."""
    given = {"before": before, "at_most": at_most}
    if recipient_id is None:
        return [_stored(row) for row in db.execute(_AGREEMENTS, given).all()]
    return [
        _stored(row) for row in db.execute(_AGREEMENTS_WITH, given | {"recipient_id": recipient_id}).all()
    ]


def agreements_naming(db: Connection, recipient_id: UUID) -> Sequence[StoredEvidence]:
    """All agreements that name a recipient, ended ones too, locked against change."""
    return [_stored(row) for row in db.execute(_AGREEMENTS_FOR, {"recipient_id": recipient_id}).all()]


def insert_evidence(db: Connection, stored: StoredEvidence, entry_id: UUID) -> None:
    """The row, and one for each recipient it names."""
    db.execute(
        _ADD,
        {
            "id": stored.id,
            "program_id": stored.program_id,
            "patient_id": stored.patient_id,
            "kind": stored.kind.value,
            "state": stored.state.value,
            "version": stored.version,
            "starts_on": stored.starts_on,
            "ends_on": stored.ends_on,
            "particulars": stored.particulars,
            "recorded_by": stored.recorded_by,
            "recorded_at": stored.recorded_at,
            "signed_off_by": stored.signed_off_by,
            "signed_off_at": stored.signed_off_at,
            "changed_at": stored.changed_at,
            "entry_id": entry_id,
        },
    )
    db.execute(_NAME, list(_named(stored, sorted(stored.recipients), entry_id)))


def replace_evidence(db: Connection, stored: StoredEvidence, entry_id: UUID) -> bool:
    """The row in its new state; False when it is no longer at the version before."""
    changed = db.execute(
        _CHANGE,
        {
            "the_id": stored.id,
            "old_version": stored.version - 1,
            "new_state": stored.state.value,
            "new_version": stored.version,
            "new_particulars": stored.particulars,
            "new_signed_off_by": stored.signed_off_by,
            "new_signed_off_at": stored.signed_off_at,
            "new_changed_at": stored.changed_at,
            "new_entry": entry_id,
        },
    )
    return changed.rowcount == 1


def _named(stored: StoredEvidence, recipients: Iterable[UUID], entry_id: UUID) -> Iterable[dict[str, UUID]]:
    for recipient_id in recipients:
        yield {
            "evidence_id": stored.id,
            "recipient_id": recipient_id,
            "program_id": stored.program_id,
            "entry_id": entry_id,
        }


def _stored(row: Any) -> StoredEvidence:
    return StoredEvidence(
        id=row.id,
        program_id=row.program_id,
        patient_id=row.patient_id,
        kind=EvidenceKind(row.kind),
        state=EvidenceState(row.state),
        version=row.version,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        particulars=row.particulars,
        recorded_by=row.recorded_by,
        recorded_at=row.recorded_at,
        signed_off_by=row.signed_off_by,
        signed_off_at=row.signed_off_at,
        changed_at=row.changed_at,
        recipients=frozenset(row.recipients or ()),
    )
