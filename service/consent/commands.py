"""What callers ask for and what they are shown: the shapes at the door of this package."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias
from uuid import UUID

from service.consent.model import (
    ConsentRecord,
    ConsentState,
    Expiry,
    Form,
    Initiator,
    Reason,
    RulingKind,
    Selection,
    SignatureMethod,
    Statements,
)
from service.people.recipient import Party

#: A recipient of the register, or one described for it.
GivenRecipient: TypeAlias = UUID | Party


@dataclass(frozen=True, slots=True, repr=False)
class Named:
    """A recipient as a consent is to name it; participants and designation for an intermediary only."""

    recipient: GivenRecipient
    participants: tuple[GivenRecipient, ...] = ()
    general_designation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Draft:
    """A consent as somebody fills it in. Kind, disclosers, purposes are as typed: what is wrong with them
    is told.
    """

    kind: str
    disclosers: tuple[str, ...]
    recipients: tuple[Named, ...]
    kinds: Selection
    labels: Selection
    first_day: date | None
    last_day: date | None
    description: str
    purposes: tuple[str, ...]
    expiry: Expiry | None
    statements: Statements
    form: Form | None
    initiated_by: Initiator | None
    language: str = "en"
    program_intends_fundraising: bool = False
    conditioned: bool = False
    justice_condition: str | None = None
    revocable_after: str | None = None
    proceeding: str | None = None
    within_200_miles: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Signing:
    """One signature as it is made. `text_sha256`: the hash of the text the signer was shown, if the
    client knows it.

    `image` is the drawing or scan in base64; `signed_on` the date on the paper, for scans.
    """

    role: str
    name: str
    method: SignatureMethod
    attestation: str
    authority: str | None = None
    image: str | None = None
    signed_on: date | None = None
    text_sha256: str | None = None
    #: Who interpreted: their id with the program. Nobody of the family.
    interpreter_id: str | None = None
    interpreter_relative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Revoking:
    """A revocation as received. `recipients` empty: the whole consent."""

    received_at: datetime
    form: Literal["written", "oral"]
    by: str
    recipients: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Ruling:
    """What compliance says about one consent, and why."""

    kind: RulingKind
    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class Notify:
    """An intermediary that still passes records on until it hears of the revocation."""

    recipient_id: UUID
    name: str
    words: str


@dataclass(frozen=True, slots=True, repr=False)
class ConsentView:
    """A consent as shown: as it stands today, with everything it lacks and everything against it.

    `state` is `expired` from the moment it has ended, whether or not the row says so yet. `text` is the
    rendered consent; `text_sha256` its hash, which a signer may send back.
    """

    record: ConsentRecord
    state: ConsentState
    missing: tuple[Reason, ...]
    against: tuple[Reason, ...]
    text: str
    text_sha256: str
    timezone: str
    changed_at: datetime
    #: Its words were replaced: it is to be signed again in the new ones by this day. It stands meanwhile.
    recollect_by: date | None = None
    #: Whom somebody has to tell of what was just done, in words for the desk.
    notify: tuple[Notify, ...] = ()

    @property
    def in_force(self) -> bool:
        return not self.against


@dataclass(frozen=True, slots=True, repr=False)
class ConsentPage:
    """Newest first."""

    consents: tuple[ConsentView, ...]
    more: bool
