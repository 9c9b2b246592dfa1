"""The demo's stories of intake and care: somebody in every state between a call and a discharge.

As in `demo_law.py` each act is a call as it goes over the wire; signing a form, deciding on a level of care and writing
a plan first read what they answer to, so those are acts of their own (`demo_acts.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from service.cli.demo_calls import call
from service.cli.demo_steps import Step, arrival

_PATIENT = "/patients/{patient}"
_WHY = "Seen today; a friend stays with the patient until the first session (synthetic)."
_CALM = {f"asq.{number}": 0 for number in range(1, 5)}
_WELL = {"systolic": 122, "diastolic": 78, "heart_rate": 74, "temperature": 36.7, "respiration": 14}
_SAFETY = {
    "warning_signs": ["I stop answering the phone (synthetic)"],
    "coping": ["A walk to the river"],
    "professionals": [{"name": "Crisis line", "phone": "988"}],
    "safer_surroundings": "The key is with a neighbour.",
    "naloxone": "given",
    "given_on": "{today}",
}


def referred(day: float, **more: Any) -> Iterator[Step]:
    """A call, and an episode since."""
    yield from arrival(day)
    yield opened(day, **more)


def opened(day: float, **more: Any) -> Step:
    body = {"unit": "IOP", "opened_on": "{today}", "track": "sud", "referral": "self"} | more
    return call(day, "intake", f"{_PATIENT}/episodes", body, keep="episode")


def reachable(day: float, channel: str = "email") -> Step:
    address = "{number}.testperson@example.org" if channel == "email" else "+1 555 01{number}"
    body = {"channels": [{"channel": channel, "address": address, "safe": True}]}
    return call(day, "intake", _PATIENT, body, method="PATCH", version='"1"', expect=200)


def signed(day: float, *forms: str, outcome: str = "signed") -> Iterator[Step]:
    for form in forms:
        yield Step(day, "intake", "form", {"form": form, "outcome": outcome})


def screened(day: float, answers: dict[str, int], instrument: str = "asq") -> Step:
    body = {"instrument": instrument, "status": "completed", "answers": answers}
    return Step(day, "intake", "assess", body)


def section(day: float, key: str, values: Mapping[str, Any]) -> Step:
    answers = {name: {"value": value} for name, value in values.items()}
    path = f"{_PATIENT}/medical/{key}"
    return call(day, "clinician", path, {"answers": answers}, method="PUT", version='"0"', expect=200)


def examined(day: float, *, home_safe: bool = True) -> Iterator[Step]:
    """What the rules of placement ask for: a screen, vital signs, use, a diagnosis, a home."""
    yield screened(day, _CALM)
    yield section(day, "vitals", _WELL)
    home = {"housing": "stable", "home_safe": home_safe, "use_at_home": False, "lives_with": "a friend"}
    yield section(day, "home", home)
    use = {
        "class": "alcohol",
        "name": "beer",
        "ever": True,
        "rank": "primary",
        "first_age": 18,
        "last_use": "{ten_days_ago}",
        "days_30": 12,
        "amount": "six cans",
        "route": "oral",
        "withdrawal": ["none"],
    }
    answers: dict[str, dict[str, Any]] = {name: {"value": value} for name, value in use.items()}
    answers["last_use"]["certainty"] = "about"
    yield call(day, "intake", f"{_PATIENT}/medical/substances/entries", {"answers": answers})
    found = {"substance": "alcohol", "specific": "beer", "criteria": [1, 2, 3, 4], "dated_on": "{today}"}
    yield call(day, "clinician", f"{_PATIENT}/diagnoses", found)


def admitted(day: float) -> Iterator[Step]:
    """Everything that admission asks for; two items are cleared by the clinician with a reason."""
    yield from referred(day)
    yield from signed(day, "identity", "F02", "F03", outcome="given")
    yield from signed(day, "F04", "F14", "F19", "F17")
    yield from examined(day)
    for item in ("withdrawal_check", "F20"):
        reason = {"reason": "Cleared by Dr Tess Testperson (synthetic)."}
        yield call(day, "clinician", f"{_PATIENT}/packet/{item}/waiver", reason, expect=200)
    yield Step(day, "clinician", "decide", {"level": "2.1"})
    yield from signed(day, "F27", outcome="given")
    yield call(day, "intake", "/episodes/{episode}/admission", {}, expect=200)


def planned(day: float) -> Iterator[Step]:
    """A plan both have signed, in force."""
    yield Step(day, "clinician", "plan")
    for body in ({"kind": "clinician"}, {"kind": "patient", "name": "{name}", "decision": "agrees"}):
        yield call(day, "clinician", "/care-plans/{plan}/signatures", body)
    yield call(day, "clinician", "/care-plans/{plan}/activation", {}, expect=200)


def visits(*days: tuple[float, str]) -> Iterator[Step]:
    for day, outcome in days:
        held = {"held_on": "{today}", "minutes": 180, "outcome": outcome, "format": "group"}
        more = {"reason": "Called in sick (synthetic)."} if outcome == "excused" else {}
        yield call(day, "clinician", "/episodes/{episode}/visits", held | more)


def beginning() -> Iterator[Step]:
    """Today's intake: some forms signed, a screen half filled in, the rest open."""
    yield from referred(1)
    yield reachable(1)
    yield from signed(1, "identity", outcome="given")
    yield from signed(1, "F16", "F04")
    half = {"instrument": "phq-9", "status": "draft", "answers": {"phq9.1": 1, "phq9.2": 2}}
    yield Step(1, "intake", "assess", half)
    yield call(1, "intake", f"{_PATIENT}/packet-links")


