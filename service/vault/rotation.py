"""Rotation of the key-encryption key: a new epoch, every key wrapped again, the old epoch ended.

What is wrapped is read and written in transactions, a batch at a time; unwrapping and wrapping happen between them,
because a key store may be far away. A row is changed only where it still holds what was read. So a rotation that is
broken off anywhere goes on where it stopped, and a key that was destroyed meanwhile stays destroyed.

An epoch is ended when nothing is wrapped under it and no transaction can still be about to write such a key: `settled`
seconds after its successor was made.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Connection

from service.errors import IntegrityError
from service.vault import wrapping
from service.vault.keys import KeyState
from service.vault.kms import Kms
from service.vault.records import WrappedKey
from service.vault.rotating import records
from service.vault.vault import Vault

T = TypeVar("T")

AT_ONCE: Final = 200
#: No transaction of a request lives that long: statements and rests within it are bounded (`store/engine.py`).
SETTLED_SECONDS: Final = 60.0
_NIL: Final = UUID(int=0)

#: Told what is done, how much, and of how much.
Progress = Callable[[str, int, int], None]


def quietly(_what: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""


class Ground(Protocol):
    """Where a rotation stands: transactions of the application role, each within one program."""

    def programs(self) -> Iterable[UUID]:
        """All programs, the service's own among them."""
        ...

    def look(self, program_id: UUID, unit: Callable[[Connection], T]) -> T:
        """Read in a program."""
        ...

    def act(self, program_id: UUID, what: str, unit: Callable[[Connection, Vault], int]) -> int:
        """Write in a program, and record in the same transaction that so many keys were rotated. The vault given is
        the one for which what it misses is fetched.
        """
        ...


@dataclass(frozen=True, slots=True)
class Rolled:
    """What a rotation of the key-encryption key did. `ended`: epochs that are gone; `left`: epochs that still stand."""

    epoch: bytes
    wrapped: int
    ended: tuple[bytes, ...]
    left: tuple[bytes, ...]


def roll(
    kms: Kms,
    ground: Ground,
    now: Callable[[], datetime],
    *,
    go_on: bool = False,
    settled: float = SETTLED_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
    progress: Progress = quietly,
) -> Rolled:
    """Begin an epoch (`go_on`: keep the active one, which a rotation broken off had begun) and end those before it."""
    programs = tuple(ground.programs())
    epoch = kms.active_id if go_on else kms.begin_epoch(now())
    wrapped = sum(wrap_again(kms, ground, program, progress) for program in programs)
    created = next(one.created for one in kms.epochs() if one.id == epoch)
    if (wait := settled - (now() - created).total_seconds()) > 0:
        sleep(wait)
    wrapped += sum(wrap_again(kms, ground, program, progress) for program in programs)
    if kms.active_id != epoch or any(_left(kms, ground, program) for program in programs):
        return Rolled(epoch, wrapped, (), _others(kms))  # somebody began another: it ends what it finds
    ended = tuple(one for one in _others(kms) if _end(kms, one))
    return Rolled(epoch, wrapped, ended, _others(kms))


def unfinished(kms: Kms, ground: Ground) -> bool:
    """Whether epochs before the active one still stand."""
    return bool(_others(kms)) or any(_left(kms, ground, program) for program in ground.programs())


def wrap_again(kms: Kms, ground: Ground, program_id: UUID, progress: Progress = quietly) -> int:
    """Wrap every key of a program under the active epoch; how many there were."""
    total, done, after = _left(kms, ground, program_id), 0, _NIL
    while True:
        batch = _next(kms, ground, program_id, after)
        if not batch:
            return done
        again = [one for key in batch if (one := _again(kms, key)) is not None]
        if again:
            done += ground.act(
                program_id,
                "kek",
                lambda db, _, again=again: sum(records.wrap_instead(db, *one) for one in again),
            )
        after = batch[-1].id
        progress("wrapped again", done, max(total, done))


def _again(kms: Kms, key: records.StoredKey) -> tuple[records.StoredKey, bytes, bytes] | None:
    """None for a key that does not unwrap: it stays, and keeps its epoch from being ended."""
    stored = WrappedKey(key.key_id, key.kek_id, key.wrapped, KeyState.ACTIVE, fresh=False)
    try:
        return key, *wrapping.rewrap(kms, key.owner, stored)
    except IntegrityError:
        return None


def _next(kms: Kms, ground: Ground, program_id: UUID, after: UUID) -> tuple[records.StoredKey, ...]:
    def read(db: Connection) -> tuple[records.StoredKey, ...]:
        return tuple(records.wrapped_elsewhere(db, program_id, kms.active_id, after=after, at_most=AT_ONCE))

    return ground.look(program_id, read)


def _left(kms: Kms, ground: Ground, program_id: UUID) -> int:
    return ground.look(program_id, lambda db: records.how_many_elsewhere(db, program_id, kms.active_id))


def _others(kms: Kms) -> tuple[bytes, ...]:
    return tuple(one.id for one in kms.epochs() if not one.active)


def _end(kms: Kms, epoch: bytes) -> bool:
    kms.end_epoch(epoch)
    return True
