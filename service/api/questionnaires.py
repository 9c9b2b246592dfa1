"""Instruments and assessments as FHIR R4 resources: what the JSON resources say, for systems that speak FHIR.

Both go through the operations of their JSON twins, so the same rules decide and the same entries are written.
"""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from service.api.instruments import one_shown
from service.edge.context import state_of
from service.edge.deps import perform
from service.edge.models import Uuid
from service.edge.strict import StrictRoute
from service.fhir.questionnaire import questionnaire_of
from service.fhir.questionnaire_response import response_of
from service.intake import operations
from service.intake.kept import rules_of

router = APIRouter(tags=["intake"], route_class=StrictRoute)


class QuestionnaireModel(BaseModel):
    """A FHIR R4 Questionnaire with SDC expressions; see https://hl7.org/fhir/R4/questionnaire.html."""

    model_config = ConfigDict(extra="allow")

    resourceType: str  # noqa: N815 -- FHIR's own spelling
    url: str
    version: str
    title: str
    status: str
    item: list[dict[str, Any]]


class QuestionnaireResponseModel(BaseModel):
    """A FHIR R4 QuestionnaireResponse; see https://hl7.org/fhir/R4/questionnaireresponse.html."""

    model_config = ConfigDict(extra="allow")

    resourceType: str  # noqa: N815 -- FHIR's own spelling
    id: Uuid
    questionnaire: str
    status: str
    subject: dict[str, Any]


class FhirResponse(JSONResponse):
    """A resource in FHIR's JSON: described as JSON is."""

    media_type = "application/fhir+json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


@router.get(
    "/instruments/{key}/questionnaire",
    response_model=QuestionnaireModel,
    response_class=FhirResponse,
    summary="The instrument as FHIR Questionnaire, with its scoring as expressions",
)
async def read_questionnaire(request: Request, key: str) -> Response:
    catalogue = state_of(request).instruments
    shown = await perform(request, lambda work: one_shown(work, catalogue, key))
    return FhirResponse(questionnaire_of(shown.instrument, catalogue.code_notice))


@router.get(
    "/assessments/{assessment_id}/questionnaire-response",
    response_model=QuestionnaireResponseModel,
    response_class=FhirResponse,
    summary="The assessment as FHIR QuestionnaireResponse; to the patient without a result",
)
async def read_questionnaire_response(
    request: Request, assessment_id: Uuid, version: Annotated[int | None, Query(ge=1, le=10**9)] = None
) -> Response:
    one = await perform(request, lambda work: operations.read(work, assessment_id, version))
    instrument = rules_of(state_of(request).instruments, one)
    return FhirResponse(response_of(instrument, one))
