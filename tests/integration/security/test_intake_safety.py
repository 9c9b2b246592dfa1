"""Ways in which a positive answer could be lost, and what becomes of each."""

from datetime import timedelta
from typing import Any

from service.intake.safety import worklist
from tests.house import Client, Service
from tests.integration.intake.asking import PHQ_9, SEEN, form, own_client, patient
from tests.integration.intake.test_flags_as_tasks import escalate

SUICIDE = "suicide_item_positive"


def waiting(client: Client, subject: str, code: str = SUICIDE) -> list[dict[str, Any]]:
    """Flags of that code which nobody has dealt with."""
    listed = client.get(f"/patients/{subject}/flags").json()["items"]
    return [one for one in listed if one["code"] == code and one["state"] != "acknowledged"]


def deal_with(client: Client, subject: str, code: str = SUICIDE, **more: Any) -> None:
    for one in waiting(client, subject, code):
        closed = client.post(f"/flags/{one['id']}/acknowledgement", {**SEEN, **more})
        assert closed.status_code == 200, closed.text


def test_another_answer_after_the_first_was_dealt_with_is_a_flag_of_its_own(service: Service) -> None:
    subject, client = patient(service), service.client("intake")
    draft = client.post(f"/patients/{subject}/assessments", form("phq-9", {"phq9.9": 1}, "draft")).json()
    path = f"/assessments/{draft['id']}"
    deal_with(client, subject)
    # going on with the form asks nobody anew
    assert client.put(path, {"answers": {"phq9.9": 1, "phq9.1": 2}}, version=1).status_code == 200
    assert waiting(client, subject) == []
    assert client.put(path, {"answers": {**PHQ_9, "phq9.9": 2}}, version=2).status_code == 200
    assert len(waiting(client, subject)) == 1
    deal_with(client, subject)
    assert client.post(f"{path}/completion").status_code == 200
    assert waiting(client, subject) == []
    amendment = {"answers": {**PHQ_9, "phq9.9": 1}, "reason": "Asked again"}
    assert client.post(f"{path}/amendments", amendment).status_code == 201
    assert len(waiting(client, subject)) == 1


def test_a_positive_answer_of_the_slower_device_raises_its_flag(service: Service) -> None:
    subject, staff = patient(service), service.client("intake")
    mine = own_client(service, subject)
    draft = mine.post(f"/patients/{subject}/assessments", form("phq-9", {}, "draft")).json()
    path = f"/assessments/{draft['id']}"
    assert mine.put(path, {"answers": {"phq9.1": 1}}, version=1).status_code == 200
    lost = mine.put(path, {"answers": {"phq9.9": 2}}, version=1)
    assert (lost.status_code, lost.json()["current"]) == (412, 2)
    assert {"988"} <= {one["phone"] for one in lost.json()["help"]["contacts"]}
    assert "flags" not in lost.json()
    assert mine.get(path).json()["answers"] == {"phq9.1": 1}
    assert len(waiting(staff, subject)) == 1
    # the same again adds none
    assert mine.put(path, {"answers": {"phq9.9": 2}}, version=1).status_code == 412
    assert len(waiting(staff, subject)) == 1
    deal_with(staff, subject)
    # completed on one device, still typed on the other
    assert mine.put(path, {"answers": PHQ_9}, version=2).status_code == 200
    assert mine.post(f"{path}/completion").status_code == 200
    late = mine.put(path, {"answers": {**PHQ_9, "phq9.9": 3}}, version=4)
    assert (late.status_code, late.json()["code"]) == (409, "assessment_not_draft")
    assert len(waiting(staff, subject)) == 1
    deal_with(staff, subject)
    stale = staff.post(
        f"{path}/amendments", {"answers": {**PHQ_9, "phq9.9": 1}, "reason": "Asked again"}, version=1
    )
    assert (stale.status_code, len(stale.json()["flags"])) == (412, 1)
    assert len(waiting(staff, subject)) == 1


