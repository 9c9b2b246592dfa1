"""The audit trail over HTTP: searched, explained, exported. Its proofs: `audit_proofs`."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from service.api.audit_shapes import EntriesModel, ExplainedEntryModel, explained, listed
from service.custody import operations
from service.custody.operations import ExportPage
from service.custody.records import Query as TrailQuery
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
