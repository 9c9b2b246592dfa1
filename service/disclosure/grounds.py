"""Grounds: on what an item might leave, and the facts of each (the policies judge; nothing is decided here).

One ground is a consent or none, with a piece of evidence or none. The bare ground is always there: it lets the gates
speak that nothing opens, and holds what needs neither (45 CFR 164.506). Grounds are never added up: two consents are
not pieced together into something no patient signed.
"""

from dataclasses import dataclass, replace
from typing import Final

from service.access.facts import ReleaseFacts
from service.access.program import Regime
from service.consent import match
from service.consent.model import ConsentKind, ConsentRecord
from service.disclosure.situation import Situation
from service.evidence.establish import EvidenceFacts
from service.evidence.model import Evidence, EvidenceKind
from service.people.recipient import RecipientRole, RelationshipKind
from service.record.item import ItemForDecision, Provenance
from service.rights.restricting import restricts

#: Evidence that a basis asks for beside a consent (2.34, 2.36), or that lifts a restriction (2.26(a)(4)).
BESIDE_CONSENT: Final = frozenset(
    {EvidenceKind.REGISTRY_EVENT, EvidenceKind.PDMP_LAW, EvidenceKind.EMERGENCY}
)

#: The recipient is the patient, or acts for the patient (2.23, 45 CFR 164.502(g)).
_IN_PERSON: Final = frozenset({RelationshipKind.SELF, RelationshipKind.PERSONAL_REPRESENTATIVE})

#: More kinds than there are: "all" is wider than any list.
_ALL: Final = 1_000


@dataclass(frozen=True, slots=True)
class Ground:
    """A consent or none, a piece of evidence or none."""

    consent: ConsentRecord | None = None
    evidence: Evidence | None = None

    @property
    def order(self) -> tuple[int, int, int, int]:
        """Which of two grounds that permit equally much is relied on: the smaller one (rules 3.6).

        First the tier (a consent for this, then no consent, last the single TPO consent), then how wide it is, then
        the ids, so that the answer never depends on the order in which rows were read.
        """
        tier = 1 if self.consent is None else 2 if self.consent.terms.kind is ConsentKind.TPO else 0
        width = breadth(self.consent) if self.consent is not None else _reach(self.evidence)
        consent = 0 if self.consent is None else self.consent.consent_id.int
        return tier, width, consent, 0 if self.evidence is None else self.evidence.id.int


def breadth(consent: ConsentRecord) -> int:
    """How wide a consent is, for choosing the narrowest of those that permit equally much."""
    kinds = consent.terms.scope.kinds
    return _ALL if kinds == "all" else len(kinds)


def _reach(evidence: Evidence | None) -> int:
    if evidence is None:
        return 0
    return _ALL if evidence.kinds == "all" else len(evidence.kinds) + len(evidence.items)


def request(situation: Situation) -> match.Request:
    """The question as consents are held against it."""
    return match.Request(
        patient_id=situation.patient.id,
        recipient_id=situation.recipient.id,
        relationships=situation.recipient.relationships,
        purpose=situation.purpose.code,
        via=situation.via,
        opted_out=situation.patient.fundraising_opt_out,
        deceased_on=situation.patient.deceased_on,
    )


def seen_by_scope(item: ItemForDecision) -> match.Item:
    """The item as far as a scope can see it."""
    return match.Item(
        item.kind.value, item.note_class.value, item.labels or frozenset(), item.dated_on, item.unit
    )


def bare(situation: Situation, item: ItemForDecision) -> ReleaseFacts:
    """The facts of one item that no consent and no evidence changes."""
    recipient, purpose, patient = situation.recipient, situation.purpose, situation.patient
    unit = situation.program.units.get(item.unit)
    return ReleaseFacts(
        purpose_class=purpose.legal_class.value,
        purpose_code=purpose.code,
        proceedings_against_patient=purpose.proceedings,
        recipient_known=recipient.known,
        recipient_is_program_ce_ba=(
            recipient.covered_entity
            or recipient.business_associate
            or RecipientRole.PART2_PROGRAM in recipient.roles
        ),
        recipient_covered_entity=recipient.covered_entity,
        recipient_business_associate=recipient.business_associate,
        recipient_roles=recipient.roles,
        recipient_treats=RelationshipKind.TREATING in recipient.relationships,
        recipient_is_patient=bool(_IN_PERSON & recipient.relationships),
        via_intermediary=situation.via is not None,
        kind_within_ceiling=purpose.can_need(item.kind),
        restricted=restricts(
            situation.restrictions, item, recipient.id, purpose.legal_class.value, situation.today.now
        ),
        patient_life="living" if patient.deceased_on is None else "deceased",
        patient_minor=patient.minor is True,
        kind=item.kind.value,
        note_class=item.note_class.value,
        regime=regime_of(item),
        labels_known=item.labels is not None,
        confidential_communication=item.confidential_communication,
        presence_reveals=unit is None or unit.publicly_sud_only,
    )


def regime_of(item: ItemForDecision) -> str:
    """Which law governs an item: its unit's, but what quotes or came from Part 2 records is under Part 2 anywhere.

    "" when the unit is no longer known: the policies keep such an item closed.
    """
    if item.regime is None:
        return ""
    return item.regime.value if item.provenance is Provenance.OWN else Regime.PART2.value


def with_evidence(facts: ReleaseFacts, found: EvidenceFacts) -> ReleaseFacts:
    """`facts` with what one piece of evidence contributes."""
    return replace(
        facts,
        evidence_present=True,
        evidence_kind=found.kind,
        evidence_complete=found.complete,
        evidence_signed_off=found.signed_off,
        evidence_in_force=found.in_force,
        evidence_names_recipient=found.names_recipient,
        evidence_covers_item=found.covers_item,
        evidence_says=found.says,
    )
