"""Rotation of the keys of blind indexes, beside the serving processes, so that whatever is there is found throughout.

Five steps, each of which can be broken off and taken up again; what is left to do is always read from the database.

1. `announce`: every program, and the service itself, gets a key that is the `next` one. Nothing is written under it yet,
   but every process looks under it too from its next call on (`raise_mark`).
2. Wait until no process can be left that knows nothing of it (`settled` seconds).
3. `put_in_place`: the next key becomes the active one, the one before is retired. Processes that have heard write under
   the new key and those that have not under the old one; all of them look under both, so both find everything.
4. `sweep`: the keeper, a database role that can do nothing else, opens what an index is of, and computes it again under
   the new key. Each row says which key its indexes are under.
5. `finish`: once no process can be left that writes under the old key and nothing is found under it, it counts as empty
   and is no longer asked for. In the same step the database refuses whatever would still be written under it.

A user name is one person's throughout: who takes one locks all the values that it has, and looks under all of them.

The old key is kept: keyed hashes made with it are evidence, and what cannot be computed again is looked for under it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Engine

from service.errors import IntegrityError, Unavailable
from service.ids import SERVICE_PROGRAM
from service.store.session import in_unit_sync
from service.vault.envelope import Json, RowKey, SealedTable
from service.vault.indexing import IndexKeys
from service.vault.records import raise_mark
from service.vault.resealing import SETTLED_SECONDS
from service.vault.rotating.indexes import records
from service.vault.rotating.indexes.records import Again, IndexedRow
from service.vault.rotation import Ground, Progress, quietly
from service.vault.shredding import RecordDestroyed
from service.vault.units import run_unit_sync
from service.vault.vault import Vault

__all__ = ["SETTLED_SECONDS", "Again", "IndexedTable", "Swept", "announce", "finish", "put_in_place", "sweep"]

AT_ONCE: Final = 100
_TRIES: Final = 5
_NIL: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class IndexedTable:
    """A table with blind indexes, and how they are computed from what is sealed in a row.

    `columns`: the row's own, by name; or `terms`: rows of their own, one for each value.
    """

    sealed: SealedTable
    of_patient: bool = False
    of_service: bool = False
    columns: Callable[[IndexKeys, Mapping[str, Any]], Mapping[str, bytes | None]] | None = None
    terms: Callable[[IndexKeys, Mapping[str, Any]], Sequence[Again]] | None = None


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did. `damaged`: rows that did not open or whose indexes are of something else, by table: they stay
    as they are, and keep the old key from being declared empty.
    """

    done: int
    damaged: Mapping[str, tuple[UUID, ...]] = field(default_factory=dict[str, tuple[UUID, ...]])


def announce(
    ground: Ground, began_at: datetime, now: Callable[[], datetime], progress: Progress = quietly
) -> int:
    """Make the next key wherever the active one is older than the rotation; how many."""
    made, programs = 0, tuple(ground.programs())
    for number, program_id in enumerate(programs, 1):

        def make(db: Connection, vault: Vault, program_id: UUID = program_id) -> int:
            if not vault.create_next_index_key(db, program_id, now()):
                return 0
            raise_mark(db)
            return 1

        if ground.look(program_id, lambda db, one=program_id: _wants_next(db, one, began_at)):
            made += ground.act(program_id, "index", make)
        progress("keys announced", number, len(programs))
    return made


def announced_at(ground: Ground) -> datetime | None:
    """When the last of the next keys was made; None when there is none, so that there is nothing to wait for."""
    made = [
        ground.look(program_id, lambda db, one=program_id: records.next_made_at(db, one))
        for program_id in ground.programs()
    ]
    return max((one for one in made if one is not None), default=None)


