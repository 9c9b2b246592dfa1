"""How often each key was used to seal, so that none is used too often.

Nonces are 96 random bits: NIST SP 800-38D section 8.3 allows 2^32 values under one key. Ours are renewed at 2^28, where
the chance that two nonces of a key are equal is below 2^-41. Every process counts in memory and adds to the database
from time to time, rounded up; what a killed process had not added is covered by the room between `RENEWED_AT` and 2^28.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from service.vault.rotating import records

MOST_USES: Final = 1 << 28
#: Renewed this early: room for what no process has added yet.
RENEWED_AT: Final = MOST_USES - (1 << 26)
#: What is added is a multiple of this.
STEP: Final = 256


class Uses:
    """Values sealed in this process and not yet added. Safe between threads."""

    def __init__(self) -> None:
        self._counted: Counter[tuple[UUID, bytes]] = Counter()
        self._lock = threading.Lock()

    def add(self, program_id: UUID, key_id: bytes, values: int) -> None:
        with self._lock:
            self._counted[program_id, key_id] += values

    def of(self, program_id: UUID) -> Mapping[bytes, int]:
        """What was counted in a program, by key."""
        with self._lock:
            return {
                key_id: many for (program, key_id), many in self._counted.items() if program == program_id
            }

    def take_off(self, program_id: UUID, added: Mapping[bytes, int]) -> None:
        """Forget what was added to the database."""
        with self._lock:
            for key_id, many in added.items():
                self._counted[program_id, key_id] -= many
            self._counted = +self._counted


def flush(db: Connection, uses: Uses, program_id: UUID) -> int:
    """Add what was counted in a program, rounded up; how many keys that were.

    If the transaction is rolled back afterwards, this process counts on from less than it used: at most one flush.
    """
    counted = uses.of(program_id)
    for key_id, many in counted.items():
        records.add_uses(db, key_id, -(-many // STEP) * STEP)
    uses.take_off(program_id, counted)
    return len(counted)
