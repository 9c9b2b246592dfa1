"""Consents over HTTP: drafted, read, signed, revoked, replaced."""

from collections.abc import Callable
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.api.consent_answers import ConsentListModel, ConsentModel, consent_json
from service.api.consent_shapes import (
    ConsentBody,
    ErrorBody,
    RevocationBody,
    RulingBody,
    SignatureBody,
    SupersessionBody,
)
from service.consent import operations
from service.consent.commands import ConsentView
from service.consent.copy import copy_of
from service.consent.revoking import revoke
from service.consent.rulebook import Rulebook
from service.consent.ruling import rule
from service.consent.signatures import sign
from service.edge.context import state_of
from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.work import Work

router = APIRouter(tags=["consent"], route_class=StrictRoute)


@router.post(
    "/patients/{patient_id}/consents",
    status_code=201,
    response_model=ConsentModel,
    summary="Draft a consent; every missing element of 42 CFR 2.31 is named",
)
async def create_consent(request: Request, patient_id: Uuid, body: ConsentBody) -> Response:
    book = _book(request)

    def create(work: Work) -> tuple[UUID, ConsentView]:
        made = operations.draft(work, book, patient_id, body.draft())
        return made.record.consent_id, made

    return _one(201, await perform_once(request, create, _again(book)))


@router.get("/patients/{patient_id}/consents", response_model=ConsentListModel, summary="Newest first")
async def list_consents(
    request: Request, patient_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    book, before = _book(request), read_cursor(cursor)
    page = await perform(
        request, lambda work: operations.list_of(work, book, patient_id, before=before, at_most=limit)
    )
    last = page.consents[-1].record.consent_id if page.more else None
    return reply(
        200,
        {
            "items": [consent_json(view) for view in page.consents],
            "next_cursor": None if last is None else write_cursor(last),
        },
    )


@router.get("/consents/{consent_id}", response_model=ConsentModel, summary="One consent as it stands today")
async def read_consent(request: Request, consent_id: Uuid) -> Response:
    book = _book(request)
    return _one(200, await perform(request, lambda work: operations.read(work, book, consent_id)))


@router.put("/consents/{consent_id}", response_model=ConsentModel, summary="Save a draft anew, whole")
async def edit_consent(request: Request, consent_id: Uuid, body: ConsentBody) -> Response:
    book, version = _book(request), if_match(request)
    edited = await perform(
        request, lambda work: operations.edit(work, book, consent_id, version, body.draft())
    )
    return _one(200, edited)


@router.get(
    "/consents/{consent_id}/document",
    response_class=Response,
    responses={
        200: {
            "content": {"text/plain": {"schema": {"type": "string"}}},
            "description": "The text and its signatures",
        }
    },
    summary="The exact text with its signatures, as plain text (PDF is not offered yet)",
)
async def read_document(request: Request, consent_id: Uuid) -> Response:
    book = _book(request)
    view = await perform(request, lambda work: operations.read(work, book, consent_id))
    return Response(copy_of(view), media_type="text/plain; charset=utf-8")


@router.post(
    "/consents/{consent_id}/signatures",
    status_code=201,
    response_model=ConsentModel,
    summary="Sign; active when nothing is missing, a draft still when one of two signatures is, else 422",
)
async def sign_consent(request: Request, consent_id: Uuid, body: SignatureBody) -> Response:
    book, version = _book(request), _version(request)

    def create(work: Work) -> tuple[UUID, ConsentView]:
        return consent_id, sign(work, book, consent_id, body.given(), version=version)

    return _one(201, await perform_once(request, create, _again(book)))


@router.post(
    "/consents/{consent_id}/revocation",
    response_model=ConsentModel,
    summary="Revoke, wholly or for some recipients: the next decision denies",
)
async def revoke_consent(request: Request, consent_id: Uuid, body: RevocationBody) -> Response:
    book, version = _book(request), _version(request)

    def create(work: Work) -> tuple[UUID, ConsentView]:
        return consent_id, revoke(work, book, consent_id, body.given(), version=version)

    return _one(200, await perform_once(request, create, _again(book)))


@router.post(
    "/consents/{consent_id}/rulings",
    status_code=201,
    response_model=ConsentModel,
    summary="Compliance rules on a doubt, an ending event or a defect of form",
)
async def rule_on_consent(request: Request, consent_id: Uuid, body: RulingBody) -> Response:
    book, version = _book(request), _version(request)

    def create(work: Work) -> tuple[UUID, ConsentView]:
        return consent_id, rule(work, book, consent_id, body.given(), version=version)

    return _one(201, await perform_once(request, create, _again(book)))


@router.post(
    "/consents/{consent_id}/supersession",
    response_model=ConsentModel,
    summary="Replace an active consent by another active one of the same patient",
)
async def supersede_consent(request: Request, consent_id: Uuid, body: SupersessionBody) -> Response:
    book = _book(request)

    def create(work: Work) -> tuple[UUID, ConsentView]:
        return consent_id, operations.supersede(work, book, consent_id, body.replaced_by)

    return _one(200, await perform_once(request, create, _again(book)))


@router.post(
    "/consents/{consent_id}/error",
    response_model=ConsentModel,
    summary="Mark a consent as entered in error: kept, and used for nothing",
)
async def mark_consent_as_error(request: Request, consent_id: Uuid, body: ErrorBody) -> Response:
    book = _book(request)

    def create(work: Work) -> tuple[UUID, ConsentView]:
        return consent_id, operations.mark_error(work, book, consent_id, body.reason)

    return _one(200, await perform_once(request, create, _again(book)))


def _book(request: Request) -> Rulebook:
    return state_of(request).rulebook


def _again(book: Rulebook) -> Callable[[Work, UUID], ConsentView]:
    """A repeated request is answered with the consent as it is now."""

    def render(work: Work, consent_id: UUID) -> ConsentView:
        return operations.read(work, book, consent_id)

    return render


def _version(request: Request) -> int | None:
    """The version the caller read, where saying so is welcome and not required: the state decides anyway."""
    return if_match(request) if "if-match" in request.headers else None


def _one(status: int, view: ConsentView) -> Response:
    return reply(status, consent_json(view), etag=view.record.version)
