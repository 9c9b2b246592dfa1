"""What every key store says about its epochs, and how it refuses. An *epoch* is one key-encryption key (KEK)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

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
