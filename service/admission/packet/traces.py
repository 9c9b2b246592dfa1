"""What was found about one patient in one episode, before anybody asks what it means: the input of `derive`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from service.admission.packet.model import Outcome

#: Which of several: the item itself, or a follow-up of it.
ITSELF = ""
AFTER_EMERGENCY = "after_emergency"
RE_OFFER = "re_offer"


@dataclass(frozen=True, slots=True)
class SignatureTrace:
    """One signature event. `by_parent` None: not looked at."""

    form: str
    outcome: Outcome
    signed_at: datetime
    text_version: str
    expires_on: date | None = None
    by_parent: bool | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ConsentTrace:
    """One consent to disclose. `purposes` None: not opened. `recollect_by`: its words are to be collected again."""

    kind: str
    state: str
    created_at: datetime
    activated_at: datetime | None
    ended_at: datetime | None
    expires_on: date | None
    recipients: frozenset[str] = frozenset()
    purposes: frozenset[str] | None = None
    by_parent: bool | None = None
    recollect_by: date | None = None


@dataclass(frozen=True, slots=True)
class AssessmentTrace:
    instrument: str
    started_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class SectionTrace:
    """A section of the medical intake; `missing` names what it still lacks."""

    started_at: datetime
    changed_at: datetime
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Timed:
    """Something of a kind (a record item, an attachment, a placement, a plan), in a state, since when; until when."""

    kind: str
    state: str
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Decided:
    """What people decided about one item: the only part of it that is stored."""

    item: str
    instance: str
    version: int
    assignee_role: str
    due_at: datetime | None = None
    last_nudge_at: datetime | None = None
    nudges: int = 0
    called_at: datetime | None = None
    assignee_id: str | None = None
    waived_at: datetime | None = None
    waived_by: str = ""
    waiver: str = ""
    returned_at: datetime | None = None
    returned: str = ""
    skipped_at: datetime | None = None
    skipped: str = ""
    opened_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Traces:
    """Everything found. Instants are UTC, days of the program's calendar. What happened before `opened_at` belongs to
    another stay.
    """

    opened_at: datetime
    #: From when deadlines count; None: from `opened_at`.
    started_at: datetime | None = None
    admitted_at: datetime | None = None
    birthday_18: datetime | None = None
    signatures: tuple[SignatureTrace, ...] = ()
    #: What the patient's own entry does not say yet (`people.contacts.unsaid`).
    unsaid: tuple[str, ...] = ()
    consents: tuple[ConsentTrace, ...] = ()
    assessments: tuple[AssessmentTrace, ...] = ()
    sections: Mapping[str, SectionTrace] = field(default_factory=dict[str, SectionTrace])
    records: tuple[Timed, ...] = ()
    attachments: tuple[Timed, ...] = ()
    placements: tuple[Timed, ...] = ()
    plans: tuple[Timed, ...] = ()
    visits: tuple[date, ...] = ()
    sent_at: tuple[datetime, ...] = ()
    suicide_flags: tuple[datetime, ...] = ()
    level_changes: tuple[datetime, ...] = ()
    decided: Mapping[tuple[str, str], Decided] = field(default_factory=dict[tuple[str, str], Decided])
