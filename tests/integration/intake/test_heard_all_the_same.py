"""An urgent answer is heard wherever the form was sent, and however often at once: never lost, and never two tasks."""

from threading import Barrier, Thread
from typing import Any

import pytest

from tests.house import Service
from tests.integration.intake.asking import PHQ_9, codes, form, own_client, patient

URGENT = {**PHQ_9, "phq9.9": 2}
WHY = {"reason": "The same person", "evidence": "Both cards seen (synthetic)."}


def raised(service: Service, subject: str) -> list[str]:
    return codes(service.client("intake").get(f"/patients/{subject}/flags").json()["items"])


def merged(service: Service) -> tuple[str, str]:
    """The chart that stays, and the one that takes nothing new."""
    stays, goes = patient(service), patient(service)
    draft = service.client("intake").post(
        f"/patients/{goes}/assessments", form("phq-9", PHQ_9, status="draft")
    )
    answer = service.client("intake").post(f"/patients/{stays}/merges", {"merged_id": goes, **WHY})
    assert answer.status_code == 201, answer.text
    service.accounts["draft"] = draft.json()["id"]
    return stays, goes


@pytest.mark.parametrize("status", ["draft", "completed"])
def test_a_form_for_an_absorbed_chart_is_refused_and_its_flag_stands_with_the_survivor(
    service: Service, status: str
) -> None:
    stays, goes = merged(service)
    answer = service.client("intake").post(
        f"/patients/{goes}/assessments", form("phq-9", URGENT, status=status)
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "patient_merged")
    assert answer.json()["surviving_id"] == stays
    assert raised(service, stays) == ["suicide_item_positive"]
    assert service.client("intake").get(f"/patients/{goes}/assessments").json()["items"][1:] == []


def test_a_draft_of_an_absorbed_chart_is_heard_as_well(service: Service) -> None:
    stays, goes = merged(service)
    draft = service.accounts.pop("draft")
    client = service.client("intake")
    answer = client.put(f"/assessments/{draft}", {"answers": URGENT}, version=1)
    assert (answer.status_code, answer.json()["code"]) == (409, "patient_merged"), answer.text
    assert raised(service, stays) == ["suicide_item_positive"]
    assert client.get(f"/assessments/{draft}").json()["version"] == 1, "nothing was written there"
    assert raised(service, goes) == []


def test_a_section_for_an_absorbed_chart_is_judged_refused_and_its_flag_stands_with_the_survivor(
    service: Service,
) -> None:
    client, goes = service.client("intake"), patient(service)
    drink = {"answers": {"class": {"value": "alcohol"}, "name": {"value": "beer"}, "ever": {"value": False}}}
    begun = client.post(f"/patients/{goes}/medical/substances/entries", drink)
    assert begun.status_code == 201, begun.text
    stays = patient(service)
    assert client.post(f"/patients/{stays}/merges", {"merged_id": goes, **WHY}).status_code == 201
    path, threat = f"/patients/{goes}/medical", {"answers": {"homicidal_intent": {"value": True}}}
    for answer in (
        client.put(f"{path}/psychiatric", threat, version=0),
        client.put(f"{path}/psychiatric", threat, version=7),
        client.post(f"{path}/substances/entries", drink),
        client.put(f"/medical/{begun.json()['item_id']}", drink, version=1),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "patient_merged"), answer.text
        assert answer.json()["surviving_id"] == stays
    noted = service.entries(action="medical.write", patient_id=goes)[-1]
    assert (noted["outcome"], noted["detail"]) == ("permit", {"not_accepted": "patient_merged"})
    assert noted["policies"] == ["intake-medical"], "it was decided, as any act is"
    assert raised(service, stays) == ["homicidal_intent"]
    assert client.get(f"{path}/psychiatric").json()["head"]["state"] == "not_begun"
    # what is no form is refused as ever
    assert client.post(f"{path}/psychiatric/completion").json()["code"] == "patient_merged"


def test_a_patient_with_an_absorbed_chart_is_heard_and_told_of_no_other_chart(service: Service) -> None:
    stays, goes = merged(service)
    own = own_client(service, goes)
    answer = own.post(f"/patients/{goes}/assessments", form("phq-9", URGENT))
    assert (answer.status_code, answer.json()["code"]) == (409, "patient_merged")
    assert stays not in answer.text
    assert raised(service, stays) == ["suicide_item_positive"]
    stranger = service.client(service.account("patient", name="another", patient_id=patient(service)))
    stranger.purpose = "PATRQT"
    assert stranger.post(f"/patients/{goes}/assessments", form("phq-9", URGENT)).status_code == 404


def test_two_identical_refused_forms_at_once_raise_one_flag(service: Service) -> None:
    subject = patient(service)
    client, path = service.client("intake"), f"/patients/{subject}/assessments"
    bad = form("phq-9", {**URGENT, "phq9.1": "a word"})
    answers: list[Any] = []
    for _ in range(4):
        barrier = Barrier(3)

        def send(barrier: Barrier = barrier) -> None:
            barrier.wait()
            answers.append(client.post(path, bad).status_code)

        threads = [Thread(target=send) for _ in range(3)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert set(answers) == {422}
    assert raised(service, subject) == ["suicide_item_positive"]
