"""Building blocks of request bodies: strict types that accept one spelling of a value."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


class StrictModel(BaseModel):
    """A body: unknown fields refused, no coercion ("1" is not 1)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _date(value: Any) -> Any:
    if isinstance(value, str):
        if not _DATE.fullmatch(value):
            raise ValueError("a date is written YYYY-MM-DD")
        return date.fromisoformat(value)
    return value


def _instant(value: Any) -> Any:
    if isinstance(value, str):
        if not _INSTANT.fullmatch(value):
            raise ValueError("a time is written as RFC 3339 with an offset")
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except OverflowError:  # the first or last day of the calendar, in a zone beyond it
            raise ValueError("a time lies outside the calendar") from None
    return value


def _uuid(value: Any) -> Any:
    if isinstance(value, str):
        if not _UUID.fullmatch(value):
            raise ValueError("an id is a UUID in lower case")
        return UUID(value)
    return value


IsoDate = Annotated[date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
Instant = Annotated[
    datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
Uuid = Annotated[UUID, BeforeValidator(_uuid), WithJsonSchema({"type": "string", "format": "uuid"})]
#: A name, a code, a line: 1 to 200 characters.
ShortText = Annotated[str, Field(min_length=1, max_length=200)]
#: A paragraph: up to 10,000 characters.
LongText = Annotated[str, Field(min_length=1, max_length=10_000)]


class FieldErrorModel(BaseModel):
    """One thing wrong with one field."""

    field: str
    code: str
    message: str
    citation: str | None = None


class ProblemModel(BaseModel):
    """RFC 9457 problem document; the offending input is never in it."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: list[FieldErrorModel] | None = None
