"""Assessments and safety flags over HTTP.

Answers arrive untyped on purpose: what is no answer is for the scorer to refuse, so that a positive suicide
item in the same form is heard. Everything around them is typed strictly.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from service.edge.context import state_of
from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import LongText, ShortText, StrictModel, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute, read_json
from service.errors import Code, FieldError, Invalid
from service.intake import operations, raised
from service.intake.assessment import Assessment, TrendPoint, flag_to_json
from service.intake.kept import Form, NewAssessment
from service.intake.raised import RaisedFlag
from service.work import Work

router = APIRouter(tags=["intake"], route_class=StrictRoute)

#: The answers by item key. A value is one of the item's numbers, null (unanswered) or "declined".
Answers = Annotated[
    dict[str, Any],
    Field(max_length=200, description='By item key: one of the item\'s values, null, or "declined".'),
]


def _scalars(context: dict[str, Any]) -> dict[str, Any]:
    """Judged as a whole: an error that named the member would repeat what the caller wrote."""
    if not all(0 < len(name) <= 200 and _is_scalar(value) for name, value in context.items()):
        raise ValueError("names of up to 200 characters; texts, whole numbers, true, false or null")
    return context


def _is_scalar(value: object) -> bool:
    return value is None or type(value) in (bool, int) or (isinstance(value, str) and len(value) <= 10_000)


#: What the result must be read with, such as the time of the last drink.
Context = Annotated[
    dict[str, Any],
    Field(max_length=50, description="Texts, whole numbers, true, false or null, by name."),
    AfterValidator(_scalars),
]


class NewAssessmentBody(StrictModel):
    """A form for a patient. `total`: the sum the client believes in; the service computes its own."""

    instrument: ShortText
    instrument_version: int | None = None
    status: Literal["draft", "completed"]
    answers: Answers
    context: Context = Field(default_factory=dict)
    total: int | None = None
    unit: ShortText | None = None


class DraftBody(StrictModel):
    """The whole form as it is now; what is left out is unanswered."""

    answers: Answers
    context: Context = Field(default_factory=dict)


class CompletionBody(StrictModel):
    total: int | None = None


class AmendmentBody(StrictModel):
    """The whole corrected form, and why it is corrected."""

    answers: Answers
    reason: LongText
    context: Context | None = None
    total: int | None = None


class AcknowledgementBody(StrictModel):
    """What was done about the flag."""

    action: LongText


class FlagModel(BaseModel):
    code: str
    severity: Literal["urgent", "same_day", "review", "form"]
    message: str
    next_step: str
    task: str | None


class ResultModel(BaseModel):
    status: Literal["complete", "prorated", "incomplete", "needs_review", "rejected"]
    total: int | None
    band: str | None
    subscores: dict[str, int]
    answered: int
    missing: list[str]
    rule_version: str


class AssessmentModel(BaseModel):
    id: UUID
    patient_id: UUID
    instrument: str
    instrument_version: int
    status: Literal["draft", "completed", "amended"]
    version: int
    unit: str
    labels: list[str]
    answers: dict[str, Any]
    context: dict[str, Any]
    result: ResultModel
    flags: list[FlagModel]
    reason: str | None
    author: UUID
    created_at: str
    changed_at: str
    completed_at: str | None


class TrendModel(BaseModel):
    id: UUID
    completed_at: str
    total: int
    band: str | None
    change: int | None


class AssessmentListModel(BaseModel):
    items: list[AssessmentModel]
    next_cursor: str | None
    trends: dict[str, list[TrendModel]]


class RaisedFlagModel(FlagModel):
    id: UUID
    patient_id: UUID
    assessment_id: UUID | None
    instrument: str
    state: Literal["open", "acknowledged"]
    version: int
    raised_at: str
    acknowledged_at: str | None
    acknowledged_by: UUID | None
    action: str | None


class RaisedFlagListModel(BaseModel):
    items: list[RaisedFlagModel]
    next_cursor: str | None


@router.post(
    "/patients/{patient_id}/assessments",
    status_code=201,
    response_model=AssessmentModel,
    summary="Save a draft or a completed form",
)
async def create_assessment(request: Request, patient_id: Uuid, body: NewAssessmentBody) -> Response:
    catalogue = state_of(request).instruments
    command = NewAssessment(
        patient_id=patient_id,
        instrument=body.instrument,
        version=body.instrument_version,
        completed=body.status == "completed",
        unit=body.unit,
        form=Form(answers=body.answers, context=body.context, total=body.total),
    )

    def create(work: Work) -> tuple[UUID, Assessment | None]:
        return operations.save(work, catalogue, command)

    def again(work: Work, made: UUID) -> Assessment | None:
        return operations.save(work, catalogue, command, replay=made)[1]

    return _assessment(201, await perform_once(request, create, again))


@router.put(
    "/assessments/{assessment_id}", response_model=AssessmentModel, summary="Save the draft (If-Match)"
)
async def update_draft(request: Request, assessment_id: Uuid, body: DraftBody) -> Response:
    catalogue, expected = state_of(request).instruments, if_match(request)
    form = Form(answers=body.answers, context=body.context)

    def unit(work: Work) -> Assessment | None:
        return operations.update_draft(work, catalogue, assessment_id, form, expected=expected)

    return _assessment(200, await perform(request, unit))


@router.post(
    "/assessments/{assessment_id}/completion",
    response_model=AssessmentModel,
    summary="Complete the draft: 422 with what is missing",
    openapi_extra={
        "requestBody": {
            "required": False,
            "content": {"application/json": {"schema": CompletionBody.model_json_schema()}},
        }
    },
)
async def complete_assessment(request: Request, assessment_id: Uuid) -> Response:
    catalogue, expected = state_of(request).instruments, _optional_version(request)
    total = (await _completion_body(request)).total

    def create(work: Work) -> tuple[UUID, Assessment | None]:
        return assessment_id, operations.complete(
            work, catalogue, assessment_id, expected=expected, claimed_total=total
        )

    def again(work: Work, made: UUID) -> Assessment | None:
        return operations.complete(work, catalogue, made, claimed_total=total, replay=True)

    return _assessment(200, await perform_once(request, create, again))


@router.post(
    "/assessments/{assessment_id}/amendments",
    status_code=201,
    response_model=AssessmentModel,
    summary="A new version of a completed form; the old one stays readable",
)
async def amend_assessment(request: Request, assessment_id: Uuid, body: AmendmentBody) -> Response:
    catalogue, expected = state_of(request).instruments, _optional_version(request)
    form = Form(answers=body.answers, context=body.context, total=body.total)

    def create(work: Work) -> tuple[UUID, Assessment | None]:
        return assessment_id, operations.amend(
            work, catalogue, assessment_id, form, reason=body.reason, expected=expected
        )

    def again(work: Work, made: UUID) -> Assessment | None:
        return operations.amend(work, catalogue, made, form, reason=body.reason, replay=True)

    return _assessment(201, await perform_once(request, create, again))


@router.get("/assessments/{assessment_id}", response_model=AssessmentModel, summary="One assessment")
async def read_assessment(
    request: Request, assessment_id: Uuid, version: Annotated[int | None, Query(ge=1, le=10**9)] = None
) -> Response:
    return _assessment(
        200, await perform(request, lambda work: operations.read(work, assessment_id, version))
    )


@router.get(
    "/patients/{patient_id}/assessments",
    response_model=AssessmentListModel,
    summary="The patient's assessments, newest first, with the trend of each instrument",
)
async def list_assessments(
    request: Request,
    patient_id: Uuid,
    instrument: Annotated[str | None, Query(max_length=60)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    before = read_cursor(cursor)
    page = await perform(
        request,
        lambda work: operations.list_of(
            work, patient_id, instrument=instrument, before=before, at_most=limit
        ),
    )
    body = {
        "items": [_view(one) for one in page.assessments],
        "next_cursor": write_cursor(page.assessments[-1].id) if page.more else None,
        "trends": {key: [_point(point) for point in row] for key, row in page.trends.items()},
    }
    return reply(200, body)


@router.get(
    "/patients/{patient_id}/flags",
    response_model=RaisedFlagListModel,
    summary="What somebody must act on, newest first",
)
async def list_flags(
    request: Request, patient_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    before = read_cursor(cursor)
    flags = await perform(
        request, lambda work: raised.list_of(work, patient_id, before=before, at_most=limit + 1)
    )
    shown = flags[:limit]
    more = len(flags) > limit
    body = {
        "items": [_raised(one) for one in shown],
        "next_cursor": write_cursor(shown[-1].id) if more else None,
    }
    return reply(200, body)


@router.post(
    "/flags/{flag_id}/acknowledgement",
    response_model=RaisedFlagModel,
    summary="Say what was done about a flag",
)
async def acknowledge_flag(request: Request, flag_id: Uuid, body: AcknowledgementBody) -> Response:
    def create(work: Work) -> tuple[UUID, RaisedFlag]:
        return flag_id, raised.acknowledge(work, flag_id, body.action)

    def again(work: Work, made: UUID) -> RaisedFlag:
        return raised.acknowledge(work, made, body.action, replay=True)

    flag = await perform_once(request, create, again)
    return reply(200, _raised(flag), etag=flag.version)


def _optional_version(request: Request) -> int | None:
    """An act that carries no content may name the version it means; an update must."""
    return if_match(request) if "if-match" in request.headers else None


async def _completion_body(request: Request) -> CompletionBody:
    """The body of a completion may be left out altogether."""
    raw = await request.body()
    if not raw:
        return CompletionBody()
    try:
        return CompletionBody.model_validate(read_json(raw))
    except ValidationError:
        wrong = FieldError("total", "int_type", "A whole number or nothing is expected, and no other field.")
        raise Invalid(Code.INVALID_REQUEST, "Some fields are not acceptable.", (wrong,)) from None


def _assessment(status: int, assessment: Assessment | None) -> Response:
    if assessment is None:
        raise RuntimeError("a unit that accepts nothing answers with an error")
    return reply(status, _view(assessment), etag=assessment.version)


def _view(one: Assessment) -> dict[str, Any]:
    return {
        "id": one.id,
        "patient_id": one.patient_id,
        "instrument": one.content.instrument,
        "instrument_version": one.content.instrument_version,
        "status": one.status.value,
        "version": one.version,
        "unit": one.unit,
        "labels": sorted(one.labels),
        "answers": one.content.answers,
        "context": one.content.context,
        "result": one.content.result,
        "flags": [flag_to_json(flag) for flag in one.content.flags],
        "reason": one.content.reason,
        "author": one.author_id,
        "created_at": one.created_at,
        "changed_at": one.changed_at,
        "completed_at": one.completed_at,
    }


def _point(point: TrendPoint) -> dict[str, Any]:
    return {
        "id": point.assessment_id,
        "completed_at": point.completed_at,
        "total": point.total,
        "band": point.band,
        "change": point.change,
    }


def _raised(one: RaisedFlag) -> dict[str, Any]:
    return {
        "id": one.id,
        "patient_id": one.patient_id,
        "assessment_id": one.assessment_id,
        "instrument": one.instrument,
        **flag_to_json(one.flag),
        "state": one.state,
        "version": one.version,
        "raised_at": one.raised_at,
        "acknowledged_at": one.acknowledged_at,
        "acknowledged_by": one.acknowledged_by,
        "action": one.action,
    }
