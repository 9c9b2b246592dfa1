"""One answer, first in a form that is refused and then in one that is kept: one alarm with both sources, never none."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.house import Account, Client, Service

WHOLE = {f"phq9.{number}": 0 for number in range(1, 9)}


class Desk:
    """A patient at the front desk, and the forms given for them."""

    def __init__(self, service: Service) -> None:
        self.service, self.intake = service, service.client("intake")
        body = {"given_name": "Pia", "family_name": "Testperson", "birth_date": "1988-04-12"}
        self.patient_id = str(self.intake.post("/patients", body).json()["id"])
        service.account("intake", related_to=[self.patient_id])

    def send(self, answers: dict[str, Any], status: int) -> Any:
        form = {"instrument": "phq-9", "status": "completed", "answers": answers}
        answer = self.intake.post(f"/patients/{self.patient_id}/assessments", form)
        assert answer.status_code == status, answer.text
        return answer.json()

    def flags(self) -> list[dict[str, Any]]:
        """Suicide flags, oldest first."""
        items = self.intake.get(f"/patients/{self.patient_id}/flags").json()["items"]
        return [one for one in reversed(items) if one["severity"] == "urgent"]


@pytest.fixture
def desk(service: Service) -> Desk:
    return Desk(service)


def test_the_same_answer_in_a_refused_and_then_a_kept_form_is_one_alarm_with_both_sources(desk: Desk) -> None:
    desk.send(WHOLE | {"phq9.1": 77, "phq9.9": 1}, 422)
    (first,) = desk.flags()
    desk.service.clock.advance(timedelta(minutes=3))
    kept = desk.send(WHOLE | {"phq9.9": 1}, 201)
    (joined,) = desk.flags()
    assert joined["id"] == first["id"]
    assert (joined["raised_at"], joined["due_at"]) == (first["raised_at"], first["due_at"])
    assert (first["also_assessment_id"], joined["subject_id"]) == (None, None)
    assert joined["also_assessment_id"] == joined["assessment_id"] == kept["id"]
    entries = desk.service.entries(action="flag.raise", object_id=first["id"])
    assert [entry["detail"].get("joined") for entry in entries] == [None, kept["id"]]
    # what is kept again for the same form raises nothing more
    desk.send(WHOLE | {"phq9.9": 1}, 201)
    assert len(desk.flags()) == 2  # a second form is a second time it was said


@pytest.mark.parametrize("value", [2, 3])
def test_another_value_is_another_alarm(desk: Desk, value: int) -> None:
    desk.send(WHOLE | {"phq9.1": 77, "phq9.9": 1}, 422)
    desk.send(WHOLE | {"phq9.9": value}, 201)
    assert len(desk.flags()) >= 2
    assert {one["also_assessment_id"] for one in desk.flags()} == {None}


def test_what_was_dealt_with_is_raised_again(desk: Desk) -> None:
    desk.send(WHOLE | {"phq9.1": 77, "phq9.9": 1}, 422)
    (first,) = desk.flags()
    clinician = desk.service.account("clinician", related_to=[desk.patient_id])
    done = {
        "action": "Seen in the waiting room and spoken with at length.",
        "seen_by": "Clara Testperson",
        "outcome": "safety_plan_in_place",
    }
    known = desk.service.house.state.mechanisms.access.safety.outcomes
    done["outcome"] = sorted(known)[0]
    client = desk.service.client(clinician)
    ended = client.post(f"/flags/{first['id']}/acknowledgement", done)
    assert ended.status_code == 200, ended.text
    desk.send(WHOLE | {"phq9.9": 1}, 201)
    states = [one["state"] for one in desk.flags()]
    assert states == ["acknowledged", "open"]


def licence(service: Service, who: Account, ends_on: date) -> None:
    """A licence of a kind that stands for clinical acts, with its last day."""
    book = service.house.state.credentials
    kind = next(one.key for one in book.kinds.values() if one.clinical and one.independent)
    administrator = Client(service, service.account("administrator"), None)
    body = {
        "kind": kind, "starts_on": "2020-01-01", "ends_on": ends_on.isoformat(),
        "number": "T-1", "issuer": "Board of Testing", "verified_with": "the board's register",
    }  # fmt: skip
    made = administrator.post(f"/users/{who.id}/credentials", body)
    assert made.status_code == 201, made.text


def test_a_flag_is_not_given_to_a_clinician_whose_licence_lapsed(desk: Desk) -> None:
    service = desk.service
    today = service.clock.now().astimezone(service.program.zone).date()
    desk.send(WHOLE | {"phq9.9": 1}, 201)
    (flag,) = desk.flags()
    without, last_day, lapsed = (
        service.account("clinician", name=name, related_to=[desk.patient_id])
        for name in ("without", "last day", "lapsed")
    )
    licence(service, last_day, today)
    licence(service, lapsed, today - timedelta(days=1))
    giver = service.client(service.account("clinician", name="giver", related_to=[desk.patient_id]))

    def give(to: Account) -> Any:
        version = next(one for one in desk.flags() if one["id"] == flag["id"])["version"]
        body = {"account_id": str(to.id)}
        return giver.post(f"/flags/{flag['id']}/assignment", body, version=version)

    assert give(without).status_code == 200
    assert give(last_day).status_code == 200
    refused = give(lapsed)
    assert refused.status_code == 422, refused.text
    assert [one["code"] for one in refused.json()["errors"]] == ["cannot_act"]
    (kept,) = desk.flags()
    assert kept["owner_id"] == str(last_day.id)
