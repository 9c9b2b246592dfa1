"""Two who act on one intake at the same instant, over real PostgreSQL: exactly one outcome, nothing lost, in order.

The lock order is the patient, then the episode, then what hangs on it; a ring of waiting would show as a 503.
"""

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest

from tests.fuzz.town import Town
from tests.house import Service, verify_ledger
from tests.integration.intake.asking import PHQ_9, SEEN, form

Call = Callable[[], Any]


def at_once(*calls: Call) -> list[tuple[int, dict[str, Any]]]:
    """What each was answered; they start together."""
    barrier, found = Barrier(len(calls)), [(0, dict[str, Any]())] * len(calls)

    def run(place: int, call: Call) -> None:
        barrier.wait()
        answer = call()
        found[place] = (answer.status_code, answer.json())

    threads = [Thread(target=run, args=(place, call)) for place, call in enumerate(calls)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return found


def statuses(found: list[tuple[int, dict[str, Any]]]) -> list[int]:
    return sorted(status for status, _ in found)


@pytest.fixture
def town(service: Service) -> Town:
    return Town(service)


def test_acts_on_one_intake_at_once_have_one_outcome(town: Town) -> None:
    """One town for all of them: building it takes longer than the races."""
    _a_flag_is_closed_once(town)
    _two_decisions_leave_one_in_force(town)
    _two_waivers_are_one(town)
    _an_urgent_answer_and_an_admission_both_count(town)
    _two_signatures_leave_one_in_force(town)
    _two_discharges_are_one(town)
    verify_ledger(town.service)


def _a_flag_is_closed_once(town: Town) -> None:
    flag = f"/flags/{town.known['flag_id'][0]}"
    close = [
        lambda who=who: who.post(f"{flag}/acknowledgement", SEEN) for who in (town.intake, town.clinician)
    ]
    assert statuses(at_once(*close)) == [200, 409]
    closed = town.service.entries(action="flag.acknowledge", outcome="permit")
    assert len(closed) == 1


def _two_decisions_leave_one_in_force(town: Town) -> None:
    """Deciding while the second signature is put under another decision, and twice at once."""
    episode = town.known["episode_id"][0]
    path, body = f"/episodes/{episode}/placement-decisions", town.stay.decision(episode)
    found = at_once(*[lambda: town.clinician.post(path, body)] * 3)
    assert set(statuses(found)) <= {201, 409}, found
    kept = town.clinician.get(path).json()["items"]
    assert [one["state"] for one in kept].count("signed") == 1
    assert len(kept) == 1 + statuses(found).count(201), "no decision was lost"
    second = f"/placement-decisions/{town.known['decision_id'][0]}/second"
    found = at_once(
        lambda: town.clinician.post(path, body), lambda: town.clinician.post(second, {"note": "x"})
    )
    assert all(status < 500 for status, _ in found)
    assert [one["state"] for one in town.clinician.get(path).json()["items"]].count("signed") == 1


def _two_waivers_are_one(town: Town) -> None:
    path = f"/patients/{town.patient_id}/packet/F09"
    why = {"reason": "No such thing here"}
    complete = town.stay.form("F09", "declined", reason="Would rather not.", answers={}, signer=None)
    found = at_once(
        lambda: town.clinician.post(f"{path}/waiver", why),
        lambda: town.clinician.post(f"{path}/waiver", why),
        lambda: town.intake.post(f"/patients/{town.patient_id}/forms/F09", complete),
    )
    assert all(status < 500 for status, _ in found), found
    tasks = town.intake.get(f"/patients/{town.patient_id}/intake").json()["tasks"]
    assert len([one for one in tasks if one["key"] == "F09"]) <= 1


def _an_urgent_answer_and_an_admission_both_count(town: Town) -> None:
    episode = town.stay.episode("U2")
    urgent = form("phq-9", {**PHQ_9, "phq9.9": 3})
    path = f"/patients/{town.patient_id}/assessments"
    found = at_once(
        lambda: town.intake.post(f"/episodes/{episode}/admission", {}),
        lambda: town.clinician.post(path, urgent),
        lambda: town.intake.post(f"/episodes/{episode}/admission", {}),
    )
    assert found[1][0] == 201
    assert all(found[place][0] in (200, 201, 409) for place in (0, 2)), found
    assert statuses([found[0], found[2]]) != [200, 200] or found[0][1] == found[2][1]
    open_flags = town.intake.get(f"/patients/{town.patient_id}/flags").json()["items"]
    assert "suicide_item_daily" in [one["code"] for one in open_flags]


def _two_signatures_leave_one_in_force(town: Town) -> None:
    path, body = f"/patients/{town.patient_id}/forms/F16", town.stay.form("F16")
    before = len(town.intake.get(f"{path.rpartition('/')[0]}?form=F16").json()["items"])
    found = at_once(*[lambda: town.intake.post(path, body)] * 3)
    assert set(statuses(found)) <= {201, 409}, found
    events = town.intake.get(f"{path.rpartition('/')[0]}?form=F16").json()["items"]
    assert len(events) == before + statuses(found).count(201)
    assert len([one for one in events if one["superseded_at"] is None]) == 1


def _two_discharges_are_one(town: Town) -> None:
    path, body = f"/episodes/{town.known['episode_id'][0]}/discharge", town.stay.discharge_body()
    found = at_once(*[lambda: town.clinician.post(path, body)] * 2)
    assert statuses(found) == [201, 409], found
