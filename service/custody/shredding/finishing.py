"""The end of a destruction outside the transaction: the key-encryption keys that had wrapped what is gone are ended.

Older copies of the database (backups, the write-ahead log, dead rows) still hold the wrapped keys; with the epochs they
hold nothing that opens. Each step may be broken off and the whole done again: what is left to do is read from the
requests and from the key store.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from service.access.program import Program
from service.custody.rotating import Runs
from service.custody.shredding.operations import note_finished, to_finish
from service.vault import rotation
from service.vault.kms import Kms
from service.vault.rotation import Ground, Progress


@dataclass(frozen=True, slots=True)
class Done:
    """`finished`: destructions now proof against older copies. `waiting`: epochs that still stand, as hex ids."""

    finished: int
    waiting: tuple[str, ...]


def finish(
    kms: Kms,
    ground: Ground,
    runs: Runs,
    programs: Iterable[Program],
    now: Callable[[], datetime],
    *,
    settled: float = rotation.SETTLED_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
    progress: Progress = rotation.quietly,
) -> Done:
    """End every epoch that a destroyed key was wrapped under. An epoch that was begun after them is gone on with."""
    known = tuple(programs)
    wanted = {epoch for program in known for epoch in runs.act(to_finish, program)}
    standing = {epoch for epoch in wanted if _stands(kms, epoch)}
    if standing:
        rotation.roll(
            kms,
            ground,
            now,
            go_on=kms.active_id.hex() not in standing,
            settled=settled,
            sleep=sleep,
            progress=progress,
        )
    gone = partial(_is_gone, kms)
    finished = sum(runs.act(partial(note_finished, gone=gone), program) for program in known) if wanted else 0
    return Done(finished, tuple(sorted(epoch for epoch in standing if _stands(kms, epoch))))


def _stands(kms: Kms, epoch: str) -> bool:
    return kms.knows(bytes.fromhex(epoch))


def _is_gone(kms: Kms, epoch: str) -> bool:
    return not _stands(kms, epoch)
