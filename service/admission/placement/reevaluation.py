"""When a placement is looked at again, and when somebody asks for a higher level today. Pure.

Nothing here moves anybody: a trigger becomes a task of a clinician.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from service.admission.placement.book import Reevaluation


class Trigger(StrEnum):
    """Why the placement is looked at again. Those with `STEP_UP` ask for a clinician on the same day."""

    URGENT_FLAG = "urgent_flag"
    MISSED_SESSIONS = "missed_sessions"
    POSITIVE_TEST = "positive_test"
    DAY = "day"
    REVIEW_DATE = "review_date"
    STEP_DOWN_ASKED = "step_down_asked"
    STEP_UP_RULE = "step_up_rule"
    STEP_UP_MISSED = "step_up_missed"
    STEP_UP_USE = "step_up_use"
    STEP_UP_RELAPSES = "step_up_relapses"

    @property
    def same_day(self) -> bool:
        """Whether it cannot wait for tomorrow."""
        return self is Trigger.URGENT_FLAG or self.value.startswith("step_up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What happened since the placement was decided. `tests`: results of urine drug screens, oldest first, those before
    the decision included; `relapses`, `use_days`: days of the calendar. `fired`: ids of rules that fire today.
    """

    decided_on: date
    today: date
    new_urgent_flag: bool = False
    missed_in_a_row: int = 0
    missed_days_in_a_row: int = 0
    tests_positive: tuple[bool, ...] = ()
    review_on: date | None = None
    step_down_asked: bool = False
    fired: frozenset[str] = frozenset()
    use_days: frozenset[date] = frozenset()
    relapses: frozenset[date] = frozenset()
    risk_rising: bool = False


def triggers(limits: Reevaluation, course: Course) -> tuple[Trigger, ...]:
    """Every trigger that holds, in a fixed order."""
    holds = {
        Trigger.URGENT_FLAG: course.new_urgent_flag,
        Trigger.MISSED_SESSIONS: course.missed_in_a_row >= limits.missed_in_a_row,
        Trigger.POSITIVE_TEST: _positive_after_negatives(course.tests_positive),
        Trigger.DAY: course.today >= course.decided_on + timedelta(days=limits.day),
        Trigger.REVIEW_DATE: course.review_on is not None and course.today >= course.review_on,
        Trigger.STEP_DOWN_ASKED: course.step_down_asked,
        Trigger.STEP_UP_RULE: not limits.step_up_rules.isdisjoint(course.fired),
        Trigger.STEP_UP_MISSED: course.missed_days_in_a_row >= limits.step_up_missed_days,
        Trigger.STEP_UP_USE: _within(course.use_days, course.today, 7) >= limits.step_up_use_days_of_7,
        Trigger.STEP_UP_RELAPSES: course.risk_rising
        and _within(course.relapses, course.today, 14) >= limits.step_up_relapses_of_14,
    }
    return tuple(trigger for trigger, held in holds.items() if held)


def _positive_after_negatives(results: tuple[bool, ...]) -> bool:
    """The last test is positive and the one before it was not."""
    return len(results) > 1 and results[-1] and not results[-2]


def _within(days: Iterable[date], today: date, length: int) -> int:
    """How many of the days lie in the last `length` days, today included."""
    return sum(1 for day in set(days) if today - timedelta(days=length) < day <= today)
