"""A message: what it is for, which words it uses, how it can end.

A message is written in the transaction of the act that wants it and sent by a job afterwards: a patient is told of what
is committed, and nothing is sent while rows are locked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID


class MessageKind(StrEnum):
    """Why somebody is written to."""

    PACKET_LINK = "packet_link"
    REMINDER = "reminder"
    NOTICE = "notice"


class Channel(StrEnum):
    """How a message goes. Letters and calls are people's work."""

    EMAIL = "email"
    TEXT = "text"


class Template(StrEnum):
    """The messages there are; their words are policies/messages."""

    PACKET_LINK = "packet_link"
    REMINDER_1 = "reminder_1"
    REMINDER_2 = "reminder_2"
    REMINDER_3 = "reminder_3"
    APPOINTMENT = "appointment"
    NOTICE = "notice"


#: What each message may be told, and nothing else: there is no place for a name, a form or a reason.
PARAMETERS: Final[Mapping[Template, frozenset[str]]] = MappingProxyType(
    {
        Template.PACKET_LINK: frozenset({"link"}),
        Template.REMINDER_1: frozenset(),
        Template.REMINDER_2: frozenset(),
        Template.REMINDER_3: frozenset(),
        Template.APPOINTMENT: frozenset({"date", "time"}),
        Template.NOTICE: frozenset(),
    }
)
KIND_OF: Final[Mapping[Template, MessageKind]] = MappingProxyType(
    {
        Template.PACKET_LINK: MessageKind.PACKET_LINK,
        Template.REMINDER_1: MessageKind.REMINDER,
        Template.REMINDER_2: MessageKind.REMINDER,
        Template.REMINDER_3: MessageKind.REMINDER,
        Template.APPOINTMENT: MessageKind.REMINDER,
        Template.NOTICE: MessageKind.NOTICE,
    }
)


class MessageState(StrEnum):
    """Where a message is. Only QUEUED is ever sent."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    BOUNCED = "bounced"
    CANCELLED = "cancelled"


class Reason(StrEnum):
    """Why nothing can be sent: somebody has to call."""

    NO_SAFE_CHANNEL = "no_safe_channel"
    NO_FRONT_OFFICE = "no_front_office"
    NOT_DISCREET = "not_discreet"
    DECEASED = "deceased"


@dataclass(frozen=True, slots=True, repr=False)
class Outgoing:
    """A message somebody wants sent. `parameters` are exactly those of its template; `subject_id` is what it is about: a
    packet item, a link.
    """

    patient_id: UUID
    kind: MessageKind
    template: Template
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    subject_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """It will be sent."""

    message_id: UUID


@dataclass(frozen=True, slots=True)
class Unsendable:
    """It will not, and nothing was written: call the patient instead."""

    reason: Reason


class LinkState(StrEnum):
    """A packet link. USED_UP: too many wrong birth dates; ENDED: by staff, or by a newer link. That its days are over is
    worked out from the time.
    """

    OPEN = "open"
    USED_UP = "used_up"
    ENDED = "ended"
