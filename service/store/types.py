"""Column types. A `Sealed` is an envelope of ciphertext: it opens only through the vault, and never prints."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import TypeDecorator, UserDefinedType


@dataclass(frozen=True, slots=True, repr=False)
class Sealed:
    """Envelope bytes as stored; the format is described in `vault/envelope.py`."""

    envelope: bytes

    def __repr__(self) -> str:
        return "<Sealed>"


#: Ids of the keys of all sealed values read since somebody began to note them; None where nobody does.
_noted: Final[ContextVar[set[bytes] | None]] = ContextVar("keys of sealed values read", default=None)
_KEY_ID: Final = slice(2, 18)


@contextmanager
def noting_keys() -> Generator[set[bytes]]:
    """The ids of the keys that the sealed values read meanwhile say they are under; they fill as values are read.

    A page of many patients reads its rows in one statement and opens them one after the other: whoever fetches keys
    from outside the process learns here which ones are coming.
    """
    noted: set[bytes] = set()
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


class SealedBytes(TypeDecorator[Sealed]):
    """`bytea` that accepts and gives only `Sealed`: plaintext cannot be stored by mistake."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Sealed | None, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        if type(value) is not Sealed:
            raise TypeError("a sealed column takes a Sealed value")
        return value.envelope

    def process_result_value(self, value: Any, dialect: Dialect) -> Sealed | None:
        if value is None:
            return None
        envelope = bytes(value)
        if (noted := _noted.get()) is not None:
            noted.add(envelope[_KEY_ID])
        return Sealed(envelope)


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id, carried as text: it is compared by the database, not here."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


# Reflection (the drift check) then knows the type too, as SQLAlchemy's extension point for it asks.
ischema_names["xid8"] = Xid8  # pyright: ignore[reportArgumentType] -- the stub knows only the types it ships
