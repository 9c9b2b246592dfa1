"""Where the vault gets unwrapped keys while a transaction is open.

From a key store within the process: by asking it. From a remote one: only what was fetched before, else `KeyNeeded`.
What is fetched is remembered by the very row it came from (owner, key id, wrapped bytes): a row that was moved, changed
or destroyed since finds nothing here. Bounded and short-lived like every cache of keys.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from service.errors import IntegrityError
from service.vault import wrapping
from service.vault.epoch import Kms
from service.vault.keys import Owner, new_key_id, new_secret
from service.vault.needed import KeyNeeded, Wanted
from service.vault.records import WrappedKey

#: New keys of one kind that are wrapped in one go.
AHEAD: Final = 8


@dataclass(frozen=True, slots=True, repr=False)
class Made:
    """A new key as its row will hold it."""

    key_id: bytes
    kek_id: bytes
    wrapped: bytes


class Source(Protocol):
    """Unwraps and makes keys; of these only `fetch` waits for anything outside the process."""

    def unwrap(self, owner: Owner, key: WrappedKey) -> bytes:
        """The key; IntegrityError when it does not unwrap as this owner's."""
        ...

    def make(self, owner: Owner, secret: bytes) -> Made:
        """A new key; `secret` is what to use unless one was wrapped ahead."""
        ...

    def lacks(self, owner: Owner, key: WrappedKey) -> bool:
        """Whether `unwrap` of this would have to wait for a `fetch`."""
        ...

    def fetch(self, wanted: Wanted) -> None:
        """Get what a unit missed; KmsUnavailable when the key store does not answer. Between transactions only."""
        ...

    def forget(self) -> None:
        """Drop everything held unwrapped."""
        ...


class LocalSource:
    """A key store within the process."""

    def __init__(self, kms: Kms) -> None:
        self._kms = kms

    def unwrap(self, owner: Owner, key: WrappedKey) -> bytes:
        return wrapping.unwrap(self._kms, owner, key)

    def make(self, owner: Owner, secret: bytes) -> Made:
        key_id = new_key_id()
        return Made(key_id, *wrapping.wrap(self._kms, owner, key_id, secret))

    def lacks(self, owner: Owner, key: WrappedKey) -> bool:
        return False

    def fetch(self, wanted: Wanted) -> None:
        """Nobody asks: this source has everything."""

    def forget(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True, repr=False)
class _Row:
    """Which stored key something was fetched for."""

    owner: Owner
    key_id: bytes
    kek_id: bytes
    wrapped: bytes


@dataclass(frozen=True, slots=True, repr=False)
class _Ahead:
    """A key that is wrapped and not yet anybody's."""

    made: Made
    secret: bytes


class RemoteSource:
    """A key store outside. `fetch` asks it and is called between transactions only; the rest never does."""

    def __init__(self, kms: Kms, *, size: int, seconds: float, ticks: Callable[[], float]) -> None:
        self._kms = kms
        self._size = size
        self._seconds = seconds
        self._ticks = ticks
        #: None: the key store refused this row for good.
        self._fetched: OrderedDict[_Row, tuple[float, bytes | None]] = OrderedDict()
        self._ahead: dict[Owner, deque[_Ahead]] = {}
        self._lock = threading.Lock()

    def unwrap(self, owner: Owner, key: WrappedKey) -> bytes:
        row = _row(owner, key)
        with self._lock:
            found = self._fetched.get(row)
            if found is None or self._ticks() >= found[0]:
                self._fetched.pop(row, None)
                raise KeyNeeded(Wanted(owner, key))
            if found[1] is None:
                del self._fetched[row]  # asked anew the next time: it may have been put right
                raise IntegrityError
            return found[1]

    def make(self, owner: Owner, secret: bytes) -> Made:
        anybodys = wrapping.may_be_ahead(owner)
        with self._lock:
            ready = self._ahead.get(wrapping.scope_of(owner) if anybodys else owner, deque())
            while ready:
                one = ready.popleft()
                if one.made.kek_id == self._kms.active_id:  # else an epoch began since
                    made = one.made
                    key = wrapping.derived(one.secret, owner, made.key_id) if anybodys else one.secret
                    self._remember(_Row(owner, made.key_id, made.kek_id, made.wrapped), key)
                    return made
        raise KeyNeeded(Wanted(owner, None, None if anybodys else secret))

    def lacks(self, owner: Owner, key: WrappedKey) -> bool:
        with self._lock:
            found = self._fetched.get(_row(owner, key))
            return found is None or self._ticks() >= found[0]

    def fetch(self, wanted: Wanted) -> None:
        if self._has(wanted):  # somebody else fetched it after this unit had missed it
            return
        if wanted.stored is None:
            self._make_ahead(wanted)
            return
        try:
            secret: bytes | None = wrapping.unwrap(self._kms, wanted.owner, wanted.stored)
        except IntegrityError:
            secret = None  # the unit finds out by itself, where it is recorded as what it is
        with self._lock:
            self._remember(_row(wanted.owner, wanted.stored), secret)

    def forget(self) -> None:
        with self._lock:
            self._fetched.clear()

    def _has(self, wanted: Wanted) -> bool:
        owner = wanted.owner
        with self._lock:
            if wanted.stored is None:
                ready = self._ahead.get(wrapping.scope_of(owner) if wrapping.may_be_ahead(owner) else owner)
                return bool(ready) and ready[-1].made.kek_id == self._kms.active_id
            found = self._fetched.get(_row(owner, wanted.stored))
            return found is not None and self._ticks() < found[0] and found[1] is not None

    def _make_ahead(self, wanted: Wanted) -> None:
        made: list[_Ahead] = []
        owner = wanted.owner
        if wanted.secret is not None:
            key_id = new_key_id()
            kek_id, wrapped = wrapping.wrap(self._kms, owner, key_id, wanted.secret)
            made.append(_Ahead(Made(key_id, kek_id, wrapped), wanted.secret))
        else:
            owner = wrapping.scope_of(owner)
            for _ in range(AHEAD):
                key_id, secret = new_key_id(), new_secret()
                kek_id, wrapped = wrapping.wrap_ahead(self._kms, owner, key_id, secret)
                made.append(_Ahead(Made(key_id, kek_id, wrapped), secret))
        with self._lock:
            self._ahead.setdefault(owner, deque()).extend(made)

    def _remember(self, row: _Row, secret: bytes | None) -> None:
        self._fetched[row] = (self._ticks() + self._seconds, secret)
        self._fetched.move_to_end(row)
        while len(self._fetched) > self._size:
            self._fetched.popitem(last=False)


def _row(owner: Owner, key: WrappedKey) -> _Row:
    return _Row(owner, key.key_id, key.kek_id, key.wrapped)
