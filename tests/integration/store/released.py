"""A database as the last release left it: its own migrations, rows in every one of its tables, a signed ledger.

The rows come from the catalogue, not from today's tables: what a release had is what its migrations made. Two of every
three rows have every column set, the third has null wherever it may; keys lead to rows that are there. The ledger is
made by hand, position by position: entries of fourteen months, at the edges of months, and with ids that have no time.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from service.config import ROOT
from service.ids import SERVICE_PROGRAM, new_id
from service.ledger.checkpoint import Checkpoint, origin_of, sign
from service.ledger.entry import COLUMNS, leaf_bytes
from service.ledger.merkle import Frontier, leaf_hash
from tests.ledger_entries import Key, some_entries, stored

VERSION: Final = "0005"
ROWS: Final = 3
LEDGER_KEY: Final = bytes(range(32))
PROGRAM: Final = UUID(int=0x7001)
#: The edges between two months, to the millisecond; a leap day; years at whose turn the trail went on.
EDGES: Final = tuple(
    datetime.fromisoformat(text)
    for text in (
        "2025-12-31T23:59:59.999+00:00", "2026-01-01T00:00:00+00:00", "2024-02-29T23:59:59.999+00:00",
        "2024-03-01T00:00:00+00:00", "2019-12-31T23:59:59.999+00:00", "2020-01-01T00:00:00+00:00",
    )
)  # fmt: skip
_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, NULL), a.attnotnull,
       (SELECT f.confrelid::regclass::text FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = c.oid
           AND f.conkey = ARRAY[a.attnum])
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'alembic_version'
 ORDER BY c.relname, a.attnum
"""


def upgrade(db: Connection, version: str) -> None:
    """Bring the database to `version`, as its owner."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["connection"] = db
    command.upgrade(config, version)


def fill(root: psycopg.Connection[Any]) -> int:
    """Rows in every table of a database at `VERSION`; how many."""
    root.execute("SET session_replication_role = replica")
    tables: dict[str, list[tuple[str, str, bool, str | None]]] = {}
    for table, *column in root.execute(_COLUMNS):
        tables.setdefault(table, []).append(tuple(column))
    entries = _ledger(root)
    written = 0
    for table, columns in tables.items():
        if table.startswith("audit_"):
            continue
        for number in range(ROWS):
            row = {
                name: _value(table, name, kind, number, parent, entries)
                for name, kind, required, parent in columns
                if required or number != ROWS - 1
            }
            _insert(root, table, row)
            written += 1
    root.execute("UPDATE program SET id = %s, key = 'first' WHERE id = %s", [PROGRAM, _id("program", 0)])
    for table, columns in tables.items():
        if any(name == "program_id" for name, *_ in columns) and not table.startswith("audit_"):
            root.execute(f"UPDATE {table} SET program_id = %s", [PROGRAM])  # type: ignore[arg-type]
    return written + len(entries)


def _insert(root: psycopg.Connection[Any], table: str, row: dict[str, Any]) -> None:
    places = ", ".join(["%s"] * len(row))
    root.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", list(row.values()))  # type: ignore[arg-type]


def _id(table: str, number: int) -> UUID:
    return uuid5(PROGRAM, f"{table} {number}")


def _value(table: str, name: str, kind: str, number: int, parent: str | None, entries: list[UUID]) -> Any:
    if parent is not None:
        return _id(parent, number)
    if name == "entry_id":
        return entries[number]
    words = f"{table} {name} {number}"
    match kind:
        case "uuid":
            return _id(table if name == "id" else words, number)
        case "bytea":
            return words.encode() * 4
        case "integer" | "bigint":
            return number + 1
        case "boolean":
            return number % 2 == 0
        case "date":
            return EDGES[number].date()
        case "timestamp with time zone":
            return EDGES[number]
        case "text[]":
            return [words, "", "ü"]
        case "text" | "character varying":
            return words
        case other:
            raise ValueError(f"no value for {table}.{name}: {other}")


def _ids() -> Iterator[UUID]:
    """Of every month for more than a year, of both sides of an edge, of no time, and of times that cannot be."""
    first = datetime(2025, 9, 15, tzinfo=UTC)
    yield from (new_id(first + timedelta(days=30 * month)) for month in range(14))
    yield from (new_id(edge) for edge in EDGES)
    yield from (uuid4() for _ in range(3))
    yield from (new_id(datetime(1971, 1, 2, tzinfo=UTC)), new_id(datetime(2150, 5, 1, tzinfo=UTC)))
    yield UUID(int=0xFFFF_FFFF_FFFF_7FFF_BFFF << 48 | uuid4().int % 2**48)


def _ledger(root: psycopg.Connection[Any]) -> list[UUID]:
    """The trees of a program and of the service, each with three checkpoints; ids of the program's entries."""
    made: list[UUID] = []
    for tree, key in ((PROGRAM, "first"), (SERVICE_PROGRAM, "service")):
        frontier, ids = Frontier(), list(_ids())
        for position, (entry_id, drawn) in enumerate(
            zip(ids, some_entries(len(ids), tree, seed=len(key)), strict=True)
        ):
            row = stored(replace(drawn, id=entry_id, program_id=PROGRAM), LEDGER_KEY, position)
            hashed = leaf_hash(leaf_bytes(row))
            frontier = frontier.extended([hashed])
            _insert(root, "audit_entry", {name: row[name] for name in COLUMNS})
            leaf = {"tree": tree, "position": position, "entry_id": entry_id, "leaf_hash": hashed}
            _insert(root, "audit_leaf", leaf)
            if frontier.size in (1, 7, len(ids)):
                head = Checkpoint(origin_of("test", key), frontier.size, frontier.root())
                _insert(
                    root,
                    "audit_checkpoint",
                    {
                        "tree": tree,
                        "size": head.size,
                        "root": head.root,
                        "note": sign(head, Key()),
                        "signed_at": EDGES[0],
                    },
                )
        kept = {"size": frontier.size, "frontier": frontier.to_bytes(), "low_water": "1"}
        _insert(root, "audit_tree", {"tree": tree, **kept, "changed_at": EDGES[0]})
        if tree == PROGRAM:
            made = ids
    return made
