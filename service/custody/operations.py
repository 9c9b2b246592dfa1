"""Reading the trail: searched, explained, proven, handed on. Each reading is itself an entry (45 CFR 164.312(b)).

Only the roles that the policies name may (compliance), and only entries of their own program: row-level security sees
to the latter, whatever is asked here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.custody import records
from service.custody.explanation import Explanation, explain, summary
from service.custody.records import FIELDS, Query, StoredEntry
from service.errors import Code, FieldError, Invalid, NotFound, Unavailable
from service.identity import records as identity
from service.identity.operations import open_account
from service.ids import SERVICE_PROGRAM
from service.ledger import export, merkle
from service.ledger import records as ledger
from service.ledger.checkpoint import parse
from service.ledger.entry import leaf_bytes
from service.people.recipients.operations import recipient_facts
from service.work import Json, Loaded, Work

KIND: Final = "audit_entry"
#: Positions in one page of an export: well within what one unit may take.
EXPORT_PAGE: Final = 500
_NAMED = ("staff", "requester", "system")


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """An entry in a list, the act in one sentence beside it."""

    entry: StoredEntry
    actor_name: str | None
    summary: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the trail; `next` continues it."""

    entries: tuple[ListedEntry, ...]
    next: UUID | None


@dataclass(frozen=True, slots=True)
class ExplainedEntry:
    """One entry with everything that can be said about it."""

    entry: StoredEntry
    actor_name: str | None
    recipient_name: str | None
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That an entry stands in the tree the checkpoint signs (RFC 6962 section 2.1.1)."""

    entry_id: UUID
    origin: str
    position: int
    size: int
    leaf: str
    leaf_hash: bytes
    hashes: tuple[bytes, ...]
    root: bytes
    checkpoint: str


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the tree of `second` entries begins with the tree of `first` (RFC 6962 section 2.1.2)."""

    origin: str
    first: int
    second: int
    first_root: bytes
    second_root: bytes
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ExportPage:
    """Some lines of an export; `next` is the position to go on from, None at the end (`size`)."""

    lines: tuple[bytes, ...]
    next: int | None
    size: int


def search_entries(work: Work, query: Query) -> Page:
    """Entries that fit, in the order asked, as a page of `query.limit`.

    Raises Invalid for a field that cannot be sorted by and for a cursor that leads nowhere.
    """
    if query.sort not in FIELDS:
        known = ", ".join(FIELDS)
        fault = FieldError("sort", "unknown_field", f"Sort by one of: {known}; with - for descending.")
        raise Invalid(Code.INVALID_REQUEST, "The trail cannot be sorted like this.", [fault])
    patient = query.equals.get("patient")
    about = patient if isinstance(patient, UUID) else None
    work.require(Action.AUDIT_READ, object_kind=KIND, patient_id=about)
    found = records.entries(work.db, query)
    if found is None:
        raise Invalid(Code.CURSOR_INVALID, "This cursor is not one of ours.")
    shown = found[: query.limit]
    names = _actor_names(work, shown)
    work.record(
        action=Action.AUDIT_READ,
        object_kind=KIND,
        object_id=None,
        patient_id=about,
        detail={"filters": sorted(query.equals), "sort": query.sort, "listed": len(shown)},
        payload=_asked(query),
    )
    listed = tuple(
        ListedEntry(entry, names.get(entry.actor_id), summary(entry, names.get(entry.actor_id)))
        for entry in shown
    )
    return Page(listed, shown[-1].id if len(found) > query.limit else None)


def read_entry(work: Work, entry_id: UUID) -> ExplainedEntry:
    """One entry, explained; NotFound, recorded, where there is none for this program."""
    entry = work.authorised(Action.AUDIT_READ, _entry(entry_id))
    name = _actor_names(work, [entry]).get(entry.actor_id)
    recipient = recipient_facts(work, entry.recipient_id) if entry.recipient_id else None
    citations = {rule: one.citation for rule, one in work.access.rules.items()}
    explanation = explain(
        entry,
        citations,
        work.access.purposes.find(entry.purpose),
        work.access.policy_set_hash,
        name,
        recipient.name if recipient else None,
    )
    work.record(
        action=Action.AUDIT_READ, object_kind=KIND, object_id=entry.id, patient_id=entry.patient_id, detail={}
    )
    return ExplainedEntry(entry, name, recipient.name if recipient else None, explanation)


def prove_entry(work: Work, entry_id: UUID) -> InclusionProof:
    """The inclusion proof against the newest checkpoint. Unavailable until the entry has its position."""
    entry = work.authorised(Action.AUDIT_READ, _entry(entry_id))
    latest = records.latest_checkpoint(work.db, entry.tree)
    if entry.position is None or latest is None or entry.position >= latest[0]:
        text = "The entry gets its position within about a second. Ask again."
        raise Unavailable(Code.UNAVAILABLE, text, retry_after=1)
    size, note = latest
    row = ledger.stored_entry(work.db, entry_id)
    leaf = leaf_bytes(row)
    work.record(
        action=Action.AUDIT_READ,
        object_kind=KIND,
        object_id=entry.id,
        patient_id=entry.patient_id,
        detail={"proof": "inclusion", "size": size},
    )
    signed = parse(note).checkpoint
    return InclusionProof(
        entry_id=entry.id,
        origin=signed.origin,
        position=entry.position,
        size=size,
        leaf=leaf.decode(),
        leaf_hash=merkle.leaf_hash(leaf),
        hashes=tuple(merkle.inclusion_proof(entry.position, size, _root_of(work, entry.tree))),
        root=signed.root,
        checkpoint=note,
    )


