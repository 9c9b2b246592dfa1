"""Column builders used by all tables, so that tenancy, keys and the link to the ledger look the same everywhere."""

from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, Integer, LargeBinary, Uuid

from service.store.types import Sealed, SealedBytes


def uuid_column(name: str, *, nullable: bool = False, primary_key: bool = False) -> Column[UUID]:
    return Column(name, Uuid(), nullable=nullable, primary_key=primary_key)


def id_column() -> Column[UUID]:
    return uuid_column("id", primary_key=True)


def program_column() -> Column[UUID]:
    """The tenant; row-level security compares it with the transaction's `consentry.program`."""
    return uuid_column("program_id")


def entry_column() -> Column[UUID]:
    """The ledger entry of the act that last wrote this row; guarded by a deferred constraint trigger."""
    return uuid_column("entry_id")


def version_column() -> Column[int]:
    """Row version: part of the associated data of every sealed column, and the ETag."""
    return Column("version", Integer, nullable=False)


def instant(name: str, *, nullable: bool = False, **options: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable, **options)


def sealed(name: str, *, nullable: bool = False) -> Column[Sealed]:
    return Column(name, SealedBytes(), nullable=nullable)


def fingerprint(name: str, *, nullable: bool = False) -> Column[bytes]:
    """A keyed hash or blind index: tells nothing without the key."""
    return Column(name, LargeBinary, nullable=nullable)


def index_key_column() -> Column[bytes]:
    """Id of the key that the row's blind indexes are under. Null: not known, they are found by trying; or under none."""
    return fingerprint("index_key", nullable=True)


def code_column() -> Column[bytes]:
    """The code of a row that decides (`rowcodes.py`). Null is refused like a wrong one."""
    return fingerprint("mac", nullable=True)
