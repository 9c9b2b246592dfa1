"""How often clinicians decide otherwise: by reason and by class, with no patient in it.

An override is no fault. A rate beyond what the program expects says that the rules, or the facts entered, do not fit.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from service.access.actions import Action
from service.admission.placement import kept, records
from service.admission.placement.book import PlacementBook
from service.admission.placement.lifecycle import DecisionState
from service.admission.placement.rules import Outcome
from service.errors import Code, FieldError, IntegrityError, Invalid
from service.work import Work

#: More is asked for in parts.
MOST_DAYS: Final = 366


@dataclass(frozen=True, slots=True)
class Told:
    """What the report knows of one decision. `outcome` None: it could not be opened any more (its key is gone)."""

    overridden: bool
    state: DecisionState
    outcome: Outcome | None
    code: str | None
    downwards: bool


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Decisions that stood beside suggestions of one class, and how many of them were other ones."""

    decided: int
    overridden: int


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of a span of days. `alerts`: override_rate, unsigned_emergency_override."""

    since: date
    until: date
    decided: int
    overridden: int
    awaiting_second: int
    by_code: dict[str, int]
    by_class: dict[str, ClassFigures]
    unreadable: int
    alerts: tuple[str, ...]

    @property
    def rate_percent(self) -> int | None:
        """Overrides of a hundred decisions, rounded half up; None without decisions."""
        if not self.decided:
            return None
        return (200 * self.overridden + self.decided) // (2 * self.decided)


def figures(told: Iterable[Told], alert_percent: int, since: date, until: date) -> Report:
    """The report of these decisions."""
    each = list(told)
    overridden = [one for one in each if one.overridden]
    unsigned = [one for one in overridden if one.state is not DecisionState.SIGNED and one.downwards]
    alerts = {
        "override_rate": 100 * len(overridden) > alert_percent * len(each),
        "unsigned_emergency_override": any(
            one.outcome is Outcome.EMERGENCY and one.state is DecisionState.AWAITING_SECOND
            for one in unsigned
        ),
    }
    classes = Counter(one.outcome for one in each)
    others = Counter(one.outcome for one in overridden)
    return Report(
        since=since,
        until=until,
        decided=len(each),
        overridden=len(overridden),
        awaiting_second=sum(1 for one in each if one.state is DecisionState.AWAITING_SECOND),
        by_code=dict(sorted(Counter(one.code for one in overridden if one.code is not None).items())),
        by_class={one.value: ClassFigures(classes[one], others[one]) for one in Outcome if classes[one]},
        unreadable=classes[None],
        alerts=tuple(name for name, raised in alerts.items() if raised),
    )


def report(work: Work, book: PlacementBook, since: date, until: date) -> Report:
    """Decisions made from `since` to `until`, both included, days of the program's calendar."""
    work.require(Action.REPORT_READ, object_kind="report")
    if not timedelta(0) <= until - since < timedelta(days=MOST_DAYS):
        fault = FieldError("to", "out_of_range", f"On or after from, within {MOST_DAYS} days.")
        raise Invalid(Code.INVALID_REQUEST, "Some fields are not acceptable.", (fault,))
    start, end = _start(work, since), _start(work, until + timedelta(days=1))
    stored = records.placements_between(work.db, work.caller.program_id, start, end)
    found = figures((_told(work, one) for one in stored), book.demands.alert_percent, since, until)
    work.record(
        action=Action.REPORT_READ,
        object_kind="report",
        object_id=None,
        detail={"report": "placement", "from": since.isoformat(), "to": until.isoformat()},
    )
    return found


def _start(work: Work, day: date) -> datetime:
    return datetime.combine(day, time(), work.program.zone).astimezone(UTC)


def _told(work: Work, stored: records.StoredPlacement) -> Told:
    state = DecisionState(stored.state)
    try:
        one = kept.opened(work, stored)
    except IntegrityError:
        return Told(stored.overridden, state, None, None, downwards=False)
    override = one.basis.given.override
    code = None if override is None else override.code
    return Told(one.overridden, one.state, one.outcome, code, one.basis.downwards)
