"""The shapes of evidence over HTTP. What a kind asks for is data (policies/evidence.yaml): its particulars arrive as
they are, and everything they lack is answered at once, with the paragraph that asks for it.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from service.api.consent_shapes import RecipientBody
from service.edge.models import IsoDate, LongText, ShortText, StrictModel, Uuid
from service.evidence.commands import NewEvidence
from service.evidence.establish import said
from service.evidence.model import Evidence
from service.evidence.rulebook import EvidenceBook

#: A paper names those it is for; nobody means hundreds.
MOST_RECIPIENTS = 50

Answer = (
    bool | Annotated[str, Field(max_length=10_000)] | Annotated[list[ShortText], Field(max_length=50)] | None
)


class EvidenceBody(StrictModel):
    """A paper. `items` and `kinds`: which items, or kinds of item, it speaks of ("all" where its kind allows that)."""

    kind: ShortText
    recipients: list[RecipientBody] = Field(default_factory=list[RecipientBody], max_length=MOST_RECIPIENTS)
    items: list[Uuid] = Field(default_factory=list[UUID], max_length=500)
    kinds: list[ShortText] | Literal["all"] = Field(default_factory=list, max_length=50)
    starts_on: IsoDate
    ends_on: IsoDate | None = None
    particulars: dict[ShortText, Answer] = Field(default_factory=dict[str, Any], max_length=50)

    def given(self) -> NewEvidence:
        return NewEvidence(
            kind=self.kind,
            recipients=tuple(recipient.given() for recipient in self.recipients),
            items=frozenset(self.items),
            kinds="all" if self.kinds == "all" else frozenset(self.kinds),
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            particulars=self.particulars,
        )


class EndBody(StrictModel):
    reason: LongText


class EvidenceModel(BaseModel):
    """`says`: what it establishes, in the words of policies/evidence.yaml; nothing counts before it is signed off."""

    id: UUID
    patient_id: UUID | None
    kind: str
    state: Literal["recorded", "signed_off", "ended"]
    version: int
    recipients: list[UUID]
    items: list[UUID]
    kinds: list[str] | Literal["all"]
    starts_on: str
    ends_on: str | None
    particulars: dict[str, Answer]
    says: list[str]
    citation: str
    conf: Literal["law", "policy", "unsure"]
    recorded_by: UUID
    recorded_at: str
    signed_off_by: UUID | None
    signed_off_at: str | None
    signed_off_roles: list[str]
    ended_because: str


class EvidenceListModel(BaseModel):
    items: list[EvidenceModel]
    next_cursor: str | None


def evidence_json(book: EvidenceBook, evidence: Evidence) -> dict[str, Any]:
    """A paper as the API shows it."""
    rule = book.kinds[evidence.kind]
    return {
        "id": evidence.id,
        "patient_id": evidence.patient_id,
        "kind": evidence.kind.value,
        "state": evidence.state.value,
        "version": evidence.version,
        "recipients": sorted(evidence.recipients),
        "items": sorted(evidence.items),
        "kinds": evidence.kinds,
        "starts_on": evidence.starts_on,
        "ends_on": evidence.ends_on,
        "particulars": dict(evidence.particulars),
        "says": said(book, evidence),
        "citation": rule.cite,
        "conf": rule.conf,
        "recorded_by": evidence.recorded_by,
        "recorded_at": evidence.recorded_at,
        "signed_off_by": evidence.signed_off_by,
        "signed_off_at": evidence.signed_off_at,
        "signed_off_roles": evidence.signed_off_roles,
        "ended_because": evidence.ended_because,
    }
