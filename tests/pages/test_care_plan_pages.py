"""The care plan as pages, without a script: begun, mended part by part, signed, reviewed, followed, ended."""

from typing import Any

import pytest

from service.access.caller import Role
from service.identity.model import Account
from tests.house import Service
from tests.integration.admission.careplan.ward import Ward
from tests.pages.conftest import person
from tests.pages.test_medical_pages import Chart
from tests.pages.test_pages_over_http import browserless, sign_in

__all__ = ["browserless"]


@pytest.fixture
def ward(service: Service) -> Ward:
    made = Ward(service)
    made.admit()
    return made


@pytest.fixture
def clinician(service: Service, ward: Ward) -> Account:
    one = person(service, Role.CLINICIAN, "Cleo Testperson")
    service.relate(one, ward.patient_id)  # type: ignore[arg-type]
    return one


@pytest.fixture
def chart(browserless: Any, service: Service, ward: Ward, clinician: Account) -> Chart:
    sign_in(browserless, clinician.username)
    return Chart(browserless, service, str(ward.patient_id))


def kept(ward: Ward, plan_id: str) -> dict[str, Any]:
    return dict(ward.clinician.get(f"/care-plans/{plan_id}").json()["plan"])


def test_a_draft_is_written_part_by_part_until_no_check_blocks_it(chart: Chart, ward: Ward) -> None:
    plans = f"{chart.base}/care-plans"
    begun = chart.send(plans, starts_on=ward.day(0), level="2.1")
    assert begun.status_code == 303, begun.text
    path = begun.headers["location"]
    page = chart.open(path)
    assert "A plan needs a problem." in page and "Has to be mended" in page
    assert f'href="{path}/parts/leaving#f-leaving.criteria"' in page
    part = f"{path}/parts/problem/new"
    lacking = chart.send(part, statement="Low mood", area="depression", priority="x")
    assert lacking.status_code == 422 and '<a href="#f-priority">' in lacking.text
    assert 'value="Low mood"' in lacking.text
    evidence = {"evidence__0__statement": "PHQ-9 is 14", "evidence__0__score": "14"}
    problem = {"statement": "Low mood", "area": "depression", "priority": "1", "state": "active"}
    assert chart.send(part, lacking.text, **problem, **evidence).status_code == 303
    assert chart.send(f"{path}/parts/goal/new", own_words="I want to get up", problem="p1").status_code == 303
    wanted = f"{path}/parts/objective/g1/new"
    objective = {
        "statement": "PHQ-9 below ten",
        "measure.source": "instrument",
        "measure.code": "phq-9",
        "measure.comparator": "lt",
        "measure.target": "10",
        "due": ward.day(42),
        "responsible": "patient\nclinician",
        "milestones__0__due": ward.day(20),
        "milestones__0__target": "12",
    }
    assert chart.send(wanted, **objective).status_code == 303
    talk = {"code": "IND", "format": "individual", "role": "clinician", "times": "1", "per_days": "7"}
    assert chart.send(f"{path}/parts/intervention/new", **talk).status_code == 303
    hour = {"weekday": "0", "starts": "18:00", "minutes": "60", "intervention": "i1", "weeks": "every"}
    assert chart.send(f"{path}/parts/slot/new", **hour).status_code == 303
    assert chart.send(f"{path}/parts/goal/g1", interventions__i1="yes").status_code == 422, (
        "words and problem"
    )
    goal = {"own_words": "I want to get up", "problem": "p1", "interventions__i1": "yes"}
    assert chart.send(f"{path}/parts/goal/g1", **goal).status_code == 303
    done = {"leaving.criteria": "Two good weeks", "leaving.discussed_on": ward.day(0)}
    assert chart.send(f"{path}/parts/leaving", **done).status_code == 303
    plan = kept(ward, path.rpartition("/")[2])
    assert plan["problems"][0]["evidence"] == [
        {
            "statement": "PHQ-9 is 14",
            "instrument": None,
            "score": 14,
            "dated_on": None,
            "item_id": None,
            "third_party": False,
        }
    ]
    assert plan["goals"][0]["objectives"][0]["measure"]["target"] == 10
    assert plan["goals"][0]["objectives"][0]["milestones"] == [
        {"due": ward.day(20), "target": 12, "statement": None}
    ]
    assert plan["slots"][0]["starts"] == "18:00" and plan["leaving"]["criteria"] == ["Two good weeks"]
    page = chart.open(path)
    assert "1.0 hours" in page and "outside" in page and "A plan needs a problem." not in page
    slot = f"{path}/parts/slot/s1"
    assert chart.send(slot, act="remove").status_code == 303
    assert kept(ward, path.rpartition("/")[2])["slots"] == []
    assert chart.http.get(slot).status_code == 404


