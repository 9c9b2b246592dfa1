"""Acts of the demo that answer to something read first: a form's words, a suggestion, a plan's dates."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from service.cli.person import Person

#: Monday, Wednesday and Thursday, three hours each: nine a week.
_WEEK = (
    {"key": "s1", "weekday": 0, "starts": "18:00", "minutes": 60, "intervention": "i1"},
    {"key": "s2", "weekday": 0, "starts": "19:00", "minutes": 120, "intervention": "i2", "enrolled": 8},
    {"key": "s3", "weekday": 2, "starts": "18:00", "minutes": 180, "intervention": "i2"},
    {"key": "s4", "weekday": 3, "starts": "18:00", "minutes": 180, "intervention": "i2"},
)


async def sign_form(actor: Person, name: str, patient: str, form: str, outcome: str) -> None:
    """One signature event on the words in force; questions are answered with yes, the first choice, or words."""
    text = (await actor.get(f"/forms/{form}")).body
    by_type = {"yes_no": True, "text": "Synthetic answer"}
    answers = {
        one["key"]: by_type.get(one["type"]) or next(iter(one["choices"])) for one in text["questions"]
    }
    body: dict[str, Any] = {
        "outcome": outcome,
        "text_version": text["version"],
        "text_sha256": text["sha256"],
        "language": "en",
        "reader": {"how": "self"},
        "device": "shared_tablet",
        "answers": {} if outcome == "declined" else answers,
    }
    if outcome == "signed":
        signer = {"role": "patient", "name": name}
        body |= {"signer": signer, "attestation": "This is my signature (synthetic)."}
    if outcome == "declined":
        body["reason"] = "Wants to think about it (synthetic)."
    await actor.post(f"/patients/{patient}/forms/{form}", body)


async def decide(actor: Person, episode: str, day: str, how: Mapping[str, Any]) -> str:
    """A decision on the suggestion of this moment; its id."""
    seen = (await actor.get(f"/episodes/{episode}/placement")).body
    body = {
        "start_date": day,
        "patient_view": "agrees",
        "suggestion": {"computed_at": seen["computed_at"], "hash": seen["hash"]},
    } | dict(how)
    return str((await actor.post(f"/episodes/{episode}/placement-decisions", body)).body["id"])


def care_plan(day: str) -> dict[str, Any]:
    """A plan that no rule finds fault with, beginning on this day."""

    def on(days: int) -> str:
        return (datetime.fromisoformat(day) + timedelta(days=days)).date().isoformat()

    measure = {"source": "count", "code": "use_days", "comparator": "eq", "target": 0}
    objective = {
        "key": "o1",
        "statement": "No day of use in 14 days",
        "measure": measure,
        "due": on(60),
        "responsible": ["patient", "counselor"],
    }
    return {
        "starts_on": day,
        "level": "2.1",
        "time_zone": "America/New_York",
        "review_on": on(29),
        "reviewer": "Clara Testperson",
        "problems": [
            {
                "key": "p1",
                "area": "substance_use",
                "statement": "Drinking most evenings (synthetic)",
                "priority": 1,
                "code": "F10.20",
                "evidence": [{"statement": "Four criteria (synthetic)", "dated_on": day}],
            }
        ],
        "goals": [
            {
                "key": "g1",
                "problem": "p1",
                "own_words": "I want my evenings back.",
                "objectives": [objective],
                "interventions": ["i1", "i2"],
            }
        ],
        "interventions": [
            {
                "key": "i1",
                "code": "IND",
                "format": "individual",
                "role": "counselor",
                "times": 1,
                "per_days": 7,
            },
            {"key": "i2", "code": "CBT", "format": "group", "role": "counselor", "times": 3, "per_days": 7},
        ],
        "slots": list(_WEEK),
        "safety": {"naloxone": "given", "maud_offered_on": day},
        "person": {"strengths": [{"text": "Cooks for others"}]},
        "team": [{"name": "Clara Testperson", "role": "clinician"}],
        "family": "offered",
        "leaving": {"criteria": ["Two weeks without use"], "discussed_on": day},
    }
