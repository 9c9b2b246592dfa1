"""Appending an entry: one INSERT in the transaction of the act, and nothing else.

No lock, no look at a predecessor, no position: a chain whose every writer waits for the one before drops to
a tenth of the throughput (`make bench` shows it), so order and tree are left to the sequencer. What makes
the entry ours is its MAC, under a key that is not in the database; what ties it to the act is that they
commit together.
"""

from sqlalchemy import Connection

from service.ledger.entry import Entry, mac
from service.ledger.records import insert_entry


def append(db: Connection, entry: Entry, mac_key: bytes) -> None:
    """Write `entry` in the current transaction.

    A database error means that the act must not happen either.
    """
    insert_entry(db, {**entry.values(), "mac": mac(entry, mac_key)})
