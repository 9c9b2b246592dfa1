"""What happens to patients, over HTTP."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from service.consent import ending_by_event
from service.edge.context import state_of
from service.edge.deps import perform, perform_once, reply
from service.edge.models import Instant, IsoDate, StrictModel, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.people import events
from service.people.patient import Event
from service.people.records import PatientEvent
from service.work import Work

router = APIRouter(tags=["patients"], route_class=StrictRoute)


class EventBody(StrictModel):
    kind: Event = Field(strict=False)
    occurred_on: IsoDate


class EventModel(BaseModel):
    id: Uuid
    kind: str
    occurred_on: IsoDate
    recorded_at: Instant


class EventsModel(BaseModel):
    items: list[EventModel]
    next_cursor: str | None


@router.post(
    "/patients/{patient_id}/events",
    summary="Record what happened to a patient",
    status_code=201,
    response_model=EventModel,
)
async def record_event(request: Request, patient_id: Uuid, body: EventBody) -> Response:
    book = state_of(request).rulebook

    def create(work: Work) -> tuple[UUID, PatientEvent]:
        made = ending_by_event.record_event(work, book, patient_id, body.kind, body.occurred_on)
        return made.id, made

    event = await perform_once(request, create, events.read_event)
    return reply(201, _event_view(event))


@router.get("/patients/{patient_id}/events", summary="What happened", response_model=EventsModel)
async def list_events(
    request: Request, patient_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    after = read_cursor(cursor)
    found, more = await perform(
        request, lambda work: events.list_events(work, patient_id, after=after, at_most=limit)
    )
    following = write_cursor(found[-1].id) if more else None
    return reply(200, {"items": [_event_view(event) for event in found], "next_cursor": following})


def _event_view(event: PatientEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "kind": event.kind.value,
        "occurred_on": event.occurred_on,
        "recorded_at": event.recorded_at,
    }
