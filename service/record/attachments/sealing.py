"""The sealed half of an attachment: the bytes, and a description that holds their hash and the clear columns.

Content and description are two envelopes; the hash in the one ties it to the other. A clear column that is not what it
was (a court order renamed an identity paper, a mark of error taken off) makes the row one that does not open.
"""

import base64
import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from service.errors import IntegrityError
from service.record.attachments.content import AttachmentKind, AttachmentState, MediaType, SubjectKind
from service.record.attachments.records import ATTACHMENT_ROW, StoredAttachment
from service.store.types import Sealed
from service.work import Json, Work


@dataclass(frozen=True, slots=True, repr=False)
class Attachment:
    """An attachment without its content. `sha256` is that of the bytes as they came, hexadecimal."""

    id: UUID
    patient_id: UUID
    kind: AttachmentKind
    media_type: MediaType
    size: int
    subject_kind: SubjectKind | None
    subject_id: UUID | None
    state: AttachmentState
    version: int
    title: str
    sha256: str
    added_by: UUID
    added_at: datetime
    error_reason: str = ""


def sealed_attachment(work: Work, attachment: Attachment, content: bytes) -> tuple[StoredAttachment, Sealed]:
    """The row at the attachment's version, and its content, sealed for it."""
    stored = StoredAttachment(
        id=attachment.id,
        program_id=work.caller.program_id,
        patient_id=attachment.patient_id,
        kind=attachment.kind,
        media_type=attachment.media_type,
        size=attachment.size,
        subject_kind=attachment.subject_kind,
        subject_id=attachment.subject_id,
        state=attachment.state,
        version=attachment.version,
        description=Sealed(b""),
        added_by=attachment.added_by,
        added_at=attachment.added_at,
    )
    description: dict[str, Json] = {
        "of": _clear(stored),
        "title": attachment.title,
        "sha256": attachment.sha256,
        "error_reason": attachment.error_reason,
    }
    values: dict[str, Json] = {
        "content": base64.b64encode(content).decode("ascii"),
        "description": description,
    }
    sealed = work.seal(ATTACHMENT_ROW, stored.key, values)
    return replace(stored, description=sealed["description"]), sealed["content"]


def open_attachment(work: Work, stored: StoredAttachment) -> Attachment:
    """Raises IntegrityError when the description is not what was sealed for this row as it stands."""
    opened: Any = work.open(ATTACHMENT_ROW, stored.key, {"description": stored.description})["description"]
    if opened["of"] != _clear(stored):
        raise IntegrityError
    return Attachment(
        id=stored.id,
        patient_id=stored.patient_id,
        kind=stored.kind,
        media_type=stored.media_type,
        size=stored.size,
        subject_kind=stored.subject_kind,
        subject_id=stored.subject_id,
        state=stored.state,
        version=stored.version,
        title=opened["title"],
        sha256=opened["sha256"],
        added_by=stored.added_by,
        added_at=stored.added_at,
        error_reason=opened["error_reason"],
    )


def open_content(work: Work, stored: StoredAttachment, attachment: Attachment, sealed: Sealed) -> bytes:
    """The bytes as they came. Raises IntegrityError when they are not those the description speaks of."""
    opened: Any = work.open(ATTACHMENT_ROW, stored.key, {"content": sealed})["content"]
    content = base64.b64decode(opened, validate=True)
    if hashlib.sha256(content).hexdigest() != attachment.sha256 or len(content) != attachment.size:
        raise IntegrityError
    return content


def _clear(stored: StoredAttachment) -> list[Json]:
    """The clear columns, in one order."""
    return [
        stored.kind.value,
        stored.media_type.value,
        stored.size,
        None if stored.subject_kind is None else stored.subject_kind.value,
        None if stored.subject_id is None else str(stored.subject_id),
        stored.state.value,
        str(stored.added_by),
        stored.added_at.astimezone(UTC).isoformat(),
    ]
