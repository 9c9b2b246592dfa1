"""Messages over HTTP: what was written to a patient, without addresses; and the reports of a mail provider."""

import hmac
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from service.delivery import operations, reports
from service.delivery.operations import MessageView
from service.edge.context import request_id_of, state_of
from service.edge.deps import perform, reply, run_bounded
from service.edge.models import Instant, ShortText, StrictModel, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.errors import Code, Unauthenticated

router = APIRouter(tags=["messages"], route_class=StrictRoute)

OfPatient = Annotated[Uuid, Query(alias="patient", description="Whose messages.")]


class MessageModel(BaseModel):
    """One message. `ending`: the last two digits of a telephone number, empty for e-mail."""

    id: Uuid
    patient_id: Uuid
    kind: str
    template: str
    channel: str
    ending: str
    state: str
    attempts: int
    created_at: Instant
    next_attempt_at: Instant | None
    settled_at: Instant | None
    subject_id: Uuid | None


class MessagesModel(BaseModel):
    items: list[MessageModel]
    next_cursor: str | None


class BouncesBody(StrictModel):
    """Messages that came back, by the Message-ID they were sent with."""

    message_ids: list[ShortText] = Field(min_length=1, max_length=100)


class ReceivedModel(BaseModel):
    """Nothing to say: the answer is the same whatever the ids were."""


@router.get("/messages", response_model=MessagesModel, summary="What was written to a patient, newest first")
async def list_messages(
    request: Request, patient_id: OfPatient, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    before = read_cursor(cursor)
    page = await perform(request, lambda work: operations.list_messages(work, patient_id, before, limit))
    more = write_cursor(page.messages[-1].id) if page.more else None
    return reply(200, {"items": [_view(one) for one in page.messages], "next_cursor": more})


@router.post(
    "/messages/bounces",
    status_code=202,
    response_model=ReceivedModel,
    summary="A mail provider reports what came back",
    openapi_extra={"security": []},
)
async def report_bounces(request: Request, body: BouncesBody) -> Response:
    """The bearer token is the one the operator gave the provider (CONSENTRY_BOUNCE_TOKEN). It opens this one door: a
    client of kind system could administer accounts, and no mail provider needs that. Without a token configured, or
    with another, the answer is 401; else 202, whatever the ids were: nobody learns which messages there are.
    """
    state = state_of(request)
    _check_provider(request, state.settings.bounce_token)
    sent = frozenset(one for given in body.message_ids if (one := _message_id(given)) is not None)
    now, request_id = state.clock.now(), request_id_of(request)

    for program_id, own in (await run_bounded(state, partial(reports.whose, sent=sent))).items():

        def unit(db: Connection, program_id: UUID = program_id, own: list[UUID] = own) -> None:
            reports.came_back(state.mechanisms, state.desk, db, program_id, own, now, request_id)

        await run_bounded(state, unit)
    return reply(202, {})


def _check_provider(request: Request, expected: str | None) -> None:
    given = request.headers.getlist("authorization")
    shown = given[0].removeprefix("Bearer ") if len(given) == 1 else ""
    if not expected or not hmac.compare_digest(shown.encode(), expected.encode()):
        raise Unauthenticated(Code.UNAUTHENTICATED, "Sign in to continue.")


def _message_id(given: str) -> UUID | None:
    """The message in `<id@domain>`; None for anything that we did not write."""
    local = given.removeprefix("<").partition("@")[0]
    try:
        found = UUID(local)
    except ValueError:
        return None
    return found if str(found) == local else None


def _view(one: MessageView) -> dict[str, Any]:
    return {
        "id": one.id,
        "patient_id": one.patient_id,
        "kind": one.kind.value,
        "template": one.template,
        "channel": one.channel.value,
        "ending": one.ending,
        "state": one.state.value,
        "attempts": one.attempts,
        "created_at": one.created_at,
        "next_attempt_at": one.next_attempt_at,
        "settled_at": one.settled_at,
        "subject_id": one.subject_id,
    }
