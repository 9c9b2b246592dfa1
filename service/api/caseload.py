"""Whom somebody works with, and who is nobody's, over HTTP."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from service.edge.deps import perform, reply
from service.edge.models import IsoDate, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.people.caseload import operations
from service.people.caseload.operations import Carried

router = APIRouter(tags=["patients"], route_class=StrictRoute)


class CareModel(BaseModel):
    episode_id: Uuid
    unit: str
    state: str
    opened_on: IsoDate


class CarriedModel(BaseModel):
    """A patient in a list: enough to know who is meant, or that the record was destroyed (state; no name, no date)."""

    patient_id: Uuid
    family_name: str
    given_name: str
    name_used: str | None
    birth_date: IsoDate | None
    state: str
    roles: list[str]
    since: IsoDate | None
    episodes: list[CareModel]


class CaseloadModel(BaseModel):
    items: list[CarriedModel]
    next_cursor: str | None


@router.get("/caseload", response_model=CaseloadModel, summary="The caller's patients of today, by name")
async def show_caseload(request: Request, limit: Limit = 50, cursor: Cursor = None) -> Response:
    after = read_cursor(cursor)
    found, more = await perform(
        request, lambda work: operations.my_caseload(work, after=after, at_most=limit)
    )
    following = write_cursor(found[-1].patient_id) if more else None
    return reply(200, {"items": [_view(one) for one in found], "next_cursor": following})


@router.get(
    "/caseload/unassigned",
    response_model=CaseloadModel,
    summary="Patients in care whom nobody is assigned to, one for each episode; the longest waiting first",
)
async def show_unassigned(request: Request, limit: Limit = 50, cursor: Cursor = None) -> Response:
    after = read_cursor(cursor)
    found, last = await perform(request, lambda work: operations.nobodys(work, after=after, at_most=limit))
    following = None if last is None else write_cursor(last)
    return reply(200, {"items": [_view(one) for one in found], "next_cursor": following})


def _view(one: Carried) -> dict[str, Any]:
    return {
        "patient_id": one.patient_id,
        "family_name": one.family_name,
        "given_name": one.given_name,
        "name_used": one.name_used,
        "birth_date": one.birth_date,
        "state": one.state,
        "roles": [role.value for role in one.roles],
        "since": one.since,
        "episodes": [
            {
                "episode_id": care.episode_id,
                "unit": care.unit,
                "state": care.state,
                "opened_on": care.opened_on,
            }
            for care in one.care
        ],
    }
