"""The register of agreements over HTTP: QSOAs, research papers, audit and data use agreements, state monitoring laws."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from service.api.evidence import page_reply
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
from service.edge.paging import Cursor, Limit, read_cursor
from service.edge.strict import StrictRoute
from service.evidence import agreements
from service.evidence.model import Evidence
from service.evidence.rulebook import EvidenceBook
from service.work import Work

router = APIRouter(tags=["agreements"], route_class=StrictRoute)


@router.post(
    "/agreements",
    status_code=201,
    response_model=EvidenceModel,
    summary="Record a complete agreement; 422 names everything it lacks, with the paragraph",
)
async def record_agreement(request: Request, body: EvidenceBody) -> Response:
    book = _book(request)

    def create(work: Work) -> tuple[UUID, Evidence]:
        made = agreements.record_agreement(work, book, body.given())
        return made.id, made

    return _one(book, 201, await perform_once(request, create, agreements.read_agreement))


@router.get(
    "/agreements", response_model=EvidenceListModel, summary="The register, newest first; or one recipient's"
)
async def list_agreements(
    request: Request,
    recipient: Annotated[Uuid | None, Query(description="Only what names this recipient.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    before = read_cursor(cursor)
    page = await perform(
        request, lambda work: agreements.list_agreements(work, recipient, before=before, at_most=limit)
    )
    return page_reply(_book(request), page.evidence, more=page.more)


@router.get("/agreements/{agreement_id}", response_model=EvidenceModel, summary="One agreement")
async def read_agreement(request: Request, agreement_id: Uuid) -> Response:
    found = await perform(request, lambda work: agreements.read_agreement(work, agreement_id))
    return _one(_book(request), 200, found)


@router.post(
    "/agreements/{agreement_id}/sign-off",
    response_model=EvidenceModel,
    summary="Sign an agreement off; research papers by the program director only, who then states a purpose",
)
async def sign_off_agreement(request: Request, agreement_id: Uuid) -> Response:
    book = _book(request)

    def create(work: Work) -> tuple[UUID, Evidence]:
        return agreement_id, agreements.sign_off_agreement(work, book, agreement_id)

    return _one(book, 200, await perform_once(request, create, agreements.read_agreement))


@router.post(
    "/agreements/{agreement_id}/end",
    response_model=EvidenceModel,
    summary="End it: nothing rests on it any more",
)
async def end_agreement(request: Request, agreement_id: Uuid, body: EndBody) -> Response:
    def create(work: Work) -> tuple[UUID, Evidence]:
        return agreement_id, agreements.end_agreement(work, agreement_id, body.reason)

    return _one(_book(request), 200, await perform_once(request, create, agreements.read_agreement))


def _book(request: Request) -> EvidenceBook:
    return state_of(request).evidence


def _one(book: EvidenceBook, status: int, agreement: Evidence) -> Response:
    return reply(status, evidence_json(book, agreement), etag=agreement.version)
