"""An export: one tree as NDJSON that can be verified without database and without this service.

First a header, then one line for each position, with a line for every checkpoint where it belongs:

    {"consentry_ledger_export":1,"origin":"consentry/...","tree":"..."}
    {"entry":{...},"leaf_hash":"<hex>","position":0}
    {"checkpoint":"<signed note>"}

The text of `entry` is, byte for byte, the leaf: SHA-256 over 0x00 and these bytes is the leaf hash. So a
verifier in any language needs a hash function and no JSON writer. An export ends at a signed checkpoint;
entries that have no position yet come with the next one.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Connection

from service.ledger.entry import Row, leaf_bytes
from service.ledger.merkle import Frontier
from service.ledger.reading import records
from service.ledger.verify import Leaf, UnreadableError, Waiting
from service.ledger.walk import Finding

_ENTRY = b'{"entry":'
_CHECKPOINT = b'{"checkpoint":'
_TAIL = re.compile(rb',"leaf_hash":"(?P<hash>[0-9a-f]{64})","position":(?P<position>0|[1-9][0-9]{0,18})\}\n?')
#: Shorter than this is the part of a line behind the entry.
_TAIL_LENGTH = 130


def export(db: Connection, tree: UUID, origin: str) -> Iterator[bytes]:
    """The lines of an export, streamed; run it in one REPEATABLE READ transaction."""
    yield header_line(tree, origin)
    yield from lines(db, tree, 0, records.signed_size(db, tree))


def header_line(tree: UUID, origin: str) -> bytes:
    return _line({"consentry_ledger_export": 1, "origin": origin, "tree": str(tree)})


def lines(db: Connection, tree: UUID, first: int, last: int) -> Iterator[bytes]:
    """The lines of positions `first` up to, not including, `last`, each checkpoint behind the entry it ends with."""
    checkpoints = records.stored_checkpoints(db, tree, first, last)
    following = next(checkpoints, None)
    for position, hashed, entry_id, row in records.stored_leaves(db, tree, first, last):
        leaf = leaf_bytes(row) if row is not None else json.dumps({"id": entry_id}).encode()
        yield leaf_line(position, hashed, leaf)
        while following is not None and following[0] <= position + 1:
            yield _line({"checkpoint": following[2]})
            following = next(checkpoints, None)
    while following is not None:
        yield _line({"checkpoint": following[2]})
        following = next(checkpoints, None)


def leaf_line(position: int, hashed: bytes, leaf: bytes) -> bytes:
    """The line of one position."""
    return b'%b%b,"leaf_hash":"%b","position":%d}\n' % (_ENTRY, leaf, hashed.hex().encode(), position)


def _line(members: dict[str, object]) -> bytes:
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class ExportSource:
    """An exported tree as a source for `verify`. What waits and what was acted is not in it."""

    path: Path

    def header(self) -> tuple[str, UUID]:
        """The tree's name and id as the first line gives them. Raises UnreadableError."""
        with self.path.open("rb") as file:
            header = _json(file.readline(), 1)
        origin, tree = header.get("origin"), header.get("tree")
        if header.get("consentry_ledger_export") == 1 and isinstance(origin, str):
            try:
                return origin, UUID(str(tree))
            except ValueError:
                pass
        raise UnreadableError("the first line is not the header of an export")

    def size(self) -> int:
        """Roughly how many entries it holds, for showing progress."""
        return self.path.stat().st_size // 1100

    def leaves(self) -> Iterator[Leaf]:
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.startswith(_ENTRY):
                    yield _leaf(line, number)
                elif number > 1 and not line.startswith(_CHECKPOINT):
                    raise UnreadableError(f"line {number} is neither an entry nor a checkpoint")

    def checkpoints(self) -> Iterator[str]:
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.startswith(_CHECKPOINT):
                    yield str(_json_or_nothing(line, number).get("checkpoint", ""))

    def waiting(self) -> Iterator[Waiting]:
        return iter(())

    def acts_without_entry(self) -> Iterator[tuple[str, str]]:
        return iter(())

    def contradictions(self, leaves: Frontier) -> Iterator[Finding]:
        return iter(())


def _leaf(line: bytes, number: int) -> Leaf:
    start = max(len(_ENTRY), len(line) - _TAIL_LENGTH)
    cut = line.rfind(b',"leaf_hash":', start)
    tail = _TAIL.fullmatch(line, cut) if cut >= 0 else None
    if tail is None:
        raise UnreadableError(f"line {number} has no leaf hash and position")
    leaf = line[len(_ENTRY) : cut]
    row: Row = _json_or_nothing(leaf, number)
    known = str(row.get("id")) if "id" in row else None
    complete = len(row) > 1
    return Leaf(
        position=int(tail["position"]),
        leaf_hash=bytes.fromhex(tail["hash"].decode()),
        entry_id=known,
        leaf=leaf if complete or "id" not in row else None,
        row=row if complete else None,
    )


def _json(text: bytes, number: int) -> dict[str, Any]:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableError(f"line {number} is not JSON") from None
    if not isinstance(found, dict):
        raise UnreadableError(f"line {number} is not a JSON object")
    return cast("dict[str, Any]", found)


def _json_or_nothing(text: bytes, number: int) -> dict[str, Any]:
    """What cannot be parsed is still hashed: the leaf hash then says that it was altered."""
    try:
        return _json(text, number)
    except UnreadableError:
        return {}
