"""Disclosures over HTTP: previewed, made, read, fetched; the accounting of them; what a consent would reach."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, model_validator

from service.api.consent_shapes import RecipientBody
from service.disclosure import operations
from service.disclosure.accounting import Channel, Rule
from service.disclosure.asking import Ask, known_categories
from service.disclosure.foresight import Foresight, Reach, preview_consent
from service.disclosure.operations import Account, DisclosureView
from service.disclosure.releasing import Made
from service.disclosure.shown import decision_document
from service.edge.context import state_of
from service.edge.deps import perform, perform_once, reply
from service.edge.models import IsoDate, ShortText, StrictModel, Uuid
from service.edge.strict import StrictRoute
from service.work import Work

router = APIRouter(tags=["disclosure"], route_class=StrictRoute)

MOST_ITEMS = 200


class DisclosureBody(StrictModel):
    """To whom, what for, how. Without `items` and `categories`: everything the basis reaches and the purpose needs.

    `recipient`: an id of the register, or as in a consent. `categories`: kinds of item, or sensitivity labels.
    """

    recipient: Uuid | RecipientBody
    purpose: ShortText
    channel: Literal["ehr", "fax", "mail", "secure_email", "phone", "in_person"]
    items: list[Uuid] | None = Field(default=None, min_length=1, max_length=MOST_ITEMS)
    categories: list[ShortText] | None = Field(default=None, min_length=1, max_length=50)
    basis: Literal["B01", "B02"] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "DisclosureBody":
        if self.items is not None and self.categories is not None:
            raise ValueError("say items or categories, not both")
        return self

    def ask(self) -> Ask:
        return Ask(
            recipient=self.recipient if isinstance(self.recipient, UUID) else self.recipient.given(),
            purpose=self.purpose,
            channel=Channel(self.channel),
            items=None if self.items is None else tuple(dict.fromkeys(self.items)),
            categories=None if self.categories is None else known_categories(self.categories),
            basis=self.basis,
        )


class BasisModel(BaseModel):
    id: str
    citation: str
    consent_id: Uuid | None


class GrantedModel(BaseModel):
    item: Uuid
    kind: str
    categories: list[str]


class WithheldModel(BaseModel):
    category: str
    count: int
    reason: str
    citation: str


class ReasonModel(BaseModel):
    rule: str
    citation: str
    conf: Literal["law", "policy", "unsure"]
    text: str


class DecisionModel(BaseModel):
    """What was decided, on which basis, and why the rest stays."""

    effect: Literal["permit", "partial", "deny"]
    basis: BasisModel | None
    granted: list[GrantedModel]
    withheld: list[WithheldModel]
    obligations: list[str]
    reasons: list[ReasonModel]
    evaluated_at: str
    policy_version: str


class PackageRefModel(BaseModel):
    """`sha256` is of the package's canonical JSON (RFC 8785)."""

    id: Uuid
    sha256: str


class NoticeModel(BaseModel):
    id: str
    text: str


class DisclosureModel(BaseModel):
    id: Uuid
    decision: DecisionModel
    package: PackageRefModel
    notice: NoticeModel
    scope_explanation: str


class StandingDisclosureModel(DisclosureModel):
    patient_id: Uuid
    recipient_id: Uuid
    purpose: str
    channel: str
    disclosed_by: Uuid
    disclosed_at: str


class PreviewModel(BaseModel):
    decision: DecisionModel


class SecurityLabelModel(BaseModel):
    """HL7 codes, and the local one HL7 lacks: no use in proceedings."""

    system: str
    code: str


class PackagedItemModel(BaseModel):
    id: Uuid
    kind: str
    dated_on: str
    unit: str
    security_labels: list[SecurityLabelModel]
    content: str | dict[str, Any]


class PackagedNoticeModel(NoticeModel):
    sha256: str


class PackageRecipientModel(BaseModel):
    id: Uuid
    name: str


class PackagePatientModel(BaseModel):
    id: Uuid
    family_name: str
    given_name: str
    birth_date: str


class PackageBasisModel(BaseModel):
    id: str
    citation: str


class PackageModel(BaseModel):
    """What leaves: items, the statement of 42 CFR 2.32(a), and the scope of the consent in plain words (2.32(b)).

    It never says that anything was withheld.
    """

    format: Literal["consentry-package/1"]
    disclosure_id: Uuid
    disclosed_at: str
    program: str
    recipient: PackageRecipientModel
    patient: PackagePatientModel
    purpose: str
    channel: str
    basis: PackageBasisModel
    notice: PackagedNoticeModel
    scope_explanation: str
    items: list[PackagedItemModel]


class PartyModel(BaseModel):
    id: Uuid | None
    name: str


class KindCountModel(BaseModel):
    kind: str
    count: int


class PurposeModel(BaseModel):
    code: str
    display: str


class AccountedModel(BaseModel):
    """One line: 45 CFR 164.528(b)(2)."""

    disclosure_id: Uuid
    disclosed_at: str
    disclosed_on: str
    recipient: PartyModel
    address: str | None
    description: list[KindCountModel]
    purpose: PurposeModel
    basis: str | None
    channel: str


class AccountModel(BaseModel):
    rule: Literal["part2", "hipaa"]
    since: str
    until: str
    items: list[AccountedModel]


class ReachModel(BaseModel):
    recipient: PartyModel
    by_class: bool
    via: Uuid | None
    purpose: PurposeModel
    items: list[GrantedModel]
    withheld: list[WithheldModel]
    words: str


