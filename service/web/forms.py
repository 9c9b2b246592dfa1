"""One instrument as a form: begun, answered, saved while somebody types, completed; for staff and for the patient.

The page and the module beside it (static/form.js) send the same fields, and the operations of the API judge them: what
is scored, what is missing, what raises a flag and which version counts is said there and nowhere else. Without script
the form is whole too: then `Save` saves.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.edge.context import state_of
from service.edge.forms import read_form
from service.edge.models import Uuid
from service.edge.strict import read_json
from service.errors import Code, ConsentryError, Invalid, NotFound, Stale
from service.intake import operations
from service.intake.assessment import Assessment, AssessmentStatus, Form, NewAssessment
from service.intake.instrument import Catalogue, Instrument
from service.intake.latest import Draft, drafts_of
from service.intake.own import is_self_report
from service.web import cookies, questions
from service.web.pages import (
    PageRoute,
    Viewer,
    go,
    in_both_languages,
    perform_on_page,
    render,
    viewer_of,
)
from service.web.times import clock_of, day_of
from service.work import Work

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_DRAFTS: Final = 50


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """A form as it is to be shown, and to whom. `local`: the program's clock."""

    one: Assessment
    instrument: Instrument
    viewer: Viewer
    saved_at: str


@router.get("/patients/{patient_id}/forms/{key}")
async def begin_page(request: Request, patient_id: Uuid, key: str) -> Response:
    catalogue = state_of(request).instruments

    def unit(work: Work) -> tuple[Viewer, tuple[tuple[Draft, str], ...]]:
        drafts = drafts_of(work, patient_id, at_most=_DRAFTS)
        mine = tuple(
            (one, f"{day_of(work, one.changed_at)} {clock_of(work, one.changed_at)}")
            for one in drafts
            if one.instrument == key
        )
        return viewer_of(request, work), mine

    viewer, drafts = await perform_on_page(request, unit)
    instrument = _offered(catalogue, key, viewer)
    page = render(
        "begin.html",
        200,
        in_both_languages(viewer, request.url.path),
        instrument=instrument,
        patient_id=patient_id,
        drafts=drafts,
    )
    return cookies.keep_language(request, page)


@router.post("/patients/{patient_id}/forms/{key}")
async def begin(request: Request, patient_id: Uuid, key: str) -> Response:
    cookies.check_form(request, await read_form(request), cookies.SESSION)
    catalogue, language = state_of(request).instruments, cookies.language_of(request)

    def unit(work: Work) -> UUID:
        context = {"language": language} if work.caller.patient_id is not None else {}
        command = NewAssessment(
            patient_id=patient_id,
            instrument=key,
            version=None,
            completed=False,
            form=Form(answers={}, context=context),
        )
        return operations.save(work, catalogue, command)[0]

    return go(f"/assessments/{await perform_on_page(request, unit)}")


@router.get("/assessments/{assessment_id}")
async def form_page(request: Request, assessment_id: Uuid) -> Response:
    shown = await _read(request, assessment_id)
    return cookies.keep_language(request, _form(shown, 200))


@router.post("/assessments/{assessment_id}")
async def send_form(request: Request, assessment_id: Uuid) -> Response:
    sent = await read_form(request)
    cookies.check_form(request, sent, cookies.SESSION)
    catalogue = state_of(request).instruments
    instrument = known_instrument(catalogue, sent.get("instrument", ""), sent.get("instrument_version", ""))
    version = _number(sent.get("version", ""))
    kept, act = _kept(sent.get("kept", "{}")), sent.get("act", "save")
    mine = _kept(sent["mine"]) if "mine" in sent else questions.answers_in(instrument, sent)
    context = questions.context_in(instrument, sent, kept)
    if act == "compare":
        return await _compare(request, assessment_id, mine, context, instrument)
    if act == "keep":
        shown = await _read(request, assessment_id)
        chosen = questions.chosen_between(mine, shown.one.content.answers, sent)
        if chosen is None or shown.one.version != version:
            return await _compare(request, assessment_id, mine, context, instrument, again=chosen is None)
        mine = chosen
    form = Form(answers=mine, context=context)
    try:
        saved = await perform_on_page(
            request,
            lambda work: operations.update_draft(work, catalogue, assessment_id, form, expected=version),
        )
    except Stale:
        return await _compare(request, assessment_id, mine, context, instrument)
    except Invalid as error:
        return _form(await _read(request, assessment_id), 422, answers=mine, error=error)
    if act == "complete" and saved is not None:
        return await _complete(request, catalogue, assessment_id, saved.version)
    return go(f"/assessments/{assessment_id}")


