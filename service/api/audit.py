"""The audit trail over HTTP: searched, explained, exported. Its proofs: `audit_proofs`."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from service.api.audit_query import Asked
from service.api.audit_shapes import EntriesModel, ExplainedEntryModel, explained, listed
from service.api.audit_writers import NDJSON, WRITERS
from service.custody import exporting, operations
from service.custody.exporting import Span, SpanPage
from service.custody.operations import ExportPage
from service.edge.context import state_of
from service.edge.deps import perform, reply
from service.edge.models import Instant, Uuid
from service.edge.paging import write_cursor
from service.edge.strict import StrictRoute
from service.work import Work

router = APIRouter(prefix="/audit", tags=["audit"], route_class=StrictRoute)


@router.get("/entries", response_model=EntriesModel, summary="Search the trail")
async def list_entries(request: Request, query: Asked) -> Response:
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
        page = await perform(request, _following(page, written_as, page.next))


def _following(page: SpanPage, written_as: str, after: UUID) -> Callable[[Work], SpanPage]:
    def unit(work: Work) -> SpanPage:
        with_lines = WRITERS[written_as].with_lines
        return exporting.span_page(work, page.span, written_as, after=after, with_lines=with_lines)

    return unit
