"""The SQL of programs: what each one is called and how it is configured, by version."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, insert, select

from service.ids import ProgramId
from service.store.rowcodes import change_row, coded, verified
from service.store.tables.programs import program

_PROGRAM = select(program).where(program.c.id == bindparam("id"))
_PROGRAM_BY_KEY = select(program).where(program.c.key == bindparam("key")).with_for_update()
_PROGRAMS = (
    select(program).where(program.c.id > bindparam("after")).order_by(program.c.id).limit(bindparam("limit"))
)
_PROGRAMS_AT_ONCE = 200
_INSERT_PROGRAM = insert(program)


@dataclass(frozen=True, slots=True)
class StoredProgram:
    """A program row; `config` is canonical JSON of the program's description."""

    id: ProgramId
    key: str
    name: str
    config: str
    version: int
    changed_at: datetime


def program_document(db: Connection, program_id: UUID) -> tuple[str, int] | None:
    """A program's description and its version."""
    found = program_by_id(db, program_id)
    return None if found is None else (found.config, found.version)


def program_by_id(db: Connection, program_id: UUID) -> StoredProgram | None:
    row = db.execute(_PROGRAM, {"id": program_id}).one_or_none()
    return None if row is None else _program(db, row)


def program_by_key(db: Connection, key: str) -> StoredProgram | None:
    """The program with this key, locked: two descriptions applied at once follow each other."""
    row = db.execute(_PROGRAM_BY_KEY, {"key": key}).one_or_none()
    return None if row is None else _program(db, row)


def programs(db: Connection, after: UUID, limit: int) -> list[StoredProgram]:
    return [_program(db, row) for row in db.execute(_PROGRAMS, {"after": after, "limit": limit})]


def every_program(db: Connection) -> list[StoredProgram]:
    """All programs by id. Whole, before the caller enters one of them: from inside a program no other is seen."""
    found: list[StoredProgram] = []
    after = UUID(int=0)
    while page := programs(db, after, _PROGRAMS_AT_ONCE):
        found += page
        after = page[-1].id
    return found


def insert_program(db: Connection, made: StoredProgram, entry_id: UUID) -> None:
    db.execute(
        _INSERT_PROGRAM,
        coded(
            db,
            program,
            {
                "id": made.id,
                "key": made.key,
                "name": made.name,
                "config": made.config,
                "version": made.version,
                "changed_at": made.changed_at,
                "entry_id": entry_id,
            },
        ),
    )


def change_program(db: Connection, changed: StoredProgram, entry_id: UUID) -> None:
    change_row(
        db,
        program,
        {"id": changed.id},
        {
            "name": changed.name,
            "config": changed.config,
            "version": changed.version,
            "changed_at": changed.changed_at,
            "entry_id": entry_id,
        },
    )


def _program(db: Connection, row: Row[Any]) -> StoredProgram:
    verified(db, program, row)
    return StoredProgram(
        id=ProgramId(row.id),
        key=row.key,
        name=row.name,
        config=row.config,
        version=row.version,
        changed_at=row.changed_at,
    )
