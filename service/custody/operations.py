"""Reading the trail: searched, explained, handed on; its proofs are in `proving`. Each reading is itself an entry
(45 CFR 164.312(b)).

Only the roles that the policies name may (compliance), and only entries of their own program: row-level security sees
to the latter, whatever is asked here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.custody import records
from service.custody.explanation import Explanation, explain, summary
from service.custody.proving import KIND, entry_loader, latest_checkpoint
from service.custody.records import FIELDS, Query, StoredEntry
from service.errors import Code, FieldError, Invalid
from service.identity import records as identity
from service.identity.operations import open_account
from service.ledger import export
from service.ledger.checkpoint import parse
from service.people.recipients.operations import recipient_facts
from service.work import Json, Work

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
    found = found_entries(work, query)
    if found is None:
        raise Invalid(Code.CURSOR_INVALID, "This cursor is not one of ours.")
    shown = found[: query.limit]
    names = _actor_names(work, shown)
    work.record(
        action=Action.AUDIT_READ,
        object_kind=KIND,
        object_id=None,
        patient_id=about,
        detail={"filters": _filters(query), "sort": query.sort, "listed": len(shown)},
        payload=_asked(query),
    )
    listed = tuple(
        ListedEntry(entry, names.get(entry.actor_id), summary(entry, names.get(entry.actor_id)))
        for entry in shown
    )
    return Page(listed, shown[-1].id if len(found) > query.limit else None)


def found_entries(work: Work, query: Query) -> list[StoredEntry] | None:
    """One page and one more; Invalid where the trail holds too much to be sorted like this in time."""
    try:
        return records.entries(work.db, query)
    except records.TooMuchToSortError:
        text = "Too many entries fit to be sorted by this field. Name a span of time, or one more filter."
        raise Invalid(
            Code.INVALID_REQUEST,
            "The trail cannot be sorted like this in time.",
            [FieldError("sort", "too_much_to_sort", text)],
        ) from None


def read_entry(work: Work, entry_id: UUID) -> ExplainedEntry:
    """One entry, explained; NotFound, recorded, where there is none for this program."""
    entry = work.authorised(Action.AUDIT_READ, entry_loader(entry_id))
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


def export_page(work: Work, start: int, size: int | None = None) -> ExportPage:
    """Lines of the program's tree from position `start`, in the form `consentry ledger verify --export` reads.

    The first page (`size` None) fixes how far the export goes: to the newest checkpoint. Every page asks and records
    anew, so that an export in flight ends when the right to it does.
    """
    work.require(Action.AUDIT_EXPORT, object_kind=KIND)
    tree = work.caller.program_id
    lines: list[bytes] = []
    if size is None:
        size, note = latest_checkpoint(work, tree)
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
    if query.policy is not None:
        asked["policy"] = query.policy
    spans = (
        ("begin", query.begin),
        ("end", query.end),
        ("occurred_begin", query.occurred_begin),
        ("occurred_end", query.occurred_end),
    )
    return asked | {name: instant.isoformat() if instant else None for name, instant in spans}


def _filters(query: Query) -> list[Json]:
    names = [*query.equals, *(["policy"] if query.policy else [])]
    return list[Json](sorted(names))
