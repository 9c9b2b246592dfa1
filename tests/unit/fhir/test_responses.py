"""Assessments as QuestionnaireResponse: valid FHIR R4 in every state, silence kept apart from refusal, no result for the
patient.
"""

import pytest
from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse

from service.fhir.vocabulary import ABSENT
from service.intake.assessment import AssessmentStatus, Own, Source
from service.intake.instrument import Instrument
from tests.unit.fhir.exported import PATIENT, STAFF, assessment, exported, exported_response, items_of
from tests.unit.intake.instruments_of_record import ALL, BASE, shipped

BY_KEY = pytest.mark.parametrize("one", ALL, ids=lambda one: one.key)
STATES = {
    AssessmentStatus.DRAFT: "in-progress",
    AssessmentStatus.COMPLETED: "completed",
    AssessmentStatus.AMENDED: "amended",
    AssessmentStatus.ENTERED_IN_ERROR: "entered-in-error",
}


def test_every_state_has_a_word() -> None:
    assert STATES.keys() == set(AssessmentStatus)


@BY_KEY
def test_assessment_is_a_valid_response_in_every_state(one: Instrument) -> None:
    """Every link is one of the Questionnaire's, and every code one of that item's options."""
    answers = dict(
        zip([item.key for item in one.items], BASE.get(one.key, [0] * len(one.items)), strict=True)
    )
    offered = {
        item["linkId"]: {option["valueCoding"]["code"] for option in item.get("answerOption", [])}
        for item in items_of(exported(one.key, one))
    }
    for status, word in STATES.items():
        response = exported_response(one, assessment(one, answers, status=status))
        QuestionnaireResponse.model_validate(response)
        assert (response["status"], response["questionnaire"]) == (
            word,
            f"urn:consentry:instrument:{one.key}|{one.version}",
        )
        for item in items_of(response):
            for answer in item.get("answer", []):
                coding = answer.get("valueCoding")
                assert coding is None or coding["code"] in offered[item["linkId"]]
            assert item["linkId"] in offered


def test_refusal_silence_and_zero_are_three_things() -> None:
    asq = shipped("asq")
    response = exported_response(asq, assessment(asq, {"asq.1": 0, "asq.2": "declined", "asq.4": None}))
    links = {item["linkId"]: item for item in items_of(response)}
    assert links["asq.1"]["answer"] == [
        {"valueCoding": {"system": "urn:consentry:answers:asq", "code": "0", "display": "No"}}
    ]
    assert links["asq.2"]["extension"] == [{"url": ABSENT, "valueCode": "asked-declined"}]
    assert "answer" not in links["asq.2"]
    assert "asq.3" not in links and "asq.4" not in links


def test_a_response_names_nobody_and_carries_its_labels() -> None:
    one = exported_response(shipped("ahc-hrsn"), assessment(shipped("ahc-hrsn"), {"ahchrsn.7": 5}))
    assert one["subject"] == {"reference": f"Patient/{PATIENT}"}
    assert one["author"] == one["source"] == {"reference": f"Practitioner/{STAFF}"}
    assert [label["code"] for label in one["meta"]["security"]] == ["R", "SDV"]
    multiple = exported_response(
        shipped("ahc-hrsn"), assessment(shipped("ahc-hrsn"), {"ahchrsn.2": ["mold", "leaks"]})
    )
    (problems,) = [item for item in items_of(multiple) if item["linkId"] == "ahchrsn.2"]
    assert [answer["valueCoding"]["code"] for answer in problems["answer"]] == ["mold", "LA32001-2"]
    empty = exported_response(shipped("ahc-hrsn"), assessment(shipped("ahc-hrsn"), {"ahchrsn.2": []}))
    assert "ahchrsn.2" not in {item["linkId"] for item in items_of(empty)}


def test_what_is_known_beside_the_answers_goes_along() -> None:
    context = {"last_drink_at": "2026-02-28T20:00:00Z", "seizure": True, "delirium": False}
    ciwa = shipped("ciwa-ar")
    links = {
        item["linkId"]: item for item in items_of(exported_response(ciwa, assessment(ciwa, {}, context)))
    }
    assert links["context.seizure"]["answer"] == [{"valueBoolean": True}]
    assert links["context.delirium"]["answer"] == [{"valueBoolean": False}]
    assert links["context.last_drink_at"]["answer"] == [{"valueString": "2026-02-28T20:00:00Z"}]
    assert "context.new_hallucinations" not in links
    cows = shipped("cows")
    measured = exported_response(cows, assessment(cows, {}, {"pulse_bpm": 110}))
    links = {item["linkId"]: item for item in items_of(measured)}
    assert links["context.pulse_bpm"]["answer"] == [{"valueInteger": 110}]
    assert links["cows.1"]["answer"][0]["valueCoding"]["code"] == "2", "what the pulse amounts to"


def test_a_patient_reads_answers_and_no_result() -> None:
    phq = shipped("phq-9")
    answers = {f"phq9.{number}": 3 for number in range(1, 10)}
    of_staff = exported_response(phq, assessment(phq, answers))
    totals = {item["linkId"]: item.get("answer", []) for item in items_of(of_staff)}
    assert totals["total"] == [{"valueInteger": 27}]
    assert totals["band"][0]["valueCoding"]["code"] == "severe"
    for status, word in STATES.items():
        own = assessment(phq, answers, status=status, own=Own(), typed_by=Source.PATIENT)
        response = exported_response(phq, own)
        assert response["status"] == {"amended": "completed"}.get(word, word)
        assert not {"result", "total", "band", "status"} & {item["linkId"] for item in items_of(response)}
        assert response["author"] == response["source"] == {"reference": f"Patient/{PATIENT}"}
        assert [label["code"] for label in response["meta"]["security"]] == ["R"]
