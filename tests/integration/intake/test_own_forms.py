"""Forms that patients fill in themselves: theirs to begin, leave, finish and read back; never a result, always a way
to somebody; and nobody puts words into their mouth.
"""

import json
from typing import Any

from tests.house import Service
from tests.integration.intake.asking import PHQ_9, codes, form, own_client, patient

#: Words of a result: none of them may reach the patient's screen.
RESULT_WORDS = (
    "total",
    "band",
    "flags",
    "moderate",
    "minimal",
    "suicide",
    "severity",
    "labels",
    "rule_version",
)


def telling(body: dict[str, Any]) -> list[str]:
    text = json.dumps(body)
    return [word for word in RESULT_WORDS if word in text]


def test_a_patient_fills_in_their_own_form(service: Service) -> None:
    subject = patient(service)
    mine = own_client(service, subject)
    path = f"/patients/{subject}/assessments"
    begun = mine.post(path, form("phq-9", {"phq9.1": 2}, "draft"))
    assert begun.status_code == 201, begun.text
    draft = begun.json()
    assert (draft["status"], draft["answers"], draft["version"]) == ("draft", {"phq9.1": 2}, 1)
    assert draft["help"] == {"words": None, "contacts": []}
    one = f"/assessments/{draft['id']}"
    saved = mine.put(one, {"answers": PHQ_9}, version=1)
    assert saved.json()["missing"] == []
    assert [row["id"] for row in mine.get(f"/patients/{subject}/drafts").json()["items"]] == [draft["id"]]
    done = mine.post(f"{one}/completion", version=2)
    assert (done.status_code, done.json()["status"]) == (200, "completed"), done.text
    for body in (draft, saved.json(), done.json(), mine.get(one).json()):
        assert not telling(body), body
        assert "result" not in body
    # staff see what it amounts to and whose answers they are
    seen = service.client("intake").get(one).json()
    assert (seen["result"]["total"], seen["source"], seen["typed_by"]) == (8, "patient", "patient")
    assert seen["author"] == str(mine.who.id)
    assert mine.get(f"/patients/{subject}/drafts").json()["items"] == []
    used = service.entries(action="assessment.read", actor_id=mine.who.id)
    assert {entry["basis"] for entry in used} == {None}


def test_a_safety_answer_brings_neutral_words_and_whom_to_call(service: Service) -> None:
    subject = patient(service)
    mine, path = own_client(service, subject), f"/patients/{subject}/assessments"
    answers = [
        mine.post(path, form("phq-9", {"phq9.9": 2}, "draft")),
        mine.post(path, form("phq-9", {**PHQ_9, "phq9.9": 3})),
        mine.post(path, form("phq-9", {**PHQ_9, "phq9.9": 3, "phq9.1": 9})),
        mine.post(path, form("phq-9", {"phq9.9": 1})),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 422, 422]
    for answer in answers:
        body = answer.json()
        assert "988" in body["help"]["words"]
        assert [one["phone"] for one in body["help"]["contacts"]] == ["988", "+1-555-0142"]
        assert not telling(body), body
    spanish = mine.post(path, form("phq-9", {"phq9.9": 1}, "draft", context={"language": "es"}))
    if spanish.status_code == 201:
        assert "Gracias" in spanish.json()["help"]["words"]
    # and somebody has it on their list
    kept = service.client("intake").get(f"/patients/{subject}/flags").json()["items"]
    assert "suicide_item_daily" in codes(kept)
    assert mine.get(f"/patients/{subject}/flags").status_code == 404


