"""What the code of a row covers: every column the metadata knows, or a reason why not."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import ARRAY, Boolean, Column, Date, DateTime, Integer, LargeBinary, Table, Text, Uuid

from service.store.rowcodes import CODE, CODED, LEFT_OUT, RowCodes, covered, with_code
from service.store.types import SealedBytes

SECRET = bytes(range(32))
PLACES = [(table, column) for table in CODED for column in covered(table)]


def value_of(column: Column[Any], at: int) -> Any:
    """Some value of the column's type; another for another `at`."""
    made: dict[type, Any] = {
        Uuid: UUID(int=at + 1),
        Text: f"value {at}",
        Integer: at,
        Boolean: bool(at % 2),
        Date: date(2026, 1, 1 + at),
        DateTime: datetime(2026, 1, 1, 0, 0, at, tzinfo=UTC),
        LargeBinary: bytes([at]),
        ARRAY: [f"value {at}"],
    }
    return made[type(column.type)]


def row_of(table: Table) -> dict[str, Any]:
    return {column.name: value_of(column, 3) for column in covered(table)}


@pytest.mark.parametrize("table", CODED, ids=lambda table: table.name)
def test_every_column_is_covered_or_has_a_reason(table: Table) -> None:
    names = {column.name for column in covered(table)}
    sealed = {column.name for column in table.c if isinstance(column.type, SealedBytes)}
    left_out = {column for of, column in LEFT_OUT if of == table.name}
    assert names | sealed | left_out | {CODE} == set(table.c.keys())
    assert not names & (sealed | left_out | {CODE})
    # sealed columns are bound to the version of their row: where it changes, the code covers it
    assert not sealed or "version" in names or table.name in {"consent_signature", "consent_ruling"}
    assert "entry_id" in names


def test_what_is_left_out_exists_and_says_why() -> None:
    known = {(table.name, column.name) for table in CODED for column in table.c}
    assert set(LEFT_OUT) <= known
    assert all(len(reason) > 20 for reason in LEFT_OUT.values())


@pytest.mark.parametrize(("table", "column"), PLACES, ids=[f"{t.name}-{c.name}" for t, c in PLACES])
def test_another_value_in_any_covered_column_does_not_fit(table: Table, column: Column[Any]) -> None:
    codes, row = RowCodes(SECRET), row_of(table)
    row[CODE] = codes.code(table, row)
    assert codes.fits(table, row)
    assert not codes.fits(table, row | {column.name: value_of(column, 4)})
    assert not codes.fits(table, row | {column.name: None})


@pytest.mark.parametrize("table", CODED, ids=lambda table: table.name)
def test_no_code_another_key_or_another_table_does_not_fit(table: Table) -> None:
    codes, row = RowCodes(SECRET), row_of(table)
    row[CODE] = codes.code(table, row)
    assert not codes.fits(table, row | {CODE: None})
    assert not codes.fits(table, row | {CODE: b""})
    assert not RowCodes(SECRET[::-1]).fits(table, row)
    assert "SECRET" not in repr(codes)
    twin = table.to_metadata(type(table.metadata)(), name=f"{table.name}_twin")
    values = (
        {column.name: value_of(column, 3) for column in covered(twin)} | {"program_id": row.get("id")} | row
    )
    assert codes.code(twin, values) != row[CODE]


def test_the_code_of_a_known_row_does_not_change_with_the_program() -> None:
    """A release that computed it differently would refuse every row there is."""
    table = next(table for table in CODED if table.name == "session")
    code = RowCodes(SECRET).code(table, row_of(table))
    assert code.hex() == "abe9e827cae75dd6c9d13323f8638724be1e9256700c1684e4e5f58e0f5d2ce1"


def test_a_missing_column_or_a_value_of_no_known_type_is_no_row_of_ours() -> None:
    table = next(table for table in CODED if table.name == "account")
    codes, row = RowCodes(SECRET), row_of(table)
    row[CODE] = codes.code(table, row)
    assert not codes.fits(table, {name: value for name, value in row.items() if name != "roles"})
    assert not codes.fits(table, row | {"version": 3.0})
    assert {column.name for column in with_code(table)} == set(row)
