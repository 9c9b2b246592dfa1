"""The bytes of an entry: every column is in the leaf, and no two different rows have the same leaf."""

import base64
import hashlib
import hmac
import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from service.ledger.entry import (
    COLUMNS,
    MAC_COLUMNS,
    SET_BY_DATABASE,
    Entry,
    Value,
    canonical,
    leaf_bytes,
    mac,
    mac_is_right,
    mac_payload,
    text_of,
)
from service.ledger.merkle import leaf_hash
from service.store.tables.ledger import audit_entry
from tests.ledger_entries import some_entries, some_entry, stored

KEY = bytes(range(32))


def test_the_column_list_is_the_table() -> None:
    assert tuple(column.name for column in audit_entry.columns) == COLUMNS
    assert tuple(field.name for field in fields(Entry)) == MAC_COLUMNS
    assert set(COLUMNS) - set(MAC_COLUMNS) == SET_BY_DATABASE | {"mac"}


def test_every_column_is_a_member_of_the_leaf() -> None:
    leaf = json.loads(leaf_bytes(stored(some_entry(), KEY)))
    assert set(leaf) == set(COLUMNS)
    for column in COLUMNS:
        row = dict(stored(some_entry(), KEY))
        del row[column]
        with pytest.raises(KeyError):
            leaf_bytes(row)


@given(st.dictionaries(st.sampled_from(COLUMNS), st.one_of(st.none(), st.text())))
def test_the_encoding_is_that_of_rfc_8785(members: dict[str, str | None]) -> None:
    assert canonical(members) == rfc8785.dumps(members)


def test_texts_of_values() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    assert text_of(datetime(2026, 3, 1, 5, 30, 0, 7, tzinfo=east)) == "2026-03-01T00:00:00.000007Z"
    assert text_of(datetime(2026, 3, 1, tzinfo=UTC)) == "2026-03-01T00:00:00.000000Z"
    assert text_of(UUID(int=10)) == "00000000-0000-0000-0000-00000000000a"
    assert text_of(b"\xff\xfe") == text_of(memoryview(b"\xff\xfe")) == "//4="
    assert text_of(7) == "7"
    assert text_of(None) is None
    assert text_of("null") == "null"


def test_the_mac_is_hmac_sha256_over_what_the_application_sets() -> None:
    entry = some_entry()
    assert mac(entry, KEY) == hmac.new(KEY, mac_payload(entry), hashlib.sha256).digest()
    assert set(json.loads(mac_payload(entry))) == set(MAC_COLUMNS)
    row = stored(entry, KEY)
    assert mac_is_right(row, KEY)
    assert not mac_is_right(row, bytes(32))
    assert not mac_is_right({**row, "mac": None}, KEY)
    for column in MAC_COLUMNS:
        assert not mac_is_right({**row, column: "x"}, KEY), column


def flips(value: Value) -> list[Value]:
    """The value with one bit flipped, as each stored form allows;

    Null against the empty text and the reverse.
    """
    match value:
        case None:
            return ["", "null", 0]
        case UUID():
            return [UUID(int=value.int ^ (1 << bit)) for bit in range(0, 128, 5)]
        case datetime():
            return [value + timedelta(microseconds=1 << bit) for bit in range(0, 40, 3)]
        case bytes() | memoryview():
            raw = bytes(value)
            return [bytes([*raw[:at], raw[at] ^ (1 << at % 8), *raw[at + 1 :]]) for at in range(len(raw))]
        case int():
            return [value ^ (1 << bit) for bit in range(31)]
        case str():
            changed: list[Value] = [value + " ", None]
            for at, character in enumerate(value):
                changed.extend(
                    value[:at] + chr(ord(character) ^ (1 << bit)) + value[at + 1 :] for bit in range(7)
                )
            return changed


def test_one_flipped_bit_in_any_column_of_500_entries_shows_in_the_leaf() -> None:
    """Every column of every entry is watched: the leaf changes with any single bit."""
    tried = 0
    for number, entry in enumerate(some_entries(500)):
        row = stored(entry, KEY, number)
        kept = leaf_hash(leaf_bytes(row))
        for column in COLUMNS:
            choices = flips(row[column])
            for changed in {choices[(number * 7 + step) % len(choices)] for step in range(3)}:
                assert leaf_hash(leaf_bytes({**row, column: changed})) != kept, (column, changed)
                tried += 1
    assert tried > 500 * len(COLUMNS)


def test_a_byte_moved_between_neighbouring_fields_shows() -> None:
    row = dict(stored(some_entry(), KEY))
    moved = {**row, "action": f"{row['action']}{str(row['outcome'])[:1]}", "outcome": str(row["outcome"])[1:]}
    assert leaf_bytes(moved) != leaf_bytes(row)


def test_a_row_read_as_text_gives_the_same_bytes_as_one_read_typed() -> None:
    row = stored(some_entry(), KEY)
    as_text = {column: text_of(value) for column, value in row.items()}
    assert leaf_bytes(as_text) == leaf_bytes(row)
    assert mac_is_right(as_text, KEY)
    assert base64.b64decode(str(as_text["mac"])) == row["mac"]
