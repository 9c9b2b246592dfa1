"""Diagnoses and sensitivity labels over HTTP: what a clinician finds, and what an item is taken to be about."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.api.label_shapes import LabelsBody, LabelsModel, labels_shape
from service.api.medical_shapes import (
    DiagnosisBody,
    DiagnosisListModel,
    FormModel,
    diagnosis_of,
    form_shape,
)
from service.disclosure.lowering import Opens, relabel
from service.edge.context import state_of
from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.errors import Code, Invalid
from service.intake.medical import diagnosing, operations
from service.intake.medical.labelling import Relabelled, Relabelling
from service.intake.medical.views import FormView
from service.labels import Label
from service.record.item import labels_from
from service.work import Work

router = APIRouter(tags=["intake"], route_class=StrictRoute)


@router.post(
    "/patients/{patient_id}/diagnoses",
    status_code=201,
    response_model=FormModel,
    summary="Record a diagnosis: criteria give the severity, the severity the code",
)
async def record_diagnosis(request: Request, patient_id: Uuid, body: DiagnosisBody) -> Response:
    book, new = state_of(request).medical, diagnosis_of(body)
    asked = diagnosing.Asked(body.unit, body.reason)

    def create(work: Work) -> tuple[UUID, FormView]:
        return diagnosing.record_diagnosis(work, book, patient_id, new, asked)

    made = await perform_once(request, create, operations.read_form)
    return reply(201, form_shape(made), etag=made.version)


@router.get(
    "/patients/{patient_id}/diagnoses",
    response_model=DiagnosisListModel,
    summary="Current diagnoses, oldest first",
)
async def list_diagnoses(
    request: Request, patient_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    after = read_cursor(cursor)
    found, last = await perform(
        request, lambda work: diagnosing.list_diagnoses(work, patient_id, after=after, at_most=limit)
    )
    more = None if last is None else write_cursor(last)
    return reply(200, {"items": [form_shape(one) for one in found], "next_cursor": more})


@router.put(
    "/diagnoses/{item_id}", response_model=FormModel, summary="Change a diagnosis, with the reason (If-Match)"
)
async def change_diagnosis(request: Request, item_id: Uuid, body: DiagnosisBody) -> Response:
    book, expected, new = state_of(request).medical, if_match(request), diagnosis_of(body)
    asked = diagnosing.Asked(body.unit, body.reason)

    def unit(work: Work) -> FormView:
        return diagnosing.change_diagnosis(work, book, item_id, new, asked, expected=expected)

    changed = await perform(request, unit)
    return reply(200, form_shape(changed), etag=changed.version)


@router.post(
    "/items/{item_id}/labels",
    response_model=LabelsModel,
    summary="Raise labels (staff), or lower them (compliance, with a reason; preview shows the effect)",
)
async def relabel_item(request: Request, item_id: Uuid, body: LabelsBody) -> Response:
    expected = if_match(request) if "if-match" in request.headers else None
    asked = Relabelling(_labels(body.raised), _labels(body.lower), body.reason, body.preview)
    book = state_of(request).rulebook

    def create(work: Work) -> tuple[UUID, tuple[Relabelled, tuple[Opens, ...]]]:
        return item_id, relabel(work, book, item_id, asked, expected=expected)

    def again(work: Work, made: UUID) -> tuple[Relabelled, tuple[Opens, ...]]:
        return relabel(work, book, made, asked, replay=True)

    one, opens = await perform_once(request, create, again)
    return reply(200, labels_shape(one, opens), etag=one.version)


def _labels(codes: list[str]) -> frozenset[Label]:
    labels, faults = labels_from(codes)
    if faults:
        raise Invalid(Code.LABELS_INVALID, "A label is not known.", faults)
    return labels
