"""The keys of a program, for whoever answers for them: counts, states and uses. Ids of keys, never a key."""

from dataclasses import dataclass
from datetime import datetime

from service.access.actions import Action
from service.access.facts import Facts
from service.custody.rotations import records as rotations
from service.custody.shredding import records as shreddings
from service.vault.epoch import EpochInfo
from service.vault.kms import Kms
from service.vault.rotating.counts import records
from service.vault.rotating.counts.records import KeyCount
from service.vault.rotating.records import Rotation
from service.work import Work


@dataclass(frozen=True, slots=True)
class ProgramKeys:
    """Key-encryption keys of the deployment, and the keys of one program."""

    epochs: tuple[EpochInfo, ...]
    keys: tuple[KeyCount, ...]
    #: The newest rotation of each kind, in the deployment.
    rotations: tuple[Rotation, ...]
    #: Destructions of this program that an older copy of the database could still undo, and since when.
    unfinished: int
    unfinished_since: datetime | None


def keys_of_program(work: Work, kms: Kms) -> ProgramKeys:
    """What keys there are in the caller's program."""
    work.require(Action.KEY_READ, Facts(program=work.caller.program_id), object_kind="key")
    keys = tuple(records.by_state(work.db, work.caller.program_id))
    waiting = [one.decided_at for one in shreddings.unfinished(work.db, work.caller.program_id)]
    work.record(action=Action.KEY_READ, object_kind="key", object_id=None, detail={"listed": len(keys)})
    return ProgramKeys(
        kms.epochs(),
        keys,
        tuple(rotations.newest_rotations(work.db)),
        len(waiting),
        min((at for at in waiting if at is not None), default=None),
    )
