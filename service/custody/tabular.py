"""The trail as CSV (RFC 4180), safe to open in a spreadsheet.

A program for spreadsheets takes a cell that begins with one of `= + - @`, a tab or a line break for a formula and runs
it; the request id and a few codes come from outside. Such a cell begins with an apostrophe here (OWASP, CSV injection).
"""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from service.custody.entry import StoredEntry

#: The header line, in this order. Times are RFC 3339 in UTC; `policies` and `detail` are JSON.
COLUMNS: Final = (
    "id", "tree", "recorded_at", "occurred_at", "actor_kind", "actor_id", "session_id", "action", "outcome", "purpose",
    "object_kind", "object_id", "object_version", "patient_id", "consent_id", "recipient_id", "basis", "policy_set",
    "policies", "detail", "request_id",
)  # fmt: skip
_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def header() -> bytes:
    return _lines([COLUMNS])


def rows(entries: Iterable[StoredEntry]) -> bytes:
    """One line for each entry, ended by CR LF; a cell with a comma, quote or line break is quoted."""
    return _lines([_cell(getattr(entry, name)) for name in COLUMNS] for entry in entries)


def _lines(table: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(table)
    return text.getvalue().encode()


def _cell(value: datetime | UUID | int | str | None) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    text = str(value)
    return f"'{text}" if text.startswith(_DANGEROUS) else text
