"""Evidence about a patient over HTTP: recorded, signed off, ended, read."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.api.evidence_shapes import (
    EndBody,
    EvidenceBody,
    EvidenceListModel,
    EvidenceModel,
    evidence_json,
)
from service.edge.context import state_of
from service.edge.deps import perform, perform_once, reply
from service.edge.models import Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.evidence import operations
from service.evidence.model import Evidence
from service.evidence.rulebook import EvidenceBook
from service.work import Work

router = APIRouter(tags=["evidence"], route_class=StrictRoute)


@router.post(
    "/patients/{patient_id}/evidence",
    status_code=201,
    response_model=EvidenceModel,
    summary="Record a complete paper; 422 names everything it lacks, with the paragraph",
)
async def record_evidence(request: Request, patient_id: Uuid, body: EvidenceBody) -> Response:
    book = _book(request)

    def create(work: Work) -> tuple[UUID, Evidence]:
        made = operations.record_evidence(work, book, patient_id, body.given())
        return made.id, made

    return _one(book, 201, await perform_once(request, create, operations.read_evidence))


@router.get("/patients/{patient_id}/evidence", response_model=EvidenceListModel, summary="Newest first")
async def list_evidence(
    request: Request, patient_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    book, before = _book(request), read_cursor(cursor)
    page = await perform(
        request, lambda work: operations.list_evidence(work, patient_id, before=before, at_most=limit)
    )
    return page_reply(book, page.evidence, more=page.more)


@router.get("/evidence/{evidence_id}", response_model=EvidenceModel, summary="One paper")
async def read_evidence(request: Request, evidence_id: Uuid) -> Response:
    found = await perform(request, lambda work: operations.read_evidence(work, evidence_id))
    return _one(_book(request), 200, found)


@router.post(
    "/evidence/{evidence_id}/sign-off",
    response_model=EvidenceModel,
    summary="Sign a paper off; a director's finding by the program director only",
)
async def sign_off_evidence(request: Request, evidence_id: Uuid) -> Response:
    book = _book(request)

    def create(work: Work) -> tuple[UUID, Evidence]:
        return evidence_id, operations.sign_off_evidence(work, book, evidence_id)

    return _one(book, 200, await perform_once(request, create, operations.read_evidence))


@router.post(
    "/evidence/{evidence_id}/end",
    response_model=EvidenceModel,
    summary="End a paper: nothing rests on it from now on. A correction ends it and records it anew",
)
async def end_evidence(request: Request, evidence_id: Uuid, body: EndBody) -> Response:
    def create(work: Work) -> tuple[UUID, Evidence]:
        return evidence_id, operations.end_evidence(work, evidence_id, body.reason)

    return _one(_book(request), 200, await perform_once(request, create, operations.read_evidence))


def page_reply(book: EvidenceBook, found: tuple[Evidence, ...], *, more: bool) -> Response:
    """A page of papers."""
    items = [evidence_json(book, one) for one in found]
    return reply(200, {"items": items, "next_cursor": write_cursor(found[-1].id) if more else None})


def _book(request: Request) -> EvidenceBook:
    return state_of(request).evidence


def _one(book: EvidenceBook, status: int, evidence: Evidence) -> Response:
    return reply(status, evidence_json(book, evidence), etag=evidence.version)
