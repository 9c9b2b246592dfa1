"""No nonce is used twice under one key: over everything a filled database holds, and over many seals in one process."""

import os
from collections.abc import Iterable
from uuid import UUID

import pytest
from sqlalchemy import select

from service.store.base import metadata
from service.vault.envelope import seal_bytes
from service.vault.keys import DataKey, new_key_id, new_secret
from service.vault.places import PLACES
from tests.house import Service
from tests.integration.disclosure.office import SPECIFIC, Office

#: In `make test` at a size that fits; in `make battery` at full size.
pytestmark = pytest.mark.battery
SEALS = 10_000_000 if os.environ.get("CONSENTRY_BATTERY") == "1" else 100_000


def _key_and_nonce(envelope: bytes) -> bytes:
    return envelope[2:30]


def _doubled(pairs: Iterable[bytes]) -> tuple[int, int]:
    """(how many there are, how many were there before)."""
    seen: set[bytes] = set()
    many = 0
    for pair in pairs:
        many += 1
        seen.add(pair)
    return many, many - len(seen)


def _dump(program_id: UUID, service: Service) -> list[bytes]:
    found: list[bytes] = []
    for place in PLACES:
        table = metadata.tables[place.table.name]
        columns = [table.c[name] for name in place.table.columns]
        rows = service.unit(
            lambda db, table=table, columns=columns: db.execute(
                select(*columns).where(table.c.program_id == program_id)
            ).all()
        )
        found += [_key_and_nonce(value.envelope) for row in rows for value in row if value is not None]
    return found


def test_a_filled_database_holds_no_nonce_twice(service: Service) -> None:
    office = Office(service)
    for _ in range(10):
        office.chart()
    office.signed(SPECIFIC)
    office.disclose(office.clinic)
    many, doubled = _doubled(_dump(service.program_id, service))
    assert many > 100
    assert doubled == 0
    print(f"{many} sealed values in the database, 0 nonces used twice")


def test_many_seals_under_one_key_use_no_nonce_twice() -> None:
    key = DataKey(new_key_id(), new_secret())
    many, doubled = _doubled(seal_bytes(key, b"place", b"")[18:30] for _ in range(SEALS))
    assert (many, doubled) == (SEALS, 0)
    print(f"{SEALS:,} seals under one key, 0 nonces used twice")


def test_a_nonce_used_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    key, drawn = DataKey(new_key_id(), new_secret()), iter([b"a" * 12, b"b" * 12, b"a" * 12])
    monkeypatch.setattr("service.vault.envelope.os.urandom", lambda _: next(drawn))
    assert _doubled(_key_and_nonce(seal_bytes(key, b"place", b"")) for _ in range(3)) == (3, 1)
