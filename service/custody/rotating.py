"""Rotations as acts: each transaction that changes keys has an entry that says of what kind they were and how many.

How it is done stands in `vault/rotation` (the key-encryption key) and `vault/resealing` (the keys of patients and
programs); here it is decided and recorded.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Connection

from service.access.actions import Action
from service.access.program import Program
from service.errors import Code, Conflict
from service.ids import SERVICE_PROGRAM, new_id
from service.vault.counting import RENEWED_AT, flush
from service.vault.records import raise_mark
from service.vault.rotating import records
from service.vault.rotating.indexes import records as indexes
from service.vault.rotating.records import Rotation
from service.vault.vault import Vault
from service.work import Work

T = TypeVar("T")
OBJECT: Final = "key"
RENEWED_AT_ONCE: Final = 100


class Runs(Protocol):
    """Somebody who may rotate keys and runs units in any program: the operator at the console."""

    def act(self, unit: Callable[[Work], T], program: Program = ...) -> T: ...


class Acts:
    """The ground of a rotation (`vault/rotation.Ground`): looks freely, and records what it changes."""

    def __init__(self, runs: Runs, programs: Iterable[Program]) -> None:
        self._runs = runs
        self._programs: Mapping[UUID, Program] = {program.id: program for program in programs}

    def known(self) -> Iterable[Program]:
        """The programs it stands in."""
        return self._programs.values()

    def programs(self) -> Iterable[UUID]:
        return tuple(self._programs)

    def look(self, program_id: UUID, unit: Callable[[Connection], T]) -> T:
        return self._runs.act(lambda work: unit(work.db), self._programs[program_id])

    def act(self, program_id: UUID, what: str, unit: Callable[[Connection, Vault], int]) -> int:
        def rotate(work: Work) -> int:
            work.require(Action.KEY_ROTATE, object_kind=OBJECT)
            keys = unit(work.db, work.vault)
            _record(work, {"what": what, "step": "batch", "keys": keys})
            return keys

        return self._runs.act(rotate, self._programs[program_id])


def begin(work: Work, kind: str) -> Rotation:
    """The rotation of this kind that is under way, or a new one."""
    work.require(Action.KEY_ROTATE, object_kind=OBJECT)
    rotation_id = new_id(work.now)
    if records.begin(work.db, rotation_id, kind, work.now, work.entry_id):
        _record(work, {"what": kind, "step": "begin"}, rotation_id)
        return Rotation(rotation_id, kind, work.now, None, 0)
    under_way = records.open_rotation(work.db, kind)
    if under_way is None:
        raise Conflict(
            Code.VERSION_STALE, "Another process has just finished a rotation; ask again for a new one."
        )
    _record(work, {"what": kind, "step": "go_on"}, under_way.id)
    return under_way


def finished(work: Work, rotation: Rotation, done: int) -> None:
    """Write down that nothing is left under the old keys."""
    work.require(Action.KEY_ROTATE, object_kind=OBJECT)
    records.end(work.db, rotation.id, done, work.now, work.entry_id)
    _record(work, {"what": rotation.kind, "step": "end", "done": done}, rotation.id)


def count_and_renew(work: Work, *, limit: int = RENEWED_AT) -> int:
    """Add what this process sealed to the counts, and give whoever's key was used often enough a new one.

    Sealing again what is under the old ones is the next rotation's matter: they open for as long as they are there.
    """
    program_id = work.caller.program_id
    flush(work.db, work.vault.uses, program_id)
    worn = records.worn(work.db, program_id, limit, RENEWED_AT_ONCE)
    if not worn:
        return 0
    work.require(Action.KEY_ROTATE, object_kind=OBJECT)
    renewed = sum(work.vault.renew(work.db, owner, work.now) for owner in worn)
    raise_mark(work.db)
    _record(work, {"what": "data", "step": "worn", "keys": renewed})
    return renewed


def forget_former(work: Work) -> int:
    """Take what is still under a former key of the indexes and has run out: links that are over, attempts to sign in for
    which no lock stands. How many; not while a rotation is under way, when other processes still write under that key.
    """
    if records.open_rotation(work.db, "index") is not None:
        return 0
    key = work.vault.index_keys(work.db, SERVICE_PROGRAM).id
    links = indexes.take_links_over(work.db, work.caller.program_id, key, work.now, work.entry_id)
    slots = indexes.take_slots_over(work.db, key, work.now)
    if not links + slots:
        return 0
    work.require(Action.KEY_ROTATE, object_kind=OBJECT)
    _record(work, {"what": "index", "step": "run_out", "links": links, "slots": slots})
    return links + slots


def _record(work: Work, detail: Mapping[str, Any], rotation_id: UUID | None = None) -> None:
    work.record(action=Action.KEY_ROTATE, object_kind=OBJECT, object_id=rotation_id, detail=detail)
