"""Episodes over the real API: referral, steps, readmission, who may."""

from datetime import date, timedelta
from typing import Any

import pytest

from service.access.actions import Action
from service.people.episodes import operations
from service.people.episodes.episode import Episode, Step
from service.people.episodes.operations import authorised_episode, current_episode, move
from service.work import Work
from tests.house import Client, Service, open_program
from tests.integration.people.test_patients import BODY

DAY = "2026-05-01"


class Ward:
    """A patient, and the people who move one through an episode."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.intake = service.client("intake")
        self.patient_id = self.intake.post("/patients", BODY).json()["id"]
        service.account("clinician", related_to=[self.patient_id])
        self.clinician = service.client("clinician")

    def refer(self, who: Client | None = None, **more: Any) -> Any:
        body = {"unit": "U1", "opened_on": DAY, **more}
        return (who or self.intake).post(f"/patients/{self.patient_id}/episodes", body)

    def step(self, episode: str, kind: str, on: str = DAY, who: Client | None = None, **more: Any) -> Any:
        body = {"kind": kind, "on": on, "reason": "as planned", **more}
        return (who or self.clinician).post(f"/episodes/{episode}/steps", body)

    def moved(self, episode: str, step: Step, on: date, **particulars: Any) -> Episode:
        """What admission and discharge do."""

        def act(work: Work) -> Episode:
            found = authorised_episode(work, Action.EPISODE_MOVE, self._uuid(episode), changing=True)
            after = move(work, found, step, on, particulars)
            work.record(
                action=Action.EPISODE_MOVE,
                object_kind="episode",
                object_id=after.id,
                patient_id=after.patient_id,
            )
            return after

        return self.service.work(self.service.account("clinician").caller, act)

    def _uuid(self, text: str) -> Any:
        return operations.UUID(text)


@pytest.fixture
def ward(service: Service) -> Ward:
    return Ward(service)


def test_a_stay_from_referral_to_readmission(ward: Ward) -> None:
    made = ward.refer(referral="hospital", payer="medicaid", coming_from="4", note="called by a ward")
    assert made.status_code == 201, made.text
    episode = made.json()
    assert (episode["state"], episode["track"], episode["can"]) == ("referred", "sud", ["admit", "not_admit"])
    assert (episode["referral"], episode["payer"], episode["coming_from"]) == ("hospital", "medicaid", "4")
    assert [(one["kind"], one["on"], one["reason"]) for one in episode["steps"]] == [
        ("refer", DAY, "called by a ward")
    ]
    number = episode["id"]
    # nobody is in two episodes of one unit; another unit is another matter
    assert (ward.refer().status_code, ward.refer().json()["code"]) == (409, "episode_open")
    other = ward.refer(unit="U2")
    assert (other.status_code, other.json()["track"]) == (201, "mh")
    # steps belong to states
    early = ward.step(number, "step_down", level="1")
    assert (early.status_code, early.json()["code"], early.json()["state"]) == (
        409,
        "episode_state",
        "referred",
    )
    admitted = ward.moved(number, Step.ADMIT, date(2026, 5, 2), level="2.1")
    assert (admitted.admitted_on, admitted.level, admitted.version) == (date(2026, 5, 2), "2.1", 2)
    assert ward.step(number, "not_admit").json()["code"] == "episode_state"
    before = ward.step(number, "step_down", on=DAY, level="1")
    assert [error["code"] for error in before.json()["errors"]] == ["before_the_last_step"]
    down = ward.step(number, "step_down", on="2026-05-10", level="1")
    assert (down.status_code, down.json()["state"], down.json()["level"]) == (201, "stepped_down", "1")
    stale = ward.clinician.post(
        f"/episodes/{number}/steps",
        {"kind": "transfer", "on": "2026-05-11", "reason": "relapse", "level": "2.1"},
        version=1,
    )
    assert stale.status_code == 412
    back = ward.step(number, "transfer", on="2026-05-11", level="2.1")
    assert back.json()["state"] == "admitted"
    taken = ward.step(number, "transfer", on="2026-05-11", unit="U2")
    assert (taken.status_code, taken.json()["code"]) == (409, "episode_open")
    ended = ward.moved(number, Step.DISCHARGE, date(2026, 5, 20), reason="completed")
    assert (ended.state.value, ended.ended_on) == ("discharged", date(2026, 5, 20))
    shown = ward.clinician.get(f"/episodes/{number}")
    assert shown.headers["etag"] == '"5"'
    assert [step["kind"] for step in shown.json()["steps"]] == [
        "refer",
        "admit",
        "step_down",
        "transfer",
        "discharge",
    ]
    assert shown.json()["can"] == []
    assert ward.step(number, "transfer", on="2026-05-21", level="1").status_code == 409
    # coming back is an episode of its own that names the former one
    again = ward.refer(opened_on="2026-05-25", track="co_occurring").json()
    assert (again["readmission_of"], again["track"]) == (number, "co_occurring")
    listed = ward.intake.get(f"/patients/{ward.patient_id}/episodes").json()
    assert {one["id"] for one in listed["items"]} == {number, other.json()["id"], again["id"]}
    assert (
        ward.service.work(
            ward.service.account("clinician").caller, lambda work: _current(work, ward.patient_id)
        )
        == again["id"]
    )
    actions = [entry["action"] for entry in ward.service.entries(outcome="permit")]
    assert actions.count("episode.open") == 3


def _current(work: Work, patient_id: str) -> str:
    work.require(Action.PATIENT_SEARCH)
    work.record(action=Action.PATIENT_SEARCH, object_kind="patient", object_id=None)
    found = current_episode(work, operations.UUID(patient_id))
    assert found is not None
    return str(found.id)


def test_what_cannot_be_recorded(ward: Ward) -> None:
    tomorrow = (ward.service.clock.now().date() + timedelta(days=1)).isoformat()
    for wrong, field, code in (
        ({"unit": "U9"}, "unit", "unknown"),
        ({"opened_on": tomorrow}, "opened_on", "in_the_future"),
        ({"opened_on": "1880-01-01"}, "opened_on", "before_the_last_step"),
        ({"payer": "who knows"}, "payer", "malformed"),
        ({"readmission_of": ward.patient_id}, "readmission_of", "unknown"),
    ):
        answer = ward.refer(**wrong)
        assert answer.status_code == 422, answer.text
        assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]
    assert ward.refer(track="alcohol").status_code == 422
    assert ward.refer(state="admitted").status_code == 422
    number = ward.refer().json()["id"]
    refused = ward.step(number, "not_admit", level="1")
    assert [error["field"] for error in refused.json()["errors"]] == ["level"]
    ward.moved(number, Step.ADMIT, date(2026, 5, 1))
    for kind, more, field in (
        ("step_down", {}, "level"),
        ("transfer", {}, "level"),
        ("transfer", {"unit": "U9"}, "unit"),
        ("transfer", {"level": "not a code"}, "level"),
        ("step_down", {"level": "1", "reason": " "}, "reason"),
        ("step_down", {"level": "1", "on": tomorrow}, "on"),
    ):
        answer = ward.step(number, kind, **more)
        assert [error["field"] for error in answer.json()["errors"]] == [field], answer.text
    for kind in ("admit", "discharge", "refer"):
        assert ward.step(number, kind).status_code == 422
    assert ward.clinician.get(f"/episodes/{number}").json()["version"] == 2


def test_who_may_do_what_with_an_episode(ward: Ward) -> None:
    stranger = ward.service.client(ward.service.account("clinician", name="stranger"))
    patient = ward.service.client(
        ward.service.account("patient", patient_id=ward.patient_id), purpose="PATRQT"
    )
    assert [ward.refer(who).status_code for who in (stranger, patient)] == [403, 404]
    number = ward.refer(ward.clinician).json()["id"]
    for who, status in ((stranger, 403), (patient, 404), (ward.service.client("compliance"), 403)):
        assert who.get(f"/episodes/{number}").status_code == status
        assert who.get(f"/patients/{ward.patient_id}/episodes").status_code == status
    # the front desk takes referrals and says that nobody was admitted; it moves nobody who is in care
    not_admitted = ward.step(number, "not_admit", who=ward.intake)
    assert (not_admitted.status_code, not_admitted.json()["state"]) == (201, "not_admitted")
    assert not_admitted.json()["ended_on"] == DAY
    again = ward.refer().json()
    assert again["readmission_of"] is None  # nobody was there before
    ward.moved(again["id"], Step.ADMIT, date(2026, 5, 1))
    assert ward.step(again["id"], "step_down", who=ward.intake, level="1").status_code == 403
    elsewhere = open_program(ward.service.house).client("intake")
    assert elsewhere.get(f"/episodes/{number}").status_code == 404
    assert elsewhere.get(f"/patients/{ward.patient_id}/episodes").status_code == 404


def test_a_referral_sent_twice_is_one_and_pages_go_on(ward: Ward) -> None:
    body = {"unit": "U1", "opened_on": DAY}
    key = {"Idempotency-Key": "once"}
    path = f"/patients/{ward.patient_id}/episodes"
    first, second = (ward.intake.post(path, body, headers=key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    ward.refer(unit="U2")
    page = ward.intake.get(f"{path}?limit=1").json()
    rest = ward.intake.get(f"{path}?limit=1&cursor={page['next_cursor']}").json()
    assert {one["unit"] for one in (*page["items"], *rest["items"])} == {"U1", "U2"}
    assert rest["next_cursor"] is None
