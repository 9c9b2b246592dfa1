"""The words of consents over HTTP: which versions there are, which one the program uses, what has to be signed anew."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel

from service.consent.rulebook import Rulebook
from service.consent.texts import operations
from service.consent.texts.operations import Adopting, Recollection, TextView
from service.edge.context import state_of
from service.edge.deps import perform, perform_once, reply
from service.edge.models import IsoDate, ShortText, StrictModel
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.ids import SERVICE_PROGRAM
from service.work import Work

router = APIRouter(tags=["consent"], route_class=StrictRoute)

Version = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9-]+$")]


class AdoptionBody(StrictModel):
    """`effective_from`: the first day on which drafts are written in this version. `recollect_by`: consents in older
    words are to be signed again by this day; without it they go on as they are.
    """

    version: ShortText
    effective_from: IsoDate
    recollect_by: IsoDate | None = None


class TextModel(BaseModel):
    """`intact` false: the files are not those that were adopted, and no draft is written in them."""

    version: str
    languages: list[str]
    sha256: str
    in_force: bool
    intact: bool
    effective_from: str | None
    recollect_by: str | None
    adopted_by: UUID | None
    adopted_at: str | None


class TextsModel(BaseModel):
    items: list[TextModel]
    next_cursor: None


class TextWithWordsModel(TextModel):
    """`words`: everything the version says, by language."""

    words: dict[str, dict[str, Any]]


class RecollectionModel(BaseModel):
    consent_id: UUID
    patient_id: UUID
    version: str | None
    recollect_by: str


class RecollectionsModel(BaseModel):
    items: list[RecollectionModel]
    next_cursor: str | None


@router.post(
    "/consent-texts",
    status_code=201,
    response_model=TextModel,
    summary="Adopt a version of the words of consents from a day on",
)
async def adopt_text(request: Request, body: AdoptionBody) -> Response:
    book = _book(request)
    given = Adopting(body.version, body.effective_from, body.recollect_by)

    def create(work: Work) -> tuple[UUID, TextView]:
        made = operations.adopt(work, book, given)
        return _made_by(made), made

    made = await perform_once(
        request, create, lambda work, adoption_id: operations.adoption_made(work, book, adoption_id)
    )
    return reply(201, _text(made))


@router.get("/consent-texts", response_model=TextsModel, summary="Every version installed, newest first")
async def list_texts(request: Request) -> Response:
    book = _book(request)
    found = await perform(request, lambda work: operations.list_texts(work, book))
    return reply(200, {"items": [_text(one) for one in found], "next_cursor": None})


@router.get(
    "/consent-texts/recollection",
    response_model=RecollectionsModel,
    summary="Consents in force whose words were replaced and that are to be signed again",
)
async def list_recollections(request: Request, limit: Limit = 50, cursor: Cursor = None) -> Response:
    after = read_cursor(cursor) or SERVICE_PROGRAM

    def listed(work: Work) -> list[Recollection]:
        return operations.to_recollect(work, after=after, at_most=limit + 1)

    found = await perform(request, listed)
    page = found[:limit]
    more = write_cursor(page[-1].consent_id) if len(found) > limit else None
    return reply(200, {"items": [_recollection(one) for one in page], "next_cursor": more})


@router.get(
    "/consent-texts/{version}",
    response_model=TextWithWordsModel,
    summary="The words of a version in every language it has",
)
async def read_text(request: Request, version: Version) -> Response:
    book = _book(request)
    view = await perform(request, lambda work: operations.read_text(work, book, version))
    words = {name: text.model_dump(mode="json") for name, text in view.installed.languages.items()}
    return reply(200, _text(view) | {"words": words})


def _book(request: Request) -> Rulebook:
    return state_of(request).rulebook


def _made_by(view: TextView) -> UUID:
    """The adoption that was just made."""
    return SERVICE_PROGRAM if view.adoption is None else view.adoption.id


def _text(view: TextView) -> dict[str, Any]:
    adoption = view.adoption
    return {
        "version": view.installed.version,
        "languages": sorted(view.installed.languages),
        "sha256": view.installed.sha256,
        "in_force": view.in_force,
        "intact": view.intact,
        "effective_from": None if adoption is None else adoption.effective_from,
        "recollect_by": None if adoption is None else adoption.recollect_by,
        "adopted_by": None if adoption is None else adoption.adopted_by,
        "adopted_at": None if adoption is None else adoption.adopted_at,
    }


def _recollection(one: Recollection) -> dict[str, Any]:
    return {
        "consent_id": one.consent_id,
        "patient_id": one.patient_id,
        "version": one.text_version,
        "recollect_by": one.recollect_by,
    }
