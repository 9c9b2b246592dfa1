"""Identifiers: UUIDv7 (RFC 9562 section 5.7), made from an instant that is passed in.

Time-ordered ids keep index pages warm; 74 random bits keep them unguessable. Ids are the only names of people that
may appear in URLs, logs and the ledger.
"""

import secrets
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


def new_id(now: datetime) -> UUID:
    """A new UUIDv7 for the instant `now` (timezone-aware)."""
    milliseconds = int(now.timestamp() * 1000) & 0xFFFF_FFFF_FFFF
    random_bits = secrets.randbits(74)
    value = milliseconds << 80
    value |= 0x7 << 76
    value |= (random_bits >> 62) << 64
    value |= 0b10 << 62
    value |= random_bits & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=value)
