"""Step-down gates G1 to G8: what has to hold before a step to less care, each met, not met or unknown (pure).

Nothing is moved here. A fact nobody knows makes its gate unknown, and unknown never counts as met: all of them together
are met only if each one is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from service.admission.careplan.book import CarePlanBook, GateWords
from service.admission.careplan.parts import Number


class GateState(StrEnum):
    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class GateFacts:
    """The last `gate_window` days of one patient. None: nobody knows, or what is known is older than that."""

    #: Minutes attended, and minutes that were to be attended (attended and missed; excused ones are neither).
    attended: int | None = None
    expected: int | None = None
    #: Days of use reported or counted; results of tests, oldest first, True for negative, none when none are planned.
    use_days: Number | None = None
    tests: tuple[bool, ...] | None = None
    suicide_positive: bool | None = None
    item9: int | None = None
    risk: Number | None = None
    protective: Number | None = None
    housing: str | None = None
    goals_settled: int | None = None
    goals: int | None = None
    last_group_on: date | None = None
    first_appointment_on: date | None = None
    relapse_plan_given: bool | None = None
    crisis_plan_given: bool | None = None
    notes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate as it stands. `shown` names the facts it rests on, `note` what a clinician wrote beside it."""

    id: str
    name: str
    text: str
    state: GateState
    shown: Mapping[str, str | int | float | None]
    note: str | None


def gates(facts: GateFacts, book: CarePlanBook) -> tuple[Gate, ...]:
    """All of them, in order."""
    found: list[Gate] = []
    for gate, judge in _JUDGES.items():
        words = book.gates[gate]
        state, shown = judge(facts, words)
        found.append(Gate(gate, words.name, words.text, state, shown, facts.notes.get(gate)))
    return tuple(found)


def ready(found: Sequence[Gate]) -> bool:
    """Every gate is met. A step down is still a clinician's act."""
    return bool(found) and all(one.state is GateState.MET for one in found)


_Judged = tuple[GateState, Mapping[str, str | int | float | None]]


def _state(holds: bool | None) -> GateState:
    if holds is None:
        return GateState.UNKNOWN
    return GateState.MET if holds else GateState.NOT_MET


def _attendance(facts: GateFacts, words: GateWords) -> _Judged:
    attended, expected = facts.attended, facts.expected
    if attended is None or not expected:
        return GateState.UNKNOWN, {"attended_minutes": attended, "expected_minutes": expected}
    percent = attended * 100 // expected
    return _state(percent >= words.numbers["least_percent"]), {"attended_percent": percent}


def _no_use(facts: GateFacts, words: GateWords) -> _Judged:
    """A day of use or a positive test shows use, whatever else is known. No use takes both: days of use counted as none,
    and a row of negative tests where the plan has tests.
    """
    tests, needed = facts.tests, words.numbers["tests_in_a_row"]
    row = 0
    for negative in reversed(tests or ()):
        if not negative:
            break
        row += 1
    shown: dict[str, str | int | float | None] = {"use_days": facts.use_days, "negative_tests_in_a_row": row}
    if (facts.use_days is not None and facts.use_days > 0) or not all(tests or ()):
        return GateState.NOT_MET, shown
    enough = tests is not None and (not tests or row >= needed)
    return _state(True if facts.use_days is not None and enough else None), shown


def _safe(facts: GateFacts, _words: GateWords) -> _Judged:
    shown: dict[str, str | int | float | None] = {
        "suicide_screen": None if facts.suicide_positive is None else str(facts.suicide_positive).lower(),
        "phq9_item9": facts.item9,
    }
    if facts.suicide_positive:
        return GateState.NOT_MET, shown
    noted = bool(facts.notes.get("G3", "").strip())
    if facts.item9 is not None and facts.item9 > 0 and not noted:
        return GateState.NOT_MET, shown
    if facts.suicide_positive is None or (facts.item9 is None and not noted):
        return GateState.UNKNOWN, shown
    return GateState.MET, shown


def _risk(facts: GateFacts, words: GateWords) -> _Judged:
    shown: dict[str, str | int | float | None] = {
        "bam_risk": facts.risk,
        "bam_protective": facts.protective,
    }
    low = None if facts.risk is None else facts.risk < words.numbers["risk_below"]
    high = None if facts.protective is None else facts.protective > words.numbers["protective_above"]
    if low is False or high is False:
        return GateState.NOT_MET, shown
    return _state(True if low and high else None), shown


def _housing(facts: GateFacts, _words: GateWords) -> _Judged:
    stable = None if facts.housing is None else facts.housing in ("stable", "recovery_housing")
    return _state(stable), {"housing": facts.housing}


def _goals(facts: GateFacts, words: GateWords) -> _Judged:
    if facts.goals_settled is None or not facts.goals:
        return GateState.UNKNOWN, {"settled": facts.goals_settled, "goals": facts.goals}
    percent = facts.goals_settled * 100 // facts.goals
    return _state(percent >= words.numbers["least_percent"]), {"settled_percent": percent}


def _aftercare(facts: GateFacts, words: GateWords) -> _Judged:
    last, first = facts.last_group_on, facts.first_appointment_on
    shown: dict[str, str | int | float | None] = {
        "last_group_on": None if last is None else last.isoformat(),
        "first_appointment_on": None if first is None else first.isoformat(),
    }
    if last is None or first is None:
        return GateState.UNKNOWN, shown
    return _state(0 <= (first - last).days <= words.numbers["within_days"]), shown


def _in_hand(facts: GateFacts, _words: GateWords) -> _Judged:
    both = (facts.relapse_plan_given, facts.crisis_plan_given)
    shown: dict[str, str | int | float | None] = {
        "relapse_plan_given": None if both[0] is None else str(both[0]).lower(),
        "crisis_plan_given": None if both[1] is None else str(both[1]).lower(),
    }
    if False in both:
        return GateState.NOT_MET, shown
    return _state(None if None in both else True), shown


_JUDGES: Final = {
    "G1": _attendance,
    "G2": _no_use,
    "G3": _safe,
    "G4": _risk,
    "G5": _housing,
    "G6": _goals,
    "G7": _aftercare,
    "G8": _in_hand,
}
