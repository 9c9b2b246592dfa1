"""What a unit of work says when it misses a key that only a remote key store can give.

Not one of our errors, so that no operation takes it for a refusal: it ends the unit, whose transaction is rolled back
with everything it did. Whoever runs units (`units`) then fetches the key and runs the unit again.
"""

from dataclasses import dataclass

from service.vault.keys import Owner
from service.vault.records import WrappedKey


@dataclass(frozen=True, slots=True, repr=False)
class Wanted:
    """One key to fetch: `stored` is to be unwrapped; None: a new one for this owner is to be wrapped.

    `secret`: what the new key must be where it is not any 32 bytes (a signing key).
    """

    owner: Owner
    stored: WrappedKey | None
    secret: bytes | None = None

    def __repr__(self) -> str:
        return f"<Wanted {self.owner.purpose.value}>"


class KeyNeeded(Exception):
    """The unit cannot go on before the first of these is fetched, and will hardly get far without the others."""

    def __init__(self, *wanted: Wanted) -> None:
        super().__init__("a key has to be fetched")
        self.wanted = wanted
