"""What a key store is to the vault: it wraps data keys under epochs. An *epoch* is one key-encryption key (KEK)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from service.errors import Code, StartRefused, Unavailable

ID_BYTES: Final = 16


class VaultSealed(StartRefused):
    """The keys cannot be used as they are; the service must stay shut. `detail` is for the operator."""


class KmsUnavailable(Unavailable):
    """The key store does not answer or does not permit it now: 503, and the same later may succeed."""

    def __init__(self, *, retry_after: int = 2) -> None:
        super().__init__(
            Code.SEALED, "The keys cannot be reached now. Nothing was changed.", retry_after=retry_after
        )


@dataclass(frozen=True, slots=True)
class EpochInfo:
    """One epoch as an operator may see it. `reference`: what the key store calls it; "" for the file."""

    id: bytes
    created: datetime
    active: bool
    reference: str = ""


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
