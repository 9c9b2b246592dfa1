"""The rules of review, pure: from the threshold on and not one below, excused and not, the same in one look or many."""

import itertools
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.access.review_rules import Counts, Excuse, ReviewBook, Rule, read_reviews
from service.custody.findings.rules import Calendar, Facts, Found, Seen, found
from service.errors import StartRefused

TEXT = (Path(__file__).parents[3] / "policies" / "reviews.yaml").read_text(encoding="utf-8")
BOOK = read_reviews(TEXT)
NEW_YORK = ZoneInfo("America/New_York")
CALENDAR = Calendar(NEW_YORK, frozenset({date(2026, 11, 26)}))
#: A Tuesday, 10 o'clock in New York.
MORNING = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
CALLER, PATIENT = UUID(int=1), UUID(int=2)


def rule_of(counts: Counts) -> Rule:
    (rule,) = BOOK.of(counts)
    return rule


def seen(number: int, at: datetime, *, actor: UUID = CALLER, patient: UUID | None = PATIENT) -> Seen:
    return Seen(UUID(int=1000 + number), at, actor, patient)


def asked(facts: Facts, counts: Counts, book: ReviewBook = BOOK) -> list[Found]:
    return [one for one in found(book, facts, CALENDAR) if one.rule.counts is counts]


def facts_with(counts: Counts, entries: list[Seen], **known: object) -> Facts:
    """These entries, all new, in the place where this rule looks."""
    places = {Counts.EMERGENCIES: "emergencies", Counts.DENIALS: "denials", Counts.NO_CARE: "settled"}
    pairs = frozenset(pair for one in entries if (pair := one.pair) is not None)
    patients = frozenset(patient for _, patient in pairs)
    so = {
        Counts.SAME_SURNAME: {"same_surname": pairs},
        Counts.SAME_ADDRESS: {"same_address": pairs},
        Counts.COWORKER: {"coworkers": patients},
        Counts.VIP: {"watched": patients},
    }.get(counts, {})
    place = {places.get(counts, "reads"): entries}
    return Facts(new=frozenset(one.id for one in entries), **place, **so, **known)  # type: ignore[arg-type]


def spread(rule: Rule, count: int, within: timedelta) -> list[Seen]:
    """So many entries over a span; of patients of their own where the rule counts patients."""
    start = MORNING if rule.counts is not Counts.OFF_HOURS else datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
    step = within / max(count - 1, 1)
    several = rule.counts is Counts.OFF_HOURS
    return [
        seen(place, start + place * step, patient=UUID(int=50 + place) if several else PATIENT)
        for place in range(count)
    ]


@pytest.mark.parametrize("counts", list(Counts))
def test_a_rule_fires_at_its_threshold_within_its_window_and_not_one_below(counts: Counts) -> None:
    rule = rule_of(counts)
    whole = spread(rule, rule.threshold, min(rule.window, timedelta(hours=3)))
    (one,) = asked(facts_with(counts, whole), counts)
    assert (one.actor_id, one.count, one.entries) == (CALLER, rule.threshold, tuple(whole))
    assert one.patient_id == (PATIENT if counts.of_patient else None)
    assert not asked(facts_with(counts, whole[:-1]), counts)


@pytest.mark.parametrize("counts", [Counts.EMERGENCIES, Counts.DENIALS, Counts.OFF_HOURS])
def test_what_is_spread_wider_than_the_window_is_nothing(counts: Counts) -> None:
    rule = rule_of(counts)
    assert asked(facts_with(counts, spread(rule, rule.threshold, rule.window)), counts)
    wider = rule.window + timedelta(seconds=rule.threshold)
    assert not asked(facts_with(counts, spread(rule, rule.threshold, wider)), counts)


@pytest.mark.parametrize("counts", [Counts.EMERGENCIES, Counts.DENIALS, Counts.OFF_HOURS])
def test_what_two_callers_do_is_not_added_up(counts: Counts) -> None:
    rule = rule_of(counts)
    entries = spread(rule, rule.threshold, timedelta(minutes=5))
    other = Seen(entries[-1].id, entries[-1].at, UUID(int=9), entries[-1].patient_id)
    assert not asked(facts_with(counts, [*entries[:-1], other]), counts)


@pytest.mark.parametrize(
    ("counts", "excuse"), [(rule.counts, excuse) for rule in BOOK.rules.values() for excuse in rule.unless]
)
def test_what_a_rule_names_as_ordinary_is_no_finding(counts: Counts, excuse: Excuse) -> None:
    entries = spread(rule_of(counts), rule_of(counts).threshold, timedelta(minutes=5))
    assert asked(facts_with(counts, entries), counts)
    ordinary = frozenset(one.id for one in entries)
    assert not asked(facts_with(counts, entries, excused={excuse: ordinary}), counts)


