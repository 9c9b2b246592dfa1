"""Sensitivity labels of a kept item, raised by staff and lowered by compliance alone, with a reason.

The server sets labels when it keeps an item; people only add. Taking one away opens the item to consents that leave
that category out, so it is shown first, needs a reason, and leaves the version with the label readable. When the item
is written again the server's own rules apply again.
"""

from collections.abc import Callable, Mapping
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
from service.work import Json, Loaded, Work


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


@dataclass(frozen=True, slots=True, repr=False)
class Weighed:
    """An item with its labels as they are, and as they would be."""

    stored: StoredItem
    asked: Relabelling
    before: frozenset[Label]
    after: frozenset[Label]
    replay: bool


def relabel(
    work: Work, item_id: UUID, asked: Relabelling, *, expected: int | None = None, replay: bool = False
) -> Relabelled:
    """Add or take away labels, without a look at consents (`disclosure/lowering.py` has it)."""
    return carry_out(work, weigh(work, item_id, asked, expected=expected, replay=replay))


def weigh(
    work: Work, item_id: UUID, asked: Relabelling, *, expected: int | None = None, replay: bool = False
) -> Weighed:
    """What is asked of an item that this caller may relabel; nothing is changed yet. Invalid `labels_invalid` with every
    fault. A `replay` shows what the first one left.
    """
    stored = work.authorised(_action(asked), _loader(item_id))
    if expected is not None and expected != stored.version:
        raise Stale(Code.VERSION_STALE, "This item has changed since you read it.")
    before = items.opened_labels(work, stored)
    if not replay and (faults := _faults(asked, before, stored.state)):
        raise Invalid(Code.LABELS_INVALID, "The labels cannot be changed like this.", faults)
    return Weighed(stored, asked, before, (before | asked.raised) - asked.lowered, replay)


def carry_out(work: Work, weighed: Weighed, detail: Mapping[str, Json] | None = None) -> Relabelled:
    """Do it, unless it is a preview, and record it with `detail`: what else the caller was shown."""
    stored, asked, before, after = weighed.stored, weighed.asked, weighed.before, weighed.after
    version = stored.version
    if not asked.preview and not weighed.replay and after != before:
        content = items.opened(work, stored).content
        version = items.change(work, stored, content=content, labels=after).version
    work.record(
        action=_action(asked),
        object_kind="item",
        object_id=stored.id,
        object_version=version,
        patient_id=stored.patient_id,
        detail={"preview": asked.preview, "replay": weighed.replay, **(detail or {})},
        payload={"reason": asked.reason, "after": sorted(label.value for label in after)},
    )
    changed = version != stored.version
    return Relabelled(stored.id, version, before, after, effect_of(before, after), changed=changed)


def effect_of(before: frozenset[Label], after: frozenset[Label]) -> tuple[str, ...]:
    """What taking labels away opens, in words."""
    lost = sorted(label.value for label in before - after)
    words = [f"Consents that leave out {label} would reach this item." for label in lost]
    if lost and not after:
        words.append("The item would have no label: it is then treated as sensitive in every category.")
    return tuple(words)


def _action(asked: Relabelling) -> Action:
    return Action.LABEL_LOWER if asked.lowered else Action.LABEL_RAISE


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