def test_what_is_not_theirs_to_do(service: Service) -> None:
    subject, other = patient(service), patient(service, "Testperson2")
    mine, intake = own_client(service, subject), service.client("intake")
    path = f"/patients/{subject}/assessments"
    asked = intake.post(path, form("phq-9", PHQ_9, "draft")).json()
    theirs = own_client(service, other, "another").post(
        f"/patients/{other}/assessments", form("phq-9", PHQ_9, "draft")
    )
    for one in (asked["id"], theirs.json()["id"]):
        assert mine.get(f"/assessments/{one}").status_code == 404
        assert mine.put(f"/assessments/{one}", {"answers": PHQ_9}, version=1).status_code == 404
        assert mine.post(f"/assessments/{one}/completion").status_code == 404
    assert mine.post(f"/patients/{other}/assessments", form("phq-9", PHQ_9)).status_code == 404
    assert mine.get(f"/patients/{other}/drafts").status_code == 404
    assert mine.get(path).status_code == 404
    denials = service.entries(outcome="deny", actor_id=mine.who.id)
    assert {entry["detail"]["reason"] for entry in denials} == {"not_own_form", "not_permitted"}
    # a total guessed at is not confirmed, a unit is not chosen
    for more, field in (({"total": 8}, "total"), ({"unit": "U2"}, "unit")):
        refused = mine.post(path, form("phq-9", PHQ_9) | more)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    draft = mine.post(path, form("phq-9", PHQ_9, "draft")).json()
    guessed = mine.post(f"/assessments/{draft['id']}/completion", {"total": 8})
    assert (guessed.status_code, guessed.json()["code"]) == (422, "invalid_request")
    assert mine.get(f"/assessments/{draft['id']}").json()["status"] == "draft"
    change = {"answers": PHQ_9, "reason": "x"}
    assert mine.post(f"/assessments/{draft['id']}/amendments", change).status_code == 404


def test_what_a_clinician_observes_is_not_a_patients_form(service: Service) -> None:
    subject = patient(service)
    mine = own_client(service, subject)
    keys = {one.key: one for one in service.house.state.instruments.current()}
    observed = [key for key in ("cows", "ciwa-ar", "c-ssrs") if key in keys]
    for key in observed:
        refused = mine.post(f"/patients/{subject}/assessments", form(key, {}, "draft"))
        assert refused.json()["errors"][0]["code"] == "not_self_report", key
    assert mine.post(f"/patients/{subject}/assessments", form("gad-7", {}, "draft")).status_code == 201


def test_staff_never_overwrite_what_the_patient_typed(service: Service) -> None:
    subject = patient(service)
    mine, intake = own_client(service, subject), service.client("intake")
    draft = mine.post(f"/patients/{subject}/assessments", form("phq-9", {"phq9.1": 3}, "draft")).json()
    path = f"/assessments/{draft['id']}"
    refused = intake.put(path, {"answers": {"phq9.1": 0}}, version=1)
    assert (refused.status_code, refused.json()["code"]) == (409, "assessment_patient_typed")
    assert mine.get(path).json()["answers"] == {"phq9.1": 3}
    assert intake.get(f"/patients/{subject}/drafts").json()["items"] == []
    mine.put(path, {"answers": PHQ_9}, version=1)
    # staff may close it with the patient beside them: the answers stay the patient's
    done = intake.post(f"{path}/completion").json()
    assert (done["source"], done["typed_by"], done["version"]) == ("patient", "patient", 3)
    fixed = {**PHQ_9, "phq9.1": 3}
    amended = intake.post(
        f"{path}/amendments", {"answers": fixed, "reason": "Said so in the interview"}
    ).json()
    assert (amended["source"], amended["typed_by"], amended["version"]) == ("patient", "staff", 4)
    assert amended["author"] == str(service.account("intake").id)
    before = intake.get(f"{path}?version=3").json()
    assert (before["answers"], before["typed_by"]) == (PHQ_9, "patient")
    # the patient reads what the patient typed
    own = mine.get(path).json()
    assert (own["answers"], own["version"]) == (PHQ_9, 3)
    assert mine.get(f"{path}?version=3").json()["answers"] == PHQ_9
    for number in (4, 9):
        assert mine.get(f"{path}?version={number}").status_code == 404


def test_a_form_is_filed_where_the_patient_is_treated(service: Service) -> None:
    """Else the clinicians of the unit could not read what their patient wrote."""
    subject = patient(service)
    mine, path = own_client(service, subject), f"/patients/{subject}/assessments"
    before = mine.post(path, form("gad-7", {}, "draft")).json()["id"]
    opened = service.client("intake").post(
        f"/patients/{subject}/episodes", {"unit": "U2", "track": "mh", "opened_on": "2026-06-01"}
    )
    assert opened.status_code == 201, opened.text
    after = mine.post(path, form("gad-7", {}, "draft")).json()["id"]
    units = [service.client("intake").get(f"/assessments/{one}").json()["unit"] for one in (before, after)]
    assert units == ["U1", "U2"]
