"""The shapes of consents over HTTP: what a client sends. What it is shown is in `consent_answers`.

Codes the law cares about (kind, purposes, units) arrive as text: an unknown one is answered in the words of the
element it fails, not as a malformed request.
"""

from typing import Literal
from uuid import UUID

from pydantic import Field, model_validator

from service.consent.commands import Draft, GivenRecipient, Named, Revoking, Ruling, Signing
from service.consent.model import (
    Expiry,
    ExpiryKind,
    Form,
    Initiator,
    RulingKind,
    SignatureMethod,
    Statements,
)
from service.consent.operations import MOST_RECIPIENTS
from service.edge.models import Instant, IsoDate, LongText, ShortText, StrictModel, Uuid
from service.people.recipient import Party, RecipientClass, RecipientType


class RecipientBody(StrictModel):
    """Either `recipient_id`, or a description that is looked up in the register and added when it is new."""

    recipient_id: Uuid | None = None
    type: RecipientType | None = Field(default=None, strict=False)
    name: ShortText | None = None
    npi: ShortText | None = None
    recipient_class: RecipientClass | None = Field(default=None, alias="class", strict=False)
    covered_entity: bool | None = None
    business_associate: bool | None = None
    address: ShortText | None = None
    phone: ShortText | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "RecipientBody":
        described = self.model_fields_set - {"recipient_id", "participants", "general_designation"}
        if (self.recipient_id is None) == (self.type is None) or (self.recipient_id and described):
            raise ValueError("give recipient_id alone, or a type and what belongs to it")
        return self

    def given(self) -> GivenRecipient:
        if self.recipient_id is not None:
            return self.recipient_id
        return Party(
            type=self.type or RecipientType.ENTITY,
            name=self.name,
            npi=self.npi,
            recipient_class=self.recipient_class,
            covered_entity=self.covered_entity,
            business_associate=self.business_associate,
            address=self.address,
            phone=self.phone,
        )


class NamedRecipientBody(RecipientBody):
    """A recipient of a consent. For an intermediary (2.31(a)(4)(ii)): `participants` who may receive from it, or
    `general_designation`, of which the law knows `treating_providers` only.
    """

    participants: list[RecipientBody] = Field(default_factory=list[RecipientBody], max_length=MOST_RECIPIENTS)
    general_designation: ShortText | None = None

    def named(self) -> Named:
        return Named(
            self.given(),
            tuple(participant.given() for participant in self.participants),
            self.general_designation,
        )


class ScopeBody(StrictModel):
    """Kinds of record and sensitive subjects, each a list or "all"; the dates are those of the records."""

    kinds: list[ShortText] | Literal["all"] = Field(default_factory=list, max_length=50)
    labels: list[ShortText] | Literal["all"] = Field(default_factory=list, max_length=50)
    first_day: IsoDate | None = Field(default=None, alias="from")
    last_day: IsoDate | None = Field(default=None, alias="to")
    description: str = Field(default="", max_length=2000)


class ExpiryBody(StrictModel):
    kind: Literal["date", "event", "none", "end_of_treatment"]
    date: IsoDate | None = None
    event: ShortText | None = None


class StatementsBody(StrictModel):
    """Which paragraphs the text shall contain."""

    revocation: bool = False
    revocation_how: bool = False
    hipaa_redisclosure: bool = False
    redisclosure_potential: bool = False
    refusal_consequences: bool = False
    fundraising_optout: bool = False


