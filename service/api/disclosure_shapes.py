"""The shapes of disclosures over HTTP: what is asked, what is answered, and the accounting."""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from service.api.consent_shapes import RecipientBody
from service.api.evidence_shapes import MOST_RECIPIENTS, Answer
from service.disclosure.accounting import Channel
from service.disclosure.asking import Ask, known_categories
from service.disclosure.gathering import Offered
from service.disclosure.operations import DisclosureView
from service.disclosure.records import StoredDisclosure
from service.disclosure.releasing import Made
from service.disclosure.shown import decision_document
from service.disclosure.words import Words
from service.edge.models import IsoDate, ShortText, StrictModel, Uuid
from service.people.recipient import Party

MOST_ITEMS = 200


class OfferedBody(StrictModel):
    """A paper that this act records (policies/evidence.yaml says what each kind asks for).

    What it leaves out is the question's: the recipient, the items, from today on.
    """

    kind: ShortText
    particulars: dict[ShortText, Answer] = Field(default_factory=dict[str, Any], max_length=50)
    recipients: list[Uuid | RecipientBody] = Field(
        default_factory=list[UUID | RecipientBody], max_length=MOST_RECIPIENTS
    )
    items: list[Uuid] = Field(default_factory=list[UUID], max_length=MOST_ITEMS)
    kinds: list[ShortText] | Literal["all"] = Field(default_factory=list, max_length=50)
    starts_on: IsoDate | None = None
    ends_on: IsoDate | None = None

    def given(self) -> Offered:
        return Offered(
            kind=self.kind,
            particulars=self.particulars,
            recipients=tuple(_party(one) for one in self.recipients),
            items=frozenset(self.items),
            kinds="all" if self.kinds == "all" else frozenset(self.kinds),
            starts_on=self.starts_on,
            ends_on=self.ends_on,
        )


class DisclosureBody(StrictModel):
    """To whom, what for, how. Without `items` and `categories`: everything the basis reaches and the purpose needs.

    `recipient`: an id of the register, or as in a consent; `via`: the intermediary on the way. `categories`: kinds of
    item, or sensitivity labels. `evidence` is recorded by this act, `evidence_id` is on record. `basis`: that or none.
    """

    recipient: Uuid | RecipientBody
    purpose: ShortText
    channel: Literal["ehr", "fax", "mail", "secure_email", "phone", "in_person"]
    items: list[Uuid] | None = Field(default=None, min_length=1, max_length=MOST_ITEMS)
    categories: list[ShortText] | None = Field(default=None, min_length=1, max_length=50)
    basis: ShortText | None = None
    via: Uuid | RecipientBody | None = None
    evidence: OfferedBody | None = None
    evidence_id: Uuid | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "DisclosureBody":
        if self.items is not None and self.categories is not None:
            raise ValueError("say items or categories, not both")
        if self.evidence is not None and self.evidence_id is not None:
            raise ValueError("give evidence or evidence_id, not both")
        return self

    def ask(self) -> Ask:
        return Ask(
            recipient=_party(self.recipient),
            purpose=self.purpose,
            channel=Channel(self.channel),
            items=None if self.items is None else tuple(dict.fromkeys(self.items)),
            categories=None if self.categories is None else known_categories(self.categories),
            basis=self.basis,
            via=None if self.via is None else _party(self.via),
            evidence=None if self.evidence is None else self.evidence.given(),
            evidence_id=self.evidence_id,
        )


def _party(given: UUID | RecipientBody) -> UUID | Party:
    return given if isinstance(given, UUID) else given.given()


class BasisModel(BaseModel):
    id: str
    citation: str
    consent_id: Uuid | None
    evidence_id: Uuid | None


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
    """What was decided, on which basis, and why the rest stays; `explanation` is all of it in one paragraph."""

    effect: Literal["permit", "partial", "deny", "needs_review"]
    basis: BasisModel | None
    granted: list[GrantedModel]
    withheld: list[WithheldModel]
    obligations: list[str]
    reasons: list[ReasonModel]
    explanation: str
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
    notice: NoticeModel | None
    scope_explanation: str | None


class StandingDisclosureModel(DisclosureModel):
    patient_id: Uuid
    recipient_id: Uuid
    purpose: str
    channel: str
    disclosed_by: Uuid
    disclosed_at: str


class ListedDisclosureModel(BaseModel):
    """One disclosure, without its records and its decision."""

    id: Uuid
    recipient_id: Uuid
    consent_id: Uuid | None
    evidence_id: Uuid | None
    basis: str
    purpose: str
    channel: str
    disclosed_by: Uuid
    disclosed_at: str


class DisclosureListModel(BaseModel):
    items: list[ListedDisclosureModel]
    next_cursor: str | None


class PreviewModel(BaseModel):
    decision: DecisionModel


def made_json(made: Made, words: Words) -> dict[str, Any]:
    return {
        "id": made.id,
        "decision": decision_document(made.decision, words),
        "package": {"id": made.id, "sha256": made.package.sha256},
        "notice": None if made.notice is None else {"id": made.notice.id, "text": made.notice.text},
        "scope_explanation": made.explanation,
    }


def read_json(view: DisclosureView) -> dict[str, Any]:
    return {
        "id": view.disclosure.id,
        "decision": view.decision,
        "package": {"id": view.disclosure.id, "sha256": view.sha256},
        "notice": None if view.notice_id is None else {"id": view.notice_id, "text": view.notice_text},
        "scope_explanation": view.explanation,
    }


def listed_json(stored: StoredDisclosure) -> dict[str, Any]:
    return {
        "id": stored.id,
        "recipient_id": stored.recipient_id,
        "consent_id": stored.consent_id,
        "evidence_id": stored.evidence_id,
        "basis": stored.basis,
        "purpose": stored.purpose,
        "channel": stored.channel,
        "disclosed_by": stored.disclosed_by,
        "disclosed_at": stored.disclosed_at,
    }
