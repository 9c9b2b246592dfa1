"""Everything a decision rests on, read under locks that are held until the act is committed, and the decision.

Patient and events first, then restrictions, relationships, consents, items and papers. A revocation that commits first
is seen; one that comes later waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from service.access.bases import Family
from service.access.purposes import Purpose
from service.consent.model import ConsentRecord
from service.consent.operations import consents_for_recipient, today_for
from service.disclosure.accounting import Channel
from service.disclosure.decide import DisclosureDecision, Judge
from service.disclosure.judging import judge, only_on
from service.disclosure.rulebook import DisclosureRules
from service.disclosure.situation import Recipient, Situation
from service.errors import Code, FieldError, Invalid
from service.evidence.commands import GivenRecipient, NewEvidence
from service.evidence.model import Evidence, Reach
from service.evidence.operations import agreements_for, as_if_recorded, evidence_for, record_within
from service.labels import Label
from service.people.at_law import PatientAtLaw
from service.people.facts import program_day
from service.people.recipient import Recipient as Registered
from service.people.relationships.standing import relationship_kinds
from service.people.standing import patient_at_law
from service.record.item import ItemForDecision
from service.record.operations import items_for_decision
from service.rights.restrictions import restrictions_of
from service.work import Work


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Offered:
    """A paper described with the question. What it leaves out is the question's: recipient, items, today."""

    kind: str
    particulars: Mapping[str, Any]
    recipients: tuple[GivenRecipient, ...] = ()
    items: frozenset[UUID] = frozenset()
    kinds: Reach = frozenset()
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class Only:
    """What a disclosure rested on, when it is decided about again: this consent and this paper, and no other."""

    consent_id: UUID | None
    evidence_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Wanted:
    """To whom, what for, how; which items (None: all); and what may answer.

    `keep`: record the paper offered (an act), instead of only looking at it (a preview). `outside`: the question of
    somebody outside, whom a consent alone can answer (2.13(c)). `known` False: there is no such patient; the steps are
    the same.
    """

    patient_id: UUID
    recipient: Registered
    purpose: Purpose
    channel: Channel
    ids: tuple[UUID, ...] | None = None
    categories: frozenset[str] | None = None
    via: UUID | None = None
    basis: str | None = None
    only: Only | None = None
    offered: Offered | None = None
    evidence_id: UUID | None = None
    keep: bool = False
    outside: bool = False
    known: bool = True


@dataclass(frozen=True, slots=True, repr=False)
class Gathered:
    """What the decision rests on, and the decision."""

    situation: Situation
    recipient: Registered
    decision: DisclosureDecision

    @property
    def patient_id(self) -> UUID:
        return self.situation.patient.id

    @property
    def relied_on(self) -> ConsentRecord | None:
        """The consent that is the basis; None when it rests on none."""
        basis = self.decision.basis
        wanted = None if basis is None else basis.consent_id
        return next((one for one in self.situation.consents if one.consent_id == wanted), None)

    @property
    def paper(self) -> Evidence | None:
        """The evidence that is the basis, or stands beside it."""
        basis = self.decision.basis
        wanted = None if basis is None else basis.evidence_id
        return next((one for one in self.situation.evidence if one.id == wanted), None)


def gather(work: Work, rules: DisclosureRules, wanted: Wanted) -> Gathered:
    """Lock and read what the decision rests on, then decide."""
    patient_id, recipient = wanted.patient_id, wanted.recipient
    today = today_for(work, patient_id)
    patient = (
        patient_at_law(work, rules.book.states, patient_id) if wanted.known else PatientAtLaw(patient_id)
    )
    restrictions = restrictions_of(work, patient_id)
    related = relationship_kinds(work, patient_id, recipient.id, program_day(work))
    consents = tuple(
        one
        for one in consents_for_recipient(work, patient_id, recipient.id, via=wanted.via)
        if wanted.only is None or one.consent_id == wanted.only.consent_id
    )
    items = _items(work, wanted)
    situation = Situation(
        program=work.program,
        patient=patient,
        recipient=_as_recipient(recipient, related),
        purpose=wanted.purpose,
        channel=wanted.channel,
        today=today,
        items=items,
        consents=consents,
        evidence=() if wanted.outside else _evidence(work, rules, wanted, items),
        restrictions=restrictions,
        via=wanted.via,
    )
    return Gathered(situation, recipient, judge(situation, _asked(work, rules, wanted), rules))


