"""Checkpoint copies outside the database: `<data>/checkpoints/<tree>.notes`, signed notes separated by
empty lines.

Whoever owns the database and the log's key could cut the tail of a tree or write it anew, and sign the
result. They cannot make the copies agree: these hold what was signed before. The file is only appended to,
whole notes at a time, each forced to the disk; send it somewhere the database's owner cannot write
(`deploy/` says how).
"""

import fcntl
import os
import re
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from service.ledger.checkpoint import Checkpoint, CheckpointInvalid, parse

#: More than the longest note, so that the last whole one is always inside.
_TAIL = 8192
_END_OF_NOTE = re.compile(rb"\n\xe2\x80\x94 [^\n]*\n\n")


def copy_of(folder: Path, tree: UUID) -> Path:
    return folder / f"{tree}.notes"


class CheckpointCopies:
    """The folder of copies, written by whichever process leads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def head(self, tree: UUID) -> Checkpoint | None:
        """The newest checkpoint copied for this tree; None when there is none yet."""
        try:
            with copy_of(self.folder, tree).open("rb") as file:
                return _last(file.fileno())[0]
        except FileNotFoundError:
            return None

    def append(self, tree: UUID, notes: Sequence[str], over: Checkpoint | None = None) -> int:
        """Copy those notes that are larger than what is there; returns how many. Forced to disk on return.

        `over`: the head of a branch that a recorded restore abandoned; behind it any note may stand, and what came
        before stays where it is.
        A note cut short by a crash is taken away first: it proves nothing, and would spoil the next one.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = copy_of(self.folder, tree)
        fresh = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            last, end = _last(descriptor)
            reached = -1 if last is None or last == over else last.size
            newer = [note for note in notes if parse(note).checkpoint.size > reached]
            os.ftruncate(descriptor, end)
            _write(descriptor, "".join(f"{note}\n" for note in newer).encode(), end)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if fresh:
            _sync_folder(self.folder)
        return len(newer)


def _last(descriptor: int) -> tuple[Checkpoint | None, int]:
    """The last whole note, and the offset at which it ends."""
    size = os.fstat(descriptor).st_size
    before = max(0, size - _TAIL)
    tail = os.pread(descriptor, _TAIL, before)
    ends = [0, *(found.end() for found in _END_OF_NOTE.finditer(tail))]
    if len(ends) == 1:
        return None, before
    note = tail[ends[-2] : ends[-1] - 1].decode("utf-8", "replace")
    try:
        return parse(note).checkpoint, before + ends[-1]
    except CheckpointInvalid:
        return None, before + ends[-1]


def _write(descriptor: int, notes: bytes, offset: int) -> None:
    while notes:
        written = os.pwrite(descriptor, notes, offset)
        notes, offset = notes[written:], offset + written


def _sync_folder(folder: Path) -> None:
    """A new file's name is on the disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
