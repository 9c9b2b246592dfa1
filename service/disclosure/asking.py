"""From a question ("these records, to this recipient, for this purpose") to a decision that is locked until
commit.

Everything a decision rests on is read under a lock that is held until the act is committed: patient and
events first, then relationships, consents and items. A revocation that commits first is seen; one that
comes later waits.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from service.access.actions import Action
from service.access.purposes import Purpose
from service.consent.model import ConsentKind, ConsentRecord, Today
from service.consent.operations import consents_for_recipient, today_for
from service.disclosure.accounting import Channel
from service.disclosure.decide import DisclosureDecision
from service.disclosure.judging import judge
from service.disclosure.rulebook import DisclosureRules
from service.disclosure.situation import Recipient, Situation
from service.errors import Code, FieldError, Invalid, Refused
from service.labels import Label
from service.people.at_law import PatientAtLaw
from service.people.facts import program_day
from service.people.recipient import Party, RecipientType
from service.people.recipient import Recipient as Registered
from service.people.recipients.operations import find_recipient, recipient_facts
from service.people.relationships.operations import relationship_kinds
from service.record.item import ItemForDecision, Kind
from service.record.operations import items_for_decision
from service.work import Denial, Work

#: The consent a basis rests on; whoever names a basis gets that one or none.
KIND_OF_BASIS = {"B01": ConsentKind.SPECIFIC, "B02": ConsentKind.TPO}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Ask:
    """What somebody inside wants to disclose. `items` and `categories` None: everything the basis reaches.

    A category is a kind of item or a sensitivity label; an item is meant when one of them fits.
    """

    recipient: UUID | Party
    purpose: str
    channel: Channel
    items: tuple[UUID, ...] | None = None
    categories: frozenset[str] | None = None
    basis: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Gathered:
    """What the decision rests on, and the decision."""

    patient_id: UUID
    recipient: Registered
    purpose: Purpose
    channel: Channel
    today: Today
    consents: tuple[ConsentRecord, ...]
    items: tuple[ItemForDecision, ...]
    decision: DisclosureDecision

    @property
    def relied_on(self) -> ConsentRecord | None:
        """The consent that is the basis."""
        basis = self.decision.basis
        if basis is None:
            return None
        return next((one for one in self.consents if one.consent_id == basis.consent_id), None)


def ask(work: Work, rules: DisclosureRules, patient_id: UUID, asked: Ask, action: Action) -> Gathered:
    """Decide a question of somebody inside; `action` is what a refused purpose is recorded as."""
    purpose = stated_purpose(work, asked.purpose, action, patient_id)
    recipient = named_recipient(work, asked.recipient)
    return gather(
        work,
        rules,
        patient_id,
        recipient,
        purpose,
        asked.channel,
        ids=asked.items,
        categories=asked.categories,
        kind=KIND_OF_BASIS[asked.basis] if asked.basis is not None else None,
    )


def gather(
    work: Work,
    rules: DisclosureRules,
    patient_id: UUID,
    recipient: Registered,
    purpose: Purpose,
    channel: Channel,
    *,
    ids: tuple[UUID, ...] | None = None,
    categories: frozenset[str] | None = None,
    kind: ConsentKind | None = None,
    consent_id: UUID | None = None,
) -> Gathered:
    """Lock and read what the decision rests on, then decide. `kind` and `consent_id` narrow the consents
    asked.
    """
    today = today_for(work, patient_id)
    related = relationship_kinds(work, patient_id, recipient.id, program_day(work))
    consents = tuple(
        one
        for one in consents_for_recipient(work, patient_id, recipient.id)
        if kind in (None, one.terms.kind) and consent_id in (None, one.consent_id)
    )
    items = items_for_decision(work, patient_id, ids)
    if ids is not None and (absent := set(ids) - {item.id for item in items}):
        faults = [
            FieldError(f"items[{place}]", "unknown", "Not a final item of this patient.")
            for place, one in enumerate(ids)
            if one in absent
        ]
        raise Invalid(Code.DISCLOSURE_INVALID, "Some of these items cannot be disclosed by anyone.", faults)
    wanted = tuple(item for item in items if categories is None or _is_meant(item, categories))
    situation = Situation(
        program=work.program,
        patient=PatientAtLaw(patient_id),
        recipient=_as_recipient(recipient, related),
        purpose=purpose,
        channel=channel,
        today=today,
        items=wanted,
        consents=consents,
    )
    decision = judge(situation, work.decide, rules)
    return Gathered(patient_id, recipient, purpose, channel, today, consents, wanted, decision)


def stated_purpose(work: Work, code: str, action: Action, patient_id: UUID | None) -> Purpose:
    """The purpose the records would go out for; one this caller may not state is refused and recorded."""
    purpose = work.access.purposes.find(code)
    if purpose is None or not purpose.stated_by & work.caller.roles:
        work.refuse(
            Refused(Code.PURPOSE_NOT_ALLOWED, "This purpose of use is not open to this caller."),
            Denial(action=action, patient_id=patient_id, detail={"reason": Code.PURPOSE_NOT_ALLOWED.value}),
        )
    return purpose


def named_recipient(work: Work, given: UUID | Party) -> Registered:
    """The registered recipient that is meant; Invalid when the register has none, several, or only a class."""
    if isinstance(given, UUID):
        field, found = "recipient.recipient_id", recipient_facts(work, given)
    else:
        field, found = "recipient", find_recipient(work, given, at="recipient.")
    if found is None or found.state != "active":
        raise _unknown(field, "unknown", "This recipient is not in the register.")
    if found.type is RecipientType.CLASS:
        raise _unknown(field, "class", "Records go to one recipient, not to a class.")
    return found


def known_categories(given: Iterable[str]) -> frozenset[str]:
    """The categories asked for; Invalid names those that are neither a kind of item nor a label."""
    codes = list(given)
    known = set(Kind) | set(Label)
    faults = [
        FieldError(f"categories[{place}]", "unknown", "Neither a kind of item nor a sensitivity label.")
        for place, code in enumerate(codes)
        if code not in known
    ]
    if faults:
        raise Invalid(Code.DISCLOSURE_INVALID, "Some categories are not known.", faults)
    return frozenset(codes)


def _is_meant(item: ItemForDecision, categories: frozenset[str]) -> bool:
    """An unlabelled item counts as bearing every label: whether it may go is the policies' to say."""
    if item.kind in categories:
        return True
    labels = {label.value for label in Label} & categories
    return bool(labels) and (not item.labels or bool(labels & {label.value for label in item.labels}))


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


def _unknown(field: str, code: str, message: str) -> Invalid:
    return Invalid(
        Code.RECIPIENT_INVALID, "This recipient cannot be used here.", [FieldError(field, code, message)]
    )
