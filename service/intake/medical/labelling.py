"""Sensitivity labels of a kept item, raised by staff and lowered by compliance alone, with a reason.

The server sets labels when it keeps an item; people only add. Taking one away opens the item to consents that leave
that category out, so it is shown first, needs a reason, and leaves the version with the label readable. When the item
is written again the server's own rules apply again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.errors import Code, FieldError, Invalid, Stale
from service.labels import Label
from service.people.facts import patient_facts
from service.record import items
from service.record.item import ItemState
from service.record.records import StoredItem
from service.work import Loaded, Work


@dataclass(frozen=True, slots=True)
class Relabelling:
    """Labels to add or to take away, never both. `preview`: nothing is changed."""

    raised: frozenset[Label]
    lowered: frozenset[Label]
    reason: str | None
    preview: bool


@dataclass(frozen=True, slots=True)
class Relabelled:
    """What it was and is, or would be. `effect` says in words what a lowering opens."""

    item_id: UUID
    version: int
    before: frozenset[Label]
    after: frozenset[Label]
    effect: tuple[str, ...]
    changed: bool


def relabel(
    work: Work, item_id: UUID, asked: Relabelling, *, expected: int | None = None, replay: bool = False
) -> Relabelled:
    """Add or take away labels. Invalid `labels_invalid` with every fault. A `replay` shows what the first one left."""
    action = Action.LABEL_LOWER if asked.lowered else Action.LABEL_RAISE
    stored = work.authorised(action, _loader(item_id))
    if expected is not None and expected != stored.version:
        raise Stale(Code.VERSION_STALE, "This item has changed since you read it.")
    before = items.opened_labels(work, stored)
    after = (before | asked.raised) - asked.lowered
    if not replay and (faults := _faults(asked, before, stored.state)):
        raise Invalid(Code.LABELS_INVALID, "The labels cannot be changed like this.", faults)
    version = stored.version
    if not asked.preview and not replay and after != before:
        content = items.opened(work, stored).content
        version = items.change(work, stored, content=content, labels=after).version
    work.record(
        action=action,
        object_kind="item",
        object_id=item_id,
        object_version=version,
        patient_id=stored.patient_id,
        detail={"preview": asked.preview, "replay": replay},
        payload={"reason": asked.reason, "after": sorted(label.value for label in after)},
    )
    return Relabelled(
        item_id, version, before, after, effect_of(before, after), changed=version != stored.version
    )


def effect_of(before: frozenset[Label], after: frozenset[Label]) -> tuple[str, ...]:
    """What taking labels away opens, in words."""
    lost = sorted(label.value for label in before - after)
    words = [f"Consents that leave out {label} would reach this item." for label in lost]
    if lost and not after:
        words.append("The item would have no label: it is then treated as sensitive in every category.")
    return tuple(words)


def _faults(asked: Relabelling, before: frozenset[Label], state: str) -> tuple[FieldError, ...]:
    faults: list[FieldError] = []
    if bool(asked.raised) == bool(asked.lowered):
        faults.append(FieldError("raise", "one_of", "Either labels to raise or labels to lower."))
    if asked.lowered and not (asked.reason or "").strip() and not asked.preview:
        faults.append(FieldError("reason", "missing", "Say why a label is taken away."))
    if asked.lowered - before:
        faults.append(FieldError("lower", "not_there", "The item does not have all of these labels."))
    if state == ItemState.ENTERED_IN_ERROR.value:
        faults.append(FieldError("raise", "entered_in_error", "The item was entered in error."))
    return tuple(faults)


def _loader(item_id: UUID) -> Callable[[Work], Loaded[StoredItem] | None]:
    def load(work: Work) -> Loaded[StoredItem] | None:
        stored = items.find(work, item_id, lock=True)
        about: Facts | None = None if stored is None else patient_facts(work, stored.patient_id)
        if stored is None or about is None:
            return None
        return Loaded(stored, about, "item", item_id, patient_id=stored.patient_id)

    return load
