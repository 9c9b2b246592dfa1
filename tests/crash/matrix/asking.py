"""Asking the tables as their superuser."""

from typing import Any

import psycopg

Root = psycopg.Connection[Any]


def number(root: Root, query: str, *given: object) -> int:
    """The one number a query gives."""
    row = root.execute(query, given).fetchone()  # type: ignore[call-overload]
    assert row is not None
    return int(row[0])
