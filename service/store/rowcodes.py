"""Codes of rows that decide: who may write to the database cannot write such a row.

A consent, a role, a session, a restriction decides what the service does, and the database belongs to somebody else.
So each row of the tables in `CODED` carries HMAC-SHA256 under a key that is not in the database (it lies there wrapped,
the keyring opens it), over canonical JSON (RFC 8785: an object of texts, lists of texts and nulls) of its columns. The
key is derived per program and table (HKDF-Expand, RFC 5869 section 2.3): a row copied to another program, or to another
table with the same columns, does not fit.

Covered is every column that the metadata knows, with these exceptions, each for a reason that stands in `LEFT_OUT`: the
code itself; sealed columns, which are bound to program, table, row, version and patient by their own encryption (the
version is covered, so an older sealed value put beside it does not open) and are sealed anew, unchanged in meaning, when
a key rotates; and what moves without an act. A test walks the metadata and turns red for a column nobody placed.

A row with no code is refused like one with a wrong code. What this alone cannot see, a whole row put back as it once
was, is left to the trail: see `service/store/standing.py`.
"""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, Connection, Row, Select, Table, Update, bindparam, select, update

from service.errors import IntegrityError
from service.store.tables.consent import consent, consent_recipient, consent_ruling, consent_signature
from service.store.tables.custody import legal_hold, shredding
from service.store.tables.findings import finding
from service.store.tables.identity import account, credential, session
from service.store.tables.people import recipient, relationship
from service.store.tables.programs import program
from service.store.tables.rights import restriction
from service.store.types import SealedBytes

CODE: Final = "mac"
#: Tables whose rows decide, in the order in which a sweep looks at them.
CODED: Final[tuple[Table, ...]] = (
    program,
    account,
    credential,
    session,
    relationship,
    consent,
    consent_recipient,
    consent_signature,
    consent_ruling,
    restriction,
    recipient,
    legal_hold,
    shredding,
    finding,
)
SEALED_REASON: Final = "sealed: bound to program, table, row, version and patient by its own encryption"
_REFOUND: Final = (
    "changes with the key of the indexes; whom it leads to is opened and compared with who was asked for"
)
#: Columns in the clear that the code leaves out, and why.
LEFT_OUT: Final[Mapping[tuple[str, str], str]] = {
    ("session", "last_used_at"): "moves with every use, without an act; it only ever shortens a session",
    ("account", "username_index"): (
        "changes with the key of the indexes; the name itself stands in the sealed profile, which a sign-in compares"
    ),
    ("account", "index_key"): "names the key of the user name's index",
    ("recipient", "index_key"): "names the key of the two indexes",
    ("recipient", "name_index"): _REFOUND,
    ("recipient", "npi_index"): _REFOUND,
}
#: Rows remembered as fitting, before all are forgotten.
_KEPT: Final = 2048
#: Under this name a process's engine carries the codes to every connection that it opens.
OPTION: Final = "row_codes"


@cache
def covered(table: Table) -> tuple[Column[Any], ...]:
    """The columns under the code of this table's rows."""
    return tuple(
        column
        for column in table.c
        if column.name != CODE
        and not isinstance(column.type, SealedBytes)
        and (table.name, column.name) not in LEFT_OUT
    )


@cache
def with_code(table: Table) -> tuple[Column[Any], ...]:
    """What a statement reads that is to check a row: the columns under its code, and the code."""
    return (*covered(table), table.c[CODE])


def _text_of_instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def _text_of_bytes(value: bytes | memoryview) -> str:
    return base64.b64encode(value).decode("ascii")


