"""Rules about the week: hours for the level, days of service, the taper, slots (CP-01 to CP-03, CP-15 to CP-17)."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from service.admission.careplan.book import CarePlanBook, DayLimit, HourLimit
from service.admission.careplan.content import Content
from service.admission.careplan.facts import PlanFacts
from service.admission.careplan.finding import Fault
from service.admission.careplan.hours import (
    by_weekday,
    collisions,
    format_of,
    monday,
    overlaps,
    planned,
    planned_in,
    rounded,
)
from service.admission.careplan.parts import Format, Weeks

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def hours(content: Content, facts: PlanFacts, book: CarePlanBook) -> Iterator[Fault]:
    """CP-01: on every day until the next review the week fits the level at the age the patient then has."""
    seen: set[HourLimit] = set()
    for day in _ages(content, facts):
        limit = book.hour_limit(content.level, facts.age_on(day), facts.state)
        if limit is None:
            yield Fault("level", f"Plans are not made for level {content.level} here.")
            return
        if limit not in seen:
            seen.add(limit)
            yield from _against(content, book, limit, day)


def _against(content: Content, book: CarePlanBook, limit: HourLimit, day: date) -> Iterator[Fault]:
    amounts = {kind: planned(content, book, kind) // 15 * 15 for kind in (Weeks.ODD, Weeks.EVEN)}
    fewest, most = min(amounts.values()), max(amounts.values())
    since = f" from {day.isoformat()}" if day != content.starts_on else ""
    bounds = f"level {limit.level} asks for {limit.least / 60:g} to {limit.most / 60:g} ({limit.source})"
    if fewest < limit.least and content.transition is None:
        yield Fault("slots", f"{rounded(fewest):g} hours a week{since}; {bounds}.")
    if most > limit.most:
        yield Fault("slots", f"{rounded(most):g} hours a week{since}; {bounds}.")


def closed_weeks(content: Content, facts: PlanFacts, book: CarePlanBook) -> Iterator[Fault]:
    """CP-01, one week: what days closed leave of it."""
    for week in sorted({monday(one.on) for one in content.closures}):
        limit = book.hour_limit(content.level, facts.age_on(week), facts.state)
        left = planned_in(content, book, week)
        whole = week >= content.starts_on
        if limit is not None and whole and left // 15 * 15 < limit.least and content.transition is None:
            yield Fault(
                "closures",
                f"The week of {week.isoformat()} has {rounded(left):g} hours because of days closed: make them up, or "
                "note why not.",
            )


def decided_level(content: Content, facts: PlanFacts, _book: CarePlanBook) -> Iterator[Fault]:
    """CP-01: the level of the plan is the level that was decided."""
    if facts.decided_level is not None and facts.decided_level != content.level:
        yield Fault("level", f"The placement decision says {facts.decided_level}.")


def service_days(content: Content, facts: PlanFacts, book: CarePlanBook) -> Iterator[Fault]:
    """CP-02."""
    yield from _days(content, book, book.day_limits(facts.state, binding=False))


def service_days_by_law(content: Content, facts: PlanFacts, book: CarePlanBook) -> Iterator[Fault]:
    """CP-02 where a state makes it a rule."""
    yield from _days(content, book, book.day_limits(facts.state, binding=True))


def _days(content: Content, book: CarePlanBook, limits: tuple[DayLimit, ...]) -> Iterator[Fault]:
    if content.transition is not None:
        return
    for limit in limits:
        short: set[int] = set()
        long: set[int] = set()
        fewest = 7
        for kind in (Weeks.ODD, Weeks.EVEN):
            days = by_weekday(content, book, kind)
            fewest = min(fewest, len(days))
            short |= {day for day, minutes in days.items() if limit.least and minutes < limit.least}
            long |= {day for day, minutes in days.items() if limit.most and minutes > limit.most}
        if limit.days and fewest < limit.days:
            yield Fault("slots", f"{fewest} days of service a week; {limit.days} are usual ({limit.source}).")
        for day in sorted(short):
            yield Fault(
                "slots", f"{_DAYS[day]} has less than {(limit.least or 0) / 60:g} hours ({limit.source})."
            )
        for day in sorted(long):
            yield Fault(
                "slots", f"{_DAYS[day]} has more than {(limit.most or 0) / 60:g} hours ({limit.source})."
            )


def transition(content: Content, facts: PlanFacts, book: CarePlanBook) -> Iterator[Fault]:
    """CP-03: fewer hours than the level asks for, once in an episode, for days that are counted."""
    taper = content.transition
    if taper is None:
        return
    days = (taper.ends_on - taper.starts_on).days + 1
    most = book.values["transition_days"]
    if days < 1:
        yield Fault("transition.ends_on", "The transition ends before it begins.")
    elif days > most:
        yield Fault("transition.ends_on", f"A transition of {days} days; {most} are the most.")
    if facts.transitions_used:
        yield Fault("transition", "This episode has had its transition.")
    begins = max(content.starts_on, facts.today)
    last = min(one for one in (content.ends_on, content.review_on - timedelta(days=1)) if one is not None)
    if taper.starts_on > begins or taper.ends_on < last:
        yield Fault(
            "transition",
            "A plan with fewer hours is reviewed, or ends, when its transition does, and begins with it.",
        )


def codes(content: Content, _facts: PlanFacts, book: CarePlanBook) -> Iterator[Fault]:
    """CP-15: what a plan is made of stands in the catalogue, and every slot says what it is."""
    known = {one.key for one in content.interventions}
    for place, one in enumerate(content.interventions):
        offer = book.offers.get(one.code)
        if offer is None:
            yield Fault(f"interventions[{place}].code", "Not in the catalogue.")
        elif one.format not in offer.formats:
            formats = ", ".join(sorted(form.value for form in offer.formats))
            yield Fault(f"interventions[{place}].format", f"{offer.code} is offered as: {formats}.")
    for place, slot in enumerate(content.slots):
        if slot.intervention is not None and slot.intervention not in known:
            yield Fault(f"slots[{place}].intervention", "No intervention of this plan has this key.")


def slots_meet(content: Content, _facts: PlanFacts, _book: CarePlanBook) -> Iterator[Fault]:
    """CP-16: nobody is in two places; back to back is no overlap."""
    for first, second in overlaps(content):
        yield Fault("slots", f"{first} and {second} overlap.")


def group_size(content: Content, _facts: PlanFacts, book: CarePlanBook) -> Iterator[Fault]:
    """CP-16: a place in the group."""
    for place, slot in enumerate(content.slots):
        most = slot.capacity or book.values["group_capacity"]
        if format_of(content, slot) is Format.GROUP and (slot.enrolled or 0) > most:
            yield Fault(f"slots[{place}].enrolled", f"The group has {most} places.")


def authorised(content: Content, _facts: PlanFacts, book: CarePlanBook) -> Iterator[Fault]:
    """CP-16: a unit is a day of service, as payers count an IOP (memory)."""
    if content.authorised_units is None:
        return
    days = max(len(by_weekday(content, book, kind)) for kind in (Weeks.ODD, Weeks.EVEN))
    if days > content.authorised_units:
        yield Fault("slots", f"{days} days of service a week; {content.authorised_units} are authorised.")


def reachable(content: Content, _facts: PlanFacts, _book: CarePlanBook) -> Iterator[Fault]:
    """CP-17: hours the person can come to, in a language the person speaks, at a place the person can reach."""
    for slot, what in collisions(content):
        yield Fault("slots", f"{slot} meets a time that is taken: {what}.")
    if content.person.interpreter_needed and not content.person.interpreter_arranged:
        yield Fault("person.interpreter_arranged", "An interpreter is needed and not arranged.")
    for place, slot in enumerate(content.slots):
        if slot.site in content.person.unreachable_sites and not slot.remote:
            yield Fault(f"slots[{place}].site", "The person cannot reach this place.")


def _ages(content: Content, facts: PlanFacts) -> Iterator[date]:
    """The plan's first day, and every birthday before it is reviewed."""
    yield content.starts_on
    day = content.starts_on
    while (day := day + timedelta(days=1)) < content.review_on and (day - content.starts_on).days < 366:
        if facts.age_on(day) != facts.age_on(day - timedelta(days=1)):
            yield day
