"""How long what must be kept, and on what grounds a record may be destroyed (policies/retention.yaml).

Read once, strictly: a period that is silently not applied would be noticed when the record is gone.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.access.strictyaml import load_strictly

FILE: Final = "retention.yaml"
Since = Literal["last_entry", "consent_end", "last_disclosure", "last_restriction"]
Conf = Literal["law", "policy", "unsure"]
_Text = Annotated[str, Field(min_length=3)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Period(_Row):
    """One thing that is kept, and how long."""

    years: int = Field(ge=1, le=100)
    since: Since = Field(alias="from")
    until_age: int | None = Field(default=None, ge=18, le=40)
    cite: _Text
    conf: Conf
    source: _Text


class Basis(_Row):
    """A ground on which a record may be destroyed. `ends`: periods that it ends before their time."""

    text: _Text
    cite: _Text
    conf: Conf
    ends: list[str] = Field(default_factory=list[str])


class RetentionBook(_Row):
    """The whole file."""

    periods: Mapping[str, Period] = Field(min_length=1)
    bases: Mapping[str, Basis] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> "RetentionBook":
        if {period.since for period in self.periods.values()} != set(get_args(Since)):
            raise ValueError("a period for each thing that is kept")
        for basis in self.bases.values():
            if not set(basis.ends) <= self.periods.keys():
                raise ValueError("a basis ends periods that there are")
        return self

    def running(
        self, basis: str, days: Mapping[Since, date | None], born: date | None, today: date
    ) -> Mapping[str, date]:
        """Periods that are not over on `today`, with the last day of each. A day that is None never came."""
        ended = self.bases[basis].ends
        last_days = {
            what: last
            for what, period in self.periods.items()
            if what not in ended and (last := _last_day(period, days[period.since], born)) is not None
        }
        return {what: last for what, last in last_days.items() if last >= today}


def load_retention(policies: Path) -> RetentionBook:
    """The book of a deployment; raises StartRefused with the place for whoever edited it."""
    return load_strictly(FILE, policies / FILE, RetentionBook)


def _last_day(period: Period, since: date | None, born: date | None) -> date | None:
    """The last day on which it must be kept. An unknown birth date shortens nothing: the years count alone."""
    if since is None:
        return None
    last = _years_after(since, period.years)
    if period.until_age is None or born is None:
        return last
    return max(last, _years_after(born, period.until_age))


def _years_after(day: date, years: int) -> date:
    """The same day so many years on; from 29 February the day after a missing one."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