async def _complete(request: Request, catalogue: Catalogue, assessment_id: UUID, version: int) -> Response:
    def unit(work: Work) -> Assessment | None:
        return operations.complete(work, catalogue, assessment_id, claimed_total=None, expected=version)

    try:
        await perform_on_page(request, unit)
    except Invalid as error:
        return _form(await _read(request, assessment_id), 422, error=error)
    return go(f"/assessments/{assessment_id}")


async def _compare(
    request: Request,
    assessment_id: UUID,
    mine: Mapping[str, Any],
    context: Mapping[str, Any],
    instrument: Instrument,
    *,
    again: bool = False,
) -> Response:
    """Both versions side by side: what stands here was not saved, and nothing of it is lost."""
    shown = await _read(request, assessment_id)
    if shown.one.status is not AssessmentStatus.DRAFT:
        return _form(shown, 200, closed=True)
    return render(
        "both.html",
        422 if again else 409,
        shown.viewer,
        shown=shown,
        again=again,
        mine=json.dumps(mine),
        kept=json.dumps(context),
        differences=questions.differences(instrument, mine, shown.one.content.answers, shown.viewer.words),
    )


# -- inside -----------------------------------------------------------------------------------------------------------


async def _read(request: Request, assessment_id: UUID) -> Shown:
    catalogue = state_of(request).instruments

    def unit(work: Work) -> Shown:
        one = operations.read(work, assessment_id)
        viewer = in_both_languages(viewer_of(request, work), f"/assessments/{assessment_id}")
        instrument = known_instrument(catalogue, one.content.instrument, str(one.content.instrument_version))
        return Shown(one, instrument, viewer, clock_of(work, one.changed_at))

    return await perform_on_page(request, unit)


def _form(
    shown: Shown,
    status: int,
    *,
    answers: Mapping[str, Any] | None = None,
    error: ConsentryError | None = None,
    closed: bool = False,
) -> Response:
    one, instrument = shown.one, shown.instrument
    content = one.content
    if one.status is not AssessmentStatus.DRAFT:
        bands = {band.key: band.label for row in instrument.scoring.band_sets for band in row.bands}
        return render("answered.html", status, shown.viewer, shown=shown, closed=closed, bands=bands)
    own = one.own is not None
    missing = () if error is None else error.extra.get("missing", ())
    return render(
        "form.html",
        status,
        shown.viewer,
        scripted=True,
        shown=shown,
        sections=questions.sections_of(
            instrument, content.answers if answers is None else answers, content.context
        ),
        besides=questions.besides_of(instrument, content.context, own=own),
        kept=json.dumps(dict(content.context)),
        missing=missing,
        rejected=error is not None and error.code is Code.ASSESSMENT_REJECTED,
        error=error,
    )


def _offered(catalogue: Catalogue, key: str, viewer: Viewer) -> Instrument:
    """The current version; a patient is offered none that a clinician fills in."""
    instrument = catalogue.find(key)
    if instrument is None or (viewer.patient_id is not None and not is_self_report(instrument)):
        raise NotFound(Code.NOT_FOUND, "There is no such form.")
    return instrument


def known_instrument(catalogue: Catalogue, key: str, version: str) -> Instrument:
    instrument = catalogue.find(key, _number(version))
    if instrument is None:
        raise NotFound(Code.NOT_FOUND, "There is no such form.")
    return instrument


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid(
            Code.INVALID_REQUEST, "This form is not complete. Go back, reload the page and try again."
        )
    return int(text)


def _kept(text: str) -> dict[str, Any]:
    """A JSON object that the page carried along."""
    value: Any = read_json(text.encode())
    if not isinstance(value, dict):
        raise Invalid(
            Code.INVALID_REQUEST, "This form is not complete. Go back, reload the page and try again."
        )
    return value  # pyright: ignore[reportUnknownVariableType] -- a JSON object, whatever is in it
