"""Steps of goals (CP-18), signs that more care is needed, gates of a step down, states of a plan."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.actions import Action
from service.admission.careplan.book import GATE_NUMBERS
from service.admission.careplan.content import Measure
from service.admission.careplan.gates import GateFacts, GateState, gates, ready
from service.admission.careplan.hours import delivered, weeks
from service.admission.careplan.lifecycle import TRANSITIONS, Act, acts_from, after
from service.admission.careplan.parts import Comparator, GoalState, Source, Status
from service.admission.careplan.plan import Taken
from service.admission.careplan.progress import missed_days, reached, step_faults, step_up_signs, use_days
from service.admission.careplan.visit import Outcome, Visit
from service.errors import Conflict
from tests.unit.admission.careplan.plans import ACCOUNT, BOOK, NOW, OTHER, changed, content

TODAY = date(2026, 6, 1)


def taken(value: float, code: str = "phq-9", on: date = TODAY, **more: Any) -> Taken:
    given = {"code": code, "value": value, "on": on, "at": NOW.isoformat(), "account_id": ACCOUNT}
    return Taken.model_validate(given | more)


def visit(day: date, outcome: Outcome, minutes: int = 180, code: str | None = None) -> Visit:
    return Visit(OTHER, ACCOUNT, UUID(int=1), day, minutes, outcome, "group", code)


# ---- CP-18


@pytest.mark.parametrize(
    ("comparator", "target", "baseline", "reaching", "missing"),
    [
        (Comparator.LESS, 10, None, 9, 10),
        (Comparator.AT_MOST, 10, None, 10, 11),
        (Comparator.EQUAL, 0, None, 0, 1),
        (Comparator.AT_LEAST, 16, None, 16, 15),
        (Comparator.MORE, 12, None, 13, 12),
        (Comparator.DOWN_BY, 4, 14, 10, 11),
        (Comparator.DOWN_BY_PERCENT, 50, 14, 7, 8),
    ],
    ids=[one.value for one in Comparator],
)
def test_a_comparator_says_what_is_reached(
    comparator: Comparator, target: int, baseline: int | None, reaching: int, missing: int
) -> None:
    measure = Measure(source=Source.COUNT, code="x", comparator=comparator, target=target, baseline=baseline)
    assert reached(measure, reaching)
    assert not reached(measure, missing)
    assert not reached(measure.model_copy(update={"target": None}), reaching)
    assert not reached(measure.model_copy(update={"comparator": None}), reaching)
    if baseline is not None:
        assert not reached(measure.model_copy(update={"baseline": None}), reaching)


def test_a_fall_from_nothing_is_none() -> None:
    measure = Measure(
        source=Source.COUNT, code="x", comparator=Comparator.DOWN_BY_PERCENT, target=50, baseline=0
    )
    assert not reached(measure, 0)


GOAL = content().goals[1]


def faults(to: GoalState, *values: Taken, note: str | None = None) -> list[str]:
    return [one.field for one in step_faults(content(), GOAL, to, values, note, TODAY)]


def test_a_step_takes_a_value_or_a_note() -> None:
    assert faults(GoalState.IN_PROGRESS) == ["note"]
    assert faults(GoalState.IN_PROGRESS, note="  ") == ["note"]
    assert faults(GoalState.IN_PROGRESS, note="agreed with the patient") == []
    assert faults(GoalState.IN_PROGRESS, taken(12)) == []
    assert faults(GoalState.IN_PROGRESS, taken(12, on=TODAY + timedelta(days=1))) == ["on"]


def test_achieved_is_what_the_comparator_says_not_what_a_note_says() -> None:
    assert faults(GoalState.ACHIEVED, taken(7)) == []
    assert faults(GoalState.ACHIEVED, taken(8), note="it feels achieved") == ["state"]
    assert faults(GoalState.ACHIEVED, note="it feels achieved") == ["state"]
    assert faults(GoalState.ACHIEVED, taken(7, on=date(2026, 5, 3))) == ["on"]
    assert faults(GoalState.ACHIEVED, taken(7, on=date(2026, 5, 20)), taken(9)) == ["state"]
    assert faults(GoalState.ACHIEVED, taken(1, code="gad-7")) == ["note", "state"]


def test_a_value_belongs_to_the_objective_it_was_measured_for() -> None:
    first = content().goals[0]
    loose = taken(0, code="use_days")
    named = taken(0, code="use_days", goal="g1", objective="o1")
    assert [one.field for one in step_faults(content(), first, GoalState.ACHIEVED, (loose,), "n", TODAY)] == [
        "state"
    ]
    assert list(step_faults(content(), first, GoalState.ACHIEVED, (named,), None, TODAY)) == []


# ---- more care


def test_three_days_missed_in_a_row() -> None:
    days = [TODAY + timedelta(days=n) for n in range(6)]
    missed, attended, excused = Outcome.MISSED, Outcome.ATTENDED, Outcome.EXCUSED
    row = [visit(day, missed) for day in days[:3]]
    assert missed_days(row[:2]) == 2
    assert missed_days(row) == 3
    assert missed_days([*row, visit(days[3], excused)]) == 3
    assert missed_days([*row, visit(days[3], attended)]) == 0
    assert missed_days([visit(days[0], missed), visit(days[0], attended)]) == 0
    assert missed_days([visit(days[0], missed), visit(days[0], missed)]) == 1
    assert step_up_signs(row, (), BOOK) == ("step_up_missed_days",)
    assert step_up_signs(row[:2], (), BOOK) == ()


def test_use_on_three_days_of_seven() -> None:
    def used(*offsets: int, value: int = 1) -> list[Taken]:
        return [taken(value, "use_day", TODAY - timedelta(days=n)) for n in offsets]

    assert use_days(used(0, 3, 6), 7) == 3
    assert use_days(used(0, 3, 7), 7) == 2
    assert use_days(used(0, 0, 1), 7) == 2
    assert use_days(used(0, 1, 2, value=0), 7) == 0
    assert step_up_signs((), used(0, 3, 6), BOOK) == ("step_up_use_days",)
    assert step_up_signs((), used(0, 3, 7), BOOK) == ()


# ---- two ledgers


def test_delivered_hours_are_those_attended_and_counted() -> None:
    monday = date(2026, 5, 4)
    held = [
        visit(monday, Outcome.ATTENDED, 180),
        visit(monday + timedelta(days=6), Outcome.ATTENDED, 60, "IND"),
        visit(monday, Outcome.ATTENDED, 60, "SELF-HELP"),
        visit(monday, Outcome.MISSED, 60),
        visit(monday + timedelta(days=7), Outcome.ATTENDED, 60),
    ]
    assert delivered(held, BOOK, monday) == 240
    first, second = weeks(content(), BOOK, held, date(2026, 5, 6), date(2026, 5, 11))
    assert (first.first, first.planned, first.delivered, first.missed) == (monday, 540, 240, 60)
    assert (second.planned, second.delivered, second.transition) == (540, 60, False)
    assert weeks(None, BOOK, held, monday, monday)[0].planned == 0


def test_a_week_touched_by_the_taper_is_one_of_transition() -> None:
    taper = {"starts_on": "2026-05-10", "ends_on": "2026-05-18", "reason": "out"}
    found = weeks(content(transition=taper), BOOK, (), date(2026, 5, 4), date(2026, 5, 31))
    assert [one.transition for one in found] == [True, True, True, False]


# ---- gates

MET: dict[str, Any] = {
    "attended": 800,
    "expected": 1000,
    "use_days": 0,
    "tests": (True, True),
    "suicide_positive": False,
    "item9": 0,
    "risk": 11,
    "protective": 13,
    "housing": "stable",
    "goals_settled": 7,
    "goals": 10,
    "last_group_on": date(2026, 6, 1),
    "first_appointment_on": date(2026, 6, 8),
    "relapse_plan_given": True,
    "crisis_plan_given": True,
    "notes": {},
}


def states(**more: Any) -> dict[str, GateState]:
    return {one.id: one.state for one in gates(GateFacts(**(MET | more)), BOOK)}


@pytest.mark.parametrize(
    ("gate", "fails"),
    [
        ("G1", {"attended": 799}),
        ("G2", {"use_days": 1}),
        ("G2", {"tests": (False, True, True)}),
        ("G3", {"suicide_positive": True, "notes": {"G3": "seen"}}),
        ("G3", {"item9": 1}),
        ("G4", {"risk": 12}),
        ("G4", {"protective": 12}),
        ("G5", {"housing": "unstable"}),
        ("G6", {"goals_settled": 6}),
        ("G7", {"first_appointment_on": date(2026, 6, 9)}),
        ("G7", {"first_appointment_on": date(2026, 5, 31)}),
        ("G8", {"relapse_plan_given": False}),
        ("G8", {"crisis_plan_given": False}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_a_gate_fails_by_its_own_fact_alone(gate: str, fails: dict[str, Any]) -> None:
    found = states(**fails)
    assert found[gate] is GateState.NOT_MET
    assert {state for name, state in found.items() if name != gate} == {GateState.MET}


def test_all_gates_met_are_ready_and_a_note_stands_beside_item_nine() -> None:
    assert set(states().values()) == {GateState.MET}
    assert states().keys() == GATE_NUMBERS.keys()
    assert ready(gates(GateFacts(**MET), BOOK))
    assert not ready(())
    noted = gates(GateFacts(**(MET | {"item9": 1, "notes": {"G3": "seen by Dr Test"}})), BOOK)
    assert (noted[2].state, noted[2].note) == (GateState.MET, "seen by Dr Test")
    assert states(tests=(True,))["G2"] is GateState.UNKNOWN
    assert states(use_days=None)["G2"] is GateState.UNKNOWN
    assert states(tests=None)["G2"] is GateState.UNKNOWN
    assert states(tests=())["G2"] is GateState.MET


NAMES = sorted(set(MET) - {"notes"})
GATE_OF = {
    **dict.fromkeys(("attended", "expected"), "G1"),
    **dict.fromkeys(("use_days", "tests"), "G2"),
    **dict.fromkeys(("suicide_positive", "item9"), "G3"),
    **dict.fromkeys(("risk", "protective"), "G4"),
    "housing": "G5",
    **dict.fromkeys(("goals", "goals_settled"), "G6"),
    **dict.fromkeys(("last_group_on", "first_appointment_on"), "G7"),
    **dict.fromkeys(("relapse_plan_given", "crisis_plan_given"), "G8"),
}


def test_a_gate_of_which_nothing_is_known_is_unknown() -> None:
    assert set(states(**dict.fromkeys(NAMES)).values()) == {GateState.UNKNOWN}


FACTS = st.fixed_dictionaries(
    {
        "attended": st.none() | st.integers(0, 1000),
        "expected": st.none() | st.integers(0, 1000),
        "use_days": st.none() | st.integers(0, 3),
        "tests": st.none() | st.lists(st.booleans(), max_size=3).map(tuple),
        "suicide_positive": st.none() | st.booleans(),
        "item9": st.none() | st.integers(0, 3),
        "risk": st.none() | st.integers(10, 13),
        "protective": st.none() | st.integers(11, 14),
        "housing": st.sampled_from([None, "stable", "homeless"]),
        "goals_settled": st.none() | st.integers(0, 10),
        "goals": st.none() | st.integers(0, 10),
        "last_group_on": st.none() | st.just(date(2026, 6, 1)),
        "first_appointment_on": st.none() | st.dates(date(2026, 5, 30), date(2026, 6, 10)),
        "relapse_plan_given": st.none() | st.booleans(),
        "crisis_plan_given": st.none() | st.booleans(),
        "notes": st.sampled_from([{}, {"G3": "seen"}]),
    }
)


@given(known=FACTS, forgotten=st.sampled_from(NAMES))
def test_what_nobody_knows_never_opens_a_gate(known: dict[str, Any], forgotten: str) -> None:
    """Forgetting one fact leaves every other gate as it was, and its own is then not met or unknown."""
    before = {one.id: one.state for one in gates(GateFacts(**known), BOOK)}
    after_ = {one.id: one.state for one in gates(GateFacts(**(known | {forgotten: None})), BOOK)}
    own = GATE_OF[forgotten]
    assert {name: state for name, state in after_.items() if name != own} == {
        name: state for name, state in before.items() if name != own
    }
    alone = own == "G3" and forgotten == "item9" and known["notes"]  # a clinician's note stands for the item
    assert after_[own] is not GateState.MET or (alone and known["suicide_positive"] is False)
    if any(state is GateState.UNKNOWN for state in after_.values()):
        assert not ready(gates(GateFacts(**(known | {forgotten: None})), BOOK))


# ---- states


def test_the_states_of_a_plan_are_one_table() -> None:
    for status in Status:
        for act in Act:
            if (status, act) in TRANSITIONS:
                assert after(status, act).action in (Action.CARE_PLAN_WRITE, Action.CARE_PLAN_SIGN)
                assert act in acts_from(status)
            else:
                with pytest.raises(Conflict):
                    after(status, act)
    assert acts_from(Status.COMPLETED) == acts_from(Status.REVOKED) == ()
    assert after(Status.DRAFT, Act.ACTIVATE).to is Status.ACTIVE
    assert {to.to for to in TRANSITIONS.values()} == set(Status)


def test_a_plan_has_no_key_twice_and_a_zone_there_is() -> None:
    good = changed()
    for plan in (
        changed(time_zone="America/Nowhere"),
        changed(slots=[good["slots"][0], good["slots"][0]]),
        changed(problems=[good["problems"][0]] * 2),
        changed(starts_on="9999-12-31"),
        changed(surprise=1),
    ):
        with pytest.raises(ValueError, match=r"zone|twice|calendar|forbidden|permitted"):
            type(content()).model_validate(plan)
