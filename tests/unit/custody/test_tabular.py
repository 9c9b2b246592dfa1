"""The trail as CSV: RFC 4180, and nothing a spreadsheet would run."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.custody.entry import StoredEntry
from service.custody.tabular import COLUMNS, header, rows

AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
ENTRY = StoredEntry(
    id=UUID(int=1), tree=UUID(int=2), occurred_at=AT, recorded_at=AT, actor_kind="staff", actor_id=None,
    session_id=None, action="patient.read", outcome="permit", purpose=None, object_kind="patient", object_id=None,
    object_version=3, patient_id=None, consent_id=None, recipient_id=None, basis=None, policy_set="set",
    policies='["a","b"]', detail='{"x":1}', request_id="request",
)  # fmt: skip


def _read(entry: StoredEntry) -> dict[str, str]:
    text = (header() + rows([entry])).decode()
    assert text.count("\r\n") >= 2
    names, values = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert tuple(names) == COLUMNS
    return dict(zip(names, values, strict=True))


def test_every_field_is_a_column_and_times_are_utc() -> None:
    fields = {name for name in StoredEntry.__slots__ if name != "position"}
    assert set(COLUMNS) == fields
    row = _read(ENTRY)
    assert row["recorded_at"] == "2026-06-01T12:00:00.000000Z"
    assert (row["policies"], row["detail"], row["object_version"]) == ('["a","b"]', '{"x":1}', "3")
    assert row["patient_id"] == ""


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula(begins: str) -> None:
    assert _read(replace(ENTRY, request_id=f"{begins}1+1"))["request_id"] == f"'{begins}1+1"


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")))
def test_whatever_stands_in_a_cell_is_read_back(text: str) -> None:
    read = _read(replace(ENTRY, request_id=text))["request_id"]
    assert read.removeprefix("'" if read != text else "") == text
    assert not read.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
