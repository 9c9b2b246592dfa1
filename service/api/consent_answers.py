"""The shapes of consents over HTTP: what a client is shown."""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from service.api.consent_shapes import StatementsBody
from service.consent.commands import ConsentView
from service.consent.ending import effect_of
from service.consent.model import ConsentTerms, Reason, Recipient


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
    participants: list[UUID]
    participant_names: list[str]
    general_designation: str | None
    address: str | None
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
    interpreter_id: str | None = Field(description="Of the interpreter the signatory signed through.")


class RevocationModel(BaseModel):
    received_at: str
    recorded_at: str
    form: str
    recipients: list[UUID]
    effect: str


class RulingModel(BaseModel):
    kind: Literal["doubted", "cleared", "false", "event_happened", "event_not_happened", "formal"]
    ruled_at: str


class NotifyModel(BaseModel):
    """Somebody who passes records on and has to hear of a revocation."""

    recipient_id: UUID
    name: str
    words: str


class ConsentModel(BaseModel):
    """`not_in_force`: everything that stands against the consent today; empty when it is in force."""

    id: UUID
    patient_id: UUID
    kind: str
    state: Literal["draft", "active", "revoked", "expired", "superseded", "entered_in_error"]
    version: int
    in_force: bool
    text_version: str
    needs_recollection: bool
    recollect_by: str | None
    language: str
    disclosers: list[DiscloserModel]
    recipients: list[ConsentRecipientModel]
    scope: ScopeModel
    purposes: list[str]
    expiry: ExpiryModel | None
    initiated_by: str | None
    statements: StatementsBody
    form: str | None
    program_intends_fundraising: bool
    conditioned: bool
    justice_condition: str | None
    revocable_after: str | None
    proceeding: str | None
    within_200_miles: bool
    document: DocumentModel
    missing_elements: list[ReasonModel]
    not_in_force: list[ReasonModel]
    signatures: list[SignatureModel]
    revocations: list[RevocationModel]
    rulings: list[RulingModel]
    notify: list[NotifyModel]
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
        "text_version": record.text_version,
        "needs_recollection": view.recollect_by is not None,
        "recollect_by": view.recollect_by,
        "language": terms.language,
        "disclosers": [{"unit": d.unit, "name": d.name} for d in terms.disclosers],
        "recipients": [_recipient(r, record.revoked_recipients) for r in terms.recipients],
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
        **_particulars(terms),
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
                "interpreter_id": s.interpreter_id,
            }
            for s in record.signatures
        ],
        "revocations": [
            {
                "received_at": r.received_at,
                "recorded_at": r.recorded_at,
                "form": r.form,
                "recipients": sorted(r.recipients),
                "effect": effect_of(r),
            }
            for r in record.revocations
        ],
        "rulings": [{"kind": kind, "ruled_at": at} for kind, at in record.rulings],
        "notify": [
            {"recipient_id": one.recipient_id, "name": one.name, "words": one.words} for one in view.notify
        ],
        "superseded_by": record.superseded_by,
        "created_at": record.created_at,
        "active_from": record.active_from,
        "changed_at": view.changed_at,
    }


def _recipient(r: Recipient, revoked: frozenset[UUID]) -> dict[str, Any]:
    return {
        "recipient_id": r.recipient_id,
        "type": r.type.value,
        "name": r.name,
        "class": None if r.recipient_class is None else r.recipient_class.value,
        "covered_entity": r.covered_entity,
        "business_associate": r.business_associate,
        "participants": r.participants,
        "participant_names": r.participant_names,
        "general_designation": r.general_designation,
        "address": r.address,
        "revoked": r.recipient_id in revoked,
    }


def _particulars(terms: ConsentTerms) -> dict[str, Any]:
    """What only some kinds of consent say."""
    return {
        "program_intends_fundraising": terms.program_intends_fundraising,
        "conditioned": terms.conditioned,
        "justice_condition": terms.justice_condition,
        "revocable_after": terms.revocable_after,
        "proceeding": terms.proceeding,
        "within_200_miles": terms.within_200_miles,
    }


def _reason(reason: Reason) -> dict[str, str]:
    return {
        "code": reason.code,
        "field": reason.field,
        "message": reason.message,
        "citation": reason.citation,
        "conf": reason.conf,
    }
