"""What the review of the trail looks for, as policies/reviews.yaml has it: what is counted, how long, from how many on.

Read once, strictly, with the rest of the policy set: a rule nobody can evaluate, an act that does not exist or an
excuse that is not known stops the start, because a rule of review that is silently not applied looks like a quiet week.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as TimeOfDay  # noqa: N812 -- `time` alone reads as a clock
from enum import StrEnum
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.access.actions import Action
from service.access.strictyaml import read_strictly

FILE: Final = "reviews.yaml"
Severity = Literal["high", "medium", "low"]


class Counts(StrEnum):
    """What a rule counts; each is always about one caller, and where it says so about one patient."""

    EMERGENCIES = "emergencies"
    DENIALS = "denials"
    SAME_SURNAME = "same_surname"
    SAME_ADDRESS = "same_address"
    COWORKER = "coworker"
    VIP = "vip"
    OFF_HOURS = "off_hours"
    NO_CARE = "no_care"

    @property
    def of_patient(self) -> bool:
        """Whether it counts accesses to one patient, and not what a caller does as a whole."""
        return self not in (Counts.EMERGENCIES, Counts.DENIALS, Counts.OFF_HOURS)


class Excuse(StrEnum):
    """What makes an access ordinary."""

    #: A relationship of the caller with the patient that was on record before the access.
    RELATIONSHIP = "relationship"
    #: Something the caller did for the patient within `care_days` of the access.
    CARE = "care"
    #: Break-glass access of the caller to the patient: it has a review of its own.
    EMERGENCY = "emergency"


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


_Text = Annotated[str, Field(min_length=10)]
_Act = Annotated[Action, Field(strict=False)]
_Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Rule(_Row):
    """One rule: from `threshold` of what it `counts` within the window on, somebody has to look."""

    key: Annotated[str, Field(pattern=r"^[a-z][a-z_]{2,40}$")]
    counts: Counts = Field(strict=False)
    window_minutes: int = Field(ge=1, le=60 * 24 * 31)
    threshold: int = Field(ge=1, le=10_000)
    severity: Severity
    unless: list[Annotated[Excuse, Field(strict=False)]] = Field(default_factory=list[Excuse])
    text: _Text
    #: What whoever decides should look at.
    look: _Text
    cite: Annotated[str, Field(min_length=3)]
    conf: Literal["law", "policy", "unsure"]

    @property
    def window(self) -> timedelta:
        return timedelta(minutes=self.window_minutes)


class _Hours(_Row):
    opens: _Clock
    closes: _Clock
    weekdays: list[_Weekday] = Field(min_length=1)


class _File(_Row):
    source: _Text
    hours: _Hours
    care_days: int = Field(ge=1, le=31)
    reads: list[_Act] = Field(min_length=1)
    care: list[_Act] = Field(min_length=1)
    rules: list[Rule] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> "_File":
        keys = [rule.key for rule in self.rules]
        if len(set(keys)) != len(keys):
            raise ValueError("each key once")
        if missing := set(Counts) - {rule.counts for rule in self.rules}:
            raise ValueError(f"a rule for each of: {', '.join(sorted(missing))}")
        if self.hours.opens >= self.hours.closes:
            raise ValueError("hours open before they close")
        if set(self.reads) & set(self.care):
            raise ValueError("an act is an access or care, not both")
        for rule in self.rules:
            if rule.unless and not rule.counts.of_patient:
                raise ValueError(f"{rule.key} is about no one patient, so nothing excuses it")
            if Excuse.CARE in rule.unless and rule.counts is not Counts.NO_CARE:
                raise ValueError(f"{rule.key} is asked at once, when care after it is not known yet")
        return self


@dataclass(frozen=True, slots=True)
class Hours:
    """When the program works, on its own clock."""

    opens: TimeOfDay
    closes: TimeOfDay
    weekdays: frozenset[int]

    def within(self, at: datetime, zone: ZoneInfo, closed_days: frozenset[date]) -> bool:
        """Whether the program is open at this instant; its closing time is no longer within."""
        there = at.astimezone(zone)
        open_day = there.weekday() in self.weekdays and there.date() not in closed_days
        return open_day and self.opens <= there.time() < self.closes


@dataclass(frozen=True, slots=True)
class ReviewBook:
    """The file. `reads`: acts that are an access to a patient's chart; `care`: acts that are care."""

    hours: Hours
    care_days: int
    reads: frozenset[Action]
    care: frozenset[Action]
    rules: Mapping[str, Rule]

    def of(self, *counts: Counts) -> Sequence[Rule]:
        """The rules that count one of these."""
        return [rule for rule in self.rules.values() if rule.counts in counts]

    def longest(self, *counts: Counts) -> timedelta:
        """The longest window of the rules that count one of these."""
        return max((rule.window for rule in self.of(*counts)), default=timedelta())


def read_reviews(document: str) -> ReviewBook:
    """The book from the text of reviews.yaml; raises StartRefused with the place for whoever edited it."""
    file = read_strictly(FILE, document, _File)
    return ReviewBook(
        hours=Hours(
            TimeOfDay.fromisoformat(file.hours.opens),
            TimeOfDay.fromisoformat(file.hours.closes),
            frozenset(_WEEKDAYS.index(day) for day in file.hours.weekdays),
        ),
        care_days=file.care_days,
        reads=frozenset(file.reads),
        care=frozenset(file.care),
        rules={rule.key: rule for rule in file.rules},
    )
