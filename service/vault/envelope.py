"""Sealed values: AES-256-GCM envelopes bound to the exact place they are stored in.

    01 | suite | 16 B key id | 12 B nonce | ciphertext and 16 B tag

The associated data is that header followed by program, table, column, row id, row version and patient, each
with a 4-byte big-endian length. A value copied to another row, column, table, program, patient or version
therefore does not open, and neither does an older value put back after an update.

Nonces are 96 random bits (NIST SP 800-38D section 8.2.2): one key may seal 2^32 values before a collision
becomes likelier than 2^-32; a patient's key stays far below.

Callers name a `SealedTable` and a `RowKey`; they never assemble associated data themselves.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from pydantic_core import from_json, to_json

from service.errors import IntegrityError
from service.store.types import Sealed
from service.vault.keys import DataKey

#: A value that JSON can hold. Plain `Any` inside: what comes out of a sealed column is checked by its
#: concept.
Json = Any

#: For a suite that commits to its key. Nothing writes it, and nothing that says it is opened.
SUITE_COMMITTING_RESERVED: Final = 2

_START_ENDS: Final = 18
_HEADER_ENDS: Final = 30
_LONG: Final = 4_096

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False).encode
_decode = json.JSONDecoder().decode


def _prefixed(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


@dataclass(frozen=True, slots=True)
class SealedTable:
    """The sealed columns of one table; a column that is not listed cannot be sealed or opened."""

    name: str
    columns: tuple[str, ...]
    #: Column -> table and column as they go into the associated data.
    places: Mapping[str, bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        table = _prefixed(self.name.encode())
        places = {column: table + _prefixed(column.encode()) for column in self.columns}
        object.__setattr__(self, "places", places)


@dataclass(frozen=True, slots=True)
class RowKey:
    """One row at one version. `patient_id` None: about no single patient, sealed with the program's key."""

    program_id: UUID
    row_id: UUID
    version: int
    patient_id: UUID | None


def seal_bytes(key: DataKey, place: bytes, plaintext: bytes) -> bytes:
    """An envelope of these bytes, bound to `place`."""
    nonce = os.urandom(12)
    header = key.start + nonce
    return header + key.cipher.encrypt(nonce, plaintext, header + place)


def open_bytes(keys: Mapping[bytes, DataKey], place: bytes, envelope: bytes) -> bytes:
    """What was sealed for this place, else IntegrityError. `keys`: by their `start`.

    Version, suite and key are checked in one step: nothing else begins like a key of the owner. What is cut is refused
    by the cipher, which wants 8 bytes of nonce (ValueError) and a whole tag (InvalidTag).
    """
    try:
        return keys[envelope[:_START_ENDS]].cipher.decrypt(
            envelope[_START_ENDS:_HEADER_ENDS],
            # a view of what is long: copying it costs as much as a tenth of opening it
            memoryview(envelope)[_HEADER_ENDS:] if len(envelope) > _LONG else envelope[_HEADER_ENDS:],
            envelope[:_HEADER_ENDS] + place,
        )
    except (KeyError, ValueError, InvalidTag):
        raise IntegrityError from None


def seal_row(key: DataKey, table: SealedTable, row: RowKey, values: Mapping[str, Json]) -> dict[str, Sealed]:
    """Each value as JSON, sealed for its column. KeyError for a column not listed; TypeError or
    ValueError for what JSON cannot hold.
    """
    program, rest = _prefixed(row.program_id.bytes), _row_context(row)
    return {
        column: Sealed(seal_bytes(key, program + table.places[column] + rest, json_of(value)))
        for column, value in values.items()
    }


def open_row(
    keys: Mapping[bytes, DataKey], table: SealedTable, row: RowKey, sealed: Mapping[str, Sealed | None]
) -> dict[str, Json]:
    """What was sealed for exactly this place; an absent value opens as None.

    IntegrityError for every failure alike: damaged, cut, moved, older, of an unknown format, or of a key not
    ours.
    """
    program, rest = _prefixed(row.program_id.bytes), _row_context(row)
    values: dict[str, Json] = {}
    for column, value in sealed.items():
        place = table.places[column]
        values[column] = None if value is None else _open(keys, value.envelope, program + place + rest)
    return values


def seal_again(
    keys: Mapping[bytes, DataKey],
    active: DataKey,
    table: SealedTable,
    row: RowKey,
    sealed: Mapping[str, Sealed | None],
) -> dict[str, Sealed]:
    """What is under another key than `active`, under it: the same values for the same place, of the same length."""
    program, rest = _prefixed(row.program_id.bytes), _row_context(row)
    again: dict[str, Sealed] = {}
    for column, value in sealed.items():
        if value is None or value.envelope[:_START_ENDS] == active.start:
            continue
        place = program + table.places[column] + rest
        plaintext = open_bytes(keys, place, value.envelope)
        again[column] = Sealed(seal_bytes(active, place, plaintext))
    return again


def json_of(value: Json) -> bytes:
    """The value as JSON. Text, the one thing that is ever long, by the faster writer, in the same bytes; it takes more
    than JSON holds (dates, bytes), so nothing else goes there.
    """
    return to_json(value) if type(value) is str else _encode(value).encode()


def starts(sealed: Mapping[str, Sealed | None]) -> frozenset[bytes]:
    """How these envelopes begin, which says the keys they were sealed with (claims, until opened)."""
    return frozenset(value.envelope[:_START_ENDS] for value in sealed.values() if value is not None)


def _row_context(row: RowKey) -> bytes:
    patient = row.patient_id.bytes if row.patient_id else b""
    return _prefixed(row.row_id.bytes) + _prefixed(row.version.to_bytes(8, "big")) + _prefixed(patient)


def _open(keys: Mapping[bytes, DataKey], envelope: bytes, place: bytes) -> Json:
    plain = open_bytes(keys, place, envelope)
    try:
        # without its cache of strings, which would hold plaintext for the life of the process
        return from_json(plain, cache_strings="none")
    except ValueError:
        return _unusual(plain)


def _unusual(plain: bytes) -> Json:
    """What the faster reader does not take and the other does, such as 300 lists within each other."""
    try:
        return _decode(plain.decode())
    except ValueError:
        raise IntegrityError from None
