"""What is sealed, opened: every sealed column of every table, of all rows of one program."""

import json
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Table, select

from service.store.base import metadata
from service.store.types import SealedBytes
from service.vault.envelope import RowKey, SealedTable
from tests.house import Service

#: Sealed with the program's key though their rows name a patient, or none.
_PROGRAMS: Final = frozenset(
    {
        "account",
        "content_pack",
        "credential",
        "ledger_restore",
        "recipient",
        "record_request",
        "shredding",
        "staff_particulars",
    }
)


def sealed_columns() -> dict[str, tuple[str, ...]]:
    """The sealed columns of every table that has any."""
    found = {
        table.name: tuple(column.name for column in table.c if isinstance(column.type, SealedBytes))
        for table in metadata.sorted_tables
    }
    return {table: columns for table, columns in found.items() if columns}


def opened(service: Service) -> Iterator[tuple[str, str]]:
    """`table.column` and one value in it, as JSON text, for every sealed value of the program."""
    for name, columns in sealed_columns().items():
        for row in service.unit(lambda db, name=name: db.execute(rows_of(name, service.program_id)).all()):
            sealed = {column: getattr(row, column) for column in columns}
            values = service.unit(
                lambda db, name=name, row=row, sealed=sealed: service.house.state.mechanisms.vault.open_row(
                    db, SealedTable(name, tuple(sealed)), key_of(name, row), sealed
                )
            )
            for column, value in values.items():
                if sealed[column] is not None:
                    yield f"{name}.{column}", json.dumps(value, ensure_ascii=False)


def rows_of(name: str, program_id: UUID) -> Any:
    """The query of a program's rows of one table."""
    table: Table = metadata.tables[name]
    return select(table).where(table.c.program_id == program_id)


def key_of(table: str, row: Any) -> RowKey:
    """Where a row's values belong: former versions under the id of the thing, what never changes as version 1."""
    columns = row._mapping
    row_id = columns.get("id") or columns.get("item_id") or columns["patient_id"]
    patient_id = None if table in _PROGRAMS else row_id if table == "patient" else columns["patient_id"]
    return RowKey(row.program_id, row_id, columns.get("version", 1), patient_id)
