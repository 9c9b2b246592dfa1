"""What the module of a form asks for while somebody types: answered with documents, not with pages.

The same operations as the API's, over the cookie of the pages; a request shows with the page's token that it is ours.
"""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import Field, ValidationError

from service.edge.context import state_of
from service.edge.deps import if_match, reply
from service.edge.models import StrictModel, Uuid
from service.edge.strict import read_json
from service.errors import BadRequest, Code, Invalid
from service.intake import operations
from service.intake.assessment import Assessment, AssessmentStatus, Form
from service.intake.flags import Severity
from service.web import cookies, questions
from service.web.forms import known_instrument
from service.web.pages import perform_on_page
from service.web.times import clock_of
from service.work import Work

router = APIRouter(include_in_schema=False)


class SavedFields(StrictModel):
    """The form as it stands: the fields a browser would send, by name."""

    instrument: str = Field(max_length=60)
    instrument_version: int = Field(ge=1, le=10**6)
    kept: dict[str, Any] = Field(max_length=50)
    fields: dict[str, str] = Field(max_length=200)


@router.put("/assessments/{assessment_id}/draft")
async def save_fields(request: Request, assessment_id: Uuid) -> Response:
    _from_our_page(request)
    body = await _fields(request)
    catalogue, expected = state_of(request).instruments, if_match(request)
    instrument = known_instrument(catalogue, body.instrument, str(body.instrument_version))
    form = Form(
        answers=questions.answers_in(instrument, body.fields),
        context=questions.context_in(instrument, body.fields, body.kept),
    )

    def unit(work: Work) -> dict[str, Any]:
        saved = operations.update_draft(work, catalogue, assessment_id, form, expected=expected)
        return {} if saved is None else _heard(work, saved)

    heard = await perform_on_page(request, unit)
    return reply(200, heard, etag=heard["version"])


@router.get("/assessments/{assessment_id}/draft")
async def read_fields(request: Request, assessment_id: Uuid) -> Response:
    """The form as it is kept, for a page that does not know whether its last words arrived."""
    catalogue = state_of(request).instruments

    def unit(work: Work) -> dict[str, Any]:
        one = operations.read(work, assessment_id)
        instrument = known_instrument(catalogue, one.content.instrument, str(one.content.instrument_version))
        fields = questions.fields_of(instrument, one.content.answers, one.content.context)
        return {**_heard(work, one), "fields": fields, "account": str(work.caller.account_id)}

    heard = await perform_on_page(request, unit)
    return reply(200, {**heard, "form_token": cookies.session_form_token(request)}, etag=heard["version"])


def _heard(work: Work, one: Assessment) -> dict[str, Any]:
    """What whoever answers is told at once: when it was saved, and what must be done now."""
    own = one.own
    flags = () if own is not None else one.content.flags
    return {
        "version": one.version,
        "saved_at": clock_of(work, one.changed_at),
        "draft": one.status is AssessmentStatus.DRAFT,
        "flags": [
            {"severity": flag.severity.value, "message": flag.message, "next_step": flag.next_step}
            for flag in flags
            if flag.severity is not Severity.FORM
        ],
        "help": None
        if own is None or own.words is None
        else {
            "words": own.words,
            "contacts": [{"name": one.name, "phone": one.phone} for one in own.contacts],
        },
    }


def _from_our_page(request: Request) -> None:
    given = request.headers.get("form-token", "")
    cookies.session_of(request)
    cookies.check_form(request, {cookies.FIELD: given}, cookies.SESSION)


async def _fields(request: Request) -> SavedFields:
    if request.headers.get("content-type", "") != "application/json":
        raise BadRequest(Code.UNSUPPORTED_MEDIA_TYPE, "Send application/json in UTF-8.")
    try:
        return SavedFields.model_validate(read_json(await request.body()))
    except ValidationError:
        raise Invalid(Code.INVALID_REQUEST, "This is not a form of ours.") from None
