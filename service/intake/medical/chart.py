"""The medical intake of one patient as far as this caller may use it, and what follows from it. Pure.

Nothing follows from silence: a list says "none of these" only once somebody said that it is complete.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final
from uuid import UUID

from service.intake.medical.answer import Answer, Sheet
from service.intake.medical.book import Value
from service.intake.medical.checks import instant_of, is_number

#: TEDS frequency of use (memory): none, 1-3 days a month, 1-2 a week, 3-6 a week, daily; by the last day of the span.
_TEDS: Final = ((0, 1), (3, 2), (8, 3), (27, 4), (30, 5))
DAILY: Final = 5
SEDATIVES: Final = ("benzodiazepine", "sedative")
#: What a withdrawal can come from.
WITHDRAWING: Final = ("alcohol", "opioid", *SEDATIVES)


@dataclass(frozen=True, slots=True, repr=False)
class Page:
    """One form as it stands: the head of a section or one entry of a list. `final`: somebody said it is complete."""

    item_id: UUID | None
    section: str
    sheet: Sheet
    final: bool
    severity: str | None = None

    def value(self, key: str) -> Value:
        return self.sheet.value(key)


@dataclass(frozen=True, slots=True, repr=False)
class Chart:
    """`withheld`: sections of which this caller does not see everything: from those nothing is missing for certain."""

    now: datetime
    today: date
    age: int
    heads: Mapping[str, Page] = field(default_factory=dict[str, Page])
    entries: Mapping[str, tuple[Page, ...]] = field(default_factory=dict[str, tuple[Page, ...]])
    diagnoses: tuple[Page, ...] = ()
    withheld: frozenset[str] = frozenset()

    def head(self, section: str) -> Page:
        return self.heads.get(section) or Page(None, section, Sheet(), final=False)

    def value(self, section: str, key: str) -> Value:
        """The value that counts, None for everything that is none."""
        return self.head(section).value(key)

    def answer(self, section: str, key: str) -> Answer | None:
        return self.head(section).sheet.current(key)

    def rows(self, section: str) -> tuple[Page, ...]:
        return self.entries.get(section, ())

    def complete(self, section: str) -> bool:
        """A list of which somebody said that it is all: then what is not in it is known not to be."""
        head = self.head(section)
        listed = self.rows(section)
        said = head.value("none")
        whole = said is True or bool(listed)
        return head.final and whole and section not in self.withheld and all(one.final for one in listed)

    def with_page(self, page: Page, *, entry: bool) -> "Chart":
        """As it would be with this form in place."""
        if not entry:
            return replace(self, heads={**self.heads, page.section: page})
        others = tuple(
            one for one in self.rows(page.section) if one.item_id is None or one.item_id != page.item_id
        )
        return replace(self, entries={**self.entries, page.section: (*others, page)})

    # -- substances

    def used(self, classes: Iterable[str] | None = None) -> tuple[Page, ...]:
        """Entries of substances ever used, of these classes or all; what kind is not known counts for every kind."""
        wanted = None if classes is None else frozenset(classes)
        return tuple(
            one
            for one in self.rows("substances")
            if one.value("ever") is not False
            and (
                wanted is None
                or one.value("class") in wanted
                or one.value("class") in (None, "unknown_class")
            )
        )

    def used_now(self, classes: Iterable[str]) -> tuple[Page, ...]:
        """Entries of exactly these classes with use in the last 30 days."""
        wanted = tuple(classes)
        return tuple(
            one for one in self.used(wanted) if one.value("class") in wanted and (teds_of(one) or 0) > 1
        )

    def hours_since(self, page: Page) -> int | None:
        """Whole hours since the last use; None when nobody knows."""
        last = instant_of(page.value("last_use"))
        return None if last is None else max(0, int((self.now - last).total_seconds() // 3600))

    def newest_use(self, classes: Iterable[str] | None = None) -> tuple[int, Page] | None:
        """Hours since the newest use known and its entry."""
        known = [(hours, one) for one in self.used(classes) if (hours := self.hours_since(one)) is not None]
        return min(known, key=lambda one: one[0], default=None)

    def recent(self, classes: Iterable[str], hours: int) -> bool:
        newest = self.newest_use(classes)
        return newest is not None and newest[0] <= hours

    def daily(self, classes: Iterable[str]) -> Page | None:
        """An entry of these classes that was used every day."""
        rows = [one for one in self.used(classes) if one.value("class") in tuple(classes)]
        return next((one for one in rows if is_daily(one)), None)


def is_daily(page: Page) -> bool:
    return teds_of(page) == DAILY or page.value("daily_two_weeks") is True


def teds_of(page: Page) -> int | None:
    """The TEDS category of the days of use; None when they are not known."""
    days = page.value("days_30")
    if page.value("ever") is False:
        return 1
    return None if type(days) is not int else next(code for last, code in _TEDS if days <= last)


def age_on(born: date, today: date) -> int:
    """Whole years; somebody born on 29 February is a year older on 1 March of other years."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def body_mass(sheet: Sheet) -> Decimal | None:
    """kg/m2 with one decimal, a half upwards; None without both measures."""
    weight, height = sheet.value("weight"), sheet.value("height")
    if not is_number(weight) or not is_number(height) or not height:
        return None
    metres = Decimal(str(height)) / 100
    return (Decimal(str(weight)) / (metres * metres)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier, or the last of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise ValueError("a month without a day 28")