def put_in_place(ground: Ground, now: Callable[[], datetime], progress: Progress = quietly) -> int:
    """Let every next key become the active one; how many."""
    put, programs = 0, tuple(ground.programs())
    for number, program_id in enumerate(programs, 1):

        def put_one(db: Connection, _vault: Vault, program_id: UUID = program_id) -> int:
            many = records.put_next_in_place(db, program_id, now())
            raise_mark(db)
            return many

        if ground.look(program_id, lambda db, one=program_id: records.next_made_at(db, one)):
            put += ground.act(program_id, "index", put_one)
        progress("keys put in place", number, len(programs))
    return put


def sweep(
    keeper: Engine,
    vault: Callable[[], Vault],
    tables: Sequence[IndexedTable],
    progress: Progress = quietly,
) -> Swept:
    """Compute again whatever is not under the active key. `vault` makes one that holds no key unwrapped yet."""
    total = sum(left_in(keeper).values())
    done, damaged = 0, dict[str, tuple[UUID, ...]]()
    for table in tables:
        swept = _sweep_table(keeper, vault(), table)
        done += swept.done
        damaged |= swept.damaged
        progress("rows indexed again", done, max(total, done))
    return Swept(done, damaged)


def left_in(keeper: Engine) -> Mapping[str, int]:
    """Index values under a replaced key, by table; tables without any are left out."""
    return {name: many for name, many in in_unit_sync(keeper, records.how_many_old).items() if many}


class _Left(Exception):
    """Something is under the old key: what was written in this transaction does not hold."""


def finish(keeper: Engine, now: datetime, *, settled: float = SETTLED_SECONDS) -> int | None:
    """Note the replaced keys as empty; how many, or None while something is or may yet come to be under one of them."""

    def note(db: Connection) -> int | None:
        emptied = records.note_emptied(db, retired_before=now - timedelta(seconds=settled), now=now)
        # after the keys are locked: what was being written under them is there to be seen now
        if any(records.how_many_left(db).values()):
            raise _Left
        return None if records.how_many_retired(db) else emptied

    try:
        return in_unit_sync(keeper, note)
    except _Left:
        return None


def _wants_next(db: Connection, program_id: UUID, began_at: datetime) -> bool:
    return records.is_older(db, program_id, began_at) and records.next_made_at(db, program_id) is None


def _sweep_table(keeper: Engine, vault: Vault, table: IndexedTable) -> Swept:
    done, damaged, last, failed = 0, list[UUID](), _NIL, 0
    while True:
        try:
            batch, bad = run_unit_sync(
                keeper, vault, lambda db, last=last: _sweep_batch(db, vault, table, last)
            )
        except Unavailable:
            failed += 1  # somebody held what it needed for too long, or the database is away
            vault.forget()
            if failed == _TRIES:
                raise
            continue
        done, damaged = done + len(batch) - len(bad), damaged + bad
        if not batch:
            break
        last = batch[-1].row_id
    return Swept(done, {table.sealed.name: tuple(damaged)} if damaged else {})


def _sweep_batch(
    db: Connection, vault: Vault, table: IndexedTable, last: UUID
) -> tuple[Sequence[IndexedRow], list[UUID]]:
    rows = records.rows_left(db, table.sealed.name, last, AT_ONCE)
    bad: list[UUID] = []
    for row in rows:
        try:
            if not _index_again(db, vault, table, row):
                bad.append(row.row_id)
        except IntegrityError:
            bad.append(row.row_id)
        except RecordDestroyed:
            continue  # its indexes went with it, or are going
    return rows, bad


def _index_again(db: Connection, vault: Vault, table: IndexedTable, row: IndexedRow) -> bool:
    place = RowKey(row.program_id, row.row_id, row.version, row.row_id if table.of_patient else None)
    keys = vault.index_keys(db, SERVICE_PROGRAM if table.of_service else row.program_id)
    (value,) = vault.open_row(db, table.sealed, place, row.sealed).values()
    opened: Mapping[str, Json] = value
    if table.terms is not None:
        return records.write_terms(db, row.row_id, table.terms(keys, opened), keys.id)
    if table.columns is not None:
        indexes = {**table.columns(keys, opened), "index_key": keys.id}
        records.write_columns(db, table.sealed.name, row.row_id, indexes)
    return True