def test_staff_typing_over_a_patients_draft_lose_no_answer(service: Service) -> None:
    subject, staff = patient(service), service.client("intake")
    mine = own_client(service, subject)
    draft = mine.post(f"/patients/{subject}/assessments", form("phq-9", {}, "draft")).json()
    typed = staff.put(f"/assessments/{draft['id']}", {"answers": {"phq9.9": 1}}, version=1)
    assert (typed.status_code, typed.json()["code"]) == (409, "assessment_patient_typed")
    assert len(waiting(staff, subject)) == 1


def test_vital_signs_and_an_attempt_after_those_that_were_dealt_with(service: Service) -> None:
    subject, client = patient(service), service.client("intake")

    def save(section: str, version: int, **values: Any) -> Any:
        answers = {key: {"value": value} for key, value in values.items()}
        return client.put(f"/patients/{subject}/medical/{section}", {"answers": answers}, version=version)

    today = service.clock.now().date()
    assert save("vitals", 0, systolic=200).status_code == 200
    deal_with(client, subject, "vitals_urgent")
    assert save("vitals", 1, diastolic=80).status_code == 200
    assert waiting(client, subject, "vitals_urgent") == []
    assert save("vitals", 2, systolic=225).status_code == 200
    assert len(waiting(client, subject, "vitals_urgent")) == 1
    # a save that another device was quicker than
    deal_with(client, subject, "vitals_urgent")
    assert save("vitals", 1, systolic=230).status_code == 412
    assert len(waiting(client, subject, "vitals_urgent")) == 1
    deal_with(client, subject, "vitals_urgent")
    first = save("psychiatric", 0, attempts=1, last_attempt=str(today - timedelta(days=60)))
    assert first.status_code == 200, first.text
    assert len(waiting(client, subject, "recent_suicide_attempt")) == 1
    deal_with(client, subject, "recent_suicide_attempt")
    assert save("psychiatric", 1, attempts=2, last_attempt=str(today - timedelta(days=1))).status_code == 200
    assert len(waiting(client, subject, "recent_suicide_attempt")) == 1


def test_an_overdue_flag_that_lies_with_whoever_took_it_goes_back(service: Service) -> None:
    subject = patient(service)
    service.client("intake").post(f"/patients/{subject}/assessments", form("phq-9", {**PHQ_9, "phq9.9": 1}))
    service.clock.advance(timedelta(minutes=15))
    assert escalate(service) == 1
    assert escalate(service) == 0
    service.accounts.clear()
    treats = service.account("clinician", name="treats", related_to=[subject])
    client = service.client(treats)
    (flag,) = waiting(client, subject)
    taken = client.post(f"/flags/{flag['id']}/assignment", {"account_id": str(treats.id)})
    assert taken.json()["state"] == "taken", taken.text
    service.clock.advance(timedelta(minutes=14))
    assert escalate(service) == 0
    service.clock.advance(timedelta(minutes=1))
    assert escalate(service) == 1
    service.accounts.clear()
    (again,) = waiting(service.client("intake"), subject)
    assert (again["state"], again["owner_id"], again["owner_role"]) == ("open", None, "clinician")
    assert len(service.entries(action="flag.escalate")) == 2
    with service.house.superuser() as db:
        reviews = db.execute("SELECT count(*) FROM review WHERE subject_id = %s", [flag["id"]]).fetchone()
    assert reviews == (1,)


def test_what_is_urgent_is_not_hidden_behind_what_lies(service: Service, monkeypatch: Any) -> None:
    old, new = patient(service, "Olderperson"), patient(service, "Newerperson")
    gad = {f"gad7.{number}": 3 for number in range(1, 8)}
    service.client("intake").post(f"/patients/{old}/assessments", form("gad-7", gad))
    service.clock.advance(timedelta(hours=9))
    service.accounts.clear()
    client = service.client("intake")
    client.post(f"/patients/{new}/assessments", form("phq-9", {**PHQ_9, "phq9.9": 1}))
    monkeypatch.setattr(worklist, "MOST_LISTED", 1)
    rows = client.get("/flags?state=open").json()["items"]
    assert [(row["patient_id"], row["severity"]) for row in rows] == [(new, "urgent")]