def _asked(work: Work, rules: DisclosureRules, wanted: Wanted) -> Judge:
    """The policies, about the bases this question may be answered on."""
    if wanted.basis is not None:
        return only_on(work.decide, {wanted.basis})
    if wanted.outside:
        rows = rules.bases.by_id.values()
        return only_on(
            work.decide, {row.id for row in rows if row.family is Family.CONSENT or row.consent_kinds}
        )
    return work.decide


def _items(work: Work, wanted: Wanted) -> tuple[ItemForDecision, ...]:
    ids, categories = wanted.ids, wanted.categories
    items = items_for_decision(work, wanted.patient_id, ids)
    if ids is not None and (absent := set(ids) - {item.id for item in items}):
        faults = [
            FieldError(f"items[{place}]", "unknown", "Not a final item of this patient.")
            for place, one in enumerate(ids)
            if one in absent
        ]
        raise Invalid(Code.DISCLOSURE_INVALID, "Some of these items cannot be disclosed by anyone.", faults)
    return tuple(item for item in items if categories is None or _is_meant(item, categories))


def _is_meant(item: ItemForDecision, categories: frozenset[str]) -> bool:
    """An unlabelled item counts as bearing every label: whether it may go is the policies' to say."""
    if item.kind in categories:
        return True
    labels = {label.value for label in Label} & categories
    return bool(labels) and (not item.labels or bool(labels & {label.value for label in item.labels}))


def _evidence(
    work: Work, rules: DisclosureRules, wanted: Wanted, items: tuple[ItemForDecision, ...]
) -> tuple[Evidence, ...]:
    """What is offered with the question, and the agreements of the register that name the recipient."""
    agreements = agreements_for(work, wanted.recipient.id)
    if wanted.only is not None:
        return _standing(work, wanted, wanted.only.evidence_id, agreements)
    if wanted.evidence_id is not None:
        named = _standing(work, wanted, wanted.evidence_id, agreements)
        if not named:
            fault = FieldError("evidence_id", "unknown", "There is no such evidence about this patient.")
            raise Invalid(Code.DISCLOSURE_INVALID, "This evidence cannot be used here.", [fault])
        return named + tuple(one for one in agreements if one not in named)
    if wanted.offered is not None:
        return (_recorded(work, rules, wanted, wanted.offered, items), *agreements)
    return agreements


def _standing(
    work: Work, wanted: Wanted, evidence_id: UUID | None, agreements: tuple[Evidence, ...]
) -> tuple[Evidence, ...]:
    if evidence_id is None:
        return ()
    found = evidence_for(work, wanted.patient_id, evidence_id)
    if found is not None:
        return (found,)
    return tuple(one for one in agreements if one.id == evidence_id)


def _recorded(
    work: Work, rules: DisclosureRules, wanted: Wanted, offered: Offered, items: tuple[ItemForDecision, ...]
) -> Evidence:
    """The paper, recorded in this transaction: without it nothing leaves (2.51(c)); Invalid names what it lacks."""
    named = bool(offered.items or offered.kinds)
    new = NewEvidence(
        kind=offered.kind,
        recipients=offered.recipients or (wanted.recipient.id,),
        starts_on=offered.starts_on or program_day(work),
        particulars=offered.particulars,
        ends_on=offered.ends_on,
        items=offered.items if named else frozenset(item.id for item in items),
        kinds=offered.kinds,
    )
    record = record_within if wanted.keep else as_if_recorded
    return record(work, rules.evidence, wanted.patient_id, new)


def _as_recipient(registered: Registered, related: frozenset[str]) -> Recipient:
    return Recipient(
        id=registered.id,
        name=registered.name,
        covered_entity=registered.covered_entity,
        business_associate=registered.business_associate,
        relationships=related,
        roles=frozenset(role.value for role in registered.roles),
        type=registered.type.value,
        known=registered.state == "active",
    )
