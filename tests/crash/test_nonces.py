"""No nonce is used twice under one key: over everything a filled database holds, and over many seals in one process.

At full size the database holds a million sealed fields and one key seals ten million times. Both are counted exactly:
what is looked at lies packed in 256 heaps by its last byte, each of which is then compared within itself, so that ten
million nonces take 12 bytes each and not a hundred.
"""

import os
import random
from collections.abc import Iterable, Iterator
from uuid import UUID

import pytest
from sqlalchemy import Connection, select

from service.store.base import metadata
from service.vault.envelope import RowKey, SealedTable, seal_bytes
from service.vault.keys import DataKey, new_key_id, new_secret
from service.vault.places import PLACES
from tests.house import Service
from tests.integration.disclosure.office import SPECIFIC, Office
from tests.showing import Counted

#: In `make test` at a size that fits; in `make battery` at full size.
pytestmark = [pytest.mark.battery, pytest.mark.shows("T10")]
FULL = os.environ.get("CONSENTRY_BATTERY") == "1"
SEALS = 10_000_000 if FULL else 100_000
#: Former versions of items beside what the service wrote, with two sealed fields each.
VERSIONS = 500_000 if FULL else 2_000
_AT_ONCE = 5_000
_ITEM = SealedTable("record_item_version", ("labels", "content"))


def _key_and_nonce(envelope: bytes) -> bytes:
    return envelope[2:30]


def _doubled(each: Iterable[bytes]) -> tuple[int, int]:
    """(how many there are, how many of them were there before). All of one length."""
    heaps, many, length = [bytearray() for _ in range(256)], 0, 1
    for one in each:
        heaps[one[-1]] += one
        many, length = many + 1, len(one)
    different = sum(len({bytes(part) for part in _parts(heap, length)}) for heap in heaps)
    return many, many - different


def _parts(heap: bytearray, length: int) -> Iterator[memoryview]:
    view = memoryview(heap)
    return (view[at : at + length] for at in range(0, len(heap), length))


def _dump(program_id: UUID, service: Service) -> Iterator[bytes]:
    for place in PLACES:
        table = metadata.tables[place.table.name]
        columns = [table.c[name] for name in place.table.columns]
        rows = service.unit(
            lambda db, table=table, columns=columns: db.execute(
                select(*columns).where(table.c.program_id == program_id)
            ).all()
        )
        for row in rows:
            yield from (_key_and_nonce(value.envelope) for value in row if value is not None)


def _more_versions(service: Service, item_id: str, patient_id: str, many: int) -> None:
    """So many former versions of an item, sealed by the vault for their places and put there by hand."""
    vault, item, patient = service.house.state.mechanisms.vault, UUID(item_id), UUID(patient_id)

    def sealed(db: Connection, versions: range) -> list[tuple[int, bytes, bytes]]:
        rows: list[tuple[int, bytes, bytes]] = []
        for version in versions:
            place = RowKey(service.program_id, item, version, patient)
            values = vault.seal_row(db, _ITEM, place, {"labels": ["SUD"], "content": "synthetic"})
            rows.append((version, values["labels"].envelope, values["content"].envelope))
        return rows

    with service.house.superuser() as root:
        root.execute("set session_replication_role = replica")  # no act made these
        root.execute("create temp table made (version int, labels bytea, content bytea)")
        for begin in range(1_000, 1_000 + many, _AT_ONCE):
            versions = range(begin, min(begin + _AT_ONCE, 1_000 + many))
            with root.cursor().copy("copy made from stdin") as copy:
                for row in service.unit(lambda db, versions=versions: sealed(db, versions)):
                    copy.write_row(row)
        root.execute(
            "insert into record_item_version (item_id, version, program_id, patient_id, state, author_id, labels,"
            " content, replaced_at, entry_id) select i.id, m.version, i.program_id, i.patient_id, i.state,"
            " i.author_id, m.labels, m.content, i.changed_at, i.entry_id from made m, record_item i where i.id = %s",
            [item],
        )


@pytest.mark.shows("O-29")
def test_a_filled_database_holds_no_nonce_twice(service: Service, counted: Counted) -> None:
    office = Office(service)
    for _ in range(10):
        office.chart()
    office.signed(SPECIFIC)
    office.disclose(office.clinic)
    _more_versions(service, office.items["attendance"], office.patient_id, VERSIONS)
    many, doubled = _doubled(_dump(service.program_id, service))
    assert many > 100 + 2 * VERSIONS
    assert doubled == 0
    counted("sealed fields compared in a database", many)


def test_many_seals_under_one_key_use_no_nonce_twice(counted: Counted) -> None:
    key = DataKey(new_key_id(), new_secret())
    many, doubled = _doubled(seal_bytes(key, b"place", b"")[18:30] for _ in range(SEALS))
    assert (many, doubled) == (SEALS, 0)
    counted("seals under one key compared", many)


def test_a_nonce_used_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    key, drawn = DataKey(new_key_id(), new_secret()), iter([b"a" * 12, b"b" * 12, b"a" * 12])

    def urandom(_: int) -> bytes:
        return next(drawn)

    monkeypatch.setattr("service.vault.envelope.os.urandom", urandom)
    assert _doubled(_key_and_nonce(seal_bytes(key, b"place", b"")) for _ in range(3)) == (3, 1)


def test_one_that_came_before_is_found_among_many() -> None:
    drawn = [os.urandom(12) for _ in range(20_000)]
    again = random.Random(7).sample(drawn, 3)
    assert _doubled([*drawn, *again]) == (20_003, 3)
