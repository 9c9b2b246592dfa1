"""An assessment as FHIR R4 QuestionnaireResponse (https://hl7.org/fhir/R4/questionnaireresponse.html): pure mapping.

What somebody would not answer is said as such (`asked-declined`), which is something else than silence. To staff the
result goes along as it was computed when the form was kept; a patient is shown the answers and no result.
"""

from datetime import UTC
from typing import Any, Final

from service.fhir.form import Asking, asked, coding_of, sections
from service.fhir.questionnaire import BAND, CONTEXT, RESULT, STATUS
from service.fhir.vocabulary import ABSENT, answers_of, canonical, extension, security
from service.intake.answers import Form, read_form
from service.intake.assessment import Assessment, AssessmentStatus, Source
from service.intake.context import ContextField, ContextKind
from service.intake.instrument import TOTAL, Instrument, Item
from service.labels import Label

Json = dict[str, Any]
_STATUS: Final = {
    AssessmentStatus.DRAFT: "in-progress",
    AssessmentStatus.COMPLETED: "completed",
    AssessmentStatus.AMENDED: "amended",
    AssessmentStatus.ENTERED_IN_ERROR: "entered-in-error",
}
_DECLINED: Final = "declined"


def response_of(instrument: Instrument, one: Assessment) -> Json:
    """The QuestionnaireResponse of one version of an assessment, for the reader it was opened for."""
    content = one.content
    form = read_form(instrument, content.answers, content.context)
    items = _context(instrument, form) + _answers(instrument, one, form)
    status, labels = one.status, one.labels
    if one.own is None:
        items += _result(instrument, one)
    else:
        # labels tell what the answers amount to, and that staff amended a form nothing about what was said
        labels = frozenset[Label]()
        status = AssessmentStatus.COMPLETED if status is AssessmentStatus.AMENDED else status
    by_patient = content.typed_by is Source.PATIENT
    patient = {"reference": f"Patient/{one.patient_id}"}
    typist = patient if by_patient else {"reference": f"Practitioner/{one.author_id}"}
    return {
        "resourceType": "QuestionnaireResponse",
        "id": str(one.id),
        "meta": {
            "versionId": str(one.version),
            "lastUpdated": one.changed_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "security": security(labels),
        },
        "questionnaire": f"{canonical(instrument.key)}|{instrument.version}",
        "status": _STATUS[status],
        "subject": patient,
        "authored": (one.completed_at or one.changed_at).astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "author": typist,
        "source": patient if content.source is Source.PATIENT else typist,
        **({"item": items} if items else {}),
    }


def _context(instrument: Instrument, form: Form) -> list[Json]:
    fields = [one for one in instrument.context if one.key in form.context]
    items = [_known(instrument, one, form.context[one.key]) for one in fields]
    return [{"linkId": CONTEXT, "item": items}] if items else []


def _known(instrument: Instrument, one: ContextField, value: str) -> Json:
    answer: Json
    match one.kind:
        case ContextKind.CHOICE:
            coding = {"system": answers_of(instrument.key), "code": value, "display": one.values[value]}
            answer = {"valueCoding": coding}
        case ContextKind.TRUTH:
            answer = {"valueBoolean": value == "yes"}
        case ContextKind.NUMBER:
            answer = {"valueInteger": int(value)}
        case ContextKind.TIME:
            answer = {"valueString": value}
    return {"linkId": f"{CONTEXT}.{one.key}", "answer": [answer]}


def _answers(instrument: Instrument, one: Assessment, form: Form) -> list[Json]:
    found: list[Json] = []
    for heading, link, items in sections(instrument):
        given = [
            answer
            for item in items
            if (answer := _answer(instrument, item, asked(item, form.context), one, form)) is not None
        ]
        if heading is None:
            found += given
        elif given:
            found.append({"linkId": link, "text": heading, "item": given})
    return found


def _answer(instrument: Instrument, item: Item, way: Asking, one: Assessment, form: Form) -> Json | None:
    """What was answered; what was left to a measurement, as that amounts to; a refusal; None for silence."""
    said: Any = one.content.answers.get(item.key)
    head = {"linkId": way.link, "text": way.text}
    reading = form.readings[item.key]
    if item.derived is not None and said in (None, _DECLINED) and isinstance(reading, int):
        said = reading
    if said is None or said == []:
        return None
    if said == _DECLINED:
        return {"extension": [extension(ABSENT, "Code", "asked-declined")], **head}
    values: list[Any] = list(said) if item.multiple else [said]
    asked_as = form.items[item.key]
    options = [option for value in values if (option := asked_as.option(value)) is not None]
    return {
        **head,
        "answer": [{"valueCoding": coding_of(instrument, item, option)} for option in options],
    }


def _result(instrument: Instrument, one: Assessment) -> list[Json]:
    """What the form amounted to under the rules it was scored with."""
    result, system = one.content.result, answers_of(instrument.key)
    items: list[Json] = [
        {
            "linkId": STATUS,
            "answer": [{"valueCoding": {"system": system, "code": result["status"]}}],
        }
    ]
    numbers = {TOTAL: result["total"]} | {f"scale.{key}": n for key, n in result["subscores"].items()}
    for link, number in numbers.items():
        if number is not None:
            items.append({"linkId": link, "answer": [{"valueInteger": number}]})
    if result["band"] is not None:
        labels = {band.key: band.label for each in instrument.scoring.band_sets for band in each.bands}
        coding = {"system": system, "code": result["band"], "display": labels[result["band"]]}
        items.append({"linkId": BAND, "answer": [{"valueCoding": coding}]})
    return [{"linkId": RESULT, "item": items}]
