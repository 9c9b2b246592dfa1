"""What a consent says: its terms, its signatures, and the record of both.

The words follow 42 CFR 2.31(a): who discloses (a)(2), what (a)(3), to whom (a)(4), what for (a)(5), how
it is taken back (a)(6), when it ends (a)(7), signature and date (a)(8)-(9), the two statements of
(a)(10). Nothing here decides; `elements` says what is missing, `validity` whether it stands today,
`match` what it covers.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, TypeAlias
from uuid import UUID

from service.people.recipient import RecipientClass, RecipientType


class ConsentKind(StrEnum):
    """The instruments of 2.31 and 2.34-2.36, and the authorization of 45 CFR 164.508(a)(2)."""

    SPECIFIC = "specific"
    TPO = "tpo"
    INTERMEDIARY = "intermediary"
    COUNSELING_NOTES = "counseling_notes"
    LEGAL_PROCEEDINGS = "legal_proceedings"
    RESEARCH = "research"
    CRIMINAL_JUSTICE = "criminal_justice"
    FUNDRAISING = "fundraising"
    #: Central registry and other withdrawal management or maintenance programs (2.34).
    REGISTRY = "registry"
    #: State prescription drug monitoring program (2.36).
    PDMP = "pdmp"
    #: Payment by a third-party payer or health plan.
    PAYER = "payer"
    #: HIPAA's twin of counseling notes.
    PSYCHOTHERAPY_NOTES = "psychotherapy_notes"


#: The kinds that can be written and judged here: all of them.
SUPPORTED_KINDS = frozenset(ConsentKind)


class ConsentState(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    REVOKED = "revoked"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    ENTERED_IN_ERROR = "entered_in_error"


class ExpiryKind(StrEnum):
    DATE = "date"
    EVENT = "event"
    NONE = "none"
    END_OF_TREATMENT = "end_of_treatment"


class Initiator(StrEnum):
    PATIENT = "patient"
    STAFF = "staff"


class Form(StrEnum):
    ELECTRONIC = "electronic"
    PAPER = "paper"
    ORAL = "oral"


class SignerRole(StrEnum):
    PATIENT = "patient"
    PARENT = "parent"
    GUARDIAN = "guardian"
    PERSONAL_REPRESENTATIVE = "personal_representative"
    PROGRAM_DIRECTOR = "program_director"


class SignatureMethod(StrEnum):
    DRAWN = "drawn"
    TYPED = "typed"
    PAPER_SCAN = "paper_scan"


class RulingKind(StrEnum):
    """What a compliance officer can say about one consent (2.31(c))."""

    DOUBTED = "doubted"
    CLEARED = "cleared"
    FALSE = "false"
    EVENT_HAPPENED = "event_happened"
    EVENT_NOT_HAPPENED = "event_not_happened"
    FORMAL = "formal"


#: "all" has to be said; an empty tuple is not "all" but a missing element.
Selection: TypeAlias = Literal["all"] | tuple[str, ...]

#: Record kinds that no "all" reaches: counseling notes by 2.31(b), psychotherapy notes by 45 CFR
#: 164.508(a)(2).
SEPARATE_KINDS = frozenset({"counseling_note", "psychotherapy_note"})

#: The unit key of a discloser that means every unit of the program.
WHOLE_PROGRAM = "*"

#: The only general designation the law knows: participants that treat this patient (2.31(a)(4)(ii)(B)).
TREATING_DESIGNATION = "treating_providers"

#: The sample words of 2.31(a)(5)(ii) as one code, and the code of 2.31(a)(5)(i).
TPO_PURPOSE = "TPO"
PATIENT_REQUEST = "PATRQT"


@dataclass(frozen=True, slots=True)
class Discloser:
    """A unit that may share its records. `name` is what it was called when the consent was written: the
    text says so.
    """

    unit: str
    name: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient as the consent names it; `recipient_id` is its row in the register, by which
    decisions match.
    """

    recipient_id: UUID
    type: RecipientType
    name: str
    recipient_class: RecipientClass | None = None
    covered_entity: bool = False
    business_associate: bool = False
    #: Values of people/recipient.py RecipientRole, as the register had them.
    roles: tuple[str, ...] = ()
    #: Intermediary only (2.31(a)(4)(ii)): the member participants named ...
    participants: tuple[UUID, ...] = ()
    #: Their names as the register had them when the consent was written; the text says them.
    participant_names: tuple[str, ...] = ()
    #: ... or whom a general designation reaches: `treating_providers` is the only one the law knows.
    general_designation: str | None = None
    #: Central registry and maintenance programs only (2.34): the address is part of the consent.
    address: str | None = None

    @property
    def under_hipaa(self) -> bool:
        """True when 2.31(a)(4)(iii) may apply; a class of providers and plans always may hold covered
        entities.
        """
        return self.covered_entity or self.business_associate or self.type is RecipientType.CLASS