def newest_checkpoint(work: Work, *, service_tree: bool = False) -> str:
    """The newest signed note of the program's tree, or of the service's; NotFound before the first."""
    work.require(Action.AUDIT_READ, object_kind="audit_checkpoint")
    size, note = _latest(work, _tree(work, service_tree))
    work.record(
        action=Action.AUDIT_READ, object_kind="audit_checkpoint", object_id=None, detail={"size": size}
    )
    return note


def prove_consistency(
    work: Work, first: int, second: int | None, *, service_tree: bool = False
) -> ConsistencyProof:
    """The consistency proof between two sizes, the second by default the newest signed. Invalid for other sizes."""
    work.require(Action.AUDIT_READ, object_kind="audit_checkpoint")
    tree = _tree(work, service_tree)
    size, note = _latest(work, tree)
    end = size if second is None else second
    if not 0 <= first <= end <= size:
        fault = FieldError("first", "out_of_range", f"0 <= first <= second <= {size}")
        raise Invalid(Code.INVALID_REQUEST, "There are no such two sizes of this tree.", [fault])
    root_of = _root_of(work, tree)
    work.record(
        action=Action.AUDIT_READ,
        object_kind="audit_checkpoint",
        object_id=None,
        detail={"proof": "consistency", "first": first, "second": end},
    )
    return ConsistencyProof(
        origin=parse(note).checkpoint.origin,
        first=first,
        second=end,
        first_root=root_of(0, first),
        second_root=root_of(0, end),
        hashes=tuple(merkle.consistency_proof(first, end, root_of)),
    )


def export_page(work: Work, start: int, size: int | None = None) -> ExportPage:
    """Lines of the program's tree from position `start`, in the form `consentry ledger verify --export` reads.

    The first page (`size` None) fixes how far the export goes: to the newest checkpoint. Every page asks and records
    anew, so that an export in flight ends when the right to it does.
    """
    work.require(Action.AUDIT_EXPORT, object_kind=KIND)
    tree = _tree(work, False)
    lines: list[bytes] = []
    if size is None:
        size, note = _latest(work, tree)
        lines.append(export.header_line(tree, parse(note).checkpoint.origin))
    last = min(start + EXPORT_PAGE, size)
    lines.extend(export.lines(work.db, tree, start, last))
    work.record(
        action=Action.AUDIT_EXPORT,
        object_kind=KIND,
        object_id=None,
        detail={"first": start, "last": last, "size": size},
    )
    return ExportPage(tuple(lines), last if last < size else None, size)


# -- inside ------------------------------------------------------------------------------------------


def _entry(entry_id: UUID) -> Callable[[Work], Loaded[StoredEntry] | None]:
    def load(work: Work) -> Loaded[StoredEntry] | None:
        entry = records.entry_by_id(work.db, entry_id)
        return None if entry is None else Loaded(entry, Facts(), KIND, entry.id, patient_id=entry.patient_id)

    return load


def _tree(work: Work, service_tree: bool) -> UUID:
    return SERVICE_PROGRAM if service_tree else work.caller.program_id


def _latest(work: Work, tree: UUID) -> tuple[int, str]:
    latest = records.latest_checkpoint(work.db, tree)
    if latest is None:
        raise NotFound(Code.NOT_FOUND, "Nothing has been signed yet; ask again in a second.")
    return latest


def _root_of(work: Work, tree: UUID) -> merkle.RangeRoot:
    """Roots by a scan over the stored leaf hashes: a proof reads every leaf once, about a second for a million."""

    def root_of(first: int, last: int) -> bytes:
        running = merkle.RunningTree()
        for hashed in ledger.leaf_hashes(work.db, tree, first, last):
            running.append(hashed)
        return running.root()

    return root_of


def _actor_names(work: Work, entries: Iterable[StoredEntry]) -> Mapping[UUID | None, str]:
    """Display names of those who acted for the program; a patient is never named here."""
    actors = {
        entry.actor_id for entry in entries if entry.actor_kind in _NAMED and entry.actor_id is not None
    }
    names: dict[UUID | None, str] = {}
    for actor in actors:
        stored = identity.account_by_id(work.db, actor)
        if stored is not None:
            names[actor] = open_account(work, stored).display_name
    return names


def _asked(query: Query) -> Json:
    """What was asked, for the entry's payload hash: the values stay out of the trail, and can be proven."""
    asked: dict[str, Json] = {name: str(value) for name, value in query.equals.items()}
    asked["begin"] = query.begin.isoformat() if query.begin else None
    asked["end"] = query.end.isoformat() if query.end else None
    return asked
