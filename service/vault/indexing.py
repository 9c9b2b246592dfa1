"""The keys of one program's blind indexes and keyed hashes at one moment, and what they make of a value.

While the key is being replaced there are two that count. Something is written under the active one alone, and looked
for under every one that something may still be under: so a thing is found whichever of the two it is under, and
whichever was active for the process that wrote it (`reindexing` says why that suffices). What cannot be computed again,
because the value behind it is nowhere, is looked for under every key that was ever kept.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import rfc8785

from service.errors import IntegrityError
from service.vault import blindindex
from service.vault.envelope import Json
from service.vault.keys import DataKey, KeySet

_HASH: Final = "consentry payload hash 1"


@dataclass(frozen=True, slots=True, repr=False)
class IndexKeys:
    """`searched`: the active key first, then those that values may be under that are computed again (the next one, and
    the one before until nothing is under it). `kept`: the active key first, then all others there are.
    """

    program_id: UUID
    active: DataKey
    searched: tuple[DataKey, ...]
    kept: tuple[DataKey, ...]

    @property
    def id(self) -> bytes:
        """The id of the key that is written under now: 16 bytes."""
        return self.active.id

    def value(self, table: str, name: str, value: str) -> bytes:
        """The index value to write, 16 bytes, of a value that is normalised already."""
        return _value(self.active, self.program_id, table, name, value)

    def sought(self, table: str, name: str, value: str) -> Sequence[bytes]:
        """The index values to look for, the one to write first."""
        return [_value(key, self.program_id, table, name, value) for key in self.searched]

    def ever(self, table: str, name: str, value: str) -> Sequence[bytes]:
        """The same under every key that is kept, for what is not computed again when the key changes."""
        return [_value(key, self.program_id, table, name, value) for key in self.kept]

    def hash(self, value: Json) -> bytes:
        """HMAC-SHA256 over RFC 8785 JSON, 32 bytes, under the active key."""
        return _hash(self.active, self.program_id, value)

    def hashes(self, value: Json) -> Sequence[bytes]:
        """The same under every key that is kept: a hash of this value is one of them, however old it is."""
        return [_hash(key, self.program_id, value) for key in self.kept]


def of(program_id: UUID, keys: KeySet) -> IndexKeys:
    """The index keys of a program; IntegrityError when none is active."""
    active = keys.active
    if active is None:
        raise IntegrityError
    others = tuple(key for key in reversed(tuple(keys.by_start.values())) if key is not active)
    return IndexKeys(program_id, active, (active, *keys.searched), (active, *others))


def _value(key: DataKey, program_id: UUID, table: str, name: str, value: str) -> bytes:
    return blindindex.blind(blindindex.index_key(key, program_id, table, name), value)


def _hash(key: DataKey, program_id: UUID, value: Json) -> bytes:
    return hmac.digest(key.derive(_HASH, str(program_id)), rfc8785.dumps(value), hashlib.sha256)