@dataclass(frozen=True, slots=True)
class Scope:
    """What may be disclosed: kinds and labels both have to allow an item; the dates are dates of the item."""

    kinds: Selection = ()
    labels: Selection = ()
    first_day: date | None = None
    last_day: date | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Expiry:
    kind: ExpiryKind
    on: date | None = None
    event: str | None = None


@dataclass(frozen=True, slots=True)
class Statements:
    """Which paragraphs of the versioned text the renderer inserts. True means: the text says it."""

    revocation: bool = False
    revocation_how: bool = False
    hipaa_redisclosure: bool = False
    redisclosure_potential: bool = False
    refusal_consequences: bool = False
    #: The patient may opt out of fundraising (2.31(a)(5)(iii)).
    fundraising_optout: bool = False


@dataclass(frozen=True, slots=True)
class ConsentTerms:
    """Everything the patient agrees to. Order of recipients, purposes and kinds never changes the meaning."""

    kind: ConsentKind
    program_name: str
    patient_name: str
    disclosers: tuple[Discloser, ...]
    recipients: tuple[Recipient, ...]
    scope: Scope
    purposes: tuple[str, ...]
    expiry: Expiry | None
    statements: Statements
    form: Form | None
    initiated_by: Initiator | None = None
    language: str = "en"
    #: The program means to raise funds for itself with these records (2.31(a)(5)(iii)).
    program_intends_fundraising: bool = False
    #: Treatment, payment, enrolment or eligibility depends on signing (2.31(b)(3), 164.514(f)(2)).
    conditioned: bool = False
    #: Criminal justice only (2.35): the condition of disposition, parole or release, and when revoking is possible.
    justice_condition: str | None = None
    revocable_after: str | None = None
    #: Legal proceedings only (2.31(d)): which proceeding.
    proceeding: str | None = None
    #: Registry only (2.34): later established programs within 200 miles are covered unnamed.
    within_200_miles: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature with the evidence of who made it where: kept whole, because 2.31(a)(8) will be argued
    later.
    """

    role: SignerRole | str
    name: str
    method: SignatureMethod
    signed_on: date | None
    recorded_at: datetime
    attestation: str
    text_sha256: str
    account_id: UUID
    session_id: UUID | None = None
    witness_account_id: UUID | None = None
    authority: str | None = None
    image_sha256: str | None = None
    interpreter_id: str | None = None


@dataclass(frozen=True, slots=True)
class Revocation:
    """A revocation as received; `recipients` empty means all of them. It acts forward only, from
    `recorded_at`.
    """

    received_at: datetime
    recorded_at: datetime
    form: Literal["written", "oral"]
    by: str
    recipients: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """A consent as it stands in the record, opened. `text_sha256` is the hash of the text that was kept
    at signing; the hash the signer put a name to stands in each signature, and the terms can be
    rendered again: all three must agree.
    """

    consent_id: UUID
    patient_id: UUID
    terms: ConsentTerms
    state: ConsentState
    version: int
    text_version: str
    created_at: datetime
    text_sha256: str | None = None
    signatures: tuple[Signature, ...] = ()
    active_from: datetime | None = None
    revocations: tuple[Revocation, ...] = ()
    superseded_by: UUID | None = None
    error_reason: str | None = None
    #: Compliance rulings in the order made: (kind, instant); kinds as in the table consent_ruling.
    rulings: tuple[tuple[str, datetime], ...] = ()

    @property
    def revoked_recipients(self) -> frozenset[UUID]:
        """Recipients taken out one by one; a revocation of everything shows in `state`."""
        return frozenset(r for revocation in self.revocations for r in revocation.recipients)


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that stands against a consent, in words a patient understands, with the paragraph it
    rests on.
    """

    code: str
    message: str
    citation: str
    conf: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Today:
    """The instant and place of a decision; `events` are the patient's: what happened, and on which local
    day.
    """

    now: datetime
    timezone: str
    events: frozenset[tuple[str, date]] = frozenset()
