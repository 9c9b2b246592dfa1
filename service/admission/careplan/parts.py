"""Words and small types that a care plan is written in: days, times, keys, and every list to choose from."""

import re
from datetime import date, time
from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


def _date(value: Any) -> Any:
    if isinstance(value, str):
        if not _DATE.fullmatch(value):
            raise ValueError("a date is written YYYY-MM-DD")
        return _plausible(date.fromisoformat(value))
    return value


def _plausible(day: date) -> date:
    """A plan has no day in another century: what adds days to it never leaves the calendar."""
    if not 1900 <= day.year <= 2200:
        raise ValueError("a day of this calendar")
    return day


def _clock(value: Any) -> Any:
    if isinstance(value, str):
        if not _CLOCK.fullmatch(value):
            raise ValueError("a time of day is written HH:MM")
        return time(int(value[:2]), int(value[3:]))
    return value


def _uuid(value: Any) -> Any:
    if isinstance(value, str):
        if not _UUID.fullmatch(value):
            raise ValueError("an id is a UUID in lower case")
        return UUID(value)
    return value


_T = TypeVar("_T")
Day = Annotated[date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
Clock = Annotated[
    time,
    BeforeValidator(_clock),
    PlainSerializer(lambda value: value.strftime("%H:%M")),
    WithJsonSchema({"type": "string", "pattern": "^([01]\\d|2[0-3]):[0-5]\\d$"}),
]
Id = Annotated[UUID, BeforeValidator(_uuid), WithJsonSchema({"type": "string", "format": "uuid"})]
#: The name of a part inside its plan: "p1", "g2", "s3".
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,19}$")]
Code = Annotated[str, Field(min_length=1, max_length=40)]
Line = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(min_length=1, max_length=4000)]
Few = Annotated[tuple[_T, ...], Field(strict=False, max_length=60)]
Number = int | float


class Part(BaseModel):
    """A part of a plan: nothing unknown in it, nothing coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Status(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    ON_HOLD = "on_hold"
    COMPLETED = "completed"
    REVOKED = "revoked"


class Area(StrEnum):
    """What a problem is about: decides its least labels and which template of objective fits."""

    SUBSTANCE_USE = "substance_use"
    CRAVING = "craving"
    PROTECTION = "protection"
    WITHDRAWAL = "withdrawal"
    DEPRESSION = "depression"
    ANXIETY = "anxiety"
    TRAUMA = "trauma"
    SELF_HARM = "self_harm"
    PARTNER_VIOLENCE = "partner_violence"
    PREGNANCY = "pregnancy"
    MEDICAL = "medical"
    ATTENDANCE = "attendance"
    SUPPORT = "support"
    FAMILY = "family"
    HOUSING = "housing"
    WORK = "work"
    LEGAL = "legal"
    OTHER = "other"


class ProblemState(StrEnum):
    ACTIVE = "active"
    DEFERRED = "deferred"
    RESOLVED = "resolved"


class GoalState(StrEnum):
    """Lifecycle and achievement of a goal in one word, as the person would hear it."""

    PROPOSED = "proposed"
    IN_PROGRESS = "in_progress"
    ACHIEVED = "achieved"
    REVISED = "revised"
    NOT_ACHIEVED = "not_achieved"
    CANCELLED = "cancelled"


class Source(StrEnum):
    """Where the value of a measure comes from."""

    INSTRUMENT = "instrument"
    COUNT = "count"
    EVENT = "event"


class Comparator(StrEnum):
    LESS = "lt"
    AT_MOST = "le"
    EQUAL = "eq"
    AT_LEAST = "ge"
    MORE = "gt"
    #: Lower than the baseline by at least so much, or so many per cent of it.
    DOWN_BY = "down_by"
    DOWN_BY_PERCENT = "down_by_percent"


class Format(StrEnum):
    GROUP = "group"
    INDIVIDUAL = "individual"
    FAMILY = "family"
    OUTSIDE = "outside"


class Weeks(StrEnum):
    """In which weeks a slot is held; the week of the plan's first day is odd."""

    EVERY = "every"
    ODD = "odd"
    EVEN = "even"


class Decided(StrEnum):
    """What the patient says to the plan, or why there is no word of theirs."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    DECLINED = "declined"
    UNABLE = "unable"


class SignerKind(StrEnum):
    CLINICIAN = "clinician"
    PATIENT = "patient"
    GUARDIAN = "guardian"
    SUPERVISOR = "supervisor"


class FamilyWord(StrEnum):
    """Family sessions are offered, or it is said why not; nobody offers them over a person's safety."""

    OFFERED = "offered"
    DECLINED = "declined"
    NOT_SAFE = "not_safe"
