"""Which processes are in the matrix, what they must be seen to do, and what must hold when one says it is done."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from tests.crash.matrix import keys, processes
from tests.crash.matrix.asking import Root
from tests.crash.matrix.stage import Case


def _nothing(_case: Case) -> None:
    return


def _no_claims(_case: Case, _root: Root) -> Iterable[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Process:
    """`run` is given again after it ended. `least`: the kinds of steps that must be seen, and how often at least.

    `ready` is done before the matrix looks on; `far`: with the anchors that are far away as well.
    """

    name: str
    run: Callable[[Case], None]
    least: Mapping[str, int]
    claims: Callable[[Case, Root], Iterable[str]] = _no_claims
    ready: Callable[[Case], None] = _nothing
    far: bool = False


_COPIED: Final = Counter({"file open": 2, "file ftruncate": 2, "file pwrite": 2, "file fsync": 2})
_RING: Final = Counter(
    {
        "key store begin_epoch": 1,
        "key store end_epoch": 1,
        "key store unwrap": 8,
        "key store wrap": 8,
        "file open": 2,
        "file fsync": 4,
        "file replace": 2,
    }
)

PROCESSES: Final = (
    Process("sequencer", processes.sequenced, _COPIED + Counter({"commit as consentry_sequencer": 3})),
    Process(
        "key-encryption key",
        partial(processes.rotated, "kek"),
        _RING + Counter({"commit as consentry_app": 4}),
        claims=keys.claims_one_epoch,
    ),
    Process(
        "data keys",
        partial(processes.rotated, "data"),
        Counter({"commit as consentry_app": 4, "commit as consentry_keeper": 6, "key store wrap": 3}),
        claims=keys.claims_new_keys,
    ),
    Process(
        "index keys",
        partial(processes.rotated, "index"),
        Counter({"commit as consentry_app": 4, "commit as consentry_keeper": 2, "key store wrap": 1}),
        claims=keys.claims_new_indexes,
    ),
    Process(
        "shredding",
        processes.shredded,
        _RING + Counter({"commit as consentry_app": 5}),
        claims=keys.claims_destroyed,
    ),
    Process(
        "anchoring",
        processes.anchored,
        _COPIED + Counter({"s3 PutObject": 2, "syslog send": 2, "commit as consentry_sequencer": 6}),
        ready=processes.signed_only,
        far=True,
    ),
)
