"""A span of the trail handed on, page after page; the whole tree, to be verified, is `operations.export_page`.

Every page asks and records anew, so that an export in flight ends when the right to it does. The first page fixes where
the export ends: what the pages themselves record comes after that, so an export never chases its own entries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from service.access.actions import Action
from service.custody import records
from service.custody.entry import StoredEntry
from service.custody.operations import found_entries
from service.custody.proving import KIND
from service.custody.records import Query
from service.errors import Code, Invalid
from service.work import Work

#: Entries in one page: well within what one unit may take.
PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Span:
    """What was recorded from `begin` up to, not including, `end`."""

    begin: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class SpanPage:
    """Some entries in the order they were recorded; `next` is the one to go on after, None at the end.

    `lines` are those of the entries that have their position, as the whole tree's export writes them; only where asked.
    """

    entries: tuple[StoredEntry, ...]
    span: Span
    next: UUID | None
    lines: Mapping[UUID, bytes]


def span_page(
    work: Work, span: Span, written_as: str, after: UUID | None = None, *, with_lines: bool = False
) -> SpanPage:
    """The next page of a span. `written_as` is the format's name, for the entry of this act."""
    work.require(Action.AUDIT_EXPORT, object_kind=KIND)
    fixed = Span(span.begin, span.end or records.database_now(work.db))
    query = Query({}, fixed.begin, fixed.end, descending=False, after=after, limit=PAGE)
    found = found_entries(work, query)
    if found is None:
        raise Invalid(Code.CURSOR_INVALID, "This cursor is not one of ours.")
    shown = tuple(found[:PAGE])
    lines = records.export_lines(work.db, [entry.id for entry in shown]) if with_lines else {}
    work.record(
        action=Action.AUDIT_EXPORT,
        object_kind=KIND,
        object_id=None,
        detail={
            "format": written_as,
            "from": fixed.begin.isoformat() if fixed.begin else None,
            "to": fixed.end.isoformat() if fixed.end else None,
            "listed": len(shown),
        },
    )
    return SpanPage(shown, fixed, shown[-1].id if len(found) > PAGE else None, lines)
