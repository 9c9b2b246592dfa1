"""Keeping, opening and changing items inside an act that is already authorised.

For the concepts whose things are items (an assessment is one) as well as for the operations of this folder.
Nothing here decides or records: `work` refuses to seal or open before the act is authorised, and to commit
an act that was not recorded.
"""

from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from service.errors import Code, IntegrityError, Stale
from service.ids import new_id
from service.labels import Label
from service.record import records
from service.record.item import Classification, Content, Item, ItemState, Kind, NewItem, NoteClass, Provenance
from service.record.records import ITEM_ROW, VERSION_ROW, StoredItem
from service.vault.envelope import RowKey
from service.work import Json, Work


def find(work: Work, item_id: UUID, *, lock: bool) -> StoredItem | None:
    """The item, sealed, for a loader: locked for a change, or shared until the commit."""
    return records.item_for_update(work.db, item_id) if lock else records.item_by_id(work.db, item_id)


def add(work: Work, new: NewItem) -> Item:
    """Seal and insert an item as version 1, by this caller, now."""
    item = Item(
        id=new.id or new_id(work.now),
        patient_id=new.patient_id,
        kind=new.kind,
        note_class=new.note_class,
        unit=new.unit,
        state=new.state,
        dated_on=new.dated_on or work.now.astimezone(work.program.zone).date(),
        author_id=work.caller.account_id,
        version=1,
        labels=new.labels,
        content=new.content,
        created_at=work.now,
        changed_at=work.now,
        confidential_communication=new.confidential_communication,
        provenance=new.provenance,
        kept_separately=new.note_class is not NoteClass.ORDINARY,
        quotes=new.quotes,
    )
    records.insert_item(work.db, _sealed(work, item), work.entry_id)
    return item


def opened(work: Work, stored: StoredItem) -> Item:
    """The item in the clear. Raises IntegrityError when a stored value is not what was sealed there."""
    values = work.open(ITEM_ROW, stored.key, {"labels": stored.labels, "content": stored.content})
    return _item(stored, values["labels"], values["content"])


def opened_labels(work: Work, stored: StoredItem) -> frozenset[Label]:
    """The labels alone, without the content."""
    return opened_classification(work, stored).labels


def opened_classification(work: Work, stored: StoredItem) -> Classification:
    """What a decision needs, without the content."""
    return _classification(stored, work.open(ITEM_ROW, stored.key, {"labels": stored.labels})["labels"])


def change(
    work: Work,
    stored: StoredItem,
    *,
    content: Content,
    labels: frozenset[Label] | None = None,
    state: ItemState | None = None,
    keep_former: bool = True,
) -> Item:
    """A new version with this content; the version before stays readable. `labels` and `state` None: as
    they were. Without `keep_former` the version before is gone: for a draft that its own author saves again.

    Raises Stale when the row changed since `stored` was read.
    """
    before = opened(work, stored)
    now = replace(
        before,
        content=content,
        labels=before.labels if labels is None else labels,
        state=before.state if state is None else state,
        author_id=work.caller.account_id,
        version=before.version + 1,
        changed_at=work.now,
    )
    if not records.replace_item(work.db, stored, _sealed(work, now), work.entry_id):
        raise Stale(Code.VERSION_STALE, "This has changed since you read it.")
    if not keep_former:
        if stored.state != ItemState.DRAFT.value or now.state is not ItemState.DRAFT:
            raise RuntimeError("only an autosave of a draft leaves no version behind")
        return now
    history = RowKey(stored.program_id, stored.id, stored.version, stored.patient_id)
    kept = work.seal(VERSION_ROW, history, {"labels": _labelled(before), "content": before.content})
    records.keep_version(
        work.db, stored, labels=kept["labels"], content=kept["content"], now=work.now, entry_id=work.entry_id
    )
    return now


def version_of(work: Work, stored: StoredItem, version: int) -> Item | None:
    """The item as it was at a former version; None when there never was one."""
    former = records.former_version(work.db, stored.id, version)
    if former is None:
        return None
    key = RowKey(stored.program_id, stored.id, version, stored.patient_id)
    values = work.open(VERSION_ROW, key, {"labels": former.labels, "content": former.content})
    then = replace(stored, state=former.state, author_id=former.author_id)
    item = _item(then, values["labels"], values["content"])
    return replace(item, version=version, changed_at=former.replaced_at)


def _sealed(work: Work, item: Item) -> StoredItem:
    program_id = work.caller.program_id
    key = RowKey(program_id, item.id, item.version, item.patient_id)
    sealed = work.seal(ITEM_ROW, key, {"labels": _labelled(item), "content": item.content})
    return StoredItem(
        id=item.id,
        program_id=program_id,
        patient_id=item.patient_id,
        kind=item.kind.value,
        note_class=item.note_class.value,
        unit=item.unit,
        state=item.state.value,
        dated_on=item.dated_on,
        author_id=item.author_id,
        version=item.version,
        labels=sealed["labels"],
        content=sealed["content"],
        created_at=item.created_at,
        changed_at=item.changed_at,
    )


def _item(stored: StoredItem, sealed: Any, content: Content) -> Item:
    found = _classification(stored, sealed)
    return Item(
        id=stored.id,
        patient_id=stored.patient_id,
        kind=Kind(stored.kind),
        note_class=NoteClass(stored.note_class),
        unit=stored.unit,
        state=ItemState(stored.state),
        dated_on=stored.dated_on,
        author_id=stored.author_id,
        version=stored.version,
        labels=found.labels,
        content=content,
        created_at=stored.created_at,
        changed_at=stored.changed_at,
        confidential_communication=found.confidential_communication,
        provenance=found.provenance,
        kept_separately=found.kept_separately,
        quotes=found.quotes,
    )


def _labelled(item: Item) -> dict[str, Json]:
    """What is sealed in the column of labels: they, what else a decision reads, and the clear columns beside them."""
    return {
        "labels": sorted(label.value for label in item.labels),
        "of": _clear(item),
        "since": str(item.created_at.timestamp()),
        "confidential": item.confidential_communication,
        "provenance": item.provenance.value,
        "separate": item.kept_separately,
        "quotes": sorted(str(one) for one in item.quotes),
    }


def _classification(stored: StoredItem, sealed: Any) -> Classification:
    """Raises IntegrityError when a clear column is not what it was: a session note renamed a report stays closed.

    Rows written before there was more than labels (the oldest are a plain list of them) are read as the law's default:
    said in confidence, the unit's own, and kept separately if the note is of a class that is.
    """
    if isinstance(sealed, list):
        sealed = {"labels": cast("list[str]", sealed), "of": _clear(stored)}
    since = str(stored.created_at.timestamp())
    if sealed["of"] != _clear(stored) or sealed.get("since", since) != since:
        raise IntegrityError
    return Classification(
        labels=frozenset(Label(code) for code in sealed["labels"]),
        confidential_communication=bool(sealed.get("confidential", True)),
        provenance=Provenance(sealed.get("provenance", Provenance.OWN.value)),
        kept_separately=bool(sealed.get("separate", stored.note_class != NoteClass.ORDINARY.value)),
        quotes=frozenset(UUID(one) for one in sealed.get("quotes", ())),
    )


def _clear(item: Item | StoredItem) -> list[Json]:
    """The clear columns, in one order. Enumerated values are texts, in the row and in the item alike."""
    return [
        str(item.kind),
        str(item.note_class),
        item.unit,
        str(item.state),
        item.dated_on.isoformat(),
        str(item.author_id),
    ]
