"""What is to be done about keys without anybody giving a command: destructions to be finished, rotations asked for.

A round does what can be done now and never waits: an epoch that may not be ended yet is ended by a later round. So a
process may die at any point, and another one goes on; what is left is read from the database and the key store.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection, Engine

from service.access.program import Program
from service.custody.rotating import Acts, Runs, finished
from service.custody.shredding.finishing import finish
from service.custody.shredding.records import unfinished as unfinished_destructions
from service.identity.programs import SERVICE
from service.vault import resealing, rotation
from service.vault.kms import Kms
from service.vault.rotating.records import Rotation, open_rotation
from service.vault.vault import Vault

KEK: Final = "kek"
DATA: Final = "data"


class _NotSettled(Exception):
    """The old epoch must stand a while longer."""


@dataclass(frozen=True, slots=True)
class Due:
    """What a round has to do. `destroyed_at`: since when the oldest destruction waits to be finished."""

    rotations: tuple[Rotation, ...]
    destroyed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Upkeep:
    """`finish_after`: how long destructions wait to be finished together; None: until an operator does it.

    `keeper`: the role that may seal again; without it a rotation of data keys waits for the operator.
    """

    kms: Kms
    runs: Runs
    programs: Sequence[Program]
    now: Callable[[], datetime]
    finish_after: timedelta | None
    keeper: Engine | None = None
    settled: float = rotation.SETTLED_SECONDS
    data_settled: float = resealing.SETTLED_SECONDS

    def due(self) -> Due:
        """What there is to do now. Nothing of it is recorded: it is asked every minute."""
        acts = self._acts()
        wanted = (KEK, DATA) if self.keeper is not None else (KEK,)
        asked = [acts.look(SERVICE.id, partial(open_rotation, kind=kind)) for kind in wanted]
        waiting = [at for program in self.programs for at in acts.look(program.id, _destroyed_at(program))]
        oldest = min(waiting, default=None)
        if oldest is not None and (self.finish_after is None or self.now() < oldest + self.finish_after):
            oldest = None
        return Due(tuple(one for one in asked if one is not None), oldest)

    def round(self) -> int:
        """Do what is due, as far as it goes; how many rotations and destructions are done with."""
        due, done = self.due(), 0
        for one in due.rotations:
            done += self._rolled(one) if one.kind == KEK else self._renewed(one)
        return done + (self._finished() if due.destroyed_at is not None else 0)

    def _rolled(self, asked: Rotation) -> int:
        acts = self._acts()
        try:
            rolled = rotation.roll(
                self.kms,
                acts,
                self.now,
                go_on=rotation.unfinished(self.kms, acts),
                settled=self.settled,
                sleep=_not_settled,
            )
        except _NotSettled:
            return 0
        if rolled.left:
            return 0
        self.runs.act(partial(finished, rotation=asked, done=rolled.wrapped))
        return 1

    def _renewed(self, asked: Rotation) -> int:
        if self.keeper is None:
            return 0
        resealing.renew(self._acts(), asked.began_at, self.now)
        swept = resealing.sweep(self.keeper, lambda: Vault(self.kms))
        if swept.damaged or resealing.finish(self.keeper, self.now(), settled=self.data_settled) is None:
            return 0
        self.runs.act(partial(finished, rotation=asked, done=swept.done))
        return 1

    def _finished(self) -> int:
        try:
            return finish(
                self.kms,
                self._acts(),
                self.runs,
                self.programs,
                self.now,
                settled=self.settled,
                sleep=_not_settled,
            ).finished
        except _NotSettled:
            return 0

    def _acts(self) -> Acts:
        return Acts(self.runs, self.programs)


def _not_settled(_seconds: float) -> None:
    raise _NotSettled


def _destroyed_at(program: Program) -> Callable[[Connection], list[datetime]]:
    def read(db: Connection) -> list[datetime]:
        return [
            one.decided_at for one in unfinished_destructions(db, program.id) if one.decided_at is not None
        ]

    return read
