"""An export as NDJSON: a header, a line for every position, a line for every checkpoint behind the last it covers.

A line that is in order is compared with what it must be, byte for byte, once its entry is hashed; only another one is
taken apart.
"""

import hashlib
import re
from binascii import hexlify
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from service.ledger.offline.notes import Branch
from service.ledger.offline.outcome import Unreadable
from service.ledger.offline.source import BEGINNING, LONGEST_RUN, RESTORE, Odd, branches_in, members

_ENTRY, _CHECKPOINT = b'{"entry":', b'{"checkpoint":'
_IN_ORDER = _ENTRY + BEGINNING
_TAIL = re.compile(rb',"leaf_hash":"([0-9a-f]{64})","position":(0|[1-9][0-9]{0,18})\}\n?')
#: Behind the entry of a line, the digits of its position not counted.
_TAIL_LENGTH = len(b',"leaf_hash":"","position":}\n') + 64
_LONGEST_LINE = 4 * 1024 * 1024
#: Bytes read at once: with the standard library's 8 KiB, reading takes as long as hashing does.
_PIECE = 256 * 1024


class Trail:
    """The file of an export. Raises Unreadable when its first line is no header."""

    def __init__(self, path: Path) -> None:
        self._path = path
        header = members(next(self._lines(), b""))
        origin, tree = header.get("origin"), header.get("tree")
        if (
            header.get("consentry_ledger_export") != 1
            or not isinstance(origin, str)
            or not isinstance(tree, str)
        ):
            raise Unreadable("the first line is not the header of an export")
        self.origin, self.tree = origin, tree

    def steps(self) -> Iterator[list[bytes] | Odd]:
        sha256, expected, run = hashlib.sha256, 0, list[bytes]()
        behind, more_digits = _TAIL_LENGTH + 1, 10
        for number, line in enumerate(self._lines(), 1):
            if line.startswith(_IN_ORDER):
                cut = len(line) - behind
                hashed = sha256(b"\x00" + line[len(_ENTRY) : cut]).digest()
                if line[cut:] == b',"leaf_hash":"%b","position":%d}\n' % (hexlify(hashed), expected):
                    run.append(hashed)
                    expected += 1
                    if expected == more_digits:
                        behind, more_digits = behind + 1, more_digits * 10
                    if len(run) == LONGEST_RUN:
                        yield run
                        run = []
                    continue
            elif number == 1 or line.startswith(_CHECKPOINT):
                continue
            if run:
                yield run
                run = []
            odd = _odd(line, number)
            yield odd
            expected = odd.position + 1
            digits = len(str(expected))
            behind, more_digits = _TAIL_LENGTH + digits, 10**digits
        if run:
            yield run

    def entries(self) -> Iterator[tuple[int, bytes]]:
        for number, line in enumerate(self._lines(), 1):
            if line.startswith(_ENTRY):
                odd = _odd(line, number)
                yield odd.position, odd.entry or b""

    def checkpoints(self) -> Iterator[str]:
        for line in self._lines():
            if line.startswith(_CHECKPOINT):
                yield str(members(line).get("checkpoint", ""))

    def branches(self) -> Iterator[Branch]:
        """What its entries say of restores."""
        begins = _ENTRY + RESTORE
        found = (line for line in self._lines() if line.startswith(begins))
        return branches_in(line[len(_ENTRY) : line.rfind(b',"leaf_hash":')] for line in found)

    def _lines(self) -> Iterator[bytes]:
        """A line that is longer than any can be comes in pieces, which are then no lines of an export."""
        with self._path.open("rb", buffering=_PIECE) as file:
            yield from iter(partial(file.readline, _LONGEST_LINE), b"")


def _odd(line: bytes, number: int) -> Odd:
    if not line.startswith(_ENTRY):
        raise Unreadable(f"line {number} is neither an entry nor a checkpoint")
    cut = line.rfind(b',"leaf_hash":')
    tail = _TAIL.fullmatch(line, cut) if cut >= 0 else None
    if tail is None:
        raise Unreadable(f"line {number} has no leaf hash and position")
    return Odd(int(tail[2]), bytes.fromhex(tail[1].decode()), line[len(_ENTRY) : cut])