def urgent() -> Iterator[Step]:
    """In the room now: the ninth question was answered above "Not at all", and its clock runs."""
    yield from referred(0.03)
    yield from signed(0.02, "F04")
    answers = {f"phq9.{number}": 2 for number in range(1, 9)} | {"phq9.9": 1}
    yield screened(0.005, answers, "phq-9")


def declined() -> Iterator[Step]:
    """A consent to care that the patient declined: nothing goes on, and everybody sees why."""
    yield from referred(2)
    yield from signed(2, "F04", outcome="declined")


def awaiting_second() -> Iterator[Step]:
    """Not safe at home; the clinician decides below what the rules suggest, and a second one has yet to sign."""
    yield from referred(1)
    yield from signed(1, "F04")
    yield from examined(1, home_safe=False)
    yield call(1, "clinician", f"{_PATIENT}/safety-plans", _SAFETY, keep="safety")
    override = {"code": "clinical_judgment", "text": _WHY}
    safeguard = {"follow_up_at": "{in_20_hours}", "safety_plan_id": "{safety}"}
    yield Step(1, "clinician", "decide", {"level": "2.1", "override": override, "safeguard": safeguard})


def in_care() -> Iterator[Step]:
    """Admitted, a plan in force, sessions attended and missed, the score followed."""
    yield from admitted(25)
    yield from planned(25)
    yield from visits((20, "attended"), (15, "missed"), (10, "attended"), (9, "excused"))
    yield screened(15, {f"phq9.{number}": 1 for number in range(1, 9)} | {"phq9.9": 0}, "phq-9")


def stepping_down() -> Iterator[Step]:
    """Fewer hours since last week."""
    yield from admitted(60)
    yield from planned(60)
    yield from visits((50, "attended"), (45, "attended"))
    step = {"kind": "step_down", "on": "{today}", "reason": "Goals met (synthetic).", "level": "1.5"}
    yield call(6, "clinician", "/episodes/{episode}/steps", step)


def gone() -> Iterator[Step]:
    """Discharged with aftercare; the summary is still to be written."""
    yield from admitted(50)
    aftercare = {
        "level": "1.5",
        "provider": "Pine Test Clinic",
        "medicines": [{"name": "naltrexone", "purpose": "maud", "prescriber": "Dr Tess Testperson"}],
        "naloxone": True,
        "follow_up_30": True,
    }
    body = {
        "type": "completed",
        "on": "{today}",
        "reason": "All goals met (synthetic).",
        "aftercare": aftercare,
    }
    yield call(3, "clinician", "/episodes/{episode}/discharge", body)


def not_taken() -> Iterator[Step]:
    """Referred, and went elsewhere."""
    yield from referred(20)
    step = {"kind": "not_admit", "on": "{today}", "reason": "Chose a program near home (synthetic)."}
    yield call(10, "clinician", "/episodes/{episode}/steps", step)


def registered_twice() -> Iterator[Step]:
    """The same person under two spellings; the charts were taken for one's."""
    yield from referred(10)
    yield call(10, "intake", "/patients", {"given_name": "{given}", "family_name": "{family} Testperson",
               "birth_date": "{born}"}, keep="twin")  # fmt: skip
    body = {
        "merged_id": "{twin}",
        "reason": "One person, registered twice (synthetic).",
        "evidence": "The same card was shown on both days (synthetic).",
    }
    yield call(9, "intake", f"{_PATIENT}/merges", body)


def reminded() -> Iterator[Step]:
    """A link to the packet went to a telephone."""
    yield from referred(1)
    yield reachable(1, "text")
    yield call(1, "intake", f"{_PATIENT}/packet-links")


INTAKE_STORIES: tuple[Callable[[], Iterator[Step]], ...] = (
    beginning,
    urgent,
    declined,
    awaiting_second,
    in_care,
    stepping_down,
    gone,
    not_taken,
    registered_twice,
    reminded,
)
