"""Consents over HTTP: drafted, read, signed, revoked, replaced.

Codes the law cares about (kind, purposes, units) arrive as text: an unknown one is answered in the words
of the element it fails, not as a malformed request.
"""

from collections.abc import Callable
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, model_validator

from service.consent import operations
from service.consent.commands import ConsentView, Draft, GivenRecipient, Revoking, Signing
from service.consent.copy import copy_of
from service.consent.model import Expiry, ExpiryKind, Form, Initiator, Reason, SignatureMethod, Statements
from service.consent.rulebook import Rulebook
from service.edge.context import state_of
from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import Instant, IsoDate, LongText, ShortText, StrictModel, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.people.recipient import Party, RecipientClass, RecipientType
from service.work import Work

router = APIRouter(tags=["consent"], route_class=StrictRoute)


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
    recipients: list[RecipientBody] = Field(
        default_factory=list[RecipientBody], max_length=operations.MOST_RECIPIENTS
    )
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
    recipients: list[Uuid] = Field(default_factory=list[UUID], max_length=operations.MOST_RECIPIENTS)

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


@router.post(
    "/patients/{patient_id}/consents",
    status_code=201,
    response_model=ConsentModel,
    summary="Draft a consent; every missing element of 42 CFR 2.31 is named",
)
async def create_consent(request: Request, patient_id: Uuid, body: ConsentBody) -> Response:
    book = _book(request)

    def create(work: Work) -> tuple[UUID, ConsentView]:
        made = operations.draft(work, book, patient_id, body.draft())
        return made.record.consent_id, made

    return _one(201, await perform_once(request, create, _again(book)))


@router.get("/patients/{patient_id}/consents", response_model=ConsentListModel, summary="Newest first")
async def list_consents(
    request: Request, patient_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    book, before = _book(request), read_cursor(cursor)
    page = await perform(
        request, lambda work: operations.list_of(work, book, patient_id, before=before, at_most=limit)
    )
    last = page.consents[-1].record.consent_id if page.more else None
    return reply(
        200,
        {
            "items": [consent_json(view) for view in page.consents],
            "next_cursor": None if last is None else write_cursor(last),
        },
    )


@router.get("/consents/{consent_id}", response_model=ConsentModel, summary="One consent as it stands today")
async def read_consent(request: Request, consent_id: Uuid) -> Response:
    book = _book(request)
    return _one(200, await perform(request, lambda work: operations.read(work, book, consent_id)))


@router.put("/consents/{consent_id}", response_model=ConsentModel, summary="Save a draft anew, whole")
async def edit_consent(request: Request, consent_id: Uuid, body: ConsentBody) -> Response:
    book, version = _book(request), if_match(request)
    edited = await perform(
        request, lambda work: operations.edit(work, book, consent_id, version, body.draft())
    )
    return _one(200, edited)


@router.get(
    "/consents/{consent_id}/document",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "The text and its signatures"}},
    summary="The exact text with its signatures, as plain text (PDF is not offered yet)",
)
async def read_document(request: Request, consent_id: Uuid) -> Response:
    book = _book(request)
    view = await perform(request, lambda work: operations.read(work, book, consent_id))
    return Response(copy_of(view), media_type="text/plain; charset=utf-8")


@router.post(
    "/consents/{consent_id}/signatures",
    status_code=201,
    response_model=ConsentModel,
    summary="Sign; active when nothing is missing, else 422 with everything that is",
)
async def sign_consent(request: Request, consent_id: Uuid, body: SignatureBody) -> Response:
    book, version = _book(request), _version(request)

    def create(work: Work) -> tuple[UUID, ConsentView]:
        return consent_id, operations.sign(work, book, consent_id, body.given(), version=version)

    return _one(201, await perform_once(request, create, _again(book)))


@router.post(
    "/consents/{consent_id}/revocation",
    response_model=ConsentModel,
    summary="Revoke, wholly or for some recipients: the next decision denies",
)
async def revoke_consent(request: Request, consent_id: Uuid, body: RevocationBody) -> Response:
    book, version = _book(request), _version(request)

    def create(work: Work) -> tuple[UUID, ConsentView]:
        return consent_id, operations.revoke(work, book, consent_id, body.given(), version=version)

    return _one(200, await perform_once(request, create, _again(book)))


@router.post(
    "/consents/{consent_id}/supersession",
    response_model=ConsentModel,
    summary="Replace an active consent by another active one of the same patient",
)
async def supersede_consent(request: Request, consent_id: Uuid, body: SupersessionBody) -> Response:
    book = _book(request)

    def create(work: Work) -> tuple[UUID, ConsentView]:
        return consent_id, operations.supersede(work, book, consent_id, body.replaced_by)

    return _one(200, await perform_once(request, create, _again(book)))


@router.post(
    "/consents/{consent_id}/error",
    response_model=ConsentModel,
    summary="Mark a consent as entered in error: kept, and used for nothing",
)
async def mark_consent_as_error(request: Request, consent_id: Uuid, body: ErrorBody) -> Response:
    book = _book(request)

    def create(work: Work) -> tuple[UUID, ConsentView]:
        return consent_id, operations.mark_error(work, book, consent_id, body.reason)

    return _one(200, await perform_once(request, create, _again(book)))


def _book(request: Request) -> Rulebook:
    return state_of(request).rulebook


def _again(book: Rulebook) -> Callable[[Work, UUID], ConsentView]:
    """A repeated request is answered with the consent as it is now."""

    def render(work: Work, consent_id: UUID) -> ConsentView:
        return operations.read(work, book, consent_id)

    return render


def _version(request: Request) -> int | None:
    """The version the caller read, where saying so is welcome and not required: the state decides anyway."""
    return if_match(request) if "if-match" in request.headers else None


def _one(status: int, view: ConsentView) -> Response:
    return reply(status, consent_json(view), etag=view.record.version)


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
