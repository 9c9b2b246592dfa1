"""Identifiers: UUIDv7 (RFC 9562 section 5.7), made from an instant that is passed in.

Time-ordered ids keep index pages warm; at least 62 random bits keep them unguessable. Ids are the only names of people
that may appear in URLs, logs and the ledger.
"""

import secrets
import threading
from datetime import datetime
from typing import NewType
from uuid import UUID

ProgramId = NewType("ProgramId", UUID)
PatientId = NewType("PatientId", UUID)
AccountId = NewType("AccountId", UUID)
SessionId = NewType("SessionId", UUID)
EntryId = NewType("EntryId", UUID)
ItemId = NewType("ItemId", UUID)
ConsentId = NewType("ConsentId", UUID)
RecipientId = NewType("RecipientId", UUID)
DisclosureId = NewType("DisclosureId", UUID)

#: The service itself as a tenant: owner of the tree that holds sign-ins and administration.
SERVICE_PROGRAM = ProgramId(UUID("00000000-0000-7000-8000-000000000001"))


class _Within:
    """Counts the ids of one millisecond (RFC 9562 section 6.2, method 1), so that "newest first" is not chance."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._millisecond = -1
        self._count = 0

    def next(self, millisecond: int) -> int:
        """12 bits that rise within a millisecond, from a random start; a full count begins anew."""
        with self._lock:
            if millisecond == self._millisecond and self._count < 0xFFF:
                self._count += 1
            else:
                self._millisecond, self._count = millisecond, secrets.randbits(10)
            return self._count


_within = _Within()


def new_id(now: datetime) -> UUID:
    """A new UUIDv7 for the instant `now` (timezone-aware); of one process and millisecond, the later is the greater."""
    milliseconds = int(now.timestamp() * 1000) & 0xFFFF_FFFF_FFFF
    value = milliseconds << 80
    value |= 0x7 << 76
    value |= _within.next(milliseconds) << 64
    value |= 0b10 << 62
    value |= secrets.randbits(62)
    return UUID(int=value)
