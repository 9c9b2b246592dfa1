"""Placement over HTTP: what the rules suggest, what the clinician decides, who signs as the second, and the report."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from service.admission import placing
from service.admission.placement import operations
from service.admission.placement.kept import PlacementDecision
from service.admission.placement.report import Report
from service.admission.placement.report import report as report_on
from service.admission.placement.shown import suggestion_view
from service.api.placement_bodies import DecisionBody, SecondBody, decision_of
from service.api.placement_shapes import (
    DecisionModel,
    DecisionsModel,
    PlacementReportModel,
    SuggestionModel,
    decision_view,
)
from service.edge.context import state_of
from service.edge.deps import perform, perform_once, reply
from service.edge.models import IsoDate, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.work import Work

router = APIRouter(tags=["placement"], route_class=StrictRoute)


@router.get(
    "/episodes/{episode_id}/placement",
    response_model=SuggestionModel,
    summary="What the rules suggest now, with every reason; the clinician decides",
)
async def read_suggestion(request: Request, episode_id: Uuid) -> Response:
    rules = state_of(request).placement
    found, again = await perform(request, lambda work: operations.read_suggestion(work, rules, episode_id))
    due = [{"trigger": one.value, "same_day": one.same_day} for one in again]
    return reply(200, suggestion_view(rules.book, found) | {"look_again": due})


@router.post(
    "/episodes/{episode_id}/placement-decisions",
    status_code=201,
    response_model=DecisionModel,
    summary="Decide on the level of care: 409 with the suggestion of now when the one seen no longer holds",
)
async def decide_placement(request: Request, episode_id: Uuid, body: DecisionBody) -> Response:
    state, new = state_of(request), decision_of(body)
    library, rules = state.packet, state.placement

    def create(work: Work) -> tuple[UUID, PlacementDecision]:
        made = placing.decide(work, library, rules, episode_id, new)
        return made.id, made

    return _one(request, 201, await perform_once(request, create, operations.read_decision))


@router.post(
    "/patients/{patient_id}/level-of-care",
    status_code=201,
    response_model=DecisionModel,
    summary="The same for the episode the patient is in",
)
async def decide_level_of_care(request: Request, patient_id: Uuid, body: DecisionBody) -> Response:
    state, new = state_of(request), decision_of(body)
    library, rules = state.packet, state.placement

    def create(work: Work) -> tuple[UUID, PlacementDecision]:
        made = placing.decide_for_patient(work, library, rules, patient_id, new)
        return made.id, made

    return _one(request, 201, await perform_once(request, create, operations.read_decision))


@router.post(
    "/placement-decisions/{decision_id}/second",
    response_model=DecisionModel,
    summary="Sign as the second clinician for a decision below an EMERGENCY or HIGHER",
)
async def sign_second(request: Request, decision_id: Uuid, body: SecondBody) -> Response:
    def create(work: Work) -> tuple[UUID, PlacementDecision]:
        return decision_id, operations.sign_second(work, decision_id, body.note)

    return _one(request, 200, await perform_once(request, create, operations.read_decision))


@router.get(
    "/placement-decisions/{decision_id}",
    response_model=DecisionModel,
    summary="One decision with the suggestion it stood beside",
)
async def read_placement_decision(request: Request, decision_id: Uuid) -> Response:
    return _one(
        request, 200, await perform(request, lambda work: operations.read_decision(work, decision_id))
    )


@router.get(
    "/episodes/{episode_id}/placement-decisions",
    response_model=DecisionsModel,
    summary="Decisions of an episode, newest first, superseded ones too",
)
async def list_placement_decisions(
    request: Request, episode_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    book, before = state_of(request).placement.book, read_cursor(cursor)
    page = await perform(
        request,
        lambda work: operations.list_decisions(work, episode_id, before=before, at_most=limit),
    )
    body = {
        "items": [decision_view(book, one) for one in page.decisions],
        "next_cursor": None if page.last is None else write_cursor(page.last),
    }
    return reply(200, body)


@router.get(
    "/reports/placement",
    response_model=PlacementReportModel,
    summary="How often clinicians decide otherwise, by reason and by class; no patient in it",
)
async def placement_report(
    request: Request,
    since: Annotated[IsoDate, Query(alias="from")],
    until: Annotated[IsoDate, Query(alias="to")],
) -> Response:
    book = state_of(request).placement.book
    return reply(200, _report(await perform(request, lambda work: report_on(work, book, since, until))))


def _one(request: Request, status: int, one: PlacementDecision) -> Response:
    return reply(status, decision_view(state_of(request).placement.book, one), etag=one.version)


def _report(found: Report) -> dict[str, Any]:
    return {
        "from": found.since,
        "to": found.until,
        "decided": found.decided,
        "overridden": found.overridden,
        "rate_percent": found.rate_percent,
        "awaiting_second": found.awaiting_second,
        "by_code": found.by_code,
        "by_class": {
            name: {"decided": one.decided, "overridden": one.overridden}
            for name, one in found.by_class.items()
        },
        "unreadable": found.unreadable,
        "alerts": list(found.alerts),
    }
