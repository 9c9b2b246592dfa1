"""Episodes of care over HTTP: referred, stepped down or transferred, listed. Admission and discharge: see admission."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import IsoDate, LongText, ShortText, StrictModel, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.people.episodes import operations
from service.people.episodes.episode import Episode, Step, Track, steps_from
from service.people.episodes.operations import Course, NewEpisode, NewStep
from service.work import Work

router = APIRouter(tags=["episodes"], route_class=StrictRoute)

TrackCode = Annotated[Track, Field(strict=False)]


class NewEpisodeBody(StrictModel):
    """A referral. `referral`, `payer`, `coming_from` and `level` are codes, such as court, medicaid, 3.5, 2.1."""

    unit: ShortText
    opened_on: IsoDate
    track: TrackCode | None = None
    referral: ShortText | None = None
    payer: ShortText | None = None
    coming_from: ShortText | None = None
    level: ShortText | None = None
    readmission_of: Uuid | None = Field(
        default=None, description="A former episode; by itself the last one of this unit that was discharged."
    )
    note: LongText | None = None


class StepBody(StrictModel):
    kind: Literal["step_down", "transfer", "not_admit"]
    on: IsoDate
    reason: LongText
    level: ShortText | None = None
    unit: ShortText | None = None


class EpisodeModel(BaseModel):
    id: Uuid
    patient_id: Uuid
    unit: str
    state: Literal["referred", "admitted", "stepped_down", "discharged", "not_admitted"]
    track: Literal["sud", "mh", "co_occurring"]
    opened_on: IsoDate
    admitted_on: IsoDate | None
    ended_on: IsoDate | None
    referral: str | None
    payer: str | None
    coming_from: str | None
    level: str | None
    readmission_of: Uuid | None
    can: list[str] = Field(description="Steps that are possible next.")
    version: int


class StepModel(BaseModel):
    """Something that happened; kept as it was recorded."""

    id: Uuid
    kind: str
    on: IsoDate
    reason: str | None
    level: str | None
    unit: str | None
    recorded_by: Uuid | None


class CourseModel(EpisodeModel):
    steps: list[StepModel]


class EpisodesModel(BaseModel):
    items: list[EpisodeModel]
    next_cursor: str | None


@router.post(
    "/patients/{patient_id}/episodes",
    status_code=201,
    response_model=CourseModel,
    summary="Open an episode of care with a referral",
)
async def open_episode(request: Request, patient_id: Uuid, body: NewEpisodeBody) -> Response:
    new = NewEpisode(**body.model_dump())

    def create(work: Work) -> tuple[UUID, Course]:
        made = operations.open_episode(work, patient_id, new)
        return made.episode.id, made

    return _one(201, await perform_once(request, create, operations.read_episode))


@router.get("/patients/{patient_id}/episodes", response_model=EpisodesModel, summary="Newest first")
async def list_episodes(
    request: Request, patient_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    before = read_cursor(cursor)
    found, more = await perform(
        request, lambda work: operations.list_episodes(work, patient_id, before=before, at_most=limit)
    )
    following = write_cursor(found[-1].id) if more else None
    return reply(200, {"items": [episode_view(one) for one in found], "next_cursor": following})


@router.get("/episodes/{episode_id}", response_model=CourseModel, summary="One episode with its steps")
async def show_episode(request: Request, episode_id: Uuid) -> Response:
    return _one(200, await perform(request, lambda work: operations.read_episode(work, episode_id)))


@router.post(
    "/episodes/{episode_id}/steps",
    status_code=201,
    response_model=CourseModel,
    summary="Step down, transfer, or do not admit",
)
async def take_step(request: Request, episode_id: Uuid, body: StepBody) -> Response:
    version = if_match(request) if "if-match" in request.headers else None
    new = NewStep(kind=Step(body.kind), on=body.on, reason=body.reason, level=body.level, unit=body.unit)

    def act(work: Work) -> tuple[UUID, Course]:
        return episode_id, operations.take_step(work, episode_id, new, version=version)

    return _one(201, await perform_once(request, act, operations.read_episode))


def episode_view(one: Episode) -> dict[str, Any]:
    """An episode as the API shows it."""
    return {
        "id": one.id,
        "patient_id": one.patient_id,
        "unit": one.unit,
        "state": one.state.value,
        "track": one.track.value,
        "opened_on": one.opened_on,
        "admitted_on": one.admitted_on,
        "ended_on": one.ended_on,
        "referral": one.referral,
        "payer": one.payer,
        "coming_from": one.coming_from,
        "level": one.level,
        "readmission_of": one.readmission_of,
        "can": [step.value for step in steps_from(one.state)],
        "version": one.version,
    }


def course_view(course: Course) -> dict[str, Any]:
    """An episode with what happened in it, in the order it was recorded."""
    steps = [
        {
            "id": step.id,
            "kind": step.kind.value,
            "on": step.occurred_on,
            "reason": step.particulars.get("reason") or step.particulars.get("note"),
            "level": step.particulars.get("level"),
            "unit": step.particulars.get("unit"),
            "recorded_by": step.particulars.get("by"),
        }
        for step in course.steps
    ]
    return episode_view(course.episode) | {"steps": steps}


def _one(status: int, course: Course) -> Response:
    return reply(status, course_view(course), etag=course.episode.version)
