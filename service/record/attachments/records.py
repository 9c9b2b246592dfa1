"""The only SQL of attachments. Content and description stay sealed here; a list never reads the content."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Uuid, bindparam, insert, or_, select, update

from service.record.attachments.content import AttachmentKind, AttachmentState, MediaType, SubjectKind
from service.store.tables.consent import consent
from service.store.tables.evidence import evidence
from service.store.tables.record import attachment
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable

ATTACHMENT_ROW: Final = SealedTable("attachment", ("content", "description"))


@dataclass(frozen=True, slots=True, repr=False)
class StoredAttachment:
    """An attachment row without its content."""

    id: UUID
    program_id: UUID
    patient_id: UUID
    kind: AttachmentKind
    media_type: MediaType
    size: int
    subject_kind: SubjectKind | None
    subject_id: UUID | None
    state: AttachmentState
    version: int
    description: Sealed
    added_by: UUID
    added_at: datetime

    @property
    def key(self) -> RowKey:
        """Where the sealed columns belong."""
        return RowKey(self.program_id, self.id, self.version, self.patient_id)


_COLUMNS = [column for column in attachment.c if column.name not in ("content", "entry_id")]
_ALL = select(*_COLUMNS)
_ONE = _ALL.where(attachment.c.id == bindparam("id")).with_for_update(read=True)
_ONE_CHANGING = _ALL.where(attachment.c.id == bindparam("id")).with_for_update()
_CONTENT = select(attachment.c.content).where(attachment.c.id == bindparam("id"))
_PAGE = (
    _ALL.where(
        attachment.c.patient_id == bindparam("patient_id"),
        or_(bindparam("before", type_=Uuid()).is_(None), attachment.c.id < bindparam("before", type_=Uuid())),
    )
    .order_by(attachment.c.id.desc())
    .limit(bindparam("at_most"))
)
_ADD = insert(attachment)
_CHANGE = (
    update(attachment)
    .where(attachment.c.id == bindparam("the_id"), attachment.c.version == bindparam("old_version"))
    .values(
        state=bindparam("new_state"),
        version=bindparam("new_version"),
        content=bindparam("new_content"),
        description=bindparam("new_description"),
        entry_id=bindparam("new_entry"),
    )
)
_SUBJECTS = {
    SubjectKind.CONSENT: select(consent.c.patient_id).where(consent.c.id == bindparam("id")),
    SubjectKind.EVIDENCE: select(evidence.c.patient_id).where(evidence.c.id == bindparam("id")),
}


def attachment_by_id(db: Connection, attachment_id: UUID, *, lock: bool) -> StoredAttachment | None:
    """The row, locked for a change, or shared until the transaction ends."""
    row = db.execute(_ONE_CHANGING if lock else _ONE, {"id": attachment_id}).one_or_none()
    return None if row is None else _stored(row)


def content_of(db: Connection, attachment_id: UUID) -> Sealed:
    """The sealed content of a row that is locked already."""
    return db.execute(_CONTENT, {"id": attachment_id}).scalar_one()


def attachments_page(
    db: Connection, patient_id: UUID, before: UUID | None, at_most: int
) -> Sequence[StoredAttachment]:
    """Newest first."""
    rows = db.execute(_PAGE, {"patient_id": patient_id, "before": before, "at_most": at_most}).all()
    return [_stored(row) for row in rows]


def patient_of_subject(db: Connection, kind: SubjectKind, subject_id: UUID) -> UUID | None:
    """Whose consent or evidence this is; None when it is nobody's or is not there."""
    return db.execute(_SUBJECTS[kind], {"id": subject_id}).scalar_one_or_none()


def insert_attachment(db: Connection, stored: StoredAttachment, content: Sealed, entry_id: UUID) -> None:
    db.execute(
        _ADD,
        {
            "id": stored.id,
            "program_id": stored.program_id,
            "patient_id": stored.patient_id,
            "kind": stored.kind.value,
            "media_type": stored.media_type.value,
            "size": stored.size,
            "subject_kind": None if stored.subject_kind is None else stored.subject_kind.value,
            "subject_id": stored.subject_id,
            "state": stored.state.value,
            "version": stored.version,
            "content": content,
            "description": stored.description,
            "added_by": stored.added_by,
            "added_at": stored.added_at,
            "entry_id": entry_id,
        },
    )


def replace_attachment(db: Connection, stored: StoredAttachment, content: Sealed, entry_id: UUID) -> bool:
    """The row in its new state, all sealed for its new version; False when it is no longer at the one before."""
    changed = db.execute(
        _CHANGE,
        {
            "the_id": stored.id,
            "old_version": stored.version - 1,
            "new_state": stored.state.value,
            "new_version": stored.version,
            "new_content": content,
            "new_description": stored.description,
            "new_entry": entry_id,
        },
    )
    return changed.rowcount == 1


def _stored(row: Any) -> StoredAttachment:
    return StoredAttachment(
        id=row.id,
        program_id=row.program_id,
        patient_id=row.patient_id,
        kind=AttachmentKind(row.kind),
        media_type=MediaType(row.media_type),
        size=row.size,
        subject_kind=None if row.subject_kind is None else SubjectKind(row.subject_kind),
        subject_id=row.subject_id,
        state=AttachmentState(row.state),
        version=row.version,
        description=row.description,
        added_by=row.added_by,
        added_at=row.added_at,
    )
