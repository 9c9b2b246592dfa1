"""What all remote key stores have in common: epochs in a file, keys outside, one context bound to every wrapping.

A provider does four things with a key it calls by a reference; everything that could be got wrong once for each of
them is here.
"""

import os
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol

from service.errors import IntegrityError
from service.vault.epoch import ID_BYTES, EpochInfo, KmsUnavailable
from service.vault.epochfile import EpochFile, Plan

_VERSION: Final = b"\x01"
_PROBE: Final = b"consentry probe"


class Provider(Protocol):
    """One key store. Raises KmsUnavailable for "not now", IntegrityError for "never"; nothing else."""

    def encrypt(self, reference: str, secret: bytes, context: bytes) -> bytes:
        """`secret` under the key `reference`, with `context` authenticated."""
        ...

    def decrypt(self, reference: str, sealed: bytes, context: bytes) -> bytes:
        """What `encrypt` was given."""
        ...

    def create_key(self, epoch_id: bytes) -> str:
        """Make a 256-bit key that cannot leave the store, and that an operator finds by the epoch's id."""
        ...

    def destroy_key(self, reference: str) -> None:
        """Make it unusable at once and for good; nothing if it is gone already."""
        ...


class RemoteKms:
    """A key store outside the process, as `Kms`."""

    remote = True

    def __init__(self, provider: Provider, file: EpochFile) -> None:
        self._provider = provider
        self._file = file

    @property
    def name(self) -> str:
        return self._file.plan.provider

    @property
    def active_id(self) -> bytes:
        return self._file.plan.active.id

    def knows(self, kek_id: bytes) -> bool:
        return self._file.plan.find(kek_id) is not None

    def epochs(self) -> tuple[EpochInfo, ...]:
        return tuple(sorted(self._file.plan.epochs, key=lambda epoch: epoch.created))

    def wrap(self, secret: bytes, bound_to: bytes) -> tuple[bytes, bytes]:
        epoch = self._file.stored().active
        sealed = self._provider.encrypt(epoch.reference, secret, _context(epoch.id, bound_to))
        return epoch.id, _VERSION + sealed

    def unwrap(self, kek_id: bytes, wrapped: bytes, bound_to: bytes) -> bytes:
        epoch = self._file.plan.find(kek_id)
        if epoch is None or wrapped[:1] != _VERSION:
            raise IntegrityError
        return self._provider.decrypt(epoch.reference, wrapped[1:], _context(kek_id, bound_to))

    def check(self) -> None:
        """A key store that wraps, unwraps, and refuses another context: one that ignores it would open moved rows."""
        secret, place = os.urandom(32), os.urandom(16)
        kek_id, wrapped = self.wrap(secret, _PROBE + place)
        try:
            same = self.unwrap(kek_id, wrapped, _PROBE + place) == secret
        except IntegrityError:
            raise KmsUnavailable from None
        if not same or self._opens(kek_id, wrapped, _PROBE):
            raise KmsUnavailable

    def begin_epoch(self, now: datetime) -> bytes:
        """The file is the commit point: a crash before it leaves a key in the store that nothing was wrapped under."""
        epoch_id = secrets.token_bytes(ID_BYTES)
        self._file.add(EpochInfo(epoch_id, now, True, self._provider.create_key(epoch_id)))
        return epoch_id

    def end_epoch(self, kek_id: bytes) -> None:
        """The key goes first: a crash after it leaves a line in the file, and ending it again removes that."""
        epoch = self._file.stored().find(kek_id)
        if epoch is None:
            return
        if epoch.active:
            raise ValueError("the active epoch cannot be ended")
        self._provider.destroy_key(epoch.reference)
        self._file.remove(kek_id)

    def _opens(self, kek_id: bytes, wrapped: bytes, bound_to: bytes) -> bool:
        try:
            self.unwrap(kek_id, wrapped, bound_to)
        except IntegrityError:
            return False
        return True


def first_plan(provider: Provider, name: str, settings: Mapping[str, str], now: datetime) -> Plan:
    """A key made in the store, as the first epoch of a new deployment."""
    epoch_id = secrets.token_bytes(ID_BYTES)
    return Plan(name, settings, (EpochInfo(epoch_id, now, True, provider.create_key(epoch_id)),))


def _context(kek_id: bytes, bound_to: bytes) -> bytes:
    return b"consentry wrap" + _VERSION + kek_id + bound_to