def test_a_relationship_is_no_excuse_for_reading_ones_own_household() -> None:
    entries = spread(rule_of(Counts.SAME_ADDRESS), 1, timedelta())
    ordinary = {excuse: frozenset(one.id for one in entries) for excuse in Excuse}
    assert asked(facts_with(Counts.SAME_ADDRESS, entries, excused=ordinary), Counts.SAME_ADDRESS)


@pytest.mark.parametrize(
    ("when", "closed"),
    [
        (datetime(2026, 11, 24, 11, 29, tzinfo=UTC), True),  # 06:29
        (datetime(2026, 11, 24, 11, 30, tzinfo=UTC), False),
        (datetime(2026, 11, 25, 1, 29, tzinfo=UTC), False),  # 20:29 the evening before
        (datetime(2026, 11, 25, 1, 30, tzinfo=UTC), True),
        (datetime(2026, 11, 29, 15, 0, tzinfo=UTC), True),  # a Sunday
        (datetime(2026, 11, 26, 15, 0, tzinfo=UTC), True),  # a closed day
        (datetime(2026, 7, 7, 10, 29, tzinfo=UTC), True),  # 06:29 in summer time
        (datetime(2026, 7, 7, 10, 30, tzinfo=UTC), False),
    ],
)
def test_hours_are_the_programs_own(when: datetime, closed: bool) -> None:
    assert BOOK.hours.within(when, NEW_YORK, CALENDAR.closed_days) is not closed
    rule = rule_of(Counts.OFF_HOURS)
    entries = [seen(place, when, patient=UUID(int=50 + place)) for place in range(rule.threshold)]
    assert bool(asked(facts_with(Counts.OFF_HOURS, entries), Counts.OFF_HOURS)) is closed


def test_only_what_is_new_raises_and_what_was_seen_before_counts_along() -> None:
    rule = rule_of(Counts.DENIALS)
    entries = spread(rule, rule.threshold, timedelta(minutes=5))
    facts = Facts(new=frozenset(), denials=entries)
    assert not asked(facts, Counts.DENIALS)
    for late in entries:  # whichever of them comes last
        facts = Facts(new=frozenset({late.id}), denials=entries)
        (one,) = asked(facts, Counts.DENIALS)
        assert one.entries == tuple(entries)


@given(
    minutes=st.lists(st.integers(0, 120), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=4),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=200, deadline=None)
def test_looked_at_in_parts_and_in_any_order_the_same_is_found(
    minutes: list[int], cuts: list[int], order: object
) -> None:
    entries = [seen(number, MORNING + timedelta(minutes=at)) for number, at in enumerate(sorted(minutes))]
    rule = rule_of(Counts.DENIALS)
    expected = {
        one.id
        for one in entries
        if any(
            sum(first.at <= other.at <= first.at + rule.window for other in entries) >= rule.threshold
            and first.at <= one.at <= first.at + rule.window
            for first in entries
        )
    }
    arriving = list(entries)
    order.shuffle(arriving)  # type: ignore[attr-defined]
    bounds = sorted({0, *(min(cut, len(arriving)) for cut in cuts), len(arriving)})
    got: set[UUID] = set()
    for begin, end in itertools.pairwise(bounds):
        facts = Facts(new=frozenset(one.id for one in arriving[begin:end]), denials=arriving[:end])
        for one in asked(facts, Counts.DENIALS):
            got |= {entry.id for entry in one.entries}
    assert got == expected


BROKEN = {
    "unknown_field": ("care_days: 7", "care_days: 7\ncare_weeks: 1", "care_weeks"),
    "unknown_act": ("  - patient.read\n", "  - patient.peek\n", "reads.0"),
    "unknown_count": ("counts: denials", "counts: glances", "rules.1.counts"),
    "no_threshold": ("    threshold: 2\n", "", "rules.0.threshold"),
    "threshold_of_nothing": ("    threshold: 2\n", "    threshold: 0\n", "rules.0.threshold"),
    "unknown_excuse": ("unless: [relationship]", "unless: [friendship]", "rules.2.unless.0"),
    "a_key_twice": ("    severity: high\n", "    severity: high\n    severity: low\n", "twice, line"),
    "a_rule_less": ("counts: vip", "counts: coworker", "top"),
    "excused_whole_behaviour": ("    threshold: 5\n", "    threshold: 5\n    unless: [emergency]\n", "top"),
    "care_asked_at_once": ("unless: [relationship]", "unless: [care]", "top"),
    "closed_before_open": ('closes: "20:30"', 'closes: "05:00"', "top"),
    "read_is_care": ("care:\n", "care:\n  - patient.read\n", "top"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_stops_the_start_and_says_where(name: str) -> None:
    old, new, place = BROKEN[name]
    assert old in TEXT
    with pytest.raises(StartRefused, match=re.escape(place)):
        read_reviews(TEXT.replace(old, new, 1))
