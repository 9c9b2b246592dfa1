"""Assessments over HTTP: drafts, completed forms, amendments, trends.

Answers arrive untyped on purpose: what is no answer is for the scorer to refuse, so that a positive suicide
item in the same form is heard. Everything around them is typed strictly.
"""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError

from service.api.assessment_shapes import (
    AmendmentBody,
    AssessmentListModel,
    AssessmentModel,
    CompletionBody,
    DraftBody,
    DraftListModel,
    ErrorBody,
    NewAssessmentBody,
    OwnAssessmentModel,
)
from service.edge.context import state_of
from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute, read_json
from service.errors import Code, FieldError, Invalid
from service.intake import operations
from service.intake.assessment import Assessment, AssessmentStatus, Form, NewAssessment, Own, flag_to_json
from service.intake.latest import drafts_of
from service.intake.own import own_to_json
from service.intake.trends import TrendPoint, figures_of
from service.work import Work

router = APIRouter(tags=["intake"], route_class=StrictRoute)


@router.post(
    "/patients/{patient_id}/assessments",
    status_code=201,
    response_model=AssessmentModel | OwnAssessmentModel,
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
    "/assessments/{assessment_id}",
    response_model=AssessmentModel | OwnAssessmentModel,
    summary="Save the draft (If-Match); 412 names the current version",
)
async def update_draft(request: Request, assessment_id: Uuid, body: DraftBody) -> Response:
    catalogue, expected = state_of(request).instruments, if_match(request)
    form = Form(answers=body.answers, context=body.context)

    def unit(work: Work) -> Assessment | None:
        return operations.update_draft(work, catalogue, assessment_id, form, expected=expected)

    return _assessment(200, await perform(request, unit))


@router.post(
    "/assessments/{assessment_id}/completion",
    response_model=AssessmentModel | OwnAssessmentModel,
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


@router.post(
    "/assessments/{assessment_id}/error",
    response_model=AssessmentModel,
    summary="Entered in error: it stays readable, its flags stay open, nothing rests on it",
)
async def mark_assessment_error(request: Request, assessment_id: Uuid, body: ErrorBody) -> Response:
    expected = _optional_version(request)

    def create(work: Work) -> tuple[UUID, Assessment]:
        return assessment_id, operations.mark_error(work, assessment_id, body.reason, expected=expected)

    def again(work: Work, made: UUID) -> Assessment:
        return operations.mark_error(work, made, body.reason, replay=True)

    return _assessment(200, await perform_once(request, create, again))


@router.get(
    "/assessments/{assessment_id}",
    response_model=AssessmentModel | OwnAssessmentModel,
    summary="One assessment; to the patient, what they answered",
)
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
    before, figures = read_cursor(cursor), figures_of(state_of(request).instruments)
    page = await perform(
        request,
        lambda work: operations.list_of(
            work,
            patient_id,
            instrument=instrument,
            before=before,
            at_most=limit,
            figures=figures,
        ),
    )
    body = {
        "items": [_view(one) for one in page.assessments],
        "next_cursor": write_cursor(page.assessments[-1].id) if page.more else None,
        "trends": {key: [_point(point) for point in row] for key, row in page.trends.items()},
    }
    return reply(200, body)


@router.get(
    "/patients/{patient_id}/drafts",
    response_model=DraftListModel,
    summary="Drafts you can go on with: a patient their own, staff those of staff; for 30 days",
)
async def list_drafts(request: Request, patient_id: Uuid, limit: Limit = 50) -> Response:
    drafts = await perform(request, lambda work: drafts_of(work, patient_id, at_most=limit))
    return reply(200, {"items": [asdict(draft) for draft in drafts]})


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
    """What this reader may see of it: of their own form a patient sees no more than they said."""
    if one.own is not None:
        return _own_view(one, one.own)
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
        # results of before there were forms and findings have none
        "result": {"form": {}, "findings": [], **one.content.result},
        "flags": [flag_to_json(flag) for flag in one.content.flags],
        "reason": one.content.reason,
        "source": one.content.source,
        "typed_by": one.content.typed_by,
        "author": one.author_id,
        "created_at": one.created_at,
        "changed_at": one.changed_at,
        "completed_at": one.completed_at,
    }


def _own_view(one: Assessment, own: Own) -> dict[str, Any]:
    return {
        "id": one.id,
        "patient_id": one.patient_id,
        "instrument": one.content.instrument,
        "instrument_version": one.content.instrument_version,
        "status": _own_status(one),
        "version": one.version,
        "answers": one.content.answers,
        "context": one.content.context,
        "missing": one.content.result["missing"],
        "help": own_to_json(own),
        "created_at": one.created_at,
        "changed_at": one.changed_at,
        "completed_at": one.completed_at,
    }


def _own_status(one: Assessment) -> str:
    """That staff amended a form tells a patient nothing about what they said; that it was none of theirs does."""
    if one.status is AssessmentStatus.ENTERED_IN_ERROR:
        return one.status.value
    return "draft" if one.completed_at is None else "completed"


def _point(point: TrendPoint) -> dict[str, Any]:
    known = asdict(point)
    return {"id": known.pop("assessment_id"), **known}
