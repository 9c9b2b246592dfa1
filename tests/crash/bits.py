"""Every bit of a stored value, flipped, as the text in which the database gives the value that comes of it.

What the database would refuse to store (bytes that are no UTF-8, a time beyond its own) is left out here and counted by
`refused`: by SQL nobody can bring it about.
"""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Integer, LargeBinary, SmallInteger, Text, Uuid

from service.store.types import Xid8

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: What PostgreSQL stores as a time: microseconds since 2000, from 4714-11-24 BC up to, not including, 294277-01-01.
_EARLIEST, _END = -211_813_488_000_000_000, 9_223_371_331_200_000_000
#: The calendar repeats itself after 400 years.
_CYCLE, _CYCLE_YEARS = 146_097 * 86_400 * 1_000_000, 400
_WIDTHS: tuple[tuple[type, int, bool], ...] = (
    (Xid8, 64, False),
    (BigInteger, 64, True),
    (SmallInteger, 16, True),
    (Integer, 32, True),
)


def flips(column: Column[Any], text: str | None) -> Iterator[tuple[int, str | None]]:
    """(bit, text of the value with it flipped) for every bit whose flip can be stored; NULL becomes a value."""
    match column.type:
        case Uuid():
            value = UUID(text or "").int if text else 0
            yield from ((bit, str(UUID(int=value ^ 1 << bit))) for bit in range(128 if text else 1))
        case DateTime():
            yield from _instants(text)
        case LargeBinary():
            raw = base64.b64decode(text or "")
            for bit in range(len(raw) * 8):
                yield bit, base64.b64encode(_flipped(raw, bit)).decode()
            if not raw:
                yield 0, "AA=="
        case Text():
            yield from _texts(text)
        case _:
            yield from _numbers(column, text)


def bits(column: Column[Any], text: str | None) -> int:
    """How many bits the stored value has."""
    match column.type:
        case Uuid():
            return 128
        case DateTime():
            return 64
        case LargeBinary():
            return len(base64.b64decode(text or "")) * 8
        case Text():
            return len((text or "").encode()) * 8
        case _:
            return next(width for kind, width, _ in _WIDTHS if isinstance(column.type, kind))


def micros_of(text: str) -> int:
    """The stored number of an instant's text."""
    return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND


def instant_of(micros: int) -> str:
    """The text of a stored instant, in any year."""
    cycles, _ = divmod(micros, _CYCLE)
    moment = _EPOCH + (micros - cycles * _CYCLE) * _MICROSECOND
    year = moment.year + cycles * _CYCLE_YEARS
    before_christ = year < 1
    told = f"{1 - year if before_christ else year:04d}{moment:-%m-%dT%H:%M:%S.%fZ}"
    return f"{told} BC" if before_christ else told


def _instants(text: str | None) -> Iterator[tuple[int, str]]:
    micros = micros_of(text or "2000-01-01T00:00:00.000000Z")
    for bit in range(64):
        changed = micros ^ 1 << bit if bit < 63 else micros - (1 << 63)
        if _EARLIEST <= changed < _END:
            yield bit, instant_of(changed)


def _texts(text: str | None) -> Iterator[tuple[int, str]]:
    if not text:
        yield 0, "x" if text == "" else ""
        return
    raw = text.encode()
    for bit in range(len(raw) * 8):
        try:
            changed = _flipped(raw, bit).decode()
        except UnicodeDecodeError:
            continue
        if "\0" not in changed:
            yield bit, changed


def _numbers(column: Column[Any], text: str | None) -> Iterator[tuple[int, str]]:
    width, signed = next((w, s) for kind, w, s in _WIDTHS if isinstance(column.type, kind))
    value = int(text or 0) % (1 << width)
    for bit in range(width if text is not None else 1):
        changed = value ^ 1 << bit
        yield bit, str(changed - (1 << width) if signed and changed >> width - 1 else changed)


def _flipped(raw: bytes, bit: int) -> bytes:
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
