"""What has become of goals and of the person: measured values, steps of goals, signs that more care is needed (pure).

CP-18: a goal changes its state by a value measured on a day, or by a clinician's note; achieved is what the comparator
says is achieved, whoever says otherwise. The step-up signs are those of the page of gates: days missed in a row, days of
use within a week; they raise a flag and move nobody.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

from service.admission.careplan.book import CarePlanBook
from service.admission.careplan.content import Content, Goal, Measure
from service.admission.careplan.finding import Fault
from service.admission.careplan.parts import Comparator, GoalState, Number, Source
from service.admission.careplan.plan import Taken
from service.admission.careplan.visit import Outcome, Visit

#: Codes of values that are not an instrument's: a day of use as the person reports it, tests, what was done.
USE_DAY = "use_day"
#: Days of use counted over the window of the gates.
USE_DAYS = "use_days"
TEST = "uds"


def reached(measure: Measure, value: Number) -> bool:
    """Whether the comparator holds for a value. Without comparator, target or needed baseline it does not."""
    target, baseline = measure.target, measure.baseline
    if target is None:
        return False
    match measure.comparator:
        case Comparator.LESS:
            return value < target
        case Comparator.AT_MOST:
            return value <= target
        case Comparator.EQUAL:
            return value == target
        case Comparator.AT_LEAST:
            return value >= target
        case Comparator.MORE:
            return value > target
        case Comparator.DOWN_BY:
            return baseline is not None and baseline - value >= target
        case Comparator.DOWN_BY_PERCENT:
            return baseline is not None and baseline > 0 and (baseline - value) * 100 >= target * baseline
        case None:
            return False


def taken_for(goal: Goal, taken: Iterable[Taken]) -> dict[str, Taken]:
    """The newest value of each objective of a goal: measured for it, or of the instrument it is measured with."""
    found: dict[str, Taken] = {}
    for one in sorted(taken, key=lambda each: (each.on, each.at)):
        for objective in goal.objectives:
            named = (one.goal, one.objective) == (goal.key, objective.key)
            same = one.objective is None and one.code == objective.measure.code
            if named or (same and objective.measure.source is Source.INSTRUMENT):
                found[objective.key] = one
    return found


def step_faults(
    content: Content, goal: Goal, to: GoalState, taken: Sequence[Taken], note: str | None, today: date
) -> Iterator[Fault]:
    """CP-18, for one step of one goal. `taken` holds what was measured before and with this step."""
    newest = taken_for(goal, taken)
    if any(one.on > today for one in taken):
        yield Fault("on", "A value is measured on a day that has been.")
    if not newest and not (note or "").strip():
        yield Fault("note", "A goal changes its state by a measured value, or with a clinician's note.")
    if to is not GoalState.ACHIEVED:
        return
    for objective in goal.objectives:
        value = newest.get(objective.key)
        if value is None:
            yield Fault("state", f"Nothing was measured for {objective.key}: it cannot be called achieved.")
        elif value.on < content.starts_on:
            yield Fault("on", f"The value for {objective.key} is older than the plan.")
        elif not reached(objective.measure, value.value):
            yield Fault("state", f"The value for {objective.key} does not reach its target.")


def missed_days(visits: Iterable[Visit]) -> int:
    """Days missed in a row, up to the newest day. A day with one session attended is not missed; one that was excused
    is neither missed nor attended, and ends no row.
    """
    days: dict[date, set[Outcome]] = {}
    for one in visits:
        days.setdefault(one.held_on, set()).add(one.outcome)
    row = 0
    for day in sorted(days, reverse=True):
        if Outcome.ATTENDED in days[day]:
            break
        if Outcome.MISSED in days[day]:
            row += 1
    return row


def use_days(taken: Iterable[Taken], window: int) -> int:
    """The most days of use within any `window` days."""
    days = sorted({one.on for one in taken if one.code == USE_DAY and one.value > 0})
    return max(
        (sum(first <= day < first + timedelta(days=window) for day in days) for first in days), default=0
    )


def step_up_signs(visits: Sequence[Visit], taken: Sequence[Taken], book: CarePlanBook) -> tuple[str, ...]:
    """Codes of the signs there are now."""
    signs: list[str] = []
    if missed_days(visits) >= book.values["step_up_missed_days"]:
        signs.append("step_up_missed_days")
    if use_days(taken, book.values["step_up_use_window"]) >= book.values["step_up_use_days"]:
        signs.append("step_up_use_days")
    return tuple(signs)