class ForesightModel(BaseModel):
    """What a consent would do with today's items, in plain words of `language`."""

    consent_id: Uuid
    items_today: int
    language: Literal["en", "es"]
    words: str
    reaches: list[ReachModel]


@router.post(
    "/patients/{patient_id}/disclosures/preview",
    summary="What a disclosure would be; nothing is released",
    response_model=PreviewModel,
)
async def preview_disclosure(request: Request, patient_id: Uuid, body: DisclosureBody) -> Response:
    rules, asked = state_of(request).disclosure, body.ask()
    decision = await perform(request, lambda work: operations.preview(work, rules, patient_id, asked))
    return reply(200, {"decision": decision_document(decision)})


@router.post(
    "/patients/{patient_id}/disclosures",
    summary="Disclose: 403 with the decision when no basis covers it",
    status_code=201,
    response_model=DisclosureModel,
)
async def make_disclosure(request: Request, patient_id: Uuid, body: DisclosureBody) -> Response:
    rules, asked = state_of(request).disclosure, body.ask()

    def create(work: Work) -> tuple[UUID, dict[str, Any]]:
        made = operations.make(work, rules, patient_id, asked)
        return made.id, _made(made)

    def again(work: Work, made: UUID) -> dict[str, Any]:
        return _read(operations.read(work, rules, made))

    return reply(201, await perform_once(request, create, again))


@router.get(
    "/disclosures/{disclosure_id}",
    summary="A disclosure, without its records",
    response_model=StandingDisclosureModel,
)
async def read_disclosure(request: Request, disclosure_id: Uuid) -> Response:
    rules = state_of(request).disclosure
    view = await perform(request, lambda work: operations.read(work, rules, disclosure_id))
    stored = view.disclosure
    body = _read(view) | {
        "patient_id": stored.patient_id,
        "recipient_id": stored.recipient_id,
        "purpose": stored.purpose,
        "channel": stored.channel,
        "disclosed_by": stored.disclosed_by,
        "disclosed_at": stored.disclosed_at,
    }
    return reply(200, body)


@router.get(
    "/disclosures/{disclosure_id}/package",
    summary="The package, decided about again at this moment",
    response_model=PackageModel,
)
async def fetch_package(
    request: Request, disclosure_id: Uuid, form: Annotated[Literal["json"], Query(alias="format")] = "json"
) -> Response:
    rules = state_of(request).disclosure
    return reply(200, await perform(request, lambda work: operations.fetch(work, rules, disclosure_id)))


@router.get(
    "/patients/{patient_id}/accounting",
    summary="Accounting of disclosures: 42 CFR 2.25 or 45 CFR 164.528",
    response_model=AccountModel,
)
async def read_accounting(
    request: Request,
    patient_id: Uuid,
    rule: Annotated[Literal["part2", "hipaa"], Query()] = "part2",
    since: Annotated[IsoDate | None, Query(alias="from")] = None,
) -> Response:
    account = await perform(
        request, lambda work: operations.accounting(work, patient_id, Rule(rule), since=since)
    )
    return reply(200, _account(account))


@router.post(
    "/consents/{consent_id}/preview",
    summary="Which of today's items would reach whom",
    response_model=ForesightModel,
)
async def preview_reach(
    request: Request, consent_id: Uuid, language: Annotated[Literal["en", "es"] | None, Query()] = None
) -> Response:
    rules = state_of(request).disclosure
    found = await perform(request, lambda work: preview_consent(work, rules, consent_id, language))
    return reply(200, _foresight(found))


def _made(made: Made) -> dict[str, Any]:
    return {
        "id": made.id,
        "decision": decision_document(made.decision),
        "package": {"id": made.id, "sha256": made.package.sha256},
        "notice": {"id": made.notice.id, "text": made.notice.text},
        "scope_explanation": made.explanation,
    }


def _read(view: DisclosureView) -> dict[str, Any]:
    return {
        "id": view.disclosure.id,
        "decision": view.decision,
        "package": {"id": view.disclosure.id, "sha256": view.sha256},
        "notice": {"id": view.notice_id, "text": view.notice_text},
        "scope_explanation": view.explanation,
    }


def _account(account: Account) -> dict[str, Any]:
    return {
        "rule": account.rule.value,
        "since": account.since,
        "until": account.until,
        "items": [
            {
                "disclosure_id": line.disclosure_id,
                "disclosed_at": line.disclosed_at,
                "disclosed_on": account.day_of(line.disclosed_at),
                **line.particulars,
            }
            for line in account.lines
        ],
    }


def _foresight(found: Foresight) -> dict[str, Any]:
    return {
        "consent_id": found.consent_id,
        "items_today": found.items,
        "language": found.language,
        "words": found.words,
        "reaches": [_reach(one) for one in found.reaches],
    }


def _reach(one: Reach) -> dict[str, Any]:
    decision: dict[str, Any] = {"granted": [], "withheld": []}
    if one.decision is not None:
        decision = decision_document(one.decision)
    return {
        "recipient": {"id": one.recipient_id, "name": one.recipient},
        "by_class": one.by_class,
        "via": one.via,
        "purpose": {"code": one.purpose, "display": one.purpose_words},
        "items": decision["granted"],
        "withheld": decision["withheld"],
        "words": one.words,
    }
