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
from service.disclosure.foretold import Foretold, told
from service.disclosure.judging import judge
from service.disclosure.rulebook import DisclosureRules
from service.disclosure.situation import Recipient, Situation
from service.ids import RecipientId
from service.people.at_law import PatientAtLaw
from service.people.facts import program_day
from service.people.recipient import RecipientType, RelationshipKind, in_class
from service.people.recipients.operations import recipient_facts
from service.people.relationships.standing import related_recipients
from service.people.standing import patient_at_law
from service.record.item import ItemForDecision
from service.record.operations import items_for_decision
from service.rights.restriction import Restriction
from service.rights.restrictions import restrictions_of
from service.work import Work

#: What the one word TPO stands for.
_TPO = ("TREAT", "HPAYMT", "HOPERAT")


@dataclass(frozen=True, slots=True, repr=False)
class Reach:
    """What one recipient would get for one purpose. `recipient_id` None: a class nobody is recorded in. `via`: the
    intermediary that would pass it on.
    """

    recipient_id: UUID | None
    recipient: str
    by_class: bool
    purpose: str
    purpose_words: str
    decision: DisclosureDecision | None
    words: str
    via: UUID | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Foresight:
    """All of it, `words` first: what a preview is and is not."""

    consent_id: UUID
    items: int
    language: str
    words: str
    reaches: tuple[Reach, ...]


@dataclass(frozen=True, slots=True, repr=False)
class _Reader:
    """Somebody who would receive; `through` the intermediary on the way, with its name."""

    recipient: Recipient
    through: tuple[UUID, str] | None = None


@dataclass(frozen=True, slots=True, repr=False)
class _Eve:
    """The consent, and everything else that would bear on a decision today."""

    consent: ConsentRecord
    patient: PatientAtLaw
    items: tuple[ItemForDecision, ...]
    today: Today
    related: Mapping[RecipientId, frozenset[RelationshipKind]]
    restrictions: tuple[Restriction, ...]


def preview_consent(
    work: Work, rules: DisclosureRules, consent_id: UUID, language: str | None = None
) -> Foresight:
    """Which of today's items would reach which recipient under this consent. `language` None: that of the consent."""
    consent = consent_for_preview(work, rules.book, consent_id)
    spoken = language or consent.terms.language
    eve = _Eve(
        consent=consent,
        patient=patient_at_law(work, rules.book.states, consent.patient_id),
        items=items_for_decision(work, consent.patient_id),
        today=today_for(work, consent.patient_id),
        related=related_recipients(work, consent.patient_id, program_day(work)),
        restrictions=restrictions_of(work, consent.patient_id),
    )
    reaches = tuple(_reaches(work, rules, eve, Foretold.of(rules, spoken)))
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
    summary = rules.words.of(spoken).preview.summary
    return Foresight(consent.consent_id, len(eve.items), spoken, summary, reaches)


def _reaches(work: Work, rules: DisclosureRules, eve: _Eve, words: Foretold) -> Iterator[Reach]:
    for purpose in _purposes(work, eve.consent):
        said = words.purpose(purpose.code, purpose.display)
        for named in eve.consent.terms.recipients:
            by_class = named.type is RecipientType.CLASS
            readers = list(_readers(work, named, eve.related))
            if not readers:
                yield Reach(None, words.named(named), by_class, purpose.code, said, None, words.nobody(named))
            for reader in readers:
                decision = _decided(work, rules, eve, reader, purpose)
                yield Reach(
                    recipient_id=reader.recipient.id,
                    recipient=reader.recipient.name,
                    by_class=by_class,
                    purpose=purpose.code,
                    purpose_words=said,
                    decision=decision,
                    words=told(
                        decision, words, reader.recipient.name, said, reader.through and reader.through[1]
                    ),
                    via=reader.through and reader.through[0],
                )


def _decided(
    work: Work, rules: DisclosureRules, eve: _Eve, reader: _Reader, purpose: Purpose
) -> DisclosureDecision:
    situation = Situation(
        program=work.program,
        patient=eve.patient,
        recipient=reader.recipient,
        purpose=purpose,
        channel=Channel.EHR,
        today=eve.today,
        items=eve.items,
        consents=(eve.consent,),
        restrictions=eve.restrictions,
        via=reader.through and reader.through[0],
    )
    return judge(situation, work.decide, rules)


def _purposes(work: Work, consent: ConsentRecord) -> list[Purpose]:
    codes: dict[str, None] = {}
    for code in consent.terms.purposes:
        codes.update(dict.fromkeys(_TPO if code == TPO_PURPOSE else (code,)))
    return [purpose for code in codes if (purpose := work.access.purposes.find(code)) is not None]


def _readers(
    work: Work, named: Named, related: Mapping[RecipientId, frozenset[RelationshipKind]]
) -> Iterator[_Reader]:
    """Whom a name stands for today: itself, whoever is recorded in the class, and behind an intermediary its
    participants: those named, or those that treat the patient (2.31(a)(4)(ii)).
    """
    through: tuple[UUID, str] | None = None
    ids: list[RecipientId] = []
    if named.type is RecipientType.CLASS and named.recipient_class is not None:
        ids = [one for one, kinds in related.items() if in_class(kinds, named.recipient_class)]
    elif named.type is not RecipientType.CLASS:
        yield from (_Reader(one) for one in _known(work, [RecipientId(named.recipient_id)], related))
    if named.type is RecipientType.INTERMEDIARY:
        through = (named.recipient_id, named.name)
        treating = [one for one, kinds in related.items() if RelationshipKind.TREATING in kinds]
        ids = [RecipientId(one) for one in named.participants]
        ids += [one for one in treating if named.general_designation and one != named.recipient_id]
    yield from (_Reader(one, through) for one in _known(work, list(dict.fromkeys(ids)), related))


def _known(
    work: Work, ids: list[RecipientId], related: Mapping[RecipientId, frozenset[RelationshipKind]]
) -> Iterator[Recipient]:
    for one in (recipient_facts(work, recipient_id) for recipient_id in ids):
        if one is not None:
            yield Recipient(
                id=one.id,
                name=one.name,
                covered_entity=one.covered_entity,
                business_associate=one.business_associate,
                relationships=related.get(RecipientId(one.id), frozenset()),
                roles=frozenset(role.value for role in one.roles),
                type=one.type.value,
                known=one.state == "active",
            )
