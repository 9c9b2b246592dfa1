"""An assessment or a visit of the wrong person: nothing rests on it any more, its flags and its history stay."""

from datetime import timedelta
from uuid import UUID

from service.access.actions import Action
from service.intake.latest import latest
from service.intake.subject import subject_loader
from service.work import Work
from tests.house import Service
from tests.integration.intake.asking import PHQ_9, codes, form, own_client, patient

WRONG = {"reason": "Answered for another Testperson"}


def test_a_form_in_error_counts_no_more_and_stays_readable_with_its_flag(service: Service) -> None:
    subject, client = patient(service), service.client("intake")
    made = client.post(f"/patients/{subject}/assessments", form("phq-9", PHQ_9 | {"phq9.9": 1})).json()
    path = f"/assessments/{made['id']}"
    assert client.post(f"{path}/error", {}).json()["code"] == "invalid_request"
    assert client.post(f"{path}/error", {"reason": ""}).status_code == 422
    assert client.post(f"{path}/error", WRONG, version=7).status_code == 412
    assert own_client(service, subject).post(f"{path}/error", WRONG).status_code == 404
    marked = client.post(f"{path}/error", WRONG, version=1)
    assert marked.status_code == 200, marked.text
    body = marked.json()
    assert (body["status"], body["version"], body["reason"]) == ("entered_in_error", 2, WRONG["reason"])
    assert body["answers"] == made["answers"]
    assert marked.headers["audit-entry"]
    assert client.get(path).json()["status"] == "entered_in_error"
    assert client.get(path + "?version=1").json()["status"] == "completed"
    page = client.get(f"/patients/{subject}/assessments").json()
    assert ([one["status"] for one in page["items"]], page["trends"]) == (["entered_in_error"], {})
    flags = client.get(f"/patients/{subject}/flags").json()["items"]
    assert (codes(flags), flags[0]["state"]) == (["suicide_item_positive"], "open")
    for step, content in (
        ("error", WRONG),
        ("amendments", {"answers": PHQ_9, "reason": "Corrected after all"}),
        ("completion", {}),
    ):
        assert client.post(f"{path}/{step}", content).json()["code"] == "assessment_in_error", step


def test_what_was_newest_before_is_newest_again(service: Service) -> None:
    subject, client = patient(service), service.client("intake")
    before = client.post(f"/patients/{subject}/assessments", form("phq-9", PHQ_9)).json()["id"]
    service.clock.advance(timedelta(minutes=1))
    wrong = client.post(f"/patients/{subject}/assessments", form("phq-9", PHQ_9)).json()["id"]
    assert client.post(f"/assessments/{wrong}/error", WRONG).status_code == 200

    def newest(work: Work) -> str:
        work.authorised(Action.ASSESSMENT_LIST, subject_loader(UUID(subject)))
        found = latest(work, UUID(subject))
        work.record(action=Action.ASSESSMENT_LIST, object_kind="assessment", object_id=None)
        return str(found["phq-9"].id)

    assert service.work(client.who.caller, newest) == before
