"""The compliance officer's pages: the audit trail, filtered, and one entry with its explanation.

A filter is part of the address, so that it can be kept and passed on; it holds ids, codes and dates, nothing about a
patient but the opaque id.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from starlette.datastructures import QueryParams

from service.access.actions import Action
from service.custody.explanation import duty_words
from service.custody.operations import ExplainedEntry, Page, read_entry, search_entries
from service.custody.records import Query
from service.custody.words import DONE
from service.edge.deps import perform_as
from service.edge.models import Uuid
from service.edge.paging import read_cursor, write_cursor
from service.errors import Invalid
from service.identity.operations import me
from service.ledger.entry import Outcome
from service.web import cookies
from service.web.pages import PageRoute, Viewer, go, render, viewer_of
from service.work import Work

router = APIRouter(prefix="/audit", route_class=PageRoute, include_in_schema=False)

PAGE: Final = 50
OUTCOMES: Final = {"permit": "Permitted", "partial": "Permitted in part", "deny": "Refused"}
#: How sure we are that the law says so, as the policies note it.
SURE: Final = {"law": "the law", "policy": "our policy", "unsure": "to be confirmed by counsel"}
_IDS: Final = ("patient", "actor", "session")
LABELS: Final = {
    "from": "From day",
    "to": "To day",
    "action": "What happened",
    "outcome": "Outcome",
    "patient": "Patient id",
    "actor": "Id of the account that acted",
    "session": "Session id",
}


@dataclass(slots=True)
class Filter:
    """What the form asks for, as it was typed, and what of it cannot be read."""

    typed: dict[str, str]
    equals: dict[str, UUID | str] = field(default_factory=dict[str, UUID | str])
    begin: date | None = None
    end: date | None = None
    after: UUID | None = None
    faults: dict[str, str] = field(default_factory=dict[str, str])

    def query(self, zone: ZoneInfo) -> Query:
        """The query; days begin and end in the program's time zone."""
        return Query(
            equals=self.equals,
            begin=_midnight(self.begin, zone) if self.begin else None,
            end=_midnight(self.end + timedelta(days=1), zone) if self.end else None,
            descending=self.typed["order"] != "oldest",
            after=self.after,
            limit=PAGE,
        )

    def address(self, **changes: str) -> str:
        """The trail's address with this filter and these changes."""
        kept = {name: text for name, text in (self.typed | changes).items() if text}
        return "/audit?" + urlencode(kept) if kept else "/audit"


def read_filter(given: QueryParams) -> Filter:
    """The filter of an address. Every fault is kept beside its field; empty fields are no filter."""
    names = (*_IDS, "action", "outcome", "purpose", "from", "to", "order")
    found = Filter({name: given.get(name, "").strip()[:64] for name in names})
    for name in _IDS:
        if text := found.typed[name]:
            _read(found, name, "Not an id. Copy it from an entry.", lambda text=text: UUID(text))
    if text := found.typed["action"]:
        _read(found, "action", "No such act.", lambda: Action(text).value)
    if text := found.typed["outcome"]:
        _read(found, "outcome", "No such outcome.", lambda: Outcome(text).value)
    if found.typed["purpose"]:
        found.equals["purpose"] = found.typed["purpose"]
    found.begin, found.end = _day(found, "from"), _day(found, "to")
    if found.begin and found.end and found.end < found.begin:
        found.faults["to"] = "The last day is before the first."
    try:
        found.after = read_cursor(given.get("after"))
    except Invalid:
        found.faults["from"] = "This continuation is not one of ours. Search again."
    return found


@router.get("")
async def trail(request: Request) -> Response:
    session_id = cookies.session_of(request)
    asked = read_filter(request.query_params)
    if asked.faults:

        def only_look(work: Work) -> tuple[Page, Viewer, dict[str, Any]]:
            me(work)
            return Page((), None), viewer_of(request, work), _choices(work)

        page, viewer, choices = await perform_as(request, session_id, only_look, channel="page")
    else:

        def unit(work: Work) -> tuple[Page, Viewer, dict[str, Any]]:
            found = search_entries(work, asked.query(work.program.zone))
            return found, viewer_of(request, work), _choices(work)

        page, viewer, choices = await perform_as(request, session_id, unit, channel="page")
    if not viewer.may_read_trail:
        return go("/")
    older = asked.address(after=write_cursor(page.next)) if page.next else None
    return render(
        "trail.html",
        422 if asked.faults else 200,
        viewer,
        entries=page.entries,
        asked=asked,
        older=older,
        outcomes=OUTCOMES,
        labels=LABELS,
        **choices,
    )


@router.get("/entries/{entry_id}")
async def entry(request: Request, entry_id: Uuid) -> Response:
    session_id = cookies.session_of(request)

    def unit(work: Work) -> tuple[ExplainedEntry, Viewer, dict[str, Any]]:
        return read_entry(work, entry_id), viewer_of(request, work), _choices(work)

    shown, viewer, choices = await perform_as(request, session_id, unit, channel="page")
    return render(
        "entry.html",
        200,
        viewer,
        shown=shown,
        outcomes=OUTCOMES,
        sure=SURE,
        duty_words=duty_words,
        **choices,
    )


def _choices(work: Work) -> dict[str, Any]:
    """What the form offers, and how times are written."""
    return {
        "actions": [(action.value, words[:1].upper() + words[1:]) for action, words in DONE.items()],
        "purposes": {purpose.code: purpose.display for purpose in work.access.purposes.by_code.values()},
        "zone": work.program.timezone,
        "local": partial(_local, work.program.zone),
    }


def _local(zone: ZoneInfo, instant: datetime) -> str:
    there = instant.astimezone(zone)
    return f"{there:%b} {there.day}, {there:%Y, %H:%M:%S %Z}"


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _read(found: Filter, name: str, fault: str, read: Any) -> None:
    try:
        found.equals[name] = read()
    except ValueError:
        found.faults[name] = fault


def _day(found: Filter, name: str) -> date | None:
    text = found.typed[name]
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        found.typed[name] = ""
        found.faults[name] = "There is no such day."
        return None
    if not 2000 <= day.year <= 2200:
        found.faults[name] = "A date between 2000 and 2200 is needed."
        return None
    return day
