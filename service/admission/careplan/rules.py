"""The rules of a plan, CP-01 to CP-22, as one table: which check, how severe, whether a preliminary plan is asked too.

An error blocks activation, a warning is shown; all of them at once, never the first alone. A rule with rows of both
severities has a part that blocks and a part that does not. Where a number comes from a profile, the row's sentence
names its source; the numbers are data (policies/careplan/limits.yaml).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from service.admission.careplan import checks_goals as goals
from service.admission.careplan import checks_hours as hours
from service.admission.careplan import checks_standing as standing
from service.admission.careplan.book import CarePlanBook
from service.admission.careplan.content import Content
from service.admission.careplan.facts import PlanFacts
from service.admission.careplan.finding import Fault, Finding, Severity

_E, _W = Severity.ERROR, Severity.WARNING
Check = Callable[[Content, PlanFacts, CarePlanBook], Iterator[Fault]]


@dataclass(frozen=True, slots=True)
class PlanRule:
    """One row. `full_only`: a preliminary plan, made within a day of admission, is not held to it."""

    id: str
    code: str
    severity: Severity
    check: Check
    source: str
    full_only: bool = True


RULES: Final = (
    PlanRule("CP-01", "hours", _E, hours.hours, "level 2.1: 9-19 hours, under 18 6-19 (seen)"),
    PlanRule("CP-01", "closed_week", _W, hours.closed_weeks, "design"),
    PlanRule("CP-01", "decided_level", _W, hours.decided_level, "design"),
    PlanRule("CP-02", "service_days", _W, hours.service_days, "design"),
    PlanRule("CP-02", "service_days_by_law", _E, hours.service_days_by_law, "12VAC35-105-1740 (seen)"),
    PlanRule("CP-03", "transition", _E, hours.transition, "level 2.1: taper of two weeks (seen)", False),
    PlanRule("CP-04", "goals", _E, goals.goals, "design"),
    PlanRule("CP-04", "problems_counted", _W, goals.problems_counted, "design"),
    PlanRule("CP-05", "interventions", _E, goals.interventions, "design"),
    PlanRule("CP-06", "sessions", _E, goals.sessions, "design"),
    PlanRule("CP-07", "own_words", _E, goals.own_words, "Joint Commission CTS.03.01.03 EP 2 (seen)"),
    PlanRule("CP-08", "leaving", _E, goals.leaving, "Joint Commission CTS.03.01.03 EP 2 (seen)"),
    PlanRule("CP-09", "review_day", _E, standing.review_day, "packets/deadlines.yaml", False),
    PlanRule("CP-10", "signed", _E, standing.signed, "design", False),
    PlanRule("CP-10", "cosigning", _W, standing.cosigning, "design", False),
    PlanRule("CP-11", "flags", _E, standing.flags, "design", False),
    PlanRule("CP-12", "team", _E, standing.team, "42 CFR 2.31; 2.33", False),
    PlanRule("CP-13", "medicines", _W, goals.medicines, "design"),
    PlanRule("CP-14", "answered_needs", _W, goals.answered_needs, "design"),
    PlanRule("CP-15", "codes", _E, hours.codes, "design", False),
    PlanRule("CP-16", "slots_meet", _E, hours.slots_meet, "design", False),
    PlanRule("CP-16", "group_size", _E, hours.group_size, "design", False),
    PlanRule("CP-16", "authorised", _E, hours.authorised, "memory: a unit is a day", False),
    PlanRule("CP-17", "reachable", _W, hours.reachable, "design", False),
    PlanRule("CP-19", "diagnosed", _E, goals.diagnosed, "design", False),
    PlanRule("CP-20", "words", _E, standing.words, "design", False),
    PlanRule("CP-20", "cloned", _W, standing.cloned, "design", False),
    PlanRule("CP-21", "labelled", _E, standing.labelled, "42 CFR 2.12(d); design", False),
    PlanRule("CP-22", "back_dated", _E, standing.back_dated, "design", False),
    PlanRule("CP-22", "late", _W, standing.late, "packets/deadlines.yaml", False),
)


def validate(content: Content, facts: PlanFacts, book: CarePlanBook) -> tuple[Finding, ...]:
    """Everything that is wrong with a plan, errors first, in the order of the table. CP-18 judges a step of a goal and
    stands with it (progress.py).
    """
    found = [
        Finding(rule.id, rule.code, rule.severity, fault.field, fault.message, rule.source)
        for rule in RULES
        if not (rule.full_only and content.preliminary)
        for fault in rule.check(content, facts, book)
    ]
    return tuple(sorted(found, key=lambda one: one.severity is _W))


def errors(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Those that block."""
    return tuple(one for one in found if one.severity is _E)
