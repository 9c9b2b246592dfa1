"""The audit trail over HTTP: searched, explained, exported. Its proofs: `audit_proofs`."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from service.api.audit_shapes import EntriesModel, ExplainedEntryModel, explained, listed
from service.api.audit_writers import NDJSON, WRITERS
from service.custody import exporting, operations
from service.custody.exporting import Span, SpanPage
from service.custody.operations import ExportPage
from service.custody.records import Query as TrailQuery
from service.edge.context import state_of
from service.edge.deps import perform, reply
from service.edge.models import Instant, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute

router = APIRouter(prefix="/audit", tags=["audit"], route_class=StrictRoute)

Code = Annotated[str | None, Query(min_length=1, max_length=64)]


@router.get("/entries", response_model=EntriesModel, summary="Search the trail")
async def list_entries(
    request: Request,
    patient: Uuid | None = None,
    actor: Uuid | None = None,
    actor_kind: Code = None,
    session: Uuid | None = None,
    action: Code = None,
    outcome: Annotated[Literal["permit", "partial", "deny"] | None, Query()] = None,
    purpose: Code = None,
    object_kind: Code = None,
    object: Uuid | None = None,
    object_version: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
    consent: Uuid | None = None,
    recipient: Uuid | None = None,
    basis: Code = None,
    policy: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_.:@-]{1,100}$")] = None,
    policy_set: Code = None,
    request_id: Annotated[str | None, Query(alias="request", min_length=1, max_length=64)] = None,
    tree: Uuid | None = None,
    begin: Annotated[Instant | None, Query(alias="from", description="Recorded then or later.")] = None,
    end: Annotated[Instant | None, Query(alias="to", description="Recorded before.")] = None,
    occurred_from: Instant | None = None,
    occurred_to: Instant | None = None,
    sort: Annotated[
        str, Query(max_length=32, description="A field, with - for descending.")
    ] = "-recorded_at",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    given: dict[str, UUID | str | int | None] = {
        "patient": patient,
        "actor": actor,
        "actor_kind": actor_kind,
        "session": session,
        "action": action,
        "outcome": outcome,
        "purpose": purpose,
        "object_kind": object_kind,
        "object": object,
        "object_version": object_version,
        "consent": consent,
        "recipient": recipient,
        "basis": basis,
        "policy_set": policy_set,
        "request": request_id,
        "tree": tree,
    }
    query = TrailQuery(
        equals={name: value for name, value in given.items() if value is not None},
        begin=begin,
        end=end,
        occurred_begin=occurred_from,
        occurred_end=occurred_to,
        policy=policy,
        sort=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        after=read_cursor(cursor),
        limit=limit,
    )
    page = await perform(request, lambda work: operations.search_entries(work, query))
    return reply(
        200,
        {
            "items": [listed(one) for one in page.entries],
            "next_cursor": write_cursor(page.next) if page.next else None,
        },
    )


@router.get("/entries/{entry_id}", response_model=ExplainedEntryModel, summary="One entry, explained")
async def read_entry(request: Request, entry_id: Uuid) -> Response:
    return reply(200, explained(await perform(request, lambda work: operations.read_entry(work, entry_id))))


@router.get(
    "/export",
    response_class=StreamingResponse,
    summary="The program's trail: whole, to be verified elsewhere, or a span of it",
    description="Without `from` and `to`, `ndjson` is the whole tree in the form that can be verified offline. With "
    "them it is the entries of that span that have their position, line by line in the same form, without the header. "
    "`csv` begins with a header line; cells that a spreadsheet would take for a formula begin with an apostrophe. "
    "`fhir` is one AuditEvent a line, following IHE Basic Audit Log Patterns.",
    responses={
        200: {
            "content": {one.media: {"schema": {"type": "string"}} for one in WRITERS.values()},
            "description": "One object, or one row, a line.",
        }
    },
)
async def export_trail(
    request: Request,
    format: Annotated[Literal["ndjson", "csv", "fhir"], Query()] = "ndjson",
    begin: Annotated[Instant | None, Query(alias="from", description="Recorded then or later.")] = None,
    end: Annotated[Instant | None, Query(alias="to", description="Recorded before.")] = None,
) -> Response:
    if format == "ndjson" and begin is None and end is None:
        first = await perform(request, lambda work: operations.export_page(work, 0))
        return _download(_tree_pages(request, first), NDJSON, "ndjson")
    written = WRITERS[format]
    page = await perform(
        request,
        lambda work: exporting.span_page(work, Span(begin, end), format, with_lines=written.with_lines),
    )
    return _download(_span_pages(request, page, format), written.media, written.suffix)


def _download(pages: AsyncIterator[bytes], media: str, suffix: str) -> Response:
    return StreamingResponse(
        pages,
        media_type=media,
        headers={"Content-Disposition": f'attachment; filename="audit-trail.{suffix}"'},
    )


async def _tree_pages(request: Request, first: ExportPage) -> AsyncIterator[bytes]:
    """Page after page, each committed as an act of its own before its lines leave."""
    page = first
    while True:
        yield b"".join(page.lines)
        if page.next is None:
            return
        start, size = page.next, page.size
        page = await perform(request, lambda work: operations.export_page(work, start, size))  # noqa: B023


async def _span_pages(request: Request, first: SpanPage, written_as: str) -> AsyncIterator[bytes]:
    """The same for a span; where it ends was fixed by its first page."""
    page, written = first, WRITERS[written_as]
    yield written.header
    while True:
        yield written.lines(page, state_of(request).settings.deployment)
        if page.next is None:
            return
        following = partial(
            exporting.span_page,
            span=page.span,
            written_as=written_as,
            after=page.next,
            with_lines=written.with_lines,
        )
        page = await perform(request, following)
