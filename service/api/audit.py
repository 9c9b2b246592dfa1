"""The audit trail over HTTP: searched, explained, proven, exported."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from service.api.audit_shapes import (
    ConsistencyProofModel,
    EntriesModel,
    ExplainedEntryModel,
    InclusionProofModel,
    consistency,
    explained,
    inclusion,
    listed,
)
from service.custody import operations
from service.custody.operations import ExportPage
from service.custody.records import Query as TrailQuery
from service.edge.deps import perform, reply
from service.edge.models import Instant, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute

router = APIRouter(prefix="/audit", tags=["audit"], route_class=StrictRoute)

Code = Annotated[str | None, Query(min_length=1, max_length=64)]
TreeName = Annotated[
    Literal["program", "service"],
    Query(description="The program's tree, or that of sign-ins and administration."),
]
Size = Annotated[int, Query(ge=0, le=2**63 - 1)]


@router.get("/entries", response_model=EntriesModel, summary="Search the trail")
async def list_entries(
    request: Request,
    patient: Uuid | None = None,
    actor: Uuid | None = None,
    action: Code = None,
    outcome: Annotated[Literal["permit", "partial", "deny"] | None, Query()] = None,
    purpose: Code = None,
    object: Uuid | None = None,
    consent: Uuid | None = None,
    recipient: Uuid | None = None,
    basis: Code = None,
    begin: Annotated[Instant | None, Query(alias="from")] = None,
    end: Annotated[Instant | None, Query(alias="to")] = None,
    sort: Annotated[
        str, Query(max_length=32, description="A field, with - for descending.")
    ] = "-recorded_at",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    given: dict[str, UUID | str | None] = {
        "patient": patient,
        "actor": actor,
        "action": action,
        "outcome": outcome,
        "purpose": purpose,
        "object": object,
        "consent": consent,
        "recipient": recipient,
        "basis": basis,
    }
    query = TrailQuery(
        equals={name: value for name, value in given.items() if value is not None},
        begin=begin,
        end=end,
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
    "/entries/{entry_id}/proof", response_model=InclusionProofModel, summary="Inclusion proof of one entry"
)
async def prove_entry(request: Request, entry_id: Uuid) -> Response:
    return reply(200, inclusion(await perform(request, lambda work: operations.prove_entry(work, entry_id))))


@router.get(
    "/checkpoint",
    response_class=Response,
    summary="The newest signed checkpoint",
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "A C2SP signed note."}
    },
)
async def newest_checkpoint(request: Request, tree: TreeName = "program") -> Response:
    note = await perform(
        request, lambda work: operations.newest_checkpoint(work, service_tree=tree == "service")
    )
    return Response(note, media_type="text/plain; charset=utf-8")


@router.get(
    "/consistency", response_model=ConsistencyProofModel, summary="Consistency proof between two sizes"
)
async def prove_consistency(
    request: Request, first: Size, second: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
    tree: TreeName = "program",
) -> Response:  # fmt: skip
    proof = await perform(
        request,
        lambda work: operations.prove_consistency(work, first, second, service_tree=tree == "service"),
    )
    return reply(200, consistency(proof))


@router.get(
    "/export",
    response_class=StreamingResponse,
    summary="The program's whole trail, to be verified elsewhere",
    responses={
        200: {
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
            "description": "One JSON object a line.",
        }
    },
)
async def export_trail(
    request: Request, format: Annotated[Literal["ndjson"], Query()] = "ndjson"
) -> Response:  # fmt: skip
    first = await perform(request, lambda work: operations.export_page(work, 0))
    return StreamingResponse(
        _pages(request, first),
        media_type="application/x-ndjson",
        headers={"Content-Disposition": 'attachment; filename="audit-trail.ndjson"'},
    )


async def _pages(request: Request, first: ExportPage) -> AsyncIterator[bytes]:
    """Page after page, each committed as an act of its own before its lines leave."""
    page = first
    while True:
        yield b"".join(page.lines)
        if page.next is None:
            return
        start, size = page.next, page.size
        page = await perform(request, lambda work: operations.export_page(work, start, size))  # noqa: B023
