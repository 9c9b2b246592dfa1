"""What is known of the ledger's copies outside, how the ledger stands, and which restores were said to be ours."""

from sqlalchemy import BigInteger, Column, SmallInteger, Table, Text

from service.store.base import metadata
from service.store.columns import (
    entry_column,
    fingerprint,
    id_column,
    instant,
    program_column,
    sealed,
    uuid_column,
)

#: The newest checkpoint of a tree that an anchor has confirmed.
audit_anchor = Table(
    "audit_anchor",
    metadata,
    Column("anchor", Text, primary_key=True),
    uuid_column("tree", primary_key=True),
    Column("size", BigInteger, nullable=False),
    fingerprint("root"),
    instant("anchored_at"),
)

#: One row: how the ledger of this deployment stands. Its changes are acts of the service (`ledger.status`).
ledger_standing = Table(
    "ledger_standing",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    instant("since"),
    entry_column(),
)

#: A restore that an operator recorded, once for each tree that had gone on outside. What was abandoned stands in the
#: entry, which nobody without the ledger's key can write; why, for people, here.
ledger_restore = Table(
    "ledger_restore",
    metadata,
    id_column(),
    program_column(),
    uuid_column("tree"),
    instant("backup_time"),
    instant("restored_at"),
    sealed("reason"),
    entry_column(),
)
