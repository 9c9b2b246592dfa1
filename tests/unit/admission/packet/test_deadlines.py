"""Deadlines: the strictest counts and shows its source; days are the program's, whatever the clocks do."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.admission.deadlines import Deadline, Unit, due, load_deadlines, parse_deadlines
from service.admission.profile import Profile
from service.errors import StartRefused

NEW_YORK = ZoneInfo("America/New_York")
POLICIES = Path("policies")
BOOK = load_deadlines(POLICIES)
#: Everything other rooms ask for by name.
ASKED = (
    "suicide_screen", "withdrawal_check", "vital_signs", "preliminary_plan", "assessment", "treatment_plan",
    "consult_by_phone", "consult_in_person", "plan_review", "recertification", "discharge_summary", "measures",
)  # fmt: skip


def in_new_york(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=NEW_YORK).astimezone(UTC)


def test_business_days_leave_out_weekends_and_closed_days_and_calendar_days_do_not() -> None:
    """From Thursday, July 2, 2026: the site is closed on the Friday that stands in for the Fourth."""
    start, third = in_new_york(2026, 7, 2, 15), frozenset({date(2026, 7, 3)})

    def day(amount: int, unit: Unit, closed: frozenset[date]) -> date:
        at = due(Deadline(amount, unit, "on test", "policy"), start, NEW_YORK, closed_days=closed)
        assert at is not None
        return (at - timedelta(seconds=1)).astimezone(NEW_YORK).date()

    assert day(2, Unit.BUSINESS_DAYS, frozenset()) == date(2026, 7, 6)
    assert day(2, Unit.BUSINESS_DAYS, third) == date(2026, 7, 7)
    assert day(7, Unit.BUSINESS_DAYS, third) == date(2026, 7, 14)
    assert day(2, Unit.CALENDAR_DAYS, third) == date(2026, 7, 4)
    weeks = frozenset(date(2026, 7, 3) + timedelta(ahead) for ahead in range(21))
    assert day(1, Unit.BUSINESS_DAYS, weeks) == date(2026, 7, 24)


def test_a_profile_brings_the_closed_days_of_its_program() -> None:
    row = "{amount: 2, unit: business_days, source: on test, conf: policy}"
    own = parse_deadlines("own.yaml", f"deadlines:\n  call:\n    - {row}\n")
    profile = Profile(closed_days=frozenset({date(2026, 7, 3)}))
    found = own.earliest("call", profile, in_new_york(2026, 7, 2, 15), NEW_YORK)
    assert (found.at, found.deadline.words) == (in_new_york(2026, 7, 8), "2 business days")


@pytest.mark.parametrize("what", ASKED)
def test_everybody_has_a_deadline_whatever_the_profile(what: str) -> None:
    for profile in (Profile(), Profile("NJ", "medicare", "carf", "sud"), Profile("ZZ", "?", "?", "?")):
        assert BOOK.strictest(what, profile).source


@pytest.mark.parametrize(
    ("profile", "words", "source"),
    [
        (Profile("DC"), "7 days", "DC 22-A 6329.5(a)(2)"),
        (Profile("NJ"), "3 visits", "N.J.A.C. 10:161B-9.1"),
        (Profile("NY"), "14 days", "design"),
    ],
    ids=lambda value: value.state if isinstance(value, Profile) else None,
)
def test_the_strictest_wins_and_shows_its_source(profile: Profile, words: str, source: str) -> None:
    deadline = BOOK.strictest("assessment", profile)
    assert (deadline.words, deadline.source) == (words, source)


def test_of_equal_deadlines_law_comes_before_what_is_ours() -> None:
    assert BOOK.strictest("consult_by_phone", Profile("VA")).source == "12VAC35-105-1740"
    assert BOOK.strictest("consult_by_phone", Profile("NY")).source == "design"


def test_visits_count_only_what_was_attended_and_days_may_come_first() -> None:
    start = in_new_york(2026, 3, 2, 10)
    visits = [date(2026, 3, 3), date(2026, 3, 4), date(2026, 3, 6)]
    open_still = BOOK.earliest("assessment", Profile("NJ"), start, NEW_YORK, visits[:2])
    assert (open_still.at, open_still.deadline.words) == (in_new_york(2026, 3, 17), "14 days")
    third = BOOK.earliest("assessment", Profile("NJ"), start, NEW_YORK, visits)
    assert (third.at, third.deadline.words) == (in_new_york(2026, 3, 7), "3 visits")
    before = BOOK.earliest("assessment", Profile("NJ"), start, NEW_YORK, [date(2026, 2, 1)] * 3)
    assert before.deadline.words == "14 days"


def test_a_plan_is_due_after_a_day_or_the_first_visit_whichever_is_first() -> None:
    start = in_new_york(2026, 3, 2, 10)
    assert BOOK.earliest("preliminary_plan", Profile(), start, NEW_YORK).at == start + timedelta(hours=24)
    first = BOOK.earliest("preliminary_plan", Profile(), start, NEW_YORK, [date(2026, 3, 2)])
    assert (first.at, first.deadline.words) == (in_new_york(2026, 3, 3), "1 visit")


@pytest.mark.parametrize(
    ("start", "unit", "amount", "expected"),
    [
        # clocks go forward on 2026-03-08, back on 2026-11-01
        (in_new_york(2026, 3, 7, 10), Unit.HOURS, 24, in_new_york(2026, 3, 8, 11)),
        (in_new_york(2026, 3, 7, 10), Unit.DAYS, 1, in_new_york(2026, 3, 8, 10)),
        (in_new_york(2026, 3, 7, 10), Unit.CALENDAR_DAYS, 1, in_new_york(2026, 3, 9)),
        (in_new_york(2026, 3, 7, 2, 30), Unit.DAYS, 1, datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),
        (in_new_york(2026, 10, 31, 1, 30), Unit.DAYS, 1, datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        (in_new_york(2026, 10, 31, 23), Unit.CALENDAR_DAYS, 0, in_new_york(2026, 11, 1)),
        # Friday evening: a weekend moves nothing
        (in_new_york(2026, 3, 13, 18), Unit.CALENDAR_DAYS, 1, in_new_york(2026, 3, 15)),
    ],
    ids=["hours-spring", "day-spring", "calendar-spring", "time-left-out", "time-twice", "today", "weekend"],
)
def test_days_are_days_of_the_program(start: datetime, unit: Unit, amount: int, expected: datetime) -> None:
    assert due(Deadline(amount, unit, "here", "policy"), start, NEW_YORK) == expected


def test_in_utc_it_would_be_another_day() -> None:
    late = datetime(2026, 6, 2, 2, tzinfo=UTC)  # still June 1 in New York
    assert due(Deadline(0, Unit.CALENDAR_DAYS, "here", "policy"), late, NEW_YORK) == in_new_york(2026, 6, 2)


@given(
    start=st.integers(0, 15 * 365 * 24 * 60).map(
        lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    amount=st.integers(1, 60),
    more=st.integers(0, 30),
    unit=st.sampled_from([Unit.HOURS, Unit.DAYS, Unit.CALENDAR_DAYS]),
)
def test_a_longer_deadline_is_never_due_earlier(start: datetime, amount: int, more: int, unit: Unit) -> None:
    short = due(Deadline(amount, unit, "here", "policy"), start, NEW_YORK)
    long = due(Deadline(amount + more, unit, "here", "policy"), start, NEW_YORK)
    assert short is not None and long is not None and start < short <= long


GOOD = "deadlines:\n  plan:\n    - {amount: 2, unit: hours, source: here, conf: policy}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD.replace("amount: 2", "amount: 0"), "deadlines.yaml:3: deadlines.plan[0].amount: must be 1"),
        (GOOD.replace("hours", "fortnights"), "deadlines.yaml:3: deadlines.plan[0].unit: must be one of"),
        (GOOD.replace("conf: policy", "conf: sure"), "deadlines.plan[0].conf"),
        (GOOD.replace("}", ", when: {state: [NJ]}}"), "needs a row without conditions"),
        (GOOD.replace("}", ", when: {weather: [bad]}}"), "deadlines.plan[0].when.weather: unknown field"),
        (GOOD.replace("}", ", when: {}}"), "names no condition"),
        (GOOD.replace("}", ", when: {state: []}}"), "names no value"),
        (GOOD.replace("source: here, ", ""), "field source is missing"),
    ],
    ids=["zero", "unit", "conf", "no-default", "condition", "empty-when", "empty-values", "no-source"],
)
def test_a_fault_is_told_with_file_line_and_field(text: str, told: str) -> None:
    with pytest.raises(StartRefused) as refused:
        parse_deadlines("deadlines.yaml", text)
    assert told in refused.value.detail


def test_a_folder_without_the_file_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match=r"deadlines\.yaml cannot be read"):
        load_deadlines(tmp_path)


def test_words_nobody_knows_have_no_deadline() -> None:
    assert "assessment" in BOOK and "lunch" not in BOOK
    with pytest.raises(KeyError):
        BOOK.strictest("lunch", Profile())
    assert Profile("NY").value_of("state") == "NY"
