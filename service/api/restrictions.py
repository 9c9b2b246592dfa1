"""Restrictions over HTTP: asked for by the patient or for them, answered, ended, listed (42 CFR 2.26)."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from service.access.purposes import PurposeClass
from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import Instant, LongText, ShortText, StrictModel, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.record.item import Kind
from service.rights import operations
from service.rights.asking import Ending, NewRestriction
from service.rights.lifecycle import acts_from
from service.rights.restricting import MUST_AGREE_CITATION
from service.rights.restriction import Restriction
from service.work import Work

router = APIRouter(tags=["rights"], route_class=StrictRoute)

All = Literal["all"]
KindCode = Annotated[Kind, Field(strict=False)]
ClassName = Annotated[PurposeClass, Field(strict=False)]


class NewRestrictionBody(StrictModel):
    """What must not be used or disclosed, to whom, for what. `purposes` are codes, `classes` their legal classes."""

    kinds: All | Annotated[list[KindCode], Field(max_length=50)] | None = None
    items: Annotated[list[Uuid], Field(max_length=200)] = Field(default_factory=list[Uuid])
    recipients: All | Annotated[list[Uuid], Field(max_length=50)]
    classes: Annotated[list[ClassName], Field(max_length=20)] = Field(default_factory=list[ClassName])
    purposes: Annotated[list[ShortText], Field(max_length=20)] = Field(default_factory=list[ShortText])
    paid_in_full: bool = Field(
        default=False, description="By the patient, or by somebody other than the plan, out of pocket."
    )
    required_by_law: bool = Field(default=False, description="Another law requires the disclosure.")
    reason: LongText | None = None


class AnswerBody(StrictModel):
    answer: Literal["agreed", "declined"]
    reason: LongText


class EndingBody(StrictModel):
    """`program_notice` leaves covered what was there before. What was said aloud, or told, is written in `note`."""

    by: Ending = Field(strict=False)
    note: LongText | None = None


class RestrictionModel(BaseModel):
    id: Uuid
    patient_id: Uuid
    state: Literal["requested", "agreed", "declined", "ended"]
    kinds: All | list[str]
    items: list[Uuid]
    recipients: All | list[Uuid]
    classes: list[str]
    paid_in_full: bool
    required_by_law: bool
    must_agree: bool = Field(description="The program had to agree: no notice of its own ends it.")
    citation: str | None
    reason: str
    answer: str
    ending: str
    requested_at: Instant
    agreed_at: Instant | None
    ended_at: Instant | None
    covers_records_until: Instant | None
    can: list[str]
    version: int


class RestrictionsModel(BaseModel):
    items: list[RestrictionModel]
    next_cursor: str | None


@router.post(
    "/patients/{patient_id}/restrictions",
    status_code=201,
    response_model=RestrictionModel,
    summary="Ask for a restriction; agreed to at once where the program must agree",
)
async def request_restriction(request: Request, patient_id: Uuid, body: NewRestrictionBody) -> Response:
    new = _new(body)

    def create(work: Work) -> tuple[UUID, Restriction]:
        made = operations.request_restriction(work, patient_id, new)
        return made.id, made

    made = await perform_once(request, create, operations.read_restriction)
    return _one(201, made)


@router.get("/patients/{patient_id}/restrictions", response_model=RestrictionsModel, summary="Newest first")
async def list_restrictions(
    request: Request, patient_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    before = read_cursor(cursor)
    page = await perform(
        request, lambda work: operations.list_restrictions(work, patient_id, before=before, at_most=limit)
    )
    more = write_cursor(page.restrictions[-1].id) if page.more else None
    return reply(200, {"items": [restriction_view(one) for one in page.restrictions], "next_cursor": more})


@router.get("/restrictions/{restriction_id}", response_model=RestrictionModel, summary="One restriction")
async def read_restriction(request: Request, restriction_id: Uuid) -> Response:
    return _one(200, await perform(request, lambda work: operations.read_restriction(work, restriction_id)))


@router.post(
    "/restrictions/{restriction_id}/answer",
    response_model=RestrictionModel,
    summary="Agree or decline; what must be agreed to cannot be declined",
)
async def answer_restriction(request: Request, restriction_id: Uuid, body: AnswerBody) -> Response:
    version = _version(request)

    def act(work: Work) -> tuple[UUID, Restriction]:
        answered = operations.answer_restriction(
            work, restriction_id, agreed=body.answer == "agreed", reason=body.reason, version=version
        )
        return restriction_id, answered

    return _one(200, await perform_once(request, act, operations.read_restriction))


@router.post(
    "/restrictions/{restriction_id}/ending",
    response_model=RestrictionModel,
    summary="End a restriction; the program's notice only for records made later",
)
async def end_restriction(request: Request, restriction_id: Uuid, body: EndingBody) -> Response:
    version = _version(request)

    def act(work: Work) -> tuple[UUID, Restriction]:
        ended = operations.end_restriction(work, restriction_id, body.by, body.note or "", version=version)
        return restriction_id, ended

    return _one(200, await perform_once(request, act, operations.read_restriction))


def restriction_view(one: Restriction) -> dict[str, Any]:
    """A restriction as the API shows it."""
    return {
        "id": one.id,
        "patient_id": one.patient_id,
        "state": one.state.value,
        "kinds": one.kinds if one.kinds == "all" else sorted(one.kinds),
        "items": sorted(one.items),
        "recipients": one.recipients if one.recipients == "all" else sorted(one.recipients),
        "classes": sorted(one.classes),
        "paid_in_full": one.paid_in_full,
        "required_by_law": one.required_by_law,
        "must_agree": one.owed,
        "citation": MUST_AGREE_CITATION if one.owed else None,
        "reason": one.reason,
        "answer": one.answer,
        "ending": one.ending,
        "requested_at": one.requested_at,
        "agreed_at": one.agreed_at,
        "ended_at": one.ended_at,
        "covers_records_until": one.only_until,
        "can": [act.value for act in acts_from(one.state)],
        "version": one.version,
    }


def _new(body: NewRestrictionBody) -> NewRestriction:
    return NewRestriction(
        kinds=_kinds(body),
        items=frozenset(body.items),
        recipients="all" if body.recipients == "all" else frozenset(body.recipients),
        classes=frozenset(one.value for one in body.classes),
        purposes=frozenset(body.purposes),
        paid_in_full=body.paid_in_full,
        required_by_law=body.required_by_law,
        reason=body.reason or "",
    )


def _kinds(body: NewRestrictionBody) -> All | frozenset[str] | None:
    if isinstance(body.kinds, list):
        return frozenset(kind.value for kind in body.kinds)
    return body.kinds


def _version(request: Request) -> int | None:
    """The version the caller read, where saying so is welcome and not required: the state decides anyway."""
    return if_match(request) if "if-match" in request.headers else None


def _one(status: int, one: Restriction) -> Response:
    return reply(status, restriction_view(one), etag=one.version)
