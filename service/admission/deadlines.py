"""Deadlines as data (policies/packets/deadlines.yaml): of all that apply the strictest counts, and shows its source.

Hours are elapsed time. Days are days of the program's calendar, so a change of clocks neither lengthens nor shortens
what a person would call seven days. Business days leave out weekends and the days on which the site is closed. Visits
are those the patient attended. Any other deadline on a day the program is closed does not move: a patient who leaves on
Friday is not safe until Monday (design, packet.md section 4).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Final, Literal, cast
from zoneinfo import ZoneInfo

from service.admission.profile import FIELDS, Profile
from service.errors import StartRefused
from service.intake.yamlfield import Field, read_fields

FILE: Final = Path("packets") / "deadlines.yaml"
Conf = Literal["law", "policy", "unsure"]
CONFS: Final = ("law", "policy", "unsure")


class Unit(StrEnum):
    HOURS = "hours"
    #: The same time of day, so many days later.
    DAYS = "days"
    #: Until the end of the day, so many days later; 0 is today.
    CALENDAR_DAYS = "calendar_days"
    #: Until the end of the so-many-th day after it on which the site is open: no weekend, no closed day.
    BUSINESS_DAYS = "business_days"
    #: Until the end of the day of the so-many-th visit attended.
    VISITS = "visits"


_SATURDAY: Final = 5
_NOUNS: Final = {
    Unit.HOURS: "hour",
    Unit.DAYS: "day",
    Unit.CALENDAR_DAYS: "day",
    Unit.BUSINESS_DAYS: "business day",
    Unit.VISITS: "visit",
}


@dataclass(frozen=True, slots=True)
class Deadline:
    """How long something may take, where that is written, and how sure we are of it."""

    amount: int
    unit: Unit
    source: str
    conf: Conf

    @property
    def words(self) -> str:
        """As a page shows it."""
        if self.unit is Unit.CALENDAR_DAYS and self.amount == 0:
            return "the same day"
        noun = _NOUNS[self.unit]
        return f"{self.amount} {noun}{'' if self.amount == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: a deadline for `what`, where every condition of the profile holds."""

    what: str
    deadline: Deadline
    when: Mapping[str, frozenset[str]]

    def applies(self, profile: Profile) -> bool:
        return all(profile.value_of(field) in values for field, values in self.when.items())


@dataclass(frozen=True, slots=True)
class Due:
    """When it is due, and by which deadline. `at` None: counted in visits that have not been attended yet."""

    at: datetime | None
    deadline: Deadline


