"""The trail by month: partitions of `audit_entry` made ahead, and those past retention detached, never dropped.

An entry's id is a UUIDv7, whose first 48 bits are its time (RFC 9562 section 5.7), so the table is partitioned by range
of the id: the primary key stays the id alone, and every look-up by id opens one month. Ids of another time (a story's, a
test's, or those of months that nobody made in time) stand in the partition for the rest. What the database does is in
migration 0009; the reasons are in docs/decisions/0012.
"""

import re
from typing import Final

from sqlalchemy import Connection, Integer, Text, bindparam, column, func, select, text

#: Months beside the current one that exist before they are needed: a job that fails for a quarter loses nothing.
MONTHS_AHEAD: Final = 3
#: HIPAA asks for six years of documentation (45 CFR 164.316(b)(2)(i)) and of accounting (164.528(a)(1)); the database
#: itself refuses to detach anything younger.
LEAST_YEARS: Final = 6

_NAME: Final = re.compile(r"audit_entry_(?:other|[0-9]{4}_[0-9]{2})")
_AHEAD: Final = select(column("month", Text)).select_from(
    func.audit_months_ahead(bindparam("ahead", type_=Integer)).alias("month")
)
_DETACH: Final = select(column("month", Text)).select_from(
    func.audit_detach_months(bindparam("years", type_=Integer)).alias("month")
)
_ATTACHED: Final = text(
    "SELECT c.relname, s.n_live_tup FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
    "LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid "
    "WHERE i.inhparent = 'public.audit_entry'::regclass ORDER BY 1"
)
_DETACHED: Final = text(
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' "
    "AND NOT relispartition AND relname ~ '^audit_entry_[0-9]{4}_[0-9]{2}$' ORDER BY 1"
)


def is_partition(name: str) -> bool:
    """Whether a table is a part of the trail: it has no description of its own."""
    return _NAME.fullmatch(name) is not None


def make_ahead(db: Connection, months: int = MONTHS_AHEAD) -> tuple[str, ...]:
    """Make the current month and `months` after it where they are missing; the names of those made."""
    return tuple(str(name) for name in db.execute(_AHEAD, {"ahead": months}).scalars())


def detach_older(db: Connection, years: int) -> tuple[str, ...]:
    """Detach months that ended more than `years` ago (at least six); the names of those detached.

    Their rows stay where they are and are no longer part of the trail that is searched. Leaves and checkpoints stay, so
    proofs hold; the verifier goes on reading the detached tables.
    """
    return tuple(str(name) for name in db.execute(_DETACH, {"years": years}).scalars())


def attached(db: Connection) -> tuple[tuple[str, int], ...]:
    """(name, rows as the statistics estimate them) of every partition."""
    return tuple((str(name), int(rows or 0)) for name, rows in db.execute(_ATTACHED))


def detached(db: Connection) -> tuple[str, ...]:
    """Months that retention detached and nobody has moved away yet, oldest first."""
    return tuple(str(name) for name in db.execute(_DETACHED).scalars())
