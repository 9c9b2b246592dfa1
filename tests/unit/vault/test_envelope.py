"""Sealed rows: they open where they were sealed, and nowhere else."""

import json
import os
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import Code, IntegrityError
from service.store.types import Sealed, SealedBytes
from service.vault import envelope
from service.vault.envelope import RowKey, SealedTable, open_row, seal_row
from service.vault.keys import DataKey
from tests.showing import Counted

PATIENTS = SealedTable("patient", ("demographics", "note"))
ELSEWHERE = SealedTable("patientd", ("emographics", "demographics", "note"))
KEY = DataKey(bytes(range(16)), bytes(range(32)))
KEYS = {KEY.start: KEY}
ROW = RowKey(UUID(int=1), UUID(int=2), 1, UUID(int=3))
SECRET = {"family_name": "Testperson-Canary"}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcäß\u0000", max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
row_keys = st.builds(RowKey, st.uuids(), st.uuids(), st.integers(0, 2**31), st.none() | st.uuids())


def sealed_one(value: object = SECRET, row: RowKey = ROW, key: DataKey = KEY) -> Sealed:
    return seal_row(key, PATIENTS, row, {"demographics": value})["demographics"]


def refused(
    sealed: Sealed, row: RowKey = ROW, table: SealedTable = PATIENTS, column: str = "demographics"
) -> str:
    with pytest.raises(IntegrityError) as refusal:
        open_row(KEYS, table, row, {column: sealed})
    assert refusal.value.__cause__ is None
    assert refusal.value.code is Code.INTEGRITY
    return f"{refusal.value.code} {refusal.value.detail} {refusal.value.args} {refusal.value.extra}"


@given(value=json_values, row=row_keys)
def test_what_is_sealed_opens_as_it_was(value: object, row: RowKey) -> None:
    sealed = seal_row(KEY, PATIENTS, row, {"demographics": value, "note": "x"})
    assert open_row(KEYS, PATIENTS, row, sealed) == {"demographics": value, "note": "x"}


def test_the_format_is_the_published_one() -> None:
    one = sealed_one(value="ab").envelope
    assert one[:2] == b"\x01\x01"
    assert one[2:18] == KEY.id
    assert len(one) == 2 + 16 + 12 + len(b'"ab"') + 16


def test_the_associated_data_are_the_published_ones() -> None:
    """A second implementation, from the description alone, opens what ours sealed."""
    one = sealed_one().envelope
    parts = [
        ROW.program_id.bytes,
        b"patient",
        b"demographics",
        ROW.row_id.bytes,
        (1).to_bytes(8, "big"),
        UUID(int=3).bytes,
    ]
    context = one[:30] + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    assert KEY.cipher.decrypt(one[18:30], one[30:], context) == b'{"family_name":"Testperson-Canary"}'


@pytest.mark.parametrize("value", ["", 'a"b\\c/\x00\x1f\n\x7f\u2028é数\U0001f600', {"b": ["ä"], "a": None}])
def test_what_is_sealed_is_the_json_of_the_standard_library(value: object) -> None:
    """Whoever reads the page opens it with any JSON reader, whichever writer was faster."""
    plain = envelope.open_bytes(KEYS, b"place", envelope.seal_bytes(KEY, b"place", envelope.json_of(value)))
    assert plain == json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def test_what_is_nested_deeply_opens_too() -> None:
    value: list[object] = []
    for _ in range(400):
        value = [value]
    assert open_row(KEYS, PATIENTS, ROW, {"demographics": sealed_one(value)}) == {"demographics": value}


def test_an_absent_value_opens_as_none() -> None:
    assert open_row(KEYS, PATIENTS, ROW, {"demographics": None}) == {"demographics": None}


def test_only_listed_columns_are_sealed_or_opened() -> None:
    with pytest.raises(KeyError):
        seal_row(KEY, PATIENTS, ROW, {"state": "active"})
    with pytest.raises(KeyError):
        open_row(KEYS, PATIENTS, ROW, {"state": sealed_one()})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", {1, 2}, "\ud800"])
