"""What can be done with record items: written, read, listed as a chart, and shown to a decision.

A role lets somebody try; whether one item may be used is then decided by itself (`record.use`, B20). Labels
are opened for that decision, content only after it. The functions at the end are for operations above
(consent, disclosure) whose own act is allowed already.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn
from uuid import UUID

from service.access.actions import Action
from service.access.decision import Decision
from service.access.facts import Facts
from service.errors import Code, FieldError, IntegrityError, Invalid, Refused
from service.ids import new_id
from service.labels import Label
from service.people.emergency.operations import under_grant
from service.people.facts import facts_about, patient_facts, program_day
from service.record import items, records
from service.record.item import (
    Classification,
    Item,
    ItemForDecision,
    ItemState,
    Kind,
    NewItem,
    NoteClass,
    Provenance,
    faults_of,
    quoting,
    regime_of,
    repeating_fault,
    separation_fault,
)
from service.record.records import StoredItem
from service.record.use import Withheld, summed, use_facts, why_withheld
from service.work import Denial, Json, Loaded, Work


@dataclass(frozen=True, slots=True)
class Chart:
    """What this caller may use for the stated purpose, newest first, and what stays closed on the same
    page.
    """

    items: tuple[ItemForDecision, ...]
    withheld: tuple[Withheld, ...]
    last: UUID | None
    more: bool


def write_item(work: Work, new: NewItem) -> tuple[UUID, Item]:
    """Keep a new item; Invalid `item_invalid` with every fault."""
    about = work.authorised(Action.ITEM_WRITE, lambda work: _patient_for(work, new))
    dated_on, today = new.dated_on or program_day(work), program_day(work)
    faults = [*faults_of(new.kind, new.note_class, new.unit, work.program.units, dated_on, today)]
    if (separation := separation_fault(new.kind, new.kept_separately)) is not None:
        faults.append(separation)
    quoted = _quoted(work, new, about)
    if None in quoted:
        faults.append(
            FieldError("quotes", "unknown", "Not all of these are items of this patient open to you.")
        )
    if (repeated := repeating_fault(new.note_class, [one.note_class for one in quoted if one])) is not None:
        faults.append(repeated)
    if faults:
        raise Invalid(Code.ITEM_INVALID, "The item cannot be kept like this.", faults)
    provenance = quoting(new.provenance, [one.regime for one in quoted if one is not None])
    item = items.add(
        work, replace(new, id=new.id or new_id(work.now), dated_on=dated_on, provenance=provenance)
    )
    work.record(
        action=Action.ITEM_WRITE,
        object_kind="item",
        object_id=item.id,
        object_version=item.version,
        patient_id=item.patient_id,
        detail={"kind": item.kind.value, "unit": item.unit, "provenance": item.provenance.value},
        payload=item.content,
    )
    return item.id, item


def read_item(work: Work, item_id: UUID) -> Item:
    """One item with its content; Denied (recorded, with the rule and its paragraph) when B20 does not cover
    it.
    """
    stored, about = work.authorised(Action.ITEM_READ, lambda work: _load(work, item_id))
    shown, decision = _decided(work, stored, about)
    if not decision.permitted:
        _refuse(work, stored, shown, decision)
    item = items.opened(work, stored)
    work.record(
        action=Action.ITEM_READ,
        object_kind="item",
        object_id=item.id,
        object_version=item.version,
        patient_id=item.patient_id,
        basis=decision.basis,
        policies=decision.policies,
        detail={"kind": item.kind.value, **under_grant(work, item.patient_id, about)},
    )
    return item


def read_record(work: Work, patient_id: UUID, *, before: UUID | None, at_most: int) -> Chart:
    """A page of the chart: each item decided by itself, no content opened."""
    about = work.authorised(Action.RECORD_READ, lambda work: _patient(work, patient_id))
    page = records.items_page(work.db, patient_id, before, at_most + 1)
    decided = [_decided(work, stored, about) for stored in page[:at_most]]
    usable = tuple(item for item, decision in decided if decision.permitted)
    withheld = summed(why_withheld(item, decision) for item, decision in decided if not decision.permitted)
    policies = {name for _, decision in decided for name in decision.policies}
    counted: Mapping[str, Json] = {f"{one.category}:{one.reason}": one.count for one in withheld}
    work.record(
        action=Action.RECORD_READ,
        object_kind="record",
        object_id=None,
        patient_id=patient_id,
        basis=next((decision.basis for _, decision in decided if decision.permitted), None),
        policies=sorted(policies),
        detail={
            "items": [str(item.id) for item in usable],
            "withheld": counted,
            **under_grant(work, patient_id, about),
        },
    )
    last = page[at_most - 1].id if len(page) > at_most else None
    return Chart(usable, withheld, last, more=len(page) > at_most)


# -- for operations above


def items_for_decision(
    work: Work, patient_id: UUID, ids: Iterable[UUID] | None = None
) -> tuple[ItemForDecision, ...]:
    """Final and amended items of a patient, all or those named, locked until the commit; content stays
    sealed.

    An id that is not one of this patient's settled items is simply absent: the caller compares.
    """
    return tuple(_shown(work, stored) for stored in records.settled_items(work.db, patient_id, ids))


def items_opened(work: Work, patient_id: UUID, ids: Iterable[UUID]) -> tuple[Item, ...]:
    """The content of items that a decision has just released. Raises IntegrityError when one does not open."""
    return tuple(items.opened(work, stored) for stored in records.settled_items(work.db, patient_id, ids))


def settled_ids(work: Work, patient_id: UUID, ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the ids that are final or amended items of this patient; nothing is opened."""
    return frozenset(stored.id for stored in records.settled_items(work.db, patient_id, ids))


