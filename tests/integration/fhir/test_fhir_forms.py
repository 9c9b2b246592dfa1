"""Questionnaires and responses over HTTP: valid, under the same rules as their JSON twins, computed by another."""

from typing import Any

from fhir.resources.R4B.questionnaire import Questionnaire
from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse

from tests.house import Service
from tests.integration.intake.asking import PHQ_9, form, own_client, patient
from tests.unit.fhir.exported import items_of, recomputed, without_result


def links(response: dict[str, Any]) -> set[str]:
    return {item["linkId"] for item in items_of(response)}


def test_every_instrument_is_a_questionnaire(service: Service) -> None:
    client = service.client("clinician", purpose=None)
    for one in client.get("/instruments").json()["items"]:
        answer = client.get(f"/instruments/{one['key']}/questionnaire")
        assert answer.headers["content-type"] == "application/fhir+json"
        Questionnaire.model_validate(answer.json())
        assert (answer.json()["title"], answer.json()["version"]) == (one["title"], str(one["version"]))
        assert {item["key"] for item in one["items"]} <= links(answer.json())
        assert (one["code_notice"] or "") in answer.json()["copyright"]
    assert client.get("/instruments/nothing/questionnaire").status_code == 404
    outside = service.account("requester")
    assert service.client(outside).get("/instruments/asq/questionnaire").status_code == 404


def test_an_assessment_is_a_response_in_every_state(service: Service) -> None:
    subject = patient(service)
    intake = service.client("intake")
    clinician = service.client(service.account("clinician", related_to=[subject]))
    draft = intake.post(
        f"/patients/{subject}/assessments", form("phq-9", {**PHQ_9, "phq9.3": "declined"}, "draft")
    )
    one = f"/assessments/{draft.json()['id']}"

    def read(query: str = "") -> dict[str, Any]:
        answer = clinician.get(f"{one}/questionnaire-response{query}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/fhir+json"), (
            answer.text
        )
        QuestionnaireResponse.model_validate(answer.json())
        return answer.json()

    assert read()["status"] == "in-progress"
    intake.post(f"{one}/completion", version=1)
    completed = read()
    questionnaire = clinician.get("/instruments/phq-9/questionnaire").json()
    computed = recomputed(questionnaire, without_result(completed))
    kept = clinician.get(one).json()["result"]
    assert (computed["status"], computed["total"], computed["band"]) == (
        kept["status"],
        kept["total"],
        kept["band"],
    )
    assert kept["status"] == "prorated"
    amended = clinician.post(f"{one}/amendments", {"answers": PHQ_9, "reason": "asked again"})
    assert amended.status_code == 201, amended.text
    assert (completed["status"], read()["status"], read("?version=2")["status"]) == (
        "completed",
        "amended",
        "completed",
    )
    assert read()["meta"]["versionId"] == str(amended.json()["version"])
    assert read()["subject"] == {"reference": f"Patient/{subject}"}
    labels = [label["code"] for label in read()["meta"]["security"]]
    assert labels == ["R", "PSY"]
    assert clinician.get(f"{one}/questionnaire-response?version=9").status_code == 404
    reads = service.entries(action="assessment.read", actor_id=clinician.who.id)
    assert len([entry for entry in reads if entry["outcome"] == "permit"]) == 8, (
        "each is a read, and recorded"
    )


def test_the_law_decides_about_the_response_as_about_the_assessment(service: Service) -> None:
    subject = patient(service)
    intake = service.client("intake")
    made = intake.post(f"/patients/{subject}/assessments", form("phq-9", PHQ_9)).json()
    one = f"/assessments/{made['id']}"
    for who, purpose in (
        ("clinician", "TREAT"),
        ("compliance", "HOPERAT"),
        ("administrator", "TREAT"),
        ("intake", None),
    ):
        client = service.client(who, purpose)
        twin, answer = client.get(one), client.get(f"{one}/questionnaire-response")
        assert (answer.status_code, answer.json()["code"]) == (twin.status_code, twin.json()["code"]), who
        assert answer.status_code >= 400
        assert "phq9" not in answer.text


def test_a_patient_gets_their_answers_and_no_score(service: Service) -> None:
    subject = patient(service)
    mine = own_client(service, subject)
    answers = {**PHQ_9, "phq9.9": 1}
    made = mine.post(f"/patients/{subject}/assessments", form("phq-9", answers)).json()
    one = f"/assessments/{made['id']}/questionnaire-response"
    answer = mine.get(one)
    QuestionnaireResponse.model_validate(answer.json())
    assert set(answers) == links(answer.json())
    for word in ("total", "band", "result", "PSY", "minimal", "mild", "flag"):
        assert word not in answer.text, word
    clinician = service.client(service.account("clinician", related_to=[subject]))
    of_staff = clinician.get(one).json()
    assert {"result", "total", "band", "scale.symptoms"} <= links(of_staff)
    assert of_staff["source"] == of_staff["author"] == {"reference": f"Patient/{subject}"}
    other = own_client(service, patient(service, "Elseperson"), "other")
    assert other.get(one).status_code == 404
