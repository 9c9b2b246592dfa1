"""A question of somebody inside: these records, to this recipient, for this purpose; decided and locked till commit."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from service.access.actions import Action
from service.access.purposes import Purpose
from service.disclosure.accounting import Channel
from service.disclosure.gathering import Gathered, Offered, Wanted, gather
from service.disclosure.rulebook import DisclosureRules
from service.errors import Code, FieldError, Invalid, Refused
from service.labels import Label
from service.people.recipient import Party, RecipientType
from service.people.recipient import Recipient as Registered
from service.people.recipients.operations import find_recipient, recipient_facts
from service.record.item import Kind
from service.work import Denial, Work


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Ask:
    """What somebody inside wants to disclose. `items` and `categories` None: everything the basis reaches.

    A category is a kind of item or a sensitivity label; an item is meant when one of them fits. `via` is the
    intermediary on the way. `evidence` is a paper recorded by this act, `evidence_id` one that is on record. `basis`:
    this one or none.
    """

    recipient: UUID | Party
    purpose: str
    channel: Channel
    items: tuple[UUID, ...] | None = None
    categories: frozenset[str] | None = None
    basis: str | None = None
    via: UUID | Party | None = None
    evidence: Offered | None = None
    evidence_id: UUID | None = None


def ask(work: Work, rules: DisclosureRules, patient_id: UUID, asked: Ask, action: Action) -> Gathered:
    """Decide a question of somebody inside; `action` is what a refused purpose is recorded as."""
    if asked.basis is not None and asked.basis not in rules.bases.release:
        raise Invalid(
            Code.DISCLOSURE_INVALID,
            "This basis does not exist.",
            [FieldError("basis", "unknown", "No basis by which records leave has this id.")],
        )
    purpose = stated_purpose(work, asked.purpose, action, patient_id)
    return gather(
        work,
        rules,
        Wanted(
            patient_id=patient_id,
            recipient=named_recipient(work, asked.recipient),
            purpose=purpose,
            channel=asked.channel,
            ids=asked.items,
            categories=asked.categories,
            via=None if asked.via is None else _intermediary(work, asked.via).id,
            basis=asked.basis,
            offered=asked.evidence,
            evidence_id=asked.evidence_id,
            keep=action is Action.DISCLOSURE_MAKE,
        ),
    )


def stated_purpose(work: Work, code: str, action: Action, patient_id: UUID | None) -> Purpose:
    """The purpose the records would go out for; one this caller may not state is refused and recorded."""
    purpose = work.access.purposes.find(code)
    if purpose is None or not purpose.stated_by & work.caller.roles:
        work.refuse(
            Refused(Code.PURPOSE_NOT_ALLOWED, "This purpose of use is not open to this caller."),
            Denial(action=action, patient_id=patient_id, detail={"reason": Code.PURPOSE_NOT_ALLOWED.value}),
        )
    return purpose


def named_recipient(work: Work, given: UUID | Party, field: str = "recipient") -> Registered:
    """The registered recipient that is meant; Invalid when the register has none, several, or only a class."""
    if isinstance(given, UUID):
        place, found = f"{field}.recipient_id", recipient_facts(work, given)
    else:
        place, found = field, find_recipient(work, given, at=f"{field}.")
    if found is None or found.state != "active":
        raise _unknown(place, "unknown", "This recipient is not in the register.")
    if found.type is RecipientType.CLASS:
        raise _unknown(place, "class", "Records go to one recipient, not to a class.")
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


def _intermediary(work: Work, given: UUID | Party) -> Registered:
    found = named_recipient(work, given, "via")
    if found.type is not RecipientType.INTERMEDIARY:
        raise _unknown(
            "via", "not_an_intermediary", "Only an intermediary passes records on (2.31(a)(4)(ii))."
        )
    return found


def _unknown(field: str, code: str, message: str) -> Invalid:
    return Invalid(
        Code.RECIPIENT_INVALID, "This recipient cannot be used here.", [FieldError(field, code, message)]
    )