def test_what_json_cannot_hold_is_not_sealed(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        sealed_one(value)


@pytest.mark.shows("O-29")
def test_every_flipped_bit_is_refused_and_all_refusals_are_one(counted: Counted) -> None:
    whole = sealed_one().envelope
    messages: set[str] = set()
    for position in range(len(whole)):
        for bit in range(8):
            bent = bytearray(whole)
            bent[position] ^= 1 << bit
            messages.add(refused(Sealed(bytes(bent))))
    assert len(messages) == 1
    assert "Canary" not in messages.pop()
    counted("bits of an envelope flipped", 8 * len(whole))


@pytest.mark.shows("O-29")
def test_every_truncation_and_extension_is_refused() -> None:
    whole = sealed_one().envelope
    for end in range(len(whole)):
        refused(Sealed(whole[:end]))
    refused(Sealed(whole + b"\x00"))
    refused(Sealed(b"\x00" + whole))
    refused(Sealed(b""))


@pytest.mark.parametrize(
    "other",
    [
        replace(ROW, program_id=UUID(int=9)),
        replace(ROW, row_id=UUID(int=9)),
        replace(ROW, version=2),
        replace(ROW, version=0),
        replace(ROW, patient_id=UUID(int=9)),
        replace(ROW, patient_id=None),
        replace(ROW, row_id=ROW.program_id, program_id=ROW.row_id),
    ],
)
def test_a_value_moved_to_another_row_is_refused(other: RowKey) -> None:
    refused(sealed_one(), row=other)
    refused(sealed_one(row=other))


@pytest.mark.shows("O-29")
def test_a_value_moved_to_another_column_or_table_is_refused() -> None:
    refused(sealed_one(), column="note")
    refused(sealed_one(), table=ELSEWHERE)
    # "patient"+"demographics" and "patientd"+"emographics" are the same letters: only the lengths tell them
    # apart.
    refused(sealed_one(), table=ELSEWHERE, column="emographics")


@given(first=row_keys, second=row_keys)
def test_no_two_places_are_the_same(first: RowKey, second: RowKey) -> None:
    sealed = sealed_one(row=first)
    if first == second:
        assert open_row(KEYS, PATIENTS, second, {"demographics": sealed})["demographics"] == SECRET
    else:
        refused(sealed, row=second)


@pytest.mark.shows("O-29")
def test_swapped_nonces_are_refused() -> None:
    first, second = sealed_one().envelope, sealed_one().envelope
    refused(Sealed(first[:18] + second[18:30] + first[30:]))


def test_a_key_that_is_not_the_owners_is_refused() -> None:
    other = DataKey(os.urandom(16), os.urandom(32))
    refused(sealed_one(key=other))
    refused(sealed_one(key=DataKey(KEY.id, os.urandom(32))))  # same id, other key


def test_a_nonce_never_comes_twice() -> None:
    seals = 100_000
    nonces = {seal_row(KEY, PATIENTS, ROW, {"note": ""})["note"].envelope[18:30] for _ in range(seals)}
    assert len(nonces) == seals


def test_equal_values_look_different() -> None:
    assert sealed_one().envelope[30:] != sealed_one().envelope[30:]


def test_key_ids_are_what_the_envelopes_claim() -> None:
    assert envelope.starts({"a": sealed_one(), "b": None, "c": Sealed(b"")}) == {b"\x01\x01" + KEY.id, b""}


def test_nothing_secret_prints() -> None:
    sealed = sealed_one()
    shown = f"{sealed!r} {sealed} {KEY!r} {KEY} {[sealed, KEY]!r}"
    assert KEY.secret.hex() not in shown
    assert repr(KEY.secret) not in shown
    assert repr(sealed.envelope) not in shown


@pytest.mark.parametrize("plaintext", ["text", b"bytes", 7])
def test_a_sealed_column_takes_nothing_but_sealed_values(plaintext: object) -> None:
    with pytest.raises(TypeError):
        SealedBytes().process_bind_param(plaintext, None)  # type: ignore[arg-type]


@settings(max_examples=200)
@given(noise=st.binary(max_size=80))
def test_noise_is_refused(noise: bytes) -> None:
    refused(Sealed(noise))
    refused(Sealed(b"\x01\x01" + KEY.id + noise))
