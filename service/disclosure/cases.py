"""From consents, items and a recipient to the facts the policies judge: one case for each consent, and one
for none.

Nothing is decided here. The case without a consent is always there: it lets the gates speak that no consent
opens.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from service.access.facts import ReleaseFacts
from service.access.purposes import Purpose
from service.consent import match
from service.consent.model import ConsentKind, ConsentRecord, Today
from service.consent.rulebook import Rulebook
from service.disclosure.decide import Case, Item
from service.record.item import ItemForDecision


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who would receive. `relationships` are the kinds recorded with this patient, in force today."""

    id: UUID
    name: str
    covered_entity: bool
    business_associate: bool
    relationships: frozenset[str] = frozenset()
    #: False when the register does not have it, or no longer.
    known: bool = True


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What stays the same for every consent and item of one question."""

    patient_id: UUID
    recipient: Recipient
    purpose: Purpose
    today: Today
    book: Rulebook
    classes: Mapping[str, str]


def shown(item: ItemForDecision) -> Item:
    """The item as a decision shows it."""
    return Item(item.id, item.kind.value, tuple(sorted(label.value for label in item.labels or ())))


def cases_for(
    at: Circumstances, items: Sequence[ItemForDecision], consents: Iterable[ConsentRecord]
) -> tuple[Case, ...]:
    """A case for every consent, each judged by itself, and first the case without any."""
    bare = {item.id: _without_consent(at, item) for item in items}
    return (Case(None, bare, breadth=-1), *(_case(at, items, bare, consent) for consent in consents))


def _without_consent(at: Circumstances, item: ItemForDecision) -> ReleaseFacts:
    recipient, purpose = at.recipient, at.purpose
    return ReleaseFacts(
        purpose_class=purpose.legal_class.value,
        purpose_code=purpose.code,
        proceedings_against_patient=purpose.proceedings,
        recipient_known=recipient.known,
        recipient_is_program_ce_ba=recipient.covered_entity or recipient.business_associate,
        kind_within_ceiling=purpose.can_need(item.kind),
        kind=item.kind.value,
        note_class=item.note_class.value,
        regime=item.regime.value if item.regime is not None else "",
        labels_known=item.labels is not None,
    )


def _case(
    at: Circumstances,
    items: Sequence[ItemForDecision],
    bare: Mapping[UUID, ReleaseFacts],
    consent: ConsentRecord,
) -> Case:
    standing = match.standing(at.book, at.classes, consent, at.today)
    request = match.Request(at.patient_id, at.recipient.id, at.recipient.relationships, at.purpose.code)
    facts = {
        item.id: match.with_consent(bare[item.id], match.match(standing, request, _seen_by_scope(item)))
        for item in items
    }
    return Case(consent.consent_id, facts, breadth(consent), meets_authorization(consent))


def _seen_by_scope(item: ItemForDecision) -> match.Item:
    return match.Item(
        item.kind.value, item.note_class.value, item.labels or frozenset(), item.dated_on, item.unit
    )


#: More kinds than there are: "all" is wider than any list, and the single TPO consent wider than any
#: specific one.
_ALL = 1_000
_TPO = 1_000_000


def breadth(consent: ConsentRecord) -> int:
    """How wide a consent is, for choosing the narrowest of those that permit equally much."""
    kinds = consent.terms.scope.kinds
    width = _ALL if kinds == "all" else len(kinds)
    return width + (_TPO if consent.terms.kind is ConsentKind.TPO else 0)


def meets_authorization(consent: ConsentRecord) -> bool:
    """The consent also carries the statements of 45 CFR 164.508(c)(2): revocation, conditioning,
    redisclosure.

    Only the accounting asks: what an authorization covers is outside 164.528. Without one of the statements
    the disclosure is listed there as well.
    """
    says = consent.terms.statements
    return (
        says.revocation and says.revocation_how and says.redisclosure_potential and says.refusal_consequences
    )
