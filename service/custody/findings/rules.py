"""What of the trail somebody has to look at: accesses and what is known about them in, findings with reasons out. Pure.

A finding is about one rule, one caller, one patient where the rule is about patients, and one day of the program. It is
raised by something new: what was looked at before only adds to what is counted. So the same entries looked at in two
runs make the findings they make in one, and an entry that arrives late is counted where it belongs.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from service.access.review_rules import Counts, Excuse, ReviewBook, Rule

Pair = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Seen:
    """One entry of the trail, as the rules see it: who, about whom, when."""

    id: UUID
    at: datetime
    actor_id: UUID
    patient_id: UUID | None

    @property
    def pair(self) -> Pair | None:
        """Caller and patient."""
        return None if self.patient_id is None else (self.actor_id, self.patient_id)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The program's clock and its days."""

    zone: ZoneInfo
    closed_days: frozenset[date]

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True)
class Facts:
    """What was gathered. `new`: the entries nobody looked at before; the others stand beside them in time.

    `excused`: for each excuse the entries it holds for. What is so of caller and patient (same surname or address) or of
    the patient, whoever calls (works here, is watched), is said for those of `reads`.
    """

    new: frozenset[UUID]
    emergencies: Sequence[Seen] = ()
    denials: Sequence[Seen] = ()
    reads: Sequence[Seen] = ()
    #: Accesses so long ago that care around them would be on record by now.
    settled: Sequence[Seen] = ()
    same_surname: frozenset[Pair] = frozenset()
    same_address: frozenset[Pair] = frozenset()
    coworkers: frozenset[UUID] = frozenset()
    watched: frozenset[UUID] = frozenset()
    excused: Mapping[Excuse, frozenset[UUID]] = field(default_factory=dict[Excuse, frozenset[UUID]])


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found: `count` of what it counts, in the entries it rests on (oldest first)."""

    rule: Rule
    actor_id: UUID
    patient_id: UUID | None
    day: date
    count: int
    entries: tuple[Seen, ...]


def found(book: ReviewBook, facts: Facts, calendar: Calendar) -> tuple[Found, ...]:
    """Everything the rules find, in the order of the rules."""
    return tuple(
        one
        for rule in book.rules.values()
        for one in _of_rule(
            rule, _counted(rule, book, facts, calendar), facts, _day_begins(rule, book), calendar
        )
    )


def _counted(rule: Rule, book: ReviewBook, facts: Facts, calendar: Calendar) -> Iterable[Seen]:
    """What this rule counts, without what is excused."""
    excused: frozenset[UUID] = frozenset[UUID]().union(
        *(facts.excused.get(one, frozenset()) for one in rule.unless)
    )
    entries = _candidates(rule.counts, book, facts, calendar)
    return (one for one in entries if one.id not in excused)


def _candidates(counts: Counts, book: ReviewBook, facts: Facts, calendar: Calendar) -> Iterable[Seen]:
    match counts:
        case Counts.EMERGENCIES:
            return facts.emergencies
        case Counts.DENIALS:
            return facts.denials
        case Counts.SAME_SURNAME:
            return (one for one in facts.reads if one.pair in facts.same_surname)
        case Counts.SAME_ADDRESS:
            return (one for one in facts.reads if one.pair in facts.same_address)
        case Counts.COWORKER:
            return (one for one in facts.reads if one.patient_id in facts.coworkers)
        case Counts.VIP:
            return (one for one in facts.reads if one.patient_id in facts.watched)
        case Counts.OFF_HOURS:
            closed = calendar.closed_days
            return (one for one in facts.reads if not book.hours.within(one.at, calendar.zone, closed))
        case Counts.NO_CARE:
            return facts.settled


def _day_begins(rule: Rule, book: ReviewBook) -> timedelta:
    """When the day of a finding begins: a night belongs to the day on which it began."""
    opens = book.hours.opens
    night = rule.counts is Counts.OFF_HOURS
    return timedelta(hours=opens.hour, minutes=opens.minute) if night else timedelta()


def _of_rule(
    rule: Rule, counted: Iterable[Seen], facts: Facts, day_begins: timedelta, calendar: Calendar
) -> Iterable[Found]:
    groups: defaultdict[tuple[UUID, UUID | None], list[Seen]] = defaultdict(list)
    for one in counted:
        groups[one.actor_id, one.patient_id if rule.counts.of_patient else None].append(one)
    for (actor_id, patient_id), entries in sorted(groups.items(), key=lambda item: str(item[0])):
        entries.sort(key=lambda one: (one.at, one.id))
        by_patient = rule.counts is Counts.OFF_HOURS
        days: defaultdict[date, set[int]] = defaultdict(set)
        for index, (first, last) in _crossings(entries, rule, by_patient=by_patient).items():
            if entries[index].id in facts.new:
                days[calendar.day(entries[index].at - day_begins)].update(range(first, last + 1))
        for day, places in sorted(days.items()):
            rests_on = tuple(entries[place] for place in sorted(places))
            yield Found(rule, actor_id, patient_id, day, _count(rests_on, by_patient=by_patient), rests_on)


def _crossings(entries: Sequence[Seen], rule: Rule, *, by_patient: bool) -> Mapping[int, tuple[int, int]]:
    """For each entry that lies in a window with `threshold` or more: the first and the last entry of such windows.

    Both ends of a window belong to it.
    """
    reached: dict[int, tuple[int, int]] = {}
    last, inside = -1, Counter[UUID | None]()
    for first, one in enumerate(entries):
        while last + 1 < len(entries) and entries[last + 1].at - one.at <= rule.window:
            last += 1
            inside[entries[last].patient_id] += 1
        if (len(inside) if by_patient else last - first + 1) >= rule.threshold:
            for place in range(first, last + 1):
                reached[place] = (reached.get(place, (first, last))[0], last)
        inside[one.patient_id] -= 1
        if not inside[one.patient_id]:
            del inside[one.patient_id]
    return reached


def _count(entries: Sequence[Seen], *, by_patient: bool) -> int:
    return len({one.patient_id for one in entries}) if by_patient else len(entries)
