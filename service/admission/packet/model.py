"""The packet as it is shown: items with a status nobody types in, and what stands between a patient and a step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from service.admission.deadlines import Conf


class Status(StrEnum):
    NOT_STARTED = "not_started"
    SENT = "sent"
    IN_PROGRESS = "in_progress"
    NEEDS_FIX = "needs_fix"
    DECLINED = "declined"
    DONE = "done"
    WAIVED = "waived"
    EXPIRED = "expired"


#: Nothing more is to be done for these.
SETTLED = frozenset({Status.DECLINED, Status.DONE, Status.WAIVED})


class Block(StrEnum):
    """What cannot happen until an item is done, in the order in which an intake meets it."""

    SCREEN = "SCREEN"
    #: The patient leaves the building only when a clinician lets them.
    LEAVE = "LEAVE"
    ADMIT = "ADMIT"
    GROUP = "GROUP"
    MESSAGES = "MESSAGES"
    SHARE = "SHARE"
    BILL = "BILL"


class Source(StrEnum):
    """Whom an item waits for."""

    PATIENT = "patient"
    STAFF = "staff"
    OUTSIDE = "outside"


class Outcome(StrEnum):
    """What came of offering a form: it was signed, it was given (where giving is enough), or declined with a reason."""

    SIGNED = "signed"
    GIVEN = "given"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Hook:
    """Why an item is there: the paragraph, and how sure we are that it says so."""

    citation: str
    conf: Conf


@dataclass(frozen=True, slots=True)
class DueBy:
    """When an item is due and which deadline says so. `at` None: counted in visits not attended yet, or not by time."""

    at: datetime | None
    within: str
    source: str
    conf: Conf


@dataclass(frozen=True, slots=True, repr=False)
class PacketItem:
    """One thing to be done in an intake, as of now. Never printed: that it is there tells of the patient."""

    key: str
    instance: str
    title: str
    kind: str
    status: Status
    owner: str
    assignee_id: UUID | None
    due: DueBy | None
    blocks: tuple[Block, ...]
    depends_on: tuple[str, ...]
    source: Source
    #: What is missing or was decided, in words: the reason of a waiver, of a return, of asking again.
    why: str
    hook: Hook
    waivable: bool
    last_nudge_at: datetime | None = None
    expires_on: date | None = None
    #: Depends on something that is not settled yet.
    waiting_for: tuple[str, ...] = ()
    required: bool = True
    version: int = 0

    @property
    def settled(self) -> bool:
        return self.status in SETTLED


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that stands before a step: a stable code, words for staff, and who can do something about it."""

    code: str
    words: str
    who: str
    item: str | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a step is open, and everything that keeps it shut."""

    block: Block
    missing: tuple[Missing, ...]

    @property
    def open(self) -> bool:
        return not self.missing


@dataclass(frozen=True, slots=True, repr=False)
class FormOutcome:
    """What the patient last did with a form: `current` when it was this version's words, and still holds."""

    signature_id: UUID
    form: str
    outcome: Outcome
    signed_at: datetime
    text_version: str
    current: bool
    expires_on: date | None
    answers: Mapping[str, str | bool | None] = field(default_factory=dict[str, str | bool | None])


#: A condition of the packet, or None where nobody knows: what is unknown never makes an item go away.
Known = bool | None
Language = Literal["en", "es"]
