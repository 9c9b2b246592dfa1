"""Synthetic audit entries for tests and benches: varied, repeatable, about nobody."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.ledger.entry import Entry, Row, mac

START = datetime(2026, 2, 16, 8, tzinfo=UTC)
TREE = UUID("01950f5e-0000-7000-8000-000000000001")


def some_entries(count: int, tree: UUID = TREE, seed: int = 1, start: datetime = START) -> Iterator[Entry]:
    """`count` entries that differ in every column;

    Optional columns are present in some and absent in others.
    """
    chance = random.Random(seed)

    def some_id() -> UUID:
        return UUID(int=chance.getrandbits(128), version=4)

    def perhaps() -> UUID | None:
        return some_id() if chance.random() < 0.6 else None

    for number in range(count):
        yield Entry(
            id=some_id(),
            tree=tree,
            program_id=tree,
            occurred_at=start + timedelta(microseconds=number * 1_234_567),
            actor_kind=chance.choice(["staff", "patient", "requester", "system"]),
            actor_id=perhaps(),
            session_id=perhaps(),
            action=chance.choice(["patient.read", "consent.revoke", "disclosure.create", "session.refuse"]),
            outcome=chance.choice(["permit", "partial", "deny"]),
            purpose=chance.choice(["TREAT", "HPAYMT", None]),
            object_kind=chance.choice(["patient", "consent", None]),
            object_id=perhaps(),
            object_version=chance.choice([None, 1, 2, 70_000]),
            patient_id=perhaps(),
            consent_id=perhaps(),
            recipient_id=perhaps(),
            basis=chance.choice([None, "B01", "B20"]),
            policy_set=f"{chance.getrandbits(256):064x}",
            policies=chance.choice(["[]", '["R-01","C-07"]']),
            detail=chance.choice(["{}", '{"withheld":3}', '{"reason":"consent_revoked"}']),
            payload_hash=chance.randbytes(32) if chance.random() < 0.5 else None,
            request_id=f"req-{chance.getrandbits(64):016x}",
        )


def some_entry(seed: int = 1) -> Entry:
    return next(some_entries(1, seed=seed))


def stored(entry: Entry, key: bytes, number: int = 0) -> Row:
    """The row as the table would hold it, with what the database adds."""
    recorded = entry.occurred_at + timedelta(microseconds=321)
    return {**entry.values(), "recorded_at": recorded, "xid": str(1000 + number), "mac": mac(entry, key)}


class Key:
    """The log's key of these tests, as the sequencer wants it."""

    def __init__(self) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
        self.public_key = self._private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)
