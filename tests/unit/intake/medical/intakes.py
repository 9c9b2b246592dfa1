"""The shipped book, and charts made of values, for the tests of this folder."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from service.intake.medical.answer import Given, Sheet
from service.intake.medical.book import Absent, MedicalBook, Source
from service.intake.medical.chart import Chart, Page
from service.intake.medical.loading import load_book

POLICIES = Path(__file__).parents[4] / "policies"
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
TODAY = date(2026, 11, 20)
SOMEBODY = UUID(int=7)


@cache
def book() -> MedicalBook:
    return load_book(POLICIES)


def given(value: Any) -> Given:
    return Given(absent=value) if isinstance(value, Absent) else Given(value=value)


def sheet(values: Mapping[str, Any], source: Source = Source.STAFF) -> Sheet:
    answers = {
        key: Given(value=one.value, absent=one.absent, source=source)
        for key, one in ((key, given(value)) for key, value in values.items())
    }
    return Sheet().with_given(answers, SOMEBODY, NOW)


def page(section: str, values: Mapping[str, Any], *, final: bool = True, number: int = 1) -> Page:
    return Page(UUID(int=number), section, sheet(values), final=final)


def chart(
    heads: Mapping[str, Mapping[str, Any]] | None = None,
    entries: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    *,
    age: int = 38,
    severities: tuple[str, ...] = (),
    withheld: frozenset[str] = frozenset(),
) -> Chart:
    """A chart in which everything is complete."""
    return Chart(
        now=NOW,
        today=TODAY,
        age=age,
        heads={key: page(key, values) for key, values in (heads or {}).items()},
        entries={
            key: tuple(page(key, values, number=number) for number, values in enumerate(rows, 10))
            for key, rows in (entries or {}).items()
        },
        diagnoses=tuple(Page(UUID(int=99), "diagnoses", Sheet(), True, severity=one) for one in severities),
        withheld=withheld,
    )


def ago(hours: float) -> str:
    return (NOW - timedelta(hours=hours)).isoformat()


def use(kind: str, hours: float | Absent = 10, days: int | Absent = 30, **more: Any) -> dict[str, Any]:
    """A substance entry; `hours` since the last use."""
    last = hours if isinstance(hours, Absent) else ago(hours)
    return {"class": kind, "ever": True, "rank": "other", "days_30": days, "last_use": last, **more}