def test_two_people_writing_see_both_texts(chart: Chart, ward: Ward) -> None:
    made = ward.begin()["id"]
    part = f"/care-plans/{made}/parts/problem/p2"
    mine = chart.open(part)
    saved = chart.send(part, mine, statement="Sleepless", area="depression", priority="2", state="active")
    assert saved.status_code == 303
    late = chart.send(part, mine, statement="Tired", area="depression", priority="2", state="active")
    assert late.status_code == 409
    assert "<td>Sleepless</td><td>Tired</td>" in late.text
    assert kept(ward, made)["problems"][1]["statement"] == "Sleepless"
    again = chart.send(part, late.text, statement="Tired", area="depression", priority="2", state="active")
    assert again.status_code == 303
    assert kept(ward, made)["problems"][1]["statement"] == "Tired"


def test_signed_twice_in_force_reviewed_and_ended(chart: Chart, ward: Ward, service: Service) -> None:
    made = ward.begin()["id"]
    path = f"/care-plans/{made}"
    unsigned = chart.send(f"{path}/activation", chart.open(path))
    assert unsigned.status_code == 422 and '<a href="#CP-10">CP-10</a>' in unsigned.text
    sign = f"{path}/signatures"
    assert chart.send(sign, chart.open(path), kind="clinician", trainee="yes").status_code == 303
    silent = chart.send(sign, chart.open(path), kind="patient", decision="declined")
    assert silent.status_code == 422 and "Write down why." in silent.text
    signed = {"kind": "patient", "decision": "agrees", "name": "Pat Testperson"}
    assert chart.send(sign, chart.open(path), **signed).status_code == 303
    assert chart.send(sign, chart.open(path), kind="supervisor").status_code == 422, "not one's own"
    assert ward.act(made, "signatures", {"kind": "supervisor"}, who=ward.supervisor).status_code == 201
    assert chart.send(f"{path}/activation", chart.open(path)).status_code == 303
    page = chart.open(path)
    assert "In force" in page and "9.0 hours" in page and "within" in page and "Supervisor:" in page
    part = f"{path}/parts/goal/g1"
    words = {"own_words": "I want my mornings back too.", "problem": "p1", "interventions__i1": "yes"}
    unsaid = chart.send(part, **words)
    assert unsaid.status_code == 422 and "A review says what was found" in unsaid.text
    review = {"summary": "gone through together", "next_on": ward.day(20), "patient_took_part": "yes"}
    assert chart.send(part, unsaid.text, **words, **review).status_code == 303
    page = chart.open(path)
    assert "I want my mornings back too." in page and "gone through together" in page
    assert "on an earlier text" in page
    copy = chart.open(f"{path}/copy")
    assert "I want my mornings back too." in copy and "Partner says" not in copy
    gates = chart.open(f"/episodes/{ward.episode_id}/gates")
    assert gates.count("Not known</span>") >= 1 and "G8" in gates
    leaving = f"/episodes/{ward.episode_id}/discharge"
    wrong = chart.send(leaving, type="completed", on=ward.day(0), reason="done")
    assert wrong.status_code == 422 and "Say what level comes next, and with whom." in wrong.text
    gone = chart.send(
        leaving, wrong.text, type="completed", on=ward.day(0), reason="done", level="1.5", provider="Elm"
    )
    assert gone.status_code == 303, gone.text
    over = chart.open(gone.headers["location"])
    assert "Write the summary" in over
    written = chart.send(gone.headers["location"], over, summary="Went well.")
    assert written.status_code == 303
    assert chart.send(gone.headers["location"], over, summary="Otherwise.").status_code == 409
    assert "Completed" in chart.open(path)
