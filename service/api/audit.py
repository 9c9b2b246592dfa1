"""The audit trail over HTTP: searched, explained, proven, exported."""

import base64
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from service.custody import operations
from service.custody.operations import (
    ConsistencyProof,
    ExplainedEntry,
    ExportPage,
    InclusionProof,
    ListedEntry,
)
from service.custody.records import Query as TrailQuery
from service.custody.records import StoredEntry
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


class ActorModel(BaseModel):
    kind: str
    id: UUID | None
    name: str | None


class EntryModel(BaseModel):
    id: UUID
    tree: UUID
    recorded_at: str
    occurred_at: str
    actor: ActorModel
    session: UUID | None
    action: str
    outcome: str
    purpose: str | None
    object_kind: str | None
    object: UUID | None
    object_version: int | None
    patient: UUID | None
    consent: UUID | None
    recipient: UUID | None
    basis: str | None
    policy_set: str
    request_id: str
    summary: str


class EntriesModel(BaseModel):
    items: list[EntryModel]
    next_cursor: str | None


class AuthorityModel(BaseModel):
    rule: str
    citation: str
    conf: str
    text: str


class HeldModel(BaseModel):
    reason: str
    citation: str
    conf: str
    count: int


class GroundsModel(BaseModel):
    """What a legal decision rested on and looked at, by id."""

    evidence: str | None
    consents_considered: list[str]
    evidence_considered: list[str]


class ExplanationModel(BaseModel):
    """`paragraph`: a legal decision in plain words, as said when it was made."""

    sentences: list[str]
    paragraph: str | None
    grounds: GroundsModel
    rules: list[AuthorityModel]
    withheld: list[HeldModel]
    obligations: list[str]
    reason: str | None
    policy_set_is_current: bool


class ExplainedEntryModel(EntryModel):
    recipient_name: str | None
    policies: list[str]
    detail: dict[str, Any]
    position: int | None
    explanation: ExplanationModel


class InclusionProofModel(BaseModel):
    """Base64 hashes, nearest sibling first. SHA-256(0x00 || leaf) is the leaf hash."""

    entry_id: UUID
    origin: str
    position: int
    size: int
    leaf: str
    leaf_hash: str
    hashes: list[str]
    root: str
    checkpoint: str


class ConsistencyProofModel(BaseModel):
    """Base64 hashes in the order of RFC 6962 section 2.1.2."""

    origin: str
    first: int
    second: int
    first_root: str
    second_root: str
    hashes: list[str]


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
            "items": [_listed(one) for one in page.entries],
            "next_cursor": write_cursor(page.next) if page.next else None,
        },
    )


@router.get("/entries/{entry_id}", response_model=ExplainedEntryModel, summary="One entry, explained")
async def read_entry(request: Request, entry_id: Uuid) -> Response:
    return reply(200, _explained(await perform(request, lambda work: operations.read_entry(work, entry_id))))


@router.get(
    "/entries/{entry_id}/proof", response_model=InclusionProofModel, summary="Inclusion proof of one entry"
)
async def prove_entry(request: Request, entry_id: Uuid) -> Response:
    return reply(200, _inclusion(await perform(request, lambda work: operations.prove_entry(work, entry_id))))


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
    return reply(200, _consistency(proof))


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


def _entry(entry: StoredEntry, actor_name: str | None, summary: str) -> dict[str, Any]:
    return {
        "id": entry.id,
        "tree": entry.tree,
        "recorded_at": entry.recorded_at,
        "occurred_at": entry.occurred_at,
        "actor": {"kind": entry.actor_kind, "id": entry.actor_id, "name": actor_name},
        "session": entry.session_id,
        "action": entry.action,
        "outcome": entry.outcome,
        "purpose": entry.purpose,
        "object_kind": entry.object_kind or None,
        "object": entry.object_id,
        "object_version": entry.object_version,
        "patient": entry.patient_id,
        "consent": entry.consent_id,
        "recipient": entry.recipient_id,
        "basis": entry.basis,
        "policy_set": entry.policy_set,
        "request_id": entry.request_id,
        "summary": summary,
    }


def _listed(one: ListedEntry) -> dict[str, Any]:
    return _entry(one.entry, one.actor_name, one.summary)


def _explained(one: ExplainedEntry) -> dict[str, Any]:
    explanation = one.explanation
    return {
        **_entry(one.entry, one.actor_name, explanation.sentences[0]),
        "recipient_name": one.recipient_name,
        "policies": [authority.rule for authority in explanation.authorities],
        "detail": explanation.detail,
        "position": one.entry.position,
        "explanation": {
            "sentences": explanation.sentences,
            "paragraph": explanation.paragraph,
            "grounds": {
                "evidence": explanation.grounds.evidence,
                "consents_considered": explanation.grounds.consents,
                "evidence_considered": explanation.grounds.papers,
            },
            "rules": [
                {"rule": rule.rule, "citation": rule.cite, "conf": rule.conf, "text": rule.text}
                for rule in explanation.authorities
            ],
            "withheld": [
                {"reason": held.reason, "citation": held.cite, "conf": held.conf, "count": held.count}
                for held in explanation.withheld
            ],
            "obligations": explanation.obligations,
            "reason": explanation.reason,
            "policy_set_is_current": explanation.policy_set_is_current,
        },
    }


def _inclusion(proof: InclusionProof) -> dict[str, Any]:
    return {
        "entry_id": proof.entry_id,
        "origin": proof.origin,
        "position": proof.position,
        "size": proof.size,
        "leaf": proof.leaf,
        "leaf_hash": _base64(proof.leaf_hash),
        "hashes": _all_base64(proof.hashes),
        "root": _base64(proof.root),
        "checkpoint": proof.checkpoint,
    }


def _consistency(proof: ConsistencyProof) -> dict[str, Any]:
    return {
        "origin": proof.origin,
        "first": proof.first,
        "second": proof.second,
        "first_root": _base64(proof.first_root),
        "second_root": _base64(proof.second_root),
        "hashes": _all_base64(proof.hashes),
    }


def _base64(hashed: bytes) -> str:
    return base64.b64encode(hashed).decode("ascii")


def _all_base64(hashes: Sequence[bytes]) -> list[str]:
    return [_base64(hashed) for hashed in hashes]
