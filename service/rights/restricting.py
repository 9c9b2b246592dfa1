"""What an agreed restriction covers, and which restriction the program must agree to (42 CFR 2.26; 45 CFR 164.522(a)).

A restriction is about treatment, payment and operations only: what the law requires or permits for another purpose is
not the program's to promise away (164.522(a)(1)(v)). Whatever cannot be read counts as covered: a promise nobody can
read any more is still a promise.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from service.access.purposes import PurposeClass
from service.record.item import ItemForDecision
from service.rights.restriction import Restriction, RestrictionState

#: The legal classes of purpose that a restriction can be about.
CLASSES: Final = frozenset({PurposeClass.TREATMENT, PurposeClass.PAYMENT, PurposeClass.OPERATIONS})

#: The classes of the one restriction that must be agreed to: it is about paying and running a plan, never about care.
PLAN_CLASSES: Final = frozenset({PurposeClass.PAYMENT, PurposeClass.OPERATIONS})

#: Where that duty stands.
MUST_AGREE_CITATION: Final = "42 CFR 2.26(a)(6); 45 CFR 164.522(a)(1)(vi)"

_OTHER_CLASSES: Final = frozenset(PurposeClass) - CLASSES


def restricts(
    restrictions: Iterable[Restriction],
    item: ItemForDecision,
    recipient_id: UUID,
    purpose_class: str,
    now: datetime,
) -> bool:
    """Whether an agreed restriction in force stands between this item, this recipient and a purpose of this class.

    A class nobody knows counts as one that a restriction can be about; the known others never do.
    """
    if purpose_class in _OTHER_CLASSES:
        return False
    return any(
        in_force(one, now)
        and _means_purpose(one, purpose_class)
        and _means_recipient(one, recipient_id)
        and _means_item(one, item)
        and _reaches_back_to(one, item)
        for one in restrictions
    )


def in_force(restriction: Restriction, now: datetime) -> bool:
    """Agreed, and not ended by `now`. Ended without a day is not read as ended."""
    match restriction.state:
        case RestrictionState.AGREED:
            return True
        case RestrictionState.ENDED:
            return restriction.ended_at is None or now < restriction.ended_at
        case RestrictionState.REQUESTED | RestrictionState.DECLINED:
            return not restriction.readable


def must_agree(restriction: Restriction, recipient_is_health_plan: bool) -> bool:
    """Whether the program has no choice (2.26(a)(6)).

    A disclosure to a health plan, for payment or operations, that no law requires, and solely about items or services
    somebody other than the plan has paid in full: so "all records" is not one. `recipient_is_health_plan`: every
    recipient it names is one.
    """
    return (
        recipient_is_health_plan
        and restriction.recipients != "all"
        and restriction.paid_in_full
        and not restriction.required_by_law
        and restriction.kinds != "all"
        and bool(restriction.items or restriction.kinds)
        and bool(restriction.classes)
        and restriction.classes <= PLAN_CLASSES
    )


def _means_purpose(restriction: Restriction, purpose_class: str) -> bool:
    unknown = purpose_class not in CLASSES or not restriction.classes or not restriction.classes <= CLASSES
    return unknown or purpose_class in restriction.classes


def _means_recipient(restriction: Restriction, recipient_id: UUID) -> bool:
    meant = restriction.recipients
    return meant == "all" or not meant or recipient_id in meant


def _means_item(restriction: Restriction, item: ItemForDecision) -> bool:
    if restriction.kinds == "all" or item.id in restriction.items:
        return True
    says_nothing = not restriction.kinds and not restriction.items
    return says_nothing or item.kind.value in restriction.kinds


def _reaches_back_to(restriction: Restriction, item: ItemForDecision) -> bool:
    """A restriction the program has ended keeps what was there before (164.522(a)(2)(iii)); no time known: it does."""
    until = restriction.only_until
    return until is None or item.created_at is None or item.created_at <= until
