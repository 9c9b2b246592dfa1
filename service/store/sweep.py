"""Looking at every row that decides, and giving a code to each where there was none.

Both run in the tenancy of one program at a time, as the application's role: what row-level security hides is another
program's, and looked at there. Rows come through a cursor, so that memory does not grow with the database.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, Select, Table, Update, bindparam, func, null, select, tuple_, update

from service.store.rowcodes import CODE, CODED, RowCodes, values_of, with_code
from service.store.standing import newest_version
from service.store.tables.consent import consent
from service.store.tables.custody import legal_hold, shredding
from service.store.tables.findings import finding, patient_watch
from service.store.tables.identity import account, credential, session
from service.store.tables.intake import safety_flag
from service.store.tables.ledger import audit_entry
from service.store.tables.people import patient, recipient, relationship
from service.store.tables.people_care import episode
from service.store.tables.programs import program
from service.store.tables.record import attachment, record_item
from service.store.tables.rights import restriction

#: What the trail calls the rows that have a version, by table: each change stands there with the new one, and no row is
#: ever deleted. With these the look compares every row, whether it carries a code or not.
KNOWN_TO_THE_TRAIL: Final[Mapping[str, Table]] = {
    **{
        table.name: table
        for table in (
            account,
            relationship,
            consent,
            restriction,
            credential,
            recipient,
            legal_hold,
            shredding,
            patient,
            safety_flag,
            finding,
            patient_watch,
            episode,
            attachment,
        )
    },
    "item": record_item,
}
_BATCH: Final = 500
_STREAM: Final = {"yield_per": _BATCH}
_KNOWN: Final = (
    select(
        audit_entry.c.object_id,
        audit_entry.c.object_kind,
        func.max(audit_entry.c.object_version).label("newest"),
    )
    .where(
        audit_entry.c.program_id == func.current_program(),
        audit_entry.c.object_version.is_not(None),
        audit_entry.c.object_id >= bindparam("id"),  # the part of the next that an index answers
        tuple_(audit_entry.c.object_id, audit_entry.c.object_kind)
        > tuple_(bindparam("id"), bindparam("kind")),
    )
    .group_by(audit_entry.c.object_id, audit_entry.c.object_kind)
    .order_by(audit_entry.c.object_id, audit_entry.c.object_kind)
    .limit(bindparam("most"))
)
_PROGRAMS = select(program.c.id).order_by(program.c.id)


class Fault(StrEnum):
    """What is wrong with a row."""

    NO_CODE = "it carries no code: nobody who has the key wrote it"
    ALTERED = "its code does not fit: it was changed, moved or forged"
    OLDER = "the trail knows of a later version: an older row was put back"
    DELETED = "the trail knows of it, and it is gone"


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that is not as the service left it."""

    table: str
    key: str
    fault: Fault


class Known(NamedTuple):
    """A thing as the trail knows it: what it is called there, and its newest version."""

    id: UUID
    kind: str
    newest: int


BEGINNING: Final = Known(UUID(int=0), "", 0)


def programs_of(db: Connection) -> list[UUID]:
    """The programs there are, by id; the service's own is not among them."""
    return list(db.execute(_PROGRAMS).scalars())


def count_rows(db: Connection) -> int:
    """How many rows a look at this program has before it."""
    return sum(db.execute(_counting(table)).scalar_one() for table in CODED)


def look(db: Connection, codes: RowCodes, seen: Callable[[int], None]) -> Iterator[BadRow]:
    """Every bad row of the program of this transaction; `seen` hears how many rows were looked at since it last did."""
    for table in CODED:
        for row in db.execute(looking(table), execution_options=_STREAM):
            seen(1)
            if (bad := look_at(codes, table, row)) is not None:
                yield bad
    after = BEGINNING
    while page := known_to_the_trail(db, after, _BATCH):
        yield from against_the_trail(db, page)
        after = page[-1]


def look_at(codes: RowCodes, table: Table, row: Row[Any]) -> BadRow | None:
    """What is wrong with a row that `looking` found, if anything is."""
    fault = _fault(codes, table, row)
    return None if fault is None else BadRow(table.name, _key_of(table, row), fault)


def known_to_the_trail(db: Connection, after: Known, most: int) -> Sequence[Known]:
    """The next things that have a version in the program's trail, by id and kind, with the newest of each."""
    found = db.execute(_KNOWN, {"id": after.id, "kind": after.kind, "most": most})
    return [Known(row.object_id, row.object_kind, row.newest) for row in found]


def against_the_trail(db: Connection, known: Iterable[Known]) -> Iterator[BadRow]:
    """Those of these things whose row is gone, or older than the trail says."""
    by_kind: dict[str, list[Known]] = {}
    for one in known:
        by_kind.setdefault(one.kind, []).append(one)
    for kind, ones in by_kind.items():
        table = KNOWN_TO_THE_TRAIL.get(kind)
        if table is None:
            continue
        there = {
            row.id: row.version for row in db.execute(_versions(table), {"ids": [one.id for one in ones]})
        }
        for one in ones:
            if one.id not in there:
                yield BadRow(table.name, str(one.id), Fault.DELETED)
            elif there[one.id] < one.newest:
                yield BadRow(table.name, str(one.id), Fault.OLDER)


def adopt(db: Connection, codes: RowCodes) -> dict[str, int]:
    """Give every row of this program that has no code its code; how many, by table. Whoever calls this vouches for
    them.
    """
    adopted: dict[str, int] = {}
    for table in CODED:
        rows = db.execute(_uncoded(table)).all()
        for at in range(0, len(rows), _BATCH):
            db.execute(_giving(table), [_given(codes, table, row) for row in rows[at : at + _BATCH]])
        if rows:
            adopted[table.name] = len(rows)
    return adopted


@cache
def _versions(table: Table) -> Select[UUID, int]:
    return select(table.c.id, table.c.version).where(table.c.id.in_(bindparam("ids", expanding=True)))


def _fault(codes: RowCodes, table: Table, row: Any) -> Fault | None:
    if row.mac is None:
        return Fault.NO_CODE
    if not codes.fits(table, values_of(table, row)):
        return Fault.ALTERED
    ended = table is session and row.newest is not None and row.ended_at is None
    return Fault.OLDER if ended else None


def _key_of(table: Table, row: Any) -> str:
    return " ".join(str(getattr(row, column.name)) for column in table.primary_key)


def _given(codes: RowCodes, table: Table, row: Any) -> dict[str, Any]:
    key = {f"the_{column.name}": getattr(row, column.name) for column in table.primary_key}
    return {**key, "new_code": codes.code(table, values_of(table, row))}


@cache
def _counting(table: Table) -> Select[Any]:
    return _own(table, select(func.count()).select_from(table))


@cache
def looking(table: Table) -> Select[Any]:
    """The rows of a table in the order of their keys, with what `look_at` needs."""
    newest = newest_version(table.c.id) if table is session else null()
    return _own(table, select(*with_code(table), newest.label("newest")).order_by(*table.primary_key))


@cache
def _uncoded(table: Table) -> Select[Any]:
    return _own(table, select(*with_code(table)).where(table.c[CODE].is_(None)))


@cache
def _giving(table: Table) -> Update:
    key = [column == bindparam(f"the_{column.name}", type_=column.type) for column in table.primary_key]
    return update(table).where(*key).values(**{CODE: bindparam("new_code")})


def _own(table: Table, statement: Select[Any]) -> Select[Any]:
    """Programs are hidden from nobody: of them, the one whose tenancy this is."""
    return statement.where(table.c.id == func.current_program()) if table is program else statement
