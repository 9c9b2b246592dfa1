"""Whether everything that is sealed opens: every value of every table, with the keys there are.

After a restore, and whenever keys may have been lost: what a key that is gone takes with it is exactly the rows named
here. Nothing that was opened is kept or returned. The reading can be shared between processes (`part` of `parts`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine

from service.errors import IntegrityError
from service.store.session import enter_program, in_unit_sync
from service.vault.envelope import RowKey
from service.vault.needed import KeyNeeded
from service.vault.opening import records
from service.vault.places import PLACES, Place
from service.vault.rotation import Progress, quietly
from service.vault.shredding import RecordDestroyed
from service.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Opened:
    """How many rows opened, how many are of destroyed records, and the ids of those that fail, by table."""

    opened: int = 0
    destroyed: int = 0
    failed: Mapping[str, tuple[UUID, ...]] = field(default_factory=dict[str, tuple[UUID, ...]])

    def and_(self, other: "Opened") -> "Opened":
        tables = self.failed.keys() | other.failed.keys()
        failed = {name: self.failed.get(name, ()) + other.failed.get(name, ()) for name in sorted(tables)}
        return Opened(self.opened + other.opened, self.destroyed + other.destroyed, failed)


def open_all(
    engine: Engine,
    vault: Vault,
    programs: Iterable[UUID],
    *,
    part: int = 0,
    parts: int = 1,
    progress: Progress = quietly,
) -> Opened:
    """Open every sealed value of these programs, as the application's role: a program at a time, rows streamed."""
    total = Opened()
    for program_id in programs:

        def look(db: Connection, program_id: UUID = program_id, before: Opened = total) -> Opened:
            enter_program(db, str(program_id))
            for place in PLACES:
                before = before.and_(_place(db, vault, program_id, place, part, parts))
                progress("rows opened", before.opened, before.opened)
            return before

        total = in_unit_sync(engine, look)
    return total


def _place(db: Connection, vault: Vault, program_id: UUID, place: Place, part: int, parts: int) -> Opened:
    opened, destroyed, failed = 0, 0, list[UUID]()
    for named in records.sealed_rows(db, place, program_id, part, parts):
        row = RowKey(
            program_id,
            named[place.row],
            named[place.version] if place.version else 1,
            named[place.patient] if place.patient else None,
        )
        try:
            _open(db, vault, place, row, named)
        except RecordDestroyed:
            destroyed += 1
        except IntegrityError:
            failed.append(row.row_id)
        else:
            opened += 1
    return Opened(opened, destroyed, {place.table.name: tuple(failed)} if failed else {})


def _open(db: Connection, vault: Vault, place: Place, row: RowKey, named: Mapping[Any, Any]) -> None:
    """KeyNeeded is met here, and not by running the unit again: a table has more keys than a unit may miss."""
    sealed = {name: named[name] for name in place.table.columns}
    while True:
        try:
            vault.open_row(db, place.table, row, sealed)
        except KeyNeeded as needed:
            vault.fetch_sync(needed.wanted)
        else:
            return
