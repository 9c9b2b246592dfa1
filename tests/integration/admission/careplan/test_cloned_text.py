"""The same paragraph in the plans of many people (CP-20): counted, never told whose; one's own text is carried over."""

from datetime import timedelta
from typing import Any

from tests.house import Client
from tests.integration.admission.careplan.ward import Ward

SAID = "I want to be at the table in the evening and to remember the next morning what we talked about."

SAME = {"reason": "registered twice at the desk", "evidence": "the same passport was seen for both"}


def _goals(ward: Ward, text: str) -> list[dict[str, Any]]:
    first, second = ward.plan()["goals"]
    return [first | {"own_words": text}, second]


def _others(ward: Ward, number: int) -> tuple[Client, list[str]]:
    """Patients who have an episode each, and a clinician who treats them all."""
    found: list[str] = []
    for place in range(number):
        name = {
            "given_name": "Alex",
            "family_name": f"Testfamily{'abc'[place]}",
            "birth_date": f"198{place}-02-03",
        }
        answer = ward.intake.post("/patients", name)
        assert answer.status_code == 201, answer.text
        found.append(answer.json()["id"])
    who = ward.service.client(ward.service.account("clinician", name="other", related_to=found))
    for one in found:
        body = {"unit": "U1", "opened_on": ward.day(0), "level": "2.1"}
        assert who.post(f"/patients/{one}/episodes", body).status_code == 201
    return who, found


def _cloned(shown: dict[str, Any]) -> list[tuple[str, str, str]]:
    said = [one for one in shown["findings"] if one["code"] == "cloned"]
    return [(one["rule"], one["severity"], one["field"]) for one in said]


def test_text_of_many_charts_is_a_warning_that_names_how_many_and_nobody(ward: Ward) -> None:
    who, others = _others(ward, 3)
    plans: list[str] = []
    made = ward.begin(goals=_goals(ward, SAID))
    path = f"/care-plans/{made['id']}"
    for place, one in enumerate(others):
        assert _cloned(ward.clinician.get(path).json()) == [], f"{place} others have it"
        copied = SAID.upper().replace("EVENING", f"EVENING ({place + 6}:00)")
        answer = who.post(f"/patients/{one}/care-plans", ward.plan(goals=_goals(ward, copied)))
        assert answer.status_code == 201, answer.text
        plans.append(answer.json()["id"])
    shown = ward.clinician.get(path)
    assert _cloned(shown.json()) == [("CP-20", "W", "goals[0].own_words")]
    (said,) = (one for one in shown.json()["findings"] if one["code"] == "cloned")
    assert "3 other patients" in said["message"]
    assert not any(name in shown.text for name in (*others, *plans, "Testfamily"))

    saved = ward.clinician.put(path, ward.plan(goals=_goals(ward, f"{SAID} And laugh.")), version=1)
    assert _cloned(saved.json()) == [], "in words of one's own"
    assert _cloned(who.get(f"/care-plans/{plans[0]}").json()) == [], (
        "what a draft no longer says does not count"
    )
    ward.clinician.put(path, ward.plan(goals=_goals(ward, SAID)), version=2)
    assert _cloned(who.get(f"/care-plans/{plans[0]}").json()), "what it says again does"

    assert ward.act(plans[0], "status", {"act": "revoke", "reason": "x"}, who=who).status_code == 200
    assert _cloned(ward.clinician.get(path).json()) == [], "a plan that was given up does not count"
    again = who.post(f"/patients/{others[0]}/care-plans", ward.plan(goals=_goals(ward, SAID)))
    assert again.status_code == 201 and _cloned(ward.clinician.get(path).json())
    refused = ward.intake.post(f"/patients/{others[1]}/merges", {"merged_id": others[2], **SAME})
    differing = [one["code"] for one in refused.json()["errors"]]
    confirmed = [{"difference": one, "reason": "looked into"} for one in differing]
    merge = {"merged_id": others[2], "confirm_differences": confirmed, **SAME}
    merged = ward.intake.post(f"/patients/{others[1]}/merges", merge)
    assert merged.status_code == 201, merged.text
    assert _cloned(ward.clinician.get(path).json()) == [], "two charts of one patient count once"
    undone = {"reason": "two people"}
    assert ward.intake.post(f"/merges/{merged.json()['id']}/undoing", undone).status_code == 200
    assert _cloned(ward.clinician.get(path).json())
    ward.wait(timedelta(days=91))
    assert _cloned(ward.clinician.get(path).json()) == [], "three months ago"


def test_ones_own_text_is_carried_over_and_no_fault(ward: Ward) -> None:
    plan = ward.in_force(goals=_goals(ward, SAID))
    assert (plan["carried_over"], plan["findings"]) == ([], [])
    ward.service.clock.set(ward.service.clock.now() + timedelta(seconds=1))
    review = {"summary": "gone through together", "patient_took_part": True, "next_on": ward.day(20)}
    text = ward.plan(goals=_goals(ward, SAID), family_note=SAID.replace("evening", "morning"))
    done = ward.act(plan["id"], "reviews", review | {"plan": text})
    assert done.status_code == 201, done.text
    assert done.json()["carried_over"] == ["goals[0].own_words"]
    assert ward.act(plan["id"], "status", {"act": "complete", "reason": "done"}).status_code == 200
    ward.service.clock.set(ward.service.clock.now() + timedelta(seconds=1))
    for _ in range(4):
        later = ward.begin(goals=_goals(ward, SAID))
    assert later["carried_over"] == ["goals[0].own_words"]
    assert _cloned(later) == [], "five plans of one patient are one patient's"
