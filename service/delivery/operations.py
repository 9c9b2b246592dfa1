"""Messages to patients: queued with the act that wants them, over a channel the patient called safe.

`queue` is for operations above whose own act is allowed already. What it writes is committed with that act or not at
all; sending is a job's work (sending.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from service.access.actions import Action
from service.access.program import Program
from service.delivery import records
from service.delivery.discretion import revealing_address
from service.delivery.model import (
    KIND_OF,
    PARAMETERS,
    Channel,
    MessageKind,
    MessageState,
    Outgoing,
    Queued,
    Reason,
    Unsendable,
)
from service.delivery.reaching import way_to
from service.delivery.records import StoredMessage
from service.errors import IntegrityError
from service.ids import new_id
from service.people.facts import load_patient
from service.people.patient import Event
from service.people.records import PATIENT_ROW, StoredPatient, events, patient_by_id
from service.store.types import Sealed
from service.vault.envelope import RowKey
from service.work import Json, Work

OBJECT = "message"


@dataclass(frozen=True, slots=True, repr=False)
class MessageView:
    """A message as staff see it: of the address only what tells two apart."""

    id: UUID
    patient_id: UUID
    kind: MessageKind
    template: str
    channel: Channel
    ending: str
    state: MessageState
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    settled_at: datetime | None
    subject_id: UUID | None


@dataclass(frozen=True, slots=True)
class MessagePage:
    """A page, newest first."""

    messages: tuple[MessageView, ...]
    more: bool


def queue(work: Work, wanted: Outgoing) -> Queued | Unsendable:
    """Write a message in this transaction, for an operation above whose act is allowed already. Unsendable writes
    nothing: the caller sees to it that somebody calls. ValueError: parameters that are not the template's.
    """
    if (
        frozenset(wanted.parameters) != PARAMETERS[wanted.template]
        or KIND_OF[wanted.template] is not wanted.kind
    ):
        raise ValueError("a message is of its template's kind and told exactly what its template lists")
    if reason := _unfit(work.program):
        return Unsendable(reason)
    stored = patient_by_id(work.db, wanted.patient_id)
    if is_deceased(work, wanted.patient_id):
        return Unsendable(Reason.DECEASED)
    way = None if stored is None else way_to(demographics(work, stored), work.now, work.program.zone)
    if way is None:
        return Unsendable(Reason.NO_SAFE_CHANNEL)
    message_id = new_id(work.now)
    entry_id = work.record(
        action=Action.MESSAGE_SEND,
        object_kind=OBJECT,
        object_id=message_id,
        object_version=1,
        patient_id=wanted.patient_id,
        detail={"state": "queued", "template": wanted.template.value, "channel": way.channel.value},
        beside=True,
    )
    made = StoredMessage(
        id=message_id,
        program_id=work.caller.program_id,
        patient_id=wanted.patient_id,
        kind=wanted.kind,
        channel=way.channel,
        state=MessageState.QUEUED,
        attempts=0,
        version=1,
        content=Sealed(b""),
        created_at=work.now,
        next_attempt_at=way.at,
        settled_at=None,
        subject_id=wanted.subject_id,
    )
    content: dict[str, Json] = {
        "to": way.address,
        "template": wanted.template.value,
        "parameters": dict(wanted.parameters),
        "provider_id": "",
    }
    records.insert_message(work.db, sealed(work, made, content), entry_id)
    return Queued(message_id)


def list_messages(work: Work, patient_id: UUID, before: UUID | None, at_most: int) -> MessagePage:
    """What was written to a patient, newest first; no address."""
    work.authorised(Action.MESSAGE_READ, lambda work: load_patient(work, patient_id))
    found = records.messages_page(work.db, patient_id, before, at_most + 1)
    work.record(
        action=Action.MESSAGE_READ,
        object_kind="patient",
        object_id=patient_id,
        patient_id=patient_id,
        detail={"listed": min(len(found), at_most)},
    )
    return MessagePage(tuple(_view(work, one) for one in found[:at_most]), len(found) > at_most)


# -- for this concept -----------------------------------------------------------------------------------


def demographics(work: Work, stored: StoredPatient) -> Mapping[str, Any]:
    """A patient's demographics, inside an act that is allowed already."""
    row = RowKey(stored.program_id, stored.id, stored.version, stored.id)
    opened = work.open(PATIENT_ROW, row, {"demographics": stored.demographics})["demographics"]
    if not isinstance(opened, dict):
        raise IntegrityError
    return opened


def is_deceased(work: Work, patient_id: UUID) -> bool:
    """Whoever reads the messages of somebody who has died, it is not the patient."""
    return any(one.kind is Event.DEATH for one in events(work.db, patient_id))


def sealed(work: Work, stored: StoredMessage, content: Mapping[str, Json]) -> StoredMessage:
    """The row with this content, sealed under its version."""
    values = work.seal(records.MESSAGE_ROW, stored.key, {"content": dict(content)})
    return replace(stored, content=values["content"])


def opened(work: Work, stored: StoredMessage) -> dict[str, Any]:
    """The content of a row."""
    content = work.open(records.MESSAGE_ROW, stored.key, {"content": stored.content})["content"]
    if not isinstance(content, dict):
        raise IntegrityError
    return content


def _unfit(program: Program) -> Reason | None:
    """Why this program cannot write at all."""
    if program.front_office is None:
        return Reason.NO_FRONT_OFFICE
    if revealing_address(program.front_office.name, program):
        return Reason.NOT_DISCREET
    return None


def _view(work: Work, one: StoredMessage) -> MessageView:
    content = opened(work, one)
    return MessageView(
        id=one.id,
        patient_id=one.patient_id,
        kind=one.kind,
        template=str(content["template"]),
        channel=one.channel,
        ending=_ending(one.channel, str(content["to"])),
        state=one.state,
        attempts=one.attempts,
        created_at=one.created_at,
        next_attempt_at=one.next_attempt_at,
        settled_at=one.settled_at,
        subject_id=one.subject_id,
    )


def _ending(channel: Channel, address: str) -> str:
    """The last two digits of a number; of an e-mail address nothing, because any part of it may be a name."""
    return "".join(filter(str.isdigit, address))[-2:] if channel is Channel.TEXT else ""
