"""Key stores behind one small protocol: what wraps data keys, and nothing else about it.

The file (`keyring`) is the default and answers within the process. The others leave it: their calls take
milliseconds or never come back, so none of them is made while a transaction is open (`units`). Their libraries are
optional, so a provider's module is loaded only where a deployment names it.
"""

from datetime import datetime
from typing import Protocol

from service.config import Settings
from service.vault import keyring
from service.vault.epoch import EpochInfo


class Kms(Protocol):
    """Wraps 256-bit keys under epochs that never leave it. Ids of epochs are 16 bytes of our own.

    `wrap` and `unwrap` authenticate `bound_to`; whatever was wrapped elsewhere, for something else, or damaged is an
    IntegrityError; KmsUnavailable means that the same call may succeed later.
    """

    @property
    def name(self) -> str:
        """The provider's name in the configuration."""
        ...

    @property
    def remote(self) -> bool:
        """Whether its calls leave the process; such calls are never made inside a transaction."""
        ...

    @property
    def active_id(self) -> bytes:
        """The epoch that wraps new keys. Never leaves the process."""
        ...

    def knows(self, kek_id: bytes) -> bool:
        """Whether keys wrapped under this epoch can be tried at all. Never leaves the process."""
        ...

    def wrap(self, secret: bytes, bound_to: bytes) -> tuple[bytes, bytes]:
        """(id of the epoch used, wrapped secret)."""
        ...

    def unwrap(self, kek_id: bytes, wrapped: bytes, bound_to: bytes) -> bytes:
        """What was wrapped under this epoch for exactly `bound_to`."""
        ...

    def check(self) -> None:
        """KmsUnavailable unless keys can be wrapped and unwrapped now."""
        ...

    def begin_epoch(self, now: datetime) -> bytes:
        """Make a new KEK and make it the active one; its id."""
        ...

    def end_epoch(self, kek_id: bytes) -> None:
        """Destroy a KEK for good; nothing if it is gone already. ValueError for the active one."""
        ...

    def epochs(self) -> tuple[EpochInfo, ...]:
        """All epochs there are, oldest first. Never leaves the process."""
        ...


def open_kms(settings: Settings) -> Kms:
    """The key store of this deployment; VaultSealed, with a sentence for the operator, when it cannot be used."""
    return keyring.load(settings.keyring)