class Deadlines:
    """All rows of the file."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules: dict[str, list[Rule]] = {}
        for rule in rules:
            self._rules.setdefault(rule.what, []).append(rule)

    def __contains__(self, what: str) -> bool:
        return what in self._rules

    def applying(self, what: str, profile: Profile) -> Sequence[Deadline]:
        """Every deadline for `what` under this profile, strictest first. KeyError when nobody knows the word."""
        found = [rule.deadline for rule in self._rules[what] if rule.applies(profile)]
        return sorted(found, key=_strictness)

    def strictest(self, what: str, profile: Profile) -> Deadline:
        """The one that counts. Every `what` has a row without conditions, so there always is one."""
        return self.applying(what, profile)[0]

    def earliest(
        self, what: str, profile: Profile, start: datetime, zone: ZoneInfo, visits: Sequence[date] = ()
    ) -> Due:
        """The deadline that falls first for this patient: visits attended may overtake days, and days visits."""
        closed = profile.closed_days
        dues = [Due(due(one, start, zone, visits, closed), one) for one in self.applying(what, profile)]
        settled = [one for one in dues if one.at is not None]
        return min(settled, key=lambda one: cast("datetime", one.at)) if settled else dues[0]


def due(
    deadline: Deadline,
    start: datetime,
    zone: ZoneInfo,
    visits: Sequence[date] = (),
    closed_days: Collection[date] = frozenset(),
) -> datetime | None:
    """When `deadline` runs out, counted from the instant `start` in the program's zone; an aware instant.

    `visits` are the days of attended visits, in any order; None when there are not yet as many as the deadline counts.
    """
    match deadline.unit:
        case Unit.HOURS:
            return start + timedelta(hours=deadline.amount)
        case Unit.DAYS:
            there = start.astimezone(zone)
            return _instant(there.date() + timedelta(days=deadline.amount), there.time(), zone)
        case Unit.CALENDAR_DAYS:
            there = start.astimezone(zone)
            return end_of_day(there.date() + timedelta(days=deadline.amount), zone)
        case Unit.BUSINESS_DAYS:
            return end_of_day(
                _business_day(start.astimezone(zone).date(), deadline.amount, closed_days), zone
            )
        case Unit.VISITS:
            first = start.astimezone(zone).date()
            attended = sorted(day for day in visits if day >= first)
            return (
                end_of_day(attended[deadline.amount - 1], zone) if len(attended) >= deadline.amount else None
            )


def _business_day(day: date, amount: int, closed_days: Collection[date]) -> date:
    """The so-many-th open day after `day`."""
    after = (day + timedelta(days=ahead) for ahead in range(1, amount * 7 + len(closed_days) + 8))
    return next(
        islice(
            (one for one in after if one.weekday() < _SATURDAY and one not in closed_days), amount - 1, None
        )
    )


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The instant the day is over in the zone: its last second is still in time."""
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(ZoneInfo("UTC"))


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A wall-clock time as an instant. Of a time the clocks show twice the first counts, which is the stricter; one
    they leave out is read by the rules before the change (PEP 495, fold 0).
    """
    return datetime.combine(day, at.replace(fold=0), zone).astimezone(ZoneInfo("UTC"))


#: A visit is at least a day away from the next; that is enough to order deadlines by how strict they are.
_HOURS: Final = {
    Unit.HOURS: 1,
    Unit.DAYS: 24,
    Unit.CALENDAR_DAYS: 24,
    Unit.BUSINESS_DAYS: 24,
    Unit.VISITS: 24,
}


def _strictness(deadline: Deadline) -> tuple[int, bool, str]:
    """Shorter first; of equal ones what law says before what is ours, then by the words: order is no accident."""
    hours = deadline.amount * _HOURS[deadline.unit]
    return hours, deadline.conf != "law", deadline.source


def load_deadlines(policies: Path) -> Deadlines:
    """The rows of the file; StartRefused names file, line and field of the first fault."""
    try:
        text = (policies / FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StartRefused(f"{FILE.name} cannot be read: {type(error).__name__}") from error
    return parse_deadlines(FILE.name, text)


def parse_deadlines(source: str, text: str) -> Deadlines:
    """The rows in `text`; StartRefused with `source`, line and field."""
    file = read_fields(source, text)
    rules: list[Rule] = []
    for what, rows in file.members(("deadlines",))["deadlines"].mapping().items():
        read = [_rule(what, row) for row in rows.sequence()]
        if not any(not rule.when for rule in read):
            rows.fault("needs a row without conditions: every profile must have a deadline")
        rules.extend(read)
    return Deadlines(rules)


def _rule(what: str, row: Field) -> Rule:
    members = row.members(("amount", "unit", "source", "conf"), ("when",))
    unit = Unit(members["unit"].one_of([one.value for one in Unit]))
    amount = members["amount"].integer()
    if amount < (0 if unit is Unit.CALENDAR_DAYS else 1):
        members["amount"].fault("must be 1 or more (0 only in calendar_days: the same day)")
    conf = cast("Conf", members["conf"].one_of(CONFS))
    deadline = Deadline(amount, unit, members["source"].text(), conf)
    return Rule(what, deadline, _when(members["when"]) if "when" in members else {})


def _when(field: Field) -> Mapping[str, frozenset[str]]:
    given = field.mapping()
    if not given:
        field.fault("names no condition")
    for name, values in given.items():
        if name not in FIELDS:
            values.fault("unknown field")
        if not values.sequence():
            values.fault("names no value")
    return {name: frozenset(one.text() for one in values.sequence()) for name, values in given.items()}
