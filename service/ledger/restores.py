"""A recorded restore: where the old branch of a tree was left, where the new one begins.

A database that is brought back from a backup knows less than the copies outside. Whoever runs the service may say so,
once, for exactly the heads that are there: an entry of the tree itself names the last common head and every abandoned
one. From then on these heads are explained, and nothing else is.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from service.ledger.checkpoint import Checkpoint, CheckpointInvalid, parse
from service.ledger.entry import Row, mac_is_right

#: The action of the entry.
RESTORE = "ledger.restore"


@dataclass(frozen=True, slots=True)
class Branch:
    """What one restore of one tree says. Heads are (size, root)."""

    common: tuple[int, bytes]
    abandoned: frozenset[tuple[int, bytes]]

    def detail(self) -> dict[str, Any]:
        """As it stands in the entry."""
        return {"common": _told(self.common), "abandoned": [_told(head) for head in sorted(self.abandoned)]}


def read_branch(row: Row, *mac_keys: bytes) -> Branch | None:
    """The branch an entry names; None for any other entry, and for one the service did not write."""
    if row["action"] != RESTORE or (mac_keys and not mac_is_right(row, *mac_keys)):
        return None
    try:
        told = cast("dict[str, Any]", json.loads(str(row["detail"])))
        abandoned = frozenset(_head(one) for one in told["abandoned"])
        return Branch(_head(told["common"]), abandoned)
    except (ValueError, KeyError, TypeError):
        return None


def continued(head: Checkpoint, branches: Sequence[Branch]) -> Checkpoint:
    """What a head outside stands for now: itself, or the last common head where it was abandoned."""
    for branch in branches:
        if (head.size, head.root) in branch.abandoned:
            return Checkpoint(head.origin, *branch.common)
    return head


def explained(notes: Callable[[], Iterable[str]], branches: Sequence[Branch]) -> Iterator[str]:
    """The copied notes without those of abandoned branches.

    A copy is read twice: what stands behind the last common head, up to an abandoned one that the entry names, is left
    out. A branch whose end nobody named is not left out.
    """
    if not branches:
        yield from notes()
        return
    ends = [-1] * len(branches)
    for number, note in enumerate(notes()):
        head = _head_of(note)
        for at, branch in enumerate(branches):
            if head in branch.abandoned:
                ends[at] = number
    for number, note in enumerate(notes()):
        head = _head_of(note)
        left = any(
            number <= end and head is not None and head[0] > branch.common[0]
            for end, branch in zip(ends, branches, strict=True)
        )
        if not left:
            yield note


def _head_of(note: str) -> tuple[int, bytes] | None:
    try:
        found = parse(note).checkpoint
    except CheckpointInvalid:
        return None
    return found.size, found.root


def _told(head: tuple[int, bytes]) -> dict[str, Any]:
    return {"size": head[0], "root": head[1].hex()}


def _head(told: dict[str, Any]) -> tuple[int, bytes]:
    return int(told["size"]), bytes.fromhex(told["root"])
