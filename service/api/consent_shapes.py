"""The shapes of consents over HTTP: what a client sends, what it is shown.

Codes the law cares about (kind, purposes, units) arrive as text: an unknown one is answered in the words of the
element it fails, not as a malformed request.
"""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from service.consent.commands import ConsentView, Draft, GivenRecipient, Revoking, Signing
from service.consent.model import Expiry, ExpiryKind, Form, Initiator, Reason, SignatureMethod, Statements
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
        described = self.model_fields_set - {"recipient_id"}
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


class ConsentBody(StrictModel):
    """A draft, whole. What 2.31 asks for and is not here comes back in `missing_elements`."""

    kind: ShortText
    disclosers: list[ShortText] = Field(default_factory=list, max_length=50)
    recipients: list[RecipientBody] = Field(default_factory=list[RecipientBody], max_length=MOST_RECIPIENTS)
    scope: ScopeBody = Field(default_factory=ScopeBody)
    purposes: list[ShortText] = Field(default_factory=list, max_length=50)
    expiry: ExpiryBody | None = None
    initiated_by: Literal["patient", "staff"] | None = None
    statements: StatementsBody = Field(default_factory=StatementsBody)
    form: Literal["electronic", "paper", "oral"] | None = None

    def draft(self) -> Draft:
        scope, expiry = self.scope, self.expiry
        return Draft(
            kind=self.kind,
            disclosers=tuple(self.disclosers),
            recipients=tuple(recipient.given() for recipient in self.recipients),
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

    def given(self) -> Signing:
        return Signing(
            role=self.signer.role,
            name=self.signer.name,
            authority=self.signer.authority,
            method=SignatureMethod(self.method),
            attestation=self.attestation,
            image=self.image,
            signed_on=self.signed_on,
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


class ReasonModel(BaseModel):
    code: str
    field: str
    message: str
    citation: str
    conf: Literal["law", "policy", "unsure"]


class DiscloserModel(BaseModel):
    unit: str
    name: str


class ConsentRecipientModel(BaseModel):
    recipient_id: UUID
    type: str
    name: str
    class_: str | None = Field(alias="class")
    covered_entity: bool
    business_associate: bool
    revoked: bool


class ScopeModel(BaseModel):
    kinds: list[str] | Literal["all"]
    labels: list[str] | Literal["all"]
    first_day: str | None = Field(alias="from")
    last_day: str | None = Field(alias="to")
    description: str


class ExpiryModel(BaseModel):
    kind: str
    date: str | None
    event: str | None


class DocumentModel(BaseModel):
    version: str
    sha256: str


class SignatureModel(BaseModel):
    role: str
    name: str
    method: str
    signed_on: str | None
    recorded_at: str
    witnessed: bool


class RevocationModel(BaseModel):
    received_at: str
    recorded_at: str
    form: str
    recipients: list[UUID]


class ConsentModel(BaseModel):
    """`not_in_force`: everything that stands against the consent today; empty when it is in force."""

    id: UUID
    patient_id: UUID
    kind: str
    state: Literal["draft", "active", "revoked", "expired", "superseded", "entered_in_error"]
    version: int
    in_force: bool
    disclosers: list[DiscloserModel]
    recipients: list[ConsentRecipientModel]
    scope: ScopeModel
    purposes: list[str]
    expiry: ExpiryModel | None
    initiated_by: str | None
    statements: StatementsBody
    form: str | None
    document: DocumentModel
    missing_elements: list[ReasonModel]
    not_in_force: list[ReasonModel]
    signatures: list[SignatureModel]
    revocations: list[RevocationModel]
    superseded_by: UUID | None
    created_at: str
    active_from: str | None
    changed_at: str


class ConsentListModel(BaseModel):
    items: list[ConsentModel]
    next_cursor: str | None


def consent_json(view: ConsentView) -> dict[str, Any]:
    """A consent as the API shows it."""
    record = view.record
    terms = record.terms
    return {
        "id": record.consent_id,
        "patient_id": record.patient_id,
        "kind": terms.kind.value,
        "state": view.state.value,
        "version": record.version,
        "in_force": view.in_force,
        "disclosers": [{"unit": d.unit, "name": d.name} for d in terms.disclosers],
        "recipients": [
            {
                "recipient_id": r.recipient_id,
                "type": r.type.value,
                "name": r.name,
                "class": None if r.recipient_class is None else r.recipient_class.value,
                "covered_entity": r.covered_entity,
                "business_associate": r.business_associate,
                "revoked": r.recipient_id in record.revoked_recipients,
            }
            for r in terms.recipients
        ],
        "scope": {
            "kinds": terms.scope.kinds,
            "labels": terms.scope.labels,
            "from": terms.scope.first_day,
            "to": terms.scope.last_day,
            "description": terms.scope.description,
        },
        "purposes": terms.purposes,
        "expiry": None
        if terms.expiry is None
        else {"kind": terms.expiry.kind.value, "date": terms.expiry.on, "event": terms.expiry.event},
        "initiated_by": None if terms.initiated_by is None else terms.initiated_by.value,
        "statements": {name: getattr(terms.statements, name) for name in StatementsBody.model_fields},
        "form": None if terms.form is None else terms.form.value,
        "document": {"version": record.text_version, "sha256": view.text_sha256},
        "missing_elements": [_reason(reason) for reason in view.missing],
        "not_in_force": [_reason(reason) for reason in view.against],
        "signatures": [
            {
                "role": s.role,
                "name": s.name,
                "method": s.method.value,
                "signed_on": s.signed_on,
                "recorded_at": s.recorded_at,
                "witnessed": s.witness_account_id is not None,
            }
            for s in record.signatures
        ],
        "revocations": [
            {
                "received_at": r.received_at,
                "recorded_at": r.recorded_at,
                "form": r.form,
                "recipients": sorted(r.recipients),
            }
            for r in record.revocations
        ],
        "superseded_by": record.superseded_by,
        "created_at": record.created_at,
        "active_from": record.active_from,
        "changed_at": view.changed_at,
    }


def _reason(reason: Reason) -> dict[str, str]:
    return {
        "code": reason.code,
        "field": reason.field,
        "message": reason.message,
        "citation": reason.citation,
        "conf": reason.conf,
    }
