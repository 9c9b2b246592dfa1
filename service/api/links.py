"""Packet links over HTTP: made and ended by staff, opened by the patient who holds one."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from service.delivery import links
from service.delivery.links import LinkView
from service.edge.context import state_of
from service.edge.deps import perform, perform_once, reply
from service.edge.link import open_with_link
from service.edge.models import Instant, IsoDate, StrictModel, Uuid
from service.edge.strict import StrictRoute
from service.errors import Code, Unauthenticated
from service.work import Work

router = APIRouter(tags=["messages"], route_class=StrictRoute)

#: Where a link leads, under the public address.
PAGE: Final = "/packet"


class LinkModel(BaseModel):
    """A link, without its token: that goes to the patient and to nobody else."""

    id: Uuid
    patient_id: Uuid
    state: str
    over: bool
    created_at: Instant
    expires_at: Instant
    opened_at: Instant | None


class OpeningBody(StrictModel):
    """What the message held, and what only the patient is likely to know besides."""

    token: str = Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_-]+$")
    birth_date: IsoDate


class OpenedModel(BaseModel):
    """RFC 6749 section 5.1. The session also ends after 30 minutes without use."""

    access_token: str
    token_type: str
    expires_in: int
    patient_id: Uuid


@router.post(
    "/patients/{patient_id}/packet-links",
    status_code=201,
    response_model=LinkModel,
    summary="Send the patient a link to their packet; links made before end",
)
async def make_packet_link(request: Request, patient_id: Uuid) -> Response:
    page = state_of(request).settings.public_url.rstrip("/") + PAGE

    def create(work: Work) -> tuple[UUID, LinkView]:
        made = links.make_link(work, patient_id, page)
        return made.id, made

    return _one(201, await perform_once(request, create, links.read_link))


@router.get("/packet-links/{link_id}", response_model=LinkModel, summary="One link")
async def read_packet_link(request: Request, link_id: Uuid) -> Response:
    return _one(200, await perform(request, lambda work: links.read_link(work, link_id)))


@router.post(
    "/packet-links/{link_id}/ending",
    response_model=LinkModel,
    summary="End a link and the sessions it opened",
)
async def end_packet_link(request: Request, link_id: Uuid) -> Response:
    def act(work: Work) -> tuple[UUID, LinkView]:
        return link_id, links.end_link(work, link_id)

    return _one(200, await perform_once(request, act, links.read_link))


@router.post(
    "/auth/packet-link",
    response_model=OpenedModel,
    summary="Open a packet link: a session of the patient",
    openapi_extra={"security": []},
)
async def open_packet_link(request: Request, body: OpeningBody) -> Response:
    """Every refusal is the same 401, whether the token, the date, the hour or the link is wrong."""
    opened = await open_with_link(request, body.token, body.birth_date)
    if opened is None:
        raise Unauthenticated(Code.INVALID_GRANT, "The link or the date of birth is not right.")
    session = opened.session
    view: dict[str, Any] = {
        "access_token": opened.token,
        "token_type": "Bearer",
        "expires_in": int((session.expires_at - session.created_at).total_seconds()),
        "patient_id": opened.caller.patient_id,
    }
    return reply(200, view, headers={"Pragma": "no-cache"})


def _one(status: int, one: LinkView) -> Response:
    view = {
        "id": one.id,
        "patient_id": one.patient_id,
        "state": one.state.value,
        "over": one.over,
        "created_at": one.created_at,
        "expires_at": one.expires_at,
        "opened_at": one.opened_at,
    }
    return reply(status, view)