class ConsentBody(StrictModel):
    """A draft, whole. What 2.31 asks for and is not here comes back in `missing_elements`."""

    kind: ShortText
    disclosers: list[ShortText] = Field(default_factory=list, max_length=50)
    recipients: list[NamedRecipientBody] = Field(
        default_factory=list[NamedRecipientBody], max_length=MOST_RECIPIENTS
    )
    scope: ScopeBody = Field(default_factory=ScopeBody)
    purposes: list[ShortText] = Field(default_factory=list, max_length=50)
    expiry: ExpiryBody | None = None
    initiated_by: Literal["patient", "staff"] | None = None
    statements: StatementsBody = Field(default_factory=StatementsBody)
    form: Literal["electronic", "paper", "oral"] | None = None
    language: Literal["en", "es"] = "en"
    program_intends_fundraising: bool = False
    conditioned: bool = False
    justice_condition: ShortText | None = None
    revocable_after: ShortText | None = Field(
        default=None, description="criminal_justice: a day (YYYY-MM-DD) or an event the program records"
    )
    proceeding: ShortText | None = None
    within_200_miles: bool = False

    def draft(self) -> Draft:
        scope, expiry = self.scope, self.expiry
        return Draft(
            kind=self.kind,
            disclosers=tuple(self.disclosers),
            recipients=tuple(recipient.named() for recipient in self.recipients),
            kinds="all" if scope.kinds == "all" else tuple(scope.kinds),
            labels="all" if scope.labels == "all" else tuple(scope.labels),
            first_day=scope.first_day,
            last_day=scope.last_day,
            description=scope.description,
            purposes=tuple(self.purposes),
            expiry=None if expiry is None else Expiry(ExpiryKind(expiry.kind), expiry.date, expiry.event),
            statements=Statements(**self.statements.model_dump()),
            form=None if self.form is None else Form(self.form),
            initiated_by=None if self.initiated_by is None else Initiator(self.initiated_by),
            language=self.language,
            program_intends_fundraising=self.program_intends_fundraising,
            conditioned=self.conditioned,
            justice_condition=self.justice_condition,
            revocable_after=self.revocable_after,
            proceeding=self.proceeding,
            within_200_miles=self.within_200_miles,
        )


class SignerBody(StrictModel):
    role: Literal["patient", "parent", "guardian", "personal_representative", "program_director"]
    name: ShortText
    authority: ShortText | None = None


class SignatureBody(StrictModel):
    """`text_sha256`: hash of the text the signer was shown. `signed_on`: the date on the paper, for a
    scan.
    """

    signer: SignerBody
    method: Literal["drawn", "typed", "paper_scan"]
    attestation: LongText
    image: str | None = Field(
        default=None, max_length=900_000, description="PNG, JPEG or (scan) PDF in base64"
    )
    signed_on: IsoDate | None = None
    text_sha256: ShortText | None = None
    interpreter_id: ShortText | None = Field(
        default=None, description="Needed where the patient's entry says that an interpreter is."
    )
    interpreter_relative: bool = Field(default=False, description="True is refused: nobody of the family.")

    def given(self) -> Signing:
        return Signing(
            role=self.signer.role,
            name=self.signer.name,
            authority=self.signer.authority,
            method=SignatureMethod(self.method),
            attestation=self.attestation,
            image=self.image,
            signed_on=self.signed_on,
            interpreter_id=self.interpreter_id,
            interpreter_relative=self.interpreter_relative,
            text_sha256=self.text_sha256,
        )


class RevocationBody(StrictModel):
    """`recipients`: ids of those who are taken out; without it the whole consent is revoked."""

    received_at: Instant
    form: Literal["written", "oral"]
    by: ShortText
    recipients: list[Uuid] = Field(default_factory=list[UUID], max_length=MOST_RECIPIENTS)

    def given(self) -> Revoking:
        return Revoking(
            received_at=self.received_at, form=self.form, by=self.by, recipients=tuple(self.recipients)
        )


class SupersessionBody(StrictModel):
    replaced_by: Uuid


class ErrorBody(StrictModel):
    reason: LongText


class RulingBody(StrictModel):
    """What compliance says about the consent. `formal`: its defects of form are let pass, for the reason given."""

    kind: Literal["doubted", "cleared", "false", "event_happened", "event_not_happened", "formal"]
    reason: LongText

    def given(self) -> Ruling:
        return Ruling(kind=RulingKind(self.kind), reason=self.reason)
