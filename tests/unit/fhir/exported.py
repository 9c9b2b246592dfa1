"""Forms as another system gets them: exported, sent as text, read again, and computed with a FHIRPath library.

`recomputed` knows nothing of our scorer or our instruments: it has the two resources and does what SDC says about
variables (each knows those before it) and calculated items.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast
from uuid import UUID

import fhirpathpy

from service.fhir.questionnaire import questionnaire_of
from service.fhir.questionnaire_response import response_of
from service.fhir.vocabulary import CALCULATED, VARIABLE
from service.intake.assessment import (
    Assessment,
    AssessmentStatus,
    Content,
    Own,
    Source,
    result_to_json,
)
from service.intake.instrument import Instrument
from service.intake.scoring import Result, score

NOTICE = "A notice of LOINC on test."
NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
ONE = UUID("019e0000-0000-7000-8000-000000000001")
PATIENT = UUID("019e0000-0000-7000-8000-000000000002")
STAFF = UUID("019e0000-0000-7000-8000-000000000003")


def assessment(
    instrument: Instrument,
    answers: Mapping[str, Any],
    context: Mapping[str, Any] | None = None,
    *,
    status: AssessmentStatus = AssessmentStatus.COMPLETED,
    own: Own | None = None,
    typed_by: Source = Source.STAFF,
) -> Assessment:
    """The assessment as it would be kept."""
    result = score(instrument, answers, context or {})
    content = Content(
        instrument.key,
        instrument.version,
        answers,
        context or {},
        result_to_json(result),
        result.flags,
        source=typed_by,
        typed_by=typed_by,
    )
    done = None if status is AssessmentStatus.DRAFT else NOW
    return Assessment(ONE, PATIENT, "U1", STAFF, status, 1, result.labels, content, NOW, NOW, done, own)


def exported_response(instrument: Instrument, one: Assessment) -> dict[str, Any]:
    return json.loads(json.dumps(response_of(instrument, one)))


_EXPORTED: dict[str, dict[str, Any]] = {}


def exported(name: str, instrument: Instrument) -> dict[str, Any]:
    """The Questionnaire, made once under this name."""
    if name not in _EXPORTED:
        _EXPORTED[name] = json.loads(json.dumps(questionnaire_of(instrument, NOTICE)))
    return _EXPORTED[name]


def without_result(response: dict[str, Any]) -> dict[str, Any]:
    """The response as somebody has it who only answered."""
    return {**response, "item": [one for one in response.get("item", []) if one["linkId"] != "result"]}


@cache
def _compiled(text: str) -> Callable[[dict[str, Any], dict[str, Any]], list[Any]]:
    return cast("Any", fhirpathpy).compile(text)


def recomputed(questionnaire: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    """Every calculated item by its link: a number, a code, or None."""
    known: dict[str, Any] = {"questionnaire": questionnaire, "resource": response}
    for one in questionnaire["extension"]:
        if one["url"] == VARIABLE:
            variable = one["valueExpression"]
            known[variable["name"]] = _compiled(variable["expression"])(response, dict(known))
    return {
        item["linkId"]: _plain(_compiled(one["valueExpression"]["expression"])(response, dict(known)))
        for item in items_of(questionnaire)
        for one in item.get("extension", [])
        if one["url"] == CALCULATED
    }


def items_of(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """All items, however deep."""
    found: list[dict[str, Any]] = []
    for item in resource.get("item", []):
        found += [item, *items_of(item)]
    return found


def _plain(found: list[Any]) -> Any:
    assert len(found) <= 1, found
    (one,) = found or [None]
    return cast("dict[str, Any]", one)["code"] if isinstance(one, dict) else one


def expected(result: Result) -> dict[str, Any]:
    """What our own scorer says, in the links of the Questionnaire."""
    scales = {f"scale.{key}": value for key, value in result.subscores.items()}
    return {"status": result.status.value, "total": result.total, "band": result.band, **scales}


def same(computed: dict[str, Any], result: Result) -> bool:
    """Nothing is said that the scorer does not say, and nothing left out (an instrument may have no total or band)."""
    wanted = expected(result)
    return (
        all(computed.get(link) == value for link, value in wanted.items())
        and computed.keys() <= wanted.keys()
    )
