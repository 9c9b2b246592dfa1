"""A placement is looked at again for reasons that are shown and become tasks; and facts of the medical intake reach its
rules by themselves.
"""

from datetime import timedelta
from typing import Any

from tests.house import Service
from tests.integration.admission.placement.conftest import CALM, Referral


def reasons(referral: Referral) -> dict[str, bool]:
    return {one["trigger"]: one["same_day"] for one in referral.suggestion()["look_again"]}


def tasks(referral: Referral) -> list[tuple[str, str]]:
    return sorted(
        (one["code"].removeprefix("placement_again_"), one["severity"])
        for one in referral.flags()
        if one["code"].startswith("placement_again_") and one["state"] != "acknowledged"
    )


def visit(referral: Referral, outcome: str, **more: Any) -> None:
    body = {"minutes": 180, "outcome": outcome, "format": "group", **more}
    body["held_on"] = (
        referral.service.clock.now().astimezone(referral.service.program.zone).date().isoformat()
    )
    answer = referral.clinician.post(f"/episodes/{referral.episode_id}/visits", body)
    assert answer.status_code == 201, answer.text


def close(referral: Referral) -> None:
    for flag in referral.flags():
        if flag["state"] != "acknowledged":
            done = {"action": "Spoke with the patient about it", "seen_by": "Dr Olu", "outcome": "safe_now"}
            answer = referral.clinician.post(f"/flags/{flag['id']}/acknowledgement", done)
            assert answer.status_code == 200, answer.text


def test_missed_visits_become_a_task_without_anybody_looking(referral: Referral) -> None:
    assert reasons(referral) == {}, "there is no decision yet"
    visit(referral, "missed")
    visit(referral, "missed")
    assert tasks(referral) == []
    referral.decide()
    assert reasons(referral) == {"missed_sessions": False}, "those of the same day count"
    close(referral)
    assert (reasons(referral), tasks(referral)) == ({"missed_sessions": False}, []), "somebody acted on it"
    visit(referral, "attended")
    assert reasons(referral) == {}
    referral.service.clock.advance(timedelta(days=1))
    referral.service.accounts.clear()
    fresh = _again(referral)
    visit(fresh, "missed")
    visit(fresh, "excused", reason="a court date")
    assert tasks(fresh) == []
    visit(fresh, "missed")
    assert tasks(fresh) == [("missed_sessions", "review")], "raised by the visit that was recorded"
    reasons(fresh)
    assert len(tasks(fresh)) == 1


def test_an_urgent_flag_and_the_seventh_day_ask_for_another_look(referral: Referral) -> None:
    referral.decide()
    assert reasons(referral) == {}
    referral.service.clock.advance(timedelta(minutes=5))
    referral.answer("asq", CALM | {"asq.1": 1, "asq.5": 1})
    assert reasons(referral)["urgent_flag"] is True
    assert tasks(referral) == [("urgent_flag", "same_day")]
    referral.service.clock.advance(timedelta(days=7))
    referral.service.accounts.clear()
    assert "day" in reasons(_again(referral))


def _again(referral: Referral) -> Referral:
    """The same referral after a night: everybody signs in anew."""
    referral.service.account("clinician", related_to=[referral.patient_id])
    referral.service.account("intake")
    return referral


def test_substances_vital_signs_and_home_reach_the_rules(service: Service) -> None:
    """From three sections of the medical intake to the rules they fire, over HTTP and with nothing in between."""
    stay = Referral(service)
    stay.answer("asq", CALM)
    path = f"/patients/{stay.patient_id}/medical"

    def said(**values: Any) -> dict[str, Any]:
        return {
            "answers": {
                name: value if isinstance(value, dict) else {"value": value} for name, value in values.items()
            }
        }

    def fired() -> dict[str, dict[str, Any]]:
        return {
            one["id"]: {fact["fact"]: fact for fact in one["facts"]} for one in stay.suggestion()["rules"]
        }

    before = fired()
    last = (service.clock.now() - timedelta(hours=10)).isoformat()
    row = said(**{"class": "alcohol", "name": "beer", "ever": True, "rank": "primary", "first_age": 16,
                  "last_use": {"value": last, "certainty": "about"}, "days_30": 30, "amount": "six cans",
                  "route": "oral", "withdrawal": ["shaking"]})  # fmt: skip
    assert stay.clinician.post(f"{path}/substances/entries", row).status_code == 201
    vitals = said(systolic=200, diastolic=125, heart_rate=130, temperature=36.8, respiration=16)
    for name, body in (("vitals", vitals), ("home", said(housing="stable", home_safe=False))):
        answer = stay.clinician.put(f"{path}/{name}", body, version=0)
        assert answer.status_code == 200, answer.text
    after = fired()
    news = {name: fact for rule in after.values() for name, fact in rule.items()}
    assert set(after) > set(before)
    assert news["vitals_urgent"]["value"] is True
    assert news["home_safe"]["value"] is False
    assert news["vitals_urgent"]["source"].startswith("vitals.")
    assert news["home_safe"]["source"] == "home.home_safe"
    sources = {fact["source"].partition(".")[0] for fact in news.values() if fact["source"]}
    assert "substances" in sources, after
    assert all(news[name]["item_id"] for name in ("vitals_urgent", "home_safe"))
