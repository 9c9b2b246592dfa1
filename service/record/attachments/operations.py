"""Attachments: added, listed, read, marked as entered in error.

They are papers beside the record, not record items: no disclosure reaches them, and their content is read only by who
works with the patient. Nothing about one is ever changed but its state.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.errors import Code, Conflict, FieldError, Invalid, Stale
from service.ids import new_id
from service.people.facts import patient_facts
from service.record.attachments import records
from service.record.attachments.content import AttachmentKind, AttachmentState, SubjectKind, media_type_of
from service.record.attachments.records import StoredAttachment
from service.record.attachments.sealing import (
    Attachment,
    open_attachment,
    open_content,
    sealed_attachment,
)
from service.work import Json, Loaded, Work

KIND: Final = "attachment"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NewAttachment:
    """A paper as it comes. `claimed` is the media type its sender says it has."""

    kind: AttachmentKind
    claimed: str
    content: bytes
    title: str = ""
    subject_kind: SubjectKind | None = None
    subject_id: UUID | None = None


@dataclass(frozen=True, slots=True, repr=False)
class AttachmentPage:
    """Newest first."""

    attachments: tuple[Attachment, ...]
    more: bool


def add_attachment(work: Work, patient_id: UUID, new: NewAttachment) -> Attachment:
    """Keep a paper; BadRequest when its content is not an acceptable file of the type it is said to be."""
    work.authorised(Action.ATTACHMENT_ADD, _patient(patient_id))
    media_type = media_type_of(new.claimed, new.content)
    _check_subject(work, patient_id, new)
    added = Attachment(
        id=new_id(work.now),
        patient_id=patient_id,
        kind=new.kind,
        media_type=media_type,
        size=len(new.content),
        subject_kind=new.subject_kind,
        subject_id=new.subject_id,
        state=AttachmentState.KEPT,
        version=1,
        title=new.title,
        sha256=hashlib.sha256(new.content).hexdigest(),
        added_by=work.caller.account_id,
        added_at=work.now,
    )
    stored, content = sealed_attachment(work, added, new.content)
    records.insert_attachment(work.db, stored, content, work.entry_id)
    _note(work, Action.ATTACHMENT_ADD, added)
    return added


def mark_attachment_error(work: Work, attachment_id: UUID, reason: str) -> Attachment:
    """Kept, and shown as entered in error; who may add may say that something was added wrongly."""
    stored = work.authorised(Action.ATTACHMENT_ADD, _attachment(attachment_id, lock=True))
    before = open_attachment(work, stored)
    if before.state is not AttachmentState.KEPT:
        raise Conflict(
            Code.TRANSITION_REFUSED, "This attachment is marked already.", state=before.state.value
        )
    content = open_content(work, stored, before, records.content_of(work.db, stored.id))
    marked = replace(
        before, state=AttachmentState.ENTERED_IN_ERROR, version=before.version + 1, error_reason=reason
    )
    row, sealed = sealed_attachment(work, marked, content)
    if not records.replace_attachment(work.db, row, sealed, work.entry_id):
        raise Stale(Code.VERSION_STALE, "Somebody changed this attachment since you read it.")
    _note(work, Action.ATTACHMENT_ADD, marked)
    return marked


def read_attachment(work: Work, attachment_id: UUID) -> Attachment:
    """What there is to say about a paper, without its content."""
    stored = work.authorised(Action.ATTACHMENT_LIST, _attachment(attachment_id))
    found = open_attachment(work, stored)
    _note(work, Action.ATTACHMENT_LIST, found)
    return found


def read_content(work: Work, attachment_id: UUID) -> tuple[Attachment, bytes]:
    """A paper with its bytes as they came, checked against the hash they came with."""
    stored = work.authorised(Action.ATTACHMENT_READ, _attachment(attachment_id))
    found = open_attachment(work, stored)
    content = open_content(work, stored, found, records.content_of(work.db, stored.id))
    _note(work, Action.ATTACHMENT_READ, found)
    return found, content


def list_attachments(work: Work, patient_id: UUID, *, before: UUID | None, at_most: int) -> AttachmentPage:
    """A patient's papers, newest first; no content is opened."""
    work.authorised(Action.ATTACHMENT_LIST, _patient(patient_id))
    page = records.attachments_page(work.db, patient_id, before, at_most + 1)
    found = tuple(open_attachment(work, stored) for stored in page[:at_most])
    work.record(
        action=Action.ATTACHMENT_LIST,
        object_kind=KIND,
        object_id=None,
        patient_id=patient_id,
        detail={"listed": [str(one.id) for one in found]},
    )
    return AttachmentPage(found, more=len(page) > at_most)


# -- inside ------------------------------------------------------------------------------------------------


def _check_subject(work: Work, patient_id: UUID, new: NewAttachment) -> None:
    if new.subject_kind is None and new.subject_id is None:
        return
    known = (
        new.subject_kind is not None
        and new.subject_id is not None
        and records.patient_of_subject(work.db, new.subject_kind, new.subject_id) == patient_id
    )
    if not known:
        fault = FieldError("subject_id", "unknown", "Not a consent, or not evidence, of this patient.")
        raise Invalid(Code.INVALID_REQUEST, "The attachment cannot belong to that.", [fault])


def _patient(patient_id: UUID) -> Callable[[Work], Loaded[None] | None]:
    def load(work: Work) -> Loaded[None] | None:
        facts = patient_facts(work, patient_id)
        return None if facts is None else Loaded(None, facts, KIND, None, patient_id=patient_id)

    return load


def _attachment(
    attachment_id: UUID, *, lock: bool = False
) -> Callable[[Work], Loaded[StoredAttachment] | None]:
    def load(work: Work) -> Loaded[StoredAttachment] | None:
        stored = records.attachment_by_id(work.db, attachment_id, lock=lock)
        facts = None if stored is None else patient_facts(work, stored.patient_id)
        if stored is None or facts is None:
            return None
        named = replace(facts, kind=stored.kind.value, state=stored.state.value)
        return Loaded(stored, named, KIND, stored.id, patient_id=stored.patient_id)

    return load


def _note(work: Work, action: Action, attachment: Attachment) -> None:
    """Kind, type and size in the clear; the content as a keyed hash of its hash."""
    subject = attachment.subject_kind
    detail: dict[str, Json] = {
        "kind": attachment.kind.value,
        "media_type": attachment.media_type.value,
        "size": attachment.size,
        "state": attachment.state.value,
        "subject": None if subject is None else f"{subject.value}/{attachment.subject_id}",
    }
    work.record(
        action=action,
        object_kind=KIND,
        object_id=attachment.id,
        object_version=attachment.version,
        patient_id=attachment.patient_id,
        detail=detail,
        payload=attachment.sha256,
    )