#: By exact type: a value of any other type has no text here, and is refused rather than guessed.
_TEXTS: Final[Mapping[type, Callable[[Any], Any]]] = {
    str: str,
    UUID: str,
    datetime: _text_of_instant,
    date: date.isoformat,
    bool: lambda value: "true" if value else "false",
    int: str,
    bytes: _text_of_bytes,
    memoryview: _text_of_bytes,
    list: lambda value: [str(one) for one in value],
    type(None): lambda _value: None,
}
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class RowCodes:
    """Makes and checks codes under one key. One per process; safe to share between threads."""

    __slots__ = ("_key_of", "_lock", "_seen")

    def __init__(self, secret: bytes) -> None:
        def derive(program_id: UUID, table: str) -> bytes:
            parts = (b"consentry row code 1", program_id.bytes, table.encode())
            info = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
            return hmac.digest(secret, info + b"\x01", hashlib.sha256)

        self._key_of = lru_cache(maxsize=4096)(derive)
        #: Codes that fitted, with the values they fitted: what fitted once fits for ever, and the account and session
        #: of a busy caller need not be computed with each call.
        self._seen: dict[tuple[str, bytes], tuple[Any, ...]] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return "<RowCodes>"

    def code(self, table: Table, values: Mapping[str, Any]) -> bytes:
        """The code of a row with these values, by column; KeyError when a covered column is not among them."""
        members = {name: _TEXTS[type(values[name])](values[name]) for name in _names(table)}
        key = self._key_of(values["id" if table is program else "program_id"], table.name)
        return hmac.digest(key, _ENCODER.encode(members).encode(), hashlib.sha256)

    def fits(self, table: Table, values: Mapping[str, Any]) -> bool:
        """Whether a row, its code included, is as the service wrote it."""
        if values[CODE] is None:
            return False
        try:
            stored = bytes(values[CODE])
            of = (table.name, stored)
            plain = tuple(values[name] for name in _names(table))
            if self._seen.get(of) == plain:
                return True
            if not hmac.compare_digest(stored, self.code(table, values)):
                return False
            self._keep(of, plain)
            return True
        except (KeyError, AttributeError, TypeError, ValueError, OverflowError):
            return False  # a value that no row of ours has

    def _keep(self, of: tuple[str, bytes], plain: tuple[Any, ...]) -> None:
        with self._lock:
            if len(self._seen) >= _KEPT:
                self._seen.clear()
            self._seen[of] = plain


@cache
def _names(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in covered(table))


def values_of(table: Table, row: Row[Any]) -> dict[str, Any]:
    """A row that was read with the columns of `with_code`, by column."""
    return {column.name: getattr(row, column.name) for column in with_code(table)}


def codes_of(db: Connection) -> RowCodes:
    """The codes that this connection's engine carries. A process without the key cannot decide: it fails here."""
    found = db.get_execution_options().get(OPTION)
    if not isinstance(found, RowCodes):
        raise TypeError("this engine carries no row codes")
    return found


def coded(db: Connection, table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a new row with its code; a covered column that is not given is null."""
    whole = {**dict.fromkeys(_names(table)), **values}
    return {**values, CODE: codes_of(db).code(table, whole)}


def verified(db: Connection, table: Table, row: Row[Any]) -> Row[Any]:
    """The row itself, if its code fits; IntegrityError otherwise, whatever the cause."""
    check(db, table, values_of(table, row))
    return row


def check(db: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """IntegrityError unless these columns of a row, its code among them, are as the service wrote them."""
    if not codes_of(db).fits(table, values):
        raise IntegrityError


def change_row(db: Connection, table: Table, key: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
    """Change columns of the one row with this key, and its code with them; False when there is none.

    The row is read (and locked) first and has to fit: what somebody else wrote is never put under a fresh code. What
    the code then covers are the values checked just now and `changes`, not what a trigger made of them.
    """
    find, change = _changing(table, tuple(key), tuple(changes))
    row = db.execute(find, {f"the_{name}": value for name, value in key.items()}).one_or_none()
    if row is None:
        return False
    whole = {**values_of(table, verified(db, table, row)), **changes}
    db.execute(
        change,
        {
            **{f"the_{name}": value for name, value in key.items()},
            **{f"new_{name}": value for name, value in changes.items()},
            "new_code": codes_of(db).code(table, whole),
        },
    )
    return True


@lru_cache(maxsize=128)
def _changing(table: Table, key: tuple[str, ...], changes: tuple[str, ...]) -> tuple[Select[Any], Update]:
    where = [table.c[name] == bindparam(f"the_{name}", type_=table.c[name].type) for name in key]
    new = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in changes}
    find = select(*with_code(table)).where(*where).with_for_update()
    return find, update(table).where(*where).values(**new, **{CODE: bindparam("new_code")})
