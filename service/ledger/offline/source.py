"""What a walk reads: runs of entries that are in order, and single ones that are not."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, cast

from service.ledger.offline.notes import Branch, Head

#: The action is the first member of an entry, and none goes without.
BEGINNING = b'{"action":"'
RESTORE = b'{"action":"ledger.restore"'
#: As many leaf hashes go by at once; what is in memory does not grow with the trail.
LONGEST_RUN = 256


class Odd(NamedTuple):
    """What stands at a position where it should not, or does not give its hash; no entry: it is gone."""

    position: int
    hashed: bytes
    entry: bytes | None


class Source(Protocol):
    """One exported tree, wherever it lies."""

    def steps(self) -> Iterator[list[bytes] | Odd]:
        """All of it in order: leaf hashes that follow upon each other and fit their entries, or what does not.
        Raises Unreadable where it cannot be read on.
        """
        ...

    def entries(self) -> Iterator[tuple[int, bytes]]:
        """Position and bytes of every entry once more, to look for a cause."""
        ...

    def checkpoints(self) -> Iterator[str]: ...


def branches_in(entries: Iterator[bytes]) -> Iterator[Branch]:
    """The recorded restores among these entries."""
    for entry in entries:
        told = members(entry)
        try:
            detail: Any = json.loads(str(told["detail"]))
            heads = frozenset(
                Head(int(one["size"]), bytes.fromhex(one["root"])) for one in detail["abandoned"]
            )
            if told["action"] == "ledger.restore":
                yield Branch(int(detail["common"]["size"]), heads)
        except (ValueError, KeyError, TypeError):
            continue


def members(text: bytes) -> dict[str, Any]:
    """A JSON object, or nothing: what cannot be parsed is still hashed."""
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
