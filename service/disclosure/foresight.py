"""What a consent would do, for the person about to sign it: which of today's items would reach whom, in
plain words.

The same rules that will decide later decide here, about the draft as if it had just been signed; so a
preview cannot promise what a disclosure would not do. Nothing is opened but labels, and nothing leaves.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from service.access.actions import Action
from service.access.purposes import Purpose
from service.consent.model import TPO_PURPOSE, ConsentRecord, Today
from service.consent.model import Recipient as Named
from service.consent.operations import consent_for_preview, today_for
from service.disclosure.accounting import Channel
from service.disclosure.decide import DisclosureDecision
from service.disclosure.judging import judge
from service.disclosure.rulebook import DisclosureRules
from service.disclosure.situation import Recipient, Situation
from service.ids import RecipientId
from service.people.at_law import PatientAtLaw
from service.people.facts import program_day
from service.people.recipient import RecipientType, RelationshipKind, in_class
from service.people.recipients.operations import recipient_facts
from service.people.relationships.operations import related_recipients
from service.record.item import ItemForDecision
from service.record.operations import items_for_decision
from service.work import Work

#: What the one word TPO stands for.
_TPO = ("TREAT", "HPAYMT", "HOPERAT")


@dataclass(frozen=True, slots=True, repr=False)
class Reach:
    """What one recipient would get for one purpose. `recipient_id` None: a class nobody is recorded in."""

    recipient_id: UUID | None
    recipient: str
    by_class: bool
    purpose: str
    purpose_words: str
    decision: DisclosureDecision | None
    words: str


@dataclass(frozen=True, slots=True, repr=False)
class Foresight:
    consent_id: UUID
    items: int
    reaches: tuple[Reach, ...]


def preview_consent(work: Work, rules: DisclosureRules, consent_id: UUID) -> Foresight:
    """Which of today's items would reach which recipient under this consent."""
    consent = consent_for_preview(work, rules.book, consent_id)
    items = items_for_decision(work, consent.patient_id)
    today = today_for(work, consent.patient_id)
    reaches = tuple(_reaches(work, rules, consent, items, today))
    work.record(
        action=Action.CONSENT_PREVIEW,
        object_kind="consent",
        object_id=consent.consent_id,
        object_version=consent.version,
        patient_id=consent.patient_id,
        consent_id=consent.consent_id,
        detail={
            "reaches": [
                {
                    "recipient": None if one.recipient_id is None else str(one.recipient_id),
                    "purpose": one.purpose,
                    "items": [] if one.decision is None else [str(i.id) for i in one.decision.granted],
                }
                for one in reaches
            ]
        },
    )
    return Foresight(consent.consent_id, len(items), reaches)


def _reaches(
    work: Work,
    rules: DisclosureRules,
    consent: ConsentRecord,
    items: tuple[ItemForDecision, ...],
    today: Today,
) -> Iterator[Reach]:
    related = related_recipients(work, consent.patient_id, program_day(work))
    kinds = _kind_words(rules, consent)
    for purpose in _purposes(work, consent):
        for named in consent.terms.recipients:
            members = _members(work, named, related)
            if not members:
                words = f"{named.name}: nobody is on record as one of them, so nothing would be shared today."
                yield Reach(None, named.name, True, purpose.code, purpose.display, None, words)
            for member in members:
                decision = _decided(work, rules, consent, items, today, member, purpose)
                yield Reach(
                    recipient_id=member.id,
                    recipient=member.name,
                    by_class=named.type is RecipientType.CLASS,
                    purpose=purpose.code,
                    purpose_words=purpose.display,
                    decision=decision,
                    words=_words(member.name, purpose.display, decision, kinds),
                )


def _decided(
    work: Work,
    rules: DisclosureRules,
    consent: ConsentRecord,
    items: tuple[ItemForDecision, ...],
    today: Today,
    recipient: Recipient,
    purpose: Purpose,
) -> DisclosureDecision:
    situation = Situation(
        program=work.program,
        patient=PatientAtLaw(consent.patient_id),
        recipient=recipient,
        purpose=purpose,
        channel=Channel.EHR,
        today=today,
        items=items,
        consents=(consent,),
    )
    return judge(situation, work.decide, rules)


def _purposes(work: Work, consent: ConsentRecord) -> list[Purpose]:
    codes: dict[str, None] = {}
    for code in consent.terms.purposes:
        codes.update(dict.fromkeys(_TPO if code == TPO_PURPOSE else (code,)))
    return [purpose for code in codes if (purpose := work.access.purposes.find(code)) is not None]


def _members(
    work: Work, named: Named, related: Mapping[RecipientId, frozenset[RelationshipKind]]
) -> list[Recipient]:
    """The recipients a name stands for today: itself, or whoever is recorded in the class."""
    if named.type is not RecipientType.CLASS:
        ids = [RecipientId(named.recipient_id)]
    elif named.recipient_class is None:
        ids = []
    else:
        ids = [one for one, kinds in related.items() if in_class(kinds, named.recipient_class)]
    found = [recipient_facts(work, one) for one in ids]
    return [
        Recipient(
            id=one.id,
            name=one.name,
            covered_entity=one.covered_entity,
            business_associate=one.business_associate,
            relationships=related.get(RecipientId(one.id), frozenset()),
            known=one.state == "active",
        )
        for one in found
        if one is not None
    ]


def _kind_words(rules: DisclosureRules, consent: ConsentRecord) -> Mapping[str, str]:
    text = rules.book.text(consent.text_version)
    return {} if text is None else text.kinds


def _words(recipient: str, purpose: str, decision: DisclosureDecision, kinds: Mapping[str, str]) -> str:
    """One sentence a patient can check. It counts records; it does not say what is in them."""
    counts: dict[str, int] = {}
    for item in decision.granted:
        name = kinds.get(item.kind, item.kind)
        counts[name] = counts.get(name, 0) + 1
    if not counts:
        return f"{recipient} would receive nothing for this purpose: {purpose}."
    listed = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
    stays = sum(one.count for one in decision.withheld)
    kept = f" {stays} other records would stay here." if stays else ""
    return f"{recipient} would receive, for this purpose ({purpose}): {listed}.{kept}"