# -- inside


def _refuse(work: Work, stored: StoredItem, shown: ItemForDecision, decision: Decision) -> NoReturn:
    withheld = why_withheld(shown, decision)
    work.refuse(
        Refused(
            Code.NOT_PERMITTED,
            "This item may not be used for this purpose.",
            reasons=[{"rule": withheld.reason, "citation": withheld.citation}],
        ),
        Denial(
            action=Action.ITEM_READ,
            object_kind="item",
            object_id=stored.id,
            patient_id=stored.patient_id,
            policies=decision.policies,
            detail={"reason": withheld.reason, "refused_by": list(decision.refused_by)},
        ),
    )


def _decided(work: Work, stored: StoredItem, about: Facts) -> tuple[ItemForDecision, Decision]:
    shown = _shown(work, stored)
    return shown, work.decide(use_facts(shown, about, work.caller, work.purpose_of_use))


def _quoted(work: Work, new: NewItem, about: Facts) -> list[ItemForDecision | None]:
    """The items quoted, each as a decision sees it; None for one that is not this patient's, or not this caller's to
    use: who may not read words cannot repeat them.
    """
    found: list[ItemForDecision | None] = []
    for item_id in sorted(new.quotes):
        stored = records.item_by_id(work.db, item_id)
        if stored is None or stored.patient_id != new.patient_id:
            found.append(None)
            continue
        shown, decision = _decided(work, stored, about)
        found.append(shown if decision.permitted else None)
    return found


def _shown(work: Work, stored: StoredItem) -> ItemForDecision:
    unit = work.program.units.get(stored.unit)
    found = _classified(work, stored)
    return ItemForDecision(
        id=stored.id,
        kind=Kind(stored.kind),
        note_class=NoteClass(stored.note_class),
        unit=stored.unit,
        regime=regime_of(unit, found.provenance if found else Provenance.QUOTES_PART2),
        dated_on=stored.dated_on,
        state=ItemState(stored.state),
        version=stored.version,
        author_id=stored.author_id,
        labels=found.labels if found else None,
        confidential_communication=found.confidential_communication if found else True,
        provenance=found.provenance if found else Provenance.OWN,
        kept_separately=found.kept_separately if found else False,
        created_at=stored.created_at,
    )


def _classified(work: Work, stored: StoredItem) -> Classification | None:
    """None when it does not open or is not ours: the policies then keep the item closed (G-UNKNOWN)."""
    try:
        return items.opened_classification(work, stored)
    except (IntegrityError, ValueError, TypeError):
        return None


def _load(work: Work, item_id: UUID) -> Loaded[tuple[StoredItem, Facts]] | None:
    found = records.item_for_staff(work.db, item_id, work.caller.account_id, program_day(work))
    if found is None:
        return None
    stored, related = found
    about = facts_about(work, stored.patient_id, stored.program_id, related=related)
    facts = replace(
        about,
        unit_assigned=stored.unit in work.caller.units,
        author_is_caller=stored.author_id == work.caller.account_id,
        kind=stored.kind,
        note_class=stored.note_class,
        state=stored.state,
    )
    return Loaded((stored, about), facts, "item", stored.id, patient_id=stored.patient_id)


def _patient(work: Work, patient_id: UUID) -> Loaded[Facts] | None:
    about = patient_facts(work, patient_id)
    return None if about is None else Loaded(about, about, "record", None, patient_id=patient_id)


def _patient_for(work: Work, new: NewItem) -> Loaded[Facts] | None:
    about = patient_facts(work, new.patient_id)
    if about is None:
        return None
    facts = replace(
        about,
        unit_assigned=new.unit in work.caller.units,
        kind=new.kind.value,
        note_class=new.note_class.value,
    )
    return Loaded(facts, facts, "item", None, patient_id=new.patient_id)


def codes(labels: frozenset[Label] | None) -> Sequence[str]:
    """Label codes as they go to a reader."""
    return sorted(label.value for label in labels or ())
