"""Data keys: what they are for, how they are bound to their owner, how long a process keeps them unwrapped.

A key belongs to one owner: (purpose, program, patient or none). The owner is bound into the wrapping, so that
a row of `vault_key` moved to another patient, program or purpose does not unwrap.
"""

import hashlib
import hmac
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 16
#: How everything sealed begins: the version of the format, and the suite AES-256-GCM.
FORMAT: Final = b"\x01\x01"


class Purpose(StrEnum):
    """What one key does. Keys are never shared between purposes."""

    PATIENT = "patient"  # seals what is about one patient
    PROGRAM = "program"  # seals what is about no single patient
    INDEX = "index"  # blind indexes and keyed hashes of one program
    SERVICE = "service"  # seals for the service itself
    LEDGER_MAC = "ledger_mac"
    ROW_MAC = "row_mac"  # codes of rows that decide (store/rowcodes.py)
    LEDGER_SIGNING = "ledger_signing"
    TOKEN_SIGNING = "token_signing"  # noqa: S105 -- the name of a purpose


class KeyState(StrEnum):
    NEXT = "next"  # of an index: looked for already, nothing is written under it yet
    ACTIVE = "active"  # seals and opens
    RETIRED = "retired"  # opens only
    SHREDDED = "shredded"  # a tombstone; the wrapped key is gone


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose key."""

    purpose: Purpose
    program_id: UUID
    patient_id: UUID | None = None


def bound_to(owner: Owner, key_id: bytes) -> bytes:
    """The associated data of a wrapped key: purpose, program, patient, key id, each length-prefixed."""
    patient = owner.patient_id.bytes if owner.patient_id else b""
    parts = (owner.purpose.value.encode(), owner.program_id.bytes, patient, key_id)
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def new_key_id() -> bytes:
    return os.urandom(KEY_ID_BYTES)


def new_secret() -> bytes:
    return os.urandom(KEY_BYTES)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class DataKey:
    """One unwrapped 256-bit key. Keeps the cipher object (building one costs as much as sealing), never
    prints.
    """

    id: bytes
    secret: bytes
    cipher: AESGCM = field(init=False)
    #: The first 18 bytes of what is sealed under it: version, suite and id. Who looks for a key by them has checked
    #: all three.
    start: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cipher", AESGCM(self.secret))
        object.__setattr__(self, "start", FORMAT + self.id)

    def __repr__(self) -> str:
        return f"<DataKey {self.id.hex()}>"

    def derive(self, *context: str) -> bytes:
        """A 32-byte key for one use, by HKDF-Expand (RFC 5869 section 2.3) with HMAC-SHA256, one block.

        The secret is uniformly random, so the extract step is not needed (section 3.3). The context is
        length-prefixed: no two lists of parts give the same bytes.
        """
        info = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in context)
        return hmac.digest(self.secret, info + b"\x01", hashlib.sha256)


@dataclass(frozen=True, slots=True)
class KeySet:
    """All usable keys of one owner, oldest first: every one opens, the active one (if any) seals. `searched`: those
    besides it that blind indexes may be under.
    """

    active: DataKey | None
    by_start: Mapping[bytes, DataKey]
    searched: tuple[DataKey, ...] = ()


def key_set(
    keys: Iterable[DataKey], active: DataKey | None = None, searched: tuple[DataKey, ...] = ()
) -> KeySet:
    """These keys of one owner; `active`: the one that seals."""
    return KeySet(active, {key.start: key for key in keys}, searched)


class KeyCache:
    """Unwrapped keys by owner: bounded (least recently used goes first) and short-lived.

    The age counts from loading, not from last use: a key shredded by another worker is forgotten here after
    at most `seconds`, however busy its patient is.
    """

    def __init__(self, *, size: int, seconds: float, ticks: Callable[[], float]) -> None:
        self._size = size
        self._seconds = seconds
        self._ticks = ticks
        self._entries: OrderedDict[Owner, tuple[float, KeySet]] = OrderedDict()
        self._lock = threading.Lock()
        #: Raised when everything was forgotten: what was read before that must not be kept after it.
        self.generation = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, owner: Owner) -> KeySet | None:
        with self._lock:
            entry = self._entries.get(owner)
            if entry is None:
                return None
            if self._ticks() >= entry[0]:
                del self._entries[owner]
                return None
            self._entries.move_to_end(owner)
            return entry[1]

    def put(self, owner: Owner, keys: KeySet, *, generation: int | None = None) -> None:
        """Keep `keys`, unless everything was forgotten since `generation`, when they were looked for."""
        with self._lock:
            if generation is not None and generation != self.generation:
                return
            self._entries[owner] = (self._ticks() + self._seconds, keys)
            self._entries.move_to_end(owner)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def evict(self, owner: Owner) -> None:
        with self._lock:
            self._entries.pop(owner, None)

    def clear(self) -> None:
        """Forget everything, and what is being looked for at this moment too."""
        with self._lock:
            self.generation += 1
            self._entries.clear()
