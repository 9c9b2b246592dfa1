"""Facts from what was entered; when a placement is looked at again; the figures of the report."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from service.admission.placement.gather import Reading, fresh_until, gathered, stale_of
from service.admission.placement.lifecycle import DecisionState
from service.admission.placement.reevaluation import Course, Trigger, triggers
from service.admission.placement.report import Told, figures
from service.admission.placement.rules import FactType, Outcome
from service.intake.assessment import Assessment, AssessmentStatus, Content
from service.intake.flags import Flag, Severity
from service.intake.medical.facts import NEVER_DAYS, NEVER_HOURS, FactReading
from service.intake.medical.loading import load_book
from tests.unit.admission.placement.table import BOOK, ROOT

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TODAY = NOW.date()


def form(
    key: str, *, total: int | None = None, band: str | None = None, flags: tuple[Flag, ...] = ()
) -> Assessment:
    content = Content(
        instrument=key,
        instrument_version=1,
        answers={},
        context={},
        result={"total": total, "band": band},
        flags=flags,
    )
    return Assessment(
        id=uuid4(),
        patient_id=uuid4(),
        unit="U1",
        author_id=uuid4(),
        status=AssessmentStatus.COMPLETED,
        version=1,
        labels=frozenset(),
        content=content,
        created_at=NOW,
        changed_at=NOW,
        completed_at=NOW - timedelta(hours=2),
    )


def read(
    instruments: dict[str, Assessment] | None = None,
    medical: dict[str, FactReading] | None = None,
    coming_from: str | None = None,
) -> dict[str, Reading]:
    return gathered(
        BOOK.core.facts,
        instruments=instruments or {},
        medical=medical or {},
        track="sud",
        coming_from=coming_from,
    )


def test_facts_are_read_off_their_instruments_with_source_time_and_author() -> None:
    urgent = Flag("hallucinations", Severity.URGENT, "m", "n", "page_clinician")
    instruments = {
        "c-ssrs": form("c-ssrs", band="moderate"),
        "asq": form("asq", band="acute_positive"),
        "ciwa-ar": form("ciwa-ar", total=5, flags=(urgent,)),
        "cows": form("cows", total=13),
        "phq-9": form("phq-9", total=28),
        "gad-7": form("gad-7"),
    }
    found = read(instruments)
    assert {name: one.value for name, one in found.items()} == {
        "track": "sud",
        "suicide_band": "moderate",
        "asq": "acute_positive",
        "ciwa": 5,
        "ciwa_urgent": True,
        "cows": 13,
    }, "a total beyond the scale, or none, is unknown"
    assert found["ciwa"] == Reading(
        5, "ciwa-ar", instruments["ciwa-ar"].id, NOW - timedelta(hours=2), instruments["ciwa-ar"].author_id
    )


def test_the_medical_intake_does_not_speak_for_an_instrument() -> None:
    wrong = {
        "ciwa": FactReading(2, None, NOW, None, "x"),
        "housing": FactReading("tent", None, NOW, None, "x"),
    }
    assert set(read(medical=wrong)) == {"track"}


@pytest.mark.parametrize(
    ("given", "value"),
    [("3.5", "3.x"), ("3.7", "3.x"), ("4", "4"), ("community", "community"), ("jail", None), (None, None)],
)
def test_where_somebody_comes_from_is_read_off_the_referral(given: str | None, value: str | None) -> None:
    found = read(coming_from=given).get("coming_from")
    assert (None if found is None else found.value) == value
    said_so = {"coming_from": FactReading("2.5", None, NOW, None, "x")}
    assert read(medical=said_so, coming_from=given)["coming_from"].value == "2.5"


def test_what_grows_old_and_when() -> None:
    facts = BOOK.core.facts
    readings = {
        "ciwa": Reading(2, "ciwa-ar", None, NOW - timedelta(hours=24)),
        "cows": Reading(2, "cows", None, NOW - timedelta(hours=24, seconds=1)),
        "asq": Reading("negative", "asq", None, NOW - timedelta(hours=10)),
        "vitals_urgent": Reading(False, "vitals", None, None),
        "housing": Reading("stable", "social", None, NOW - timedelta(days=300)),
    }
    assert stale_of(facts, readings, NOW) == {"cows", "vitals_urgent"}
    assert fresh_until(facts, readings, NOW, NOW + timedelta(hours=24)) == NOW
    del readings["ciwa"]
    assert fresh_until(facts, readings, NOW, NOW + timedelta(hours=24)) == NOW + timedelta(hours=24)
    assert fresh_until(facts, readings, NOW, NOW + timedelta(hours=80)) == NOW + timedelta(hours=62)


# -- looked at again --------------------------------------------------------------------------------------

CALM = Course(decided_on=TODAY - timedelta(days=6), today=TODAY)
DAYS = [TODAY - timedelta(days=number) for number in range(20)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"new_urgent_flag": True}, [Trigger.URGENT_FLAG]),
        ({"missed_in_a_row": 1}, []),
        ({"missed_in_a_row": 2}, [Trigger.MISSED_SESSIONS]),
        ({"tests_positive": (False, True)}, [Trigger.POSITIVE_TEST]),
        ({"tests_positive": (True, True)}, []),
        ({"tests_positive": (True,)}, []),
        ({"tests_positive": (True, False)}, []),
        ({"decided_on": TODAY - timedelta(days=7)}, [Trigger.DAY]),
        ({"review_on": TODAY}, [Trigger.REVIEW_DATE]),
        ({"review_on": TODAY + timedelta(days=1)}, []),
        ({"step_down_asked": True}, [Trigger.STEP_DOWN_ASKED]),
        ({"fired": frozenset({"P-14"})}, [Trigger.STEP_UP_RULE]),
        ({"fired": frozenset({"P-17"})}, []),
        ({"missed_days_in_a_row": 3}, [Trigger.STEP_UP_MISSED]),
        ({"missed_days_in_a_row": 2}, []),
        ({"use_days": frozenset(DAYS[4:7])}, [Trigger.STEP_UP_USE]),
        ({"use_days": frozenset(DAYS[5:8])}, []),
        ({"relapses": frozenset(DAYS[12:14]), "risk_rising": True}, [Trigger.STEP_UP_RELAPSES]),
        ({"relapses": frozenset(DAYS[13:15]), "risk_rising": True}, []),
        ({"relapses": frozenset(DAYS[:5])}, []),
    ],
    ids=[f"{number:02d}" for number in range(21)],
)
def test_when_a_placement_is_looked_at_again(change: dict[str, Any], expected: list[Trigger]) -> None:
    assert list(triggers(BOOK.demands.reevaluation, replace(CALM, **change))) == expected


def test_a_step_up_is_of_the_same_day_and_a_review_is_not() -> None:
    assert {one for one in Trigger if not one.same_day} == {
        Trigger.MISSED_SESSIONS,
        Trigger.POSITIVE_TEST,
        Trigger.DAY,
        Trigger.REVIEW_DATE,
        Trigger.STEP_DOWN_ASKED,
    }


# -- the report -------------------------------------------------------------------------------------------


def told(
    outcome: Outcome | None, code: str | None = None, state: DecisionState = DecisionState.SIGNED
) -> Told:
    return Told(code is not None, state, outcome, code, state is DecisionState.AWAITING_SECOND)


@pytest.mark.parametrize(
    ("overridden", "of", "rate", "alert"),
    [(0, 0, None, False), (3, 10, 30, False), (31, 100, 31, True), (1, 3, 33, True), (1, 8, 13, False)],
    ids=["none", "30", "31", "third", "half-up"],
)
def test_more_than_thirty_of_a_hundred_overrides_raise_an_alert(
    overridden: int, of: int, rate: int | None, alert: bool
) -> None:
    each = [told(Outcome.IOP, "other")] * overridden + [told(Outcome.IOP)] * (of - overridden)
    found = figures(each, 30, TODAY, TODAY)
    assert (found.decided, found.overridden, found.rate_percent) == (of, overridden, rate)
    assert ("override_rate" in found.alerts) is alert


def test_an_emergency_override_that_nobody_signed_raises_an_alert() -> None:
    calm = [told(Outcome.IOP)] * 9
    waiting = told(Outcome.EMERGENCY, "other", DecisionState.AWAITING_SECOND)
    assert figures([*calm, waiting], 30, TODAY, TODAY).alerts == ("unsigned_emergency_override",)
    assert figures([*calm, replace(waiting, outcome=Outcome.HIGHER)], 30, TODAY, TODAY).alerts == ()
    assert figures([*calm, told(Outcome.EMERGENCY, "other")], 30, TODAY, TODAY).alerts == ()
    gone = figures([told(None)], 30, TODAY, TODAY)
    assert (gone.unreadable, gone.by_class, gone.decided) == (1, {}, 1)


# -- the medical intake -----------------------------------------------------------------------------------


def test_every_fact_the_medical_intake_tells_is_one_the_rules_know() -> None:
    """Two files name the same facts: a value one of them can give and the other cannot read would be lost in silence."""
    told = [
        question
        for section in load_book(ROOT / "policies").sections.values()
        for question in section.form.questions
        if question.fact is not None
    ]
    assert len(told) > 15
    for question in told:
        assert question.fact is not None
        rule = BOOK.core.facts[question.fact.name]
        assert not rule.instruments
        given = set(question.fact.values.values()) or {one.code for one in question.choices}
        if given:
            assert all(rule.admits(one) for one in given), rule.name
            assert rule.type is FactType.YES_NO or given == set(rule.choices), rule.name
        else:
            assert question.type.value == {"yes_no": "yes_no", "whole": "integer"}[rule.type.value]
    for never, name in ((NEVER_HOURS, "last_use_h_alcohol_sedative"), (NEVER_DAYS, "last_use_d_any")):
        assert BOOK.core.facts[name].admits(never)
        assert BOOK.core.facts[name].ages
