"""Rotation of data keys: a new active key for every owner, then every sealed value from the old keys to the new.

Three steps, each of which can be broken off and taken up again; what is left to do is always read from the database.

1. `renew`: in batches, each in a transaction of the application with its entry, the active key is retired (it opens,
   nothing more) and a new one made. Every process is told to forget what it holds unwrapped (`raise_mark`).
2. `sweep`: the keeper, a database role that can do nothing else, seals again what is under retired keys. A row that
   somebody is changing is left out and met again; one that was changed since it was read is not touched
   (compare-and-set on the old envelope), so no change is ever lost.
3. `finish`: a process that had not yet heard may have sealed with an old key for a while. Only when no such process
   can be left (`settled` seconds after the keys were retired) and nothing is found, the retired keys count as empty.

A retired key is kept: backups made before may need it. It goes when its patient's keys are destroyed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Engine

from service.errors import IntegrityError, Unavailable
from service.store.session import in_unit_sync
from service.vault.envelope import RowKey
from service.vault.places import PLACES, Place
from service.vault.records import raise_mark
from service.vault.rotating import records as keys
from service.vault.rotating.sealed import records
from service.vault.rotation import Ground, Progress, quietly
from service.vault.units import run_unit_sync
from service.vault.vault import CACHE_SECONDS, Vault

AT_ONCE: Final = 100
#: A process that heard of no mark forgets a key after this, and its transactions end soon after.
SETTLED_SECONDS: Final = CACHE_SECONDS + 60.0
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did. `damaged`: rows that did not open and stay as they are, by table."""

    done: int
    damaged: Mapping[str, tuple[UUID, ...]] = field(default_factory=dict[str, tuple[UUID, ...]])


def renew(
    ground: Ground,
    began_at: datetime,
    now: Callable[[], datetime],
    progress: Progress = quietly,
) -> int:
    """Give every owner whose key is older than the rotation a new one; how many."""
    made = 0
    for program_id in ground.programs():
        total = ground.look(program_id, lambda db, one=program_id: keys.how_many_renewable(db, one, began_at))
        done = 0

        def some(db: Connection, vault: Vault, program_id: UUID = program_id) -> int:
            owners = keys.renewable(db, program_id, began_at, AT_ONCE)
            renewed = sum(vault.renew(db, owner, now()) for owner in owners)
            if renewed:
                raise_mark(db)
            return renewed

        while done < total and (batch := ground.act(program_id, "data", some)):
            done += batch
            progress("keys renewed", done, max(total, done))
        made += done
    return made


def sweep(keeper: Engine, vault: Callable[[], Vault], progress: Progress = quietly) -> Swept:
    """Seal again whatever is under retired keys. `vault` makes one that holds no key unwrapped yet."""
    total = sum(left_in(keeper).values())
    sealed, damaged = 0, dict[str, tuple[UUID, ...]]()
    for place in PLACES:
        done = _sweep_place(keeper, vault(), place)
        sealed += done.done
        damaged |= done.damaged
        progress("values sealed again", sealed, max(total, sealed))
    return Swept(sealed, damaged)


def left_in(keeper: Engine) -> Mapping[str, int]:
    """Rows with a value under a retired key, by table; tables without any are left out."""

    def count(db: Connection) -> dict[str, int]:
        return {place.table.name: records.how_many_under_old_keys(db, place) for place in PLACES}

    return {name: many for name, many in in_unit_sync(keeper, count).items() if many}


def finish(keeper: Engine, now: datetime, *, settled: float = SETTLED_SECONDS) -> int | None:
    """Note the retired keys as empty; how many, or None while something is or may yet come to be under one of them."""

    def note(db: Connection) -> int | None:
        if any(records.how_many_under_old_keys(db, place) for place in PLACES):
            return None
        emptied = records.note_emptied(db, retired_before=now - timedelta(seconds=settled), now=now)
        return None if records.how_many_retired(db) else emptied

    return in_unit_sync(keeper, note)


def _sweep_place(keeper: Engine, vault: Vault, place: Place) -> Swept:
    sealed, damaged, last, failed = 0, list[UUID](), None, 0
    while True:
        try:
            batch, rows, bad = run_unit_sync(
                keeper, vault, lambda db, last=last: _sweep_batch(db, vault, place, last)
            )
        except Unavailable:
            failed += 1  # the key it seals with was itself retired meanwhile, or the database is away
            vault.forget()
            if failed == _TRIES:
                raise
            continue
        sealed, damaged = sealed + batch, damaged + bad
        if not rows:
            break
        last = rows[-1]
    return Swept(sealed, {place.table.name: tuple(damaged)} if damaged else {})


def _sweep_batch(
    db: Connection, vault: Vault, place: Place, last: records.SealedRow | None
) -> tuple[int, list[records.SealedRow], list[UUID]]:
    rows = list(records.under_old_keys(db, place, last, AT_ONCE))
    sealed, damaged = 0, list[UUID]()
    for row in rows:
        key = RowKey(row.program_id, row.row_id, row.version, row.patient_id)
        try:
            again = vault.seal_row_again(db, place.table, key, row.sealed)
        except IntegrityError:
            damaged.append(row.row_id)
            continue
        sealed += records.seal_instead(db, place, row, again)
    return sealed, rows, damaged
