"""Hours of a week: planned ones from the slots, delivered ones from the visits. Two ledgers, never mixed.

Minutes of sessions that count (the catalogue says which), added up and rounded down to a quarter of an hour. A slot is
so many minutes from a time on the wall clock; a change of clocks makes no session longer, but can make two overlap.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from service.admission.careplan.book import CarePlanBook
from service.admission.careplan.content import Content, Slot
from service.admission.careplan.parts import Format, Weeks
from service.admission.careplan.visit import Outcome, Visit

DAY: Final = 24 * 60
WEEK: Final = 7 * DAY


@dataclass(frozen=True, slots=True)
class Interval:
    """Minutes on one axis, the end not included."""

    starts: int
    ends: int
    key: str = field(default="", compare=False)


def rounded(minutes: int) -> float:
    """Hours, rounded down to a quarter: a quarter is exact in binary, so nothing is lost."""
    return minutes // 15 / 4


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def weeks_of(content: Content, day: date) -> Weeks:
    """Which of the two kinds of week a day is in."""
    return Weeks.ODD if (monday(day) - monday(content.starts_on)).days // 7 % 2 == 0 else Weeks.EVEN


def held_in(content: Content, kind: Weeks) -> Iterator[Slot]:
    """The slots of one kind of week."""
    return (slot for slot in content.slots if slot.weeks in (Weeks.EVERY, kind))


def code_of(content: Content, slot: Slot) -> str | None:
    return next((one.code for one in content.interventions if one.key == slot.intervention), None)


def format_of(content: Content, slot: Slot) -> Format | None:
    return next((one.format for one in content.interventions if one.key == slot.intervention), None)


def counted(content: Content, book: CarePlanBook, kind: Weeks) -> Iterator[Slot]:
    """Slots whose minutes are therapeutic: no break, no self-help, no testing."""
    return (slot for slot in held_in(content, kind) if book.counts(code_of(content, slot)))


def planned(content: Content, book: CarePlanBook, kind: Weeks) -> int:
    """Minutes of an ordinary week."""
    return sum(slot.minutes for slot in counted(content, book, kind))


def by_weekday(content: Content, book: CarePlanBook, kind: Weeks) -> dict[int, int]:
    """Minutes of each day of service."""
    days: dict[int, int] = {}
    for slot in counted(content, book, kind):
        days[slot.weekday] = days.get(slot.weekday, 0) + slot.minutes
    return days


def planned_in(content: Content, book: CarePlanBook, first: date) -> int:
    """Minutes of the week that begins on the Monday `first`: days before the plan and days closed have none."""
    closed = {one.on for one in content.closures}
    last = content.ends_on
    total = 0
    for slot in counted(content, book, weeks_of(content, first)):
        day = first + timedelta(days=slot.weekday)
        if day in closed or day < content.starts_on or (last is not None and day > last):
            continue
        total += slot.minutes
    return total


def delivered(visits: Iterable[Visit], book: CarePlanBook, first: date) -> int:
    """Minutes attended in the week that begins on `first`. A visit without a code is a session of the program."""
    return sum(
        one.minutes
        for one in visits
        if one.outcome is Outcome.ATTENDED
        and monday(one.held_on) == first
        and (one.code is None or book.counts(one.code))
    )


@dataclass(frozen=True, slots=True)
class WeekOfHours:
    """One week of both ledgers, in minutes."""

    first: date
    planned: int
    delivered: int
    missed: int
    excused: int
    transition: bool


def weeks(
    content: Content | None, book: CarePlanBook, visits: Sequence[Visit], first: date, last: date
) -> tuple[WeekOfHours, ...]:
    """Every week from the one of `first` to the one of `last`."""
    found: list[WeekOfHours] = []
    week = monday(first)
    while week <= last:
        here = [one for one in visits if monday(one.held_on) == week]
        taper = content.transition if content else None
        found.append(
            WeekOfHours(
                first=week,
                planned=planned_in(content, book, week) if content else 0,
                delivered=delivered(here, book, week),
                missed=sum(one.minutes for one in here if one.outcome is Outcome.MISSED),
                excused=sum(one.minutes for one in here if one.outcome is Outcome.EXCUSED),
                transition=taper is not None
                and taper.starts_on <= week + timedelta(days=6)
                and week <= taper.ends_on,
            )
        )
        week += timedelta(days=7)
    return tuple(found)


def overlaps(content: Content) -> tuple[tuple[str, str], ...]:
    """Pairs of slots that take the same minute; back to back is none. The axis is two weeks that repeat."""
    intervals: list[Interval] = []
    for number, kind in enumerate((Weeks.ODD, Weeks.EVEN)):
        intervals.extend(_interval(slot, number * WEEK) for slot in held_in(content, kind))
    wrapped = [Interval(one.starts + 2 * WEEK, one.ends + 2 * WEEK, one.key) for one in intervals]
    return tuple(sorted({*_meeting(intervals + wrapped), *_clock_changes(content)}))


def collisions(content: Content) -> tuple[tuple[str, str], ...]:
    """Slots that meet a time the person has stated to be busy: (slot, what)."""
    found: set[tuple[str, str]] = set()
    for slot in content.slots:
        one = _interval(slot, 0)
        for busy in content.busy:
            starts = busy.weekday * DAY + _minute(busy.starts)
            shifted = ((starts + shift, starts + shift + busy.minutes) for shift in (-WEEK, 0, WEEK))
            if any(one.starts < end and begin < one.ends for begin, end in shifted):
                found.add((slot.key, busy.what))
    return tuple(sorted(found))


def _interval(slot: Slot, offset: int) -> Interval:
    starts = offset + slot.weekday * DAY + _minute(slot.starts)
    return Interval(starts, starts + slot.minutes, slot.key)


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _meeting(intervals: list[Interval]) -> Iterator[tuple[str, str]]:
    """Sorted by start, the last end so far meets the next start: one pass finds whether any two overlap."""
    furthest: Interval | None = None
    for one in sorted(intervals, key=lambda each: (each.starts, each.ends, each.key)):
        if furthest is not None and one.starts < furthest.ends:
            first, second = sorted((furthest.key, one.key))
            yield first, second
        if furthest is None or one.ends > furthest.ends:
            furthest = one


def _clock_changes(content: Content) -> Iterator[tuple[str, str]]:
    """On a day on which the clocks change, what the wall clock keeps apart can meet: looked at as instants."""
    zone = ZoneInfo(content.time_zone)
    last = content.ends_on or content.review_on
    days = [
        content.starts_on + timedelta(days=n) for n in range(min((last - content.starts_on).days, 366) + 1)
    ]
    for today, tomorrow in pairwise([*days, (days[-1] if days else last) + timedelta(days=1)]):
        if _offset(today, zone) == _offset(tomorrow, zone):
            continue
        here = [
            slot for slot in held_in(content, weeks_of(content, today)) if slot.weekday == today.weekday()
        ]
        yield from _meeting([_instants(slot, today, zone) for slot in here])


def _offset(day: date, zone: ZoneInfo) -> timedelta | None:
    return datetime.combine(day, time(), zone).utcoffset()


def _instants(slot: Slot, day: date, zone: ZoneInfo) -> Interval:
    starts = datetime.combine(day, slot.starts, zone).astimezone(UTC)
    minute = int(starts.timestamp()) // 60
    return Interval(minute, minute + slot.minutes, slot.key)
