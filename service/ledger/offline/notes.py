"""Checkpoints as signed notes, the keys that sign them, and the copies of them that are kept outside."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from service.ledger.offline.outcome import Outcome, Unreadable

_SIGNATURE = re.compile(r"— (\S+) ([A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
#: The C2SP types of keys: a log's, and a witness's.
_LOG, _WITNESS = 1, 4
_TIME = 8


class Head(NamedTuple):
    """A checkpoint: its size and root."""

    size: int
    root: bytes


class Key:
    """A verifier key: name+hash+base64(type || Ed25519 public key)."""

    def __init__(self, text: str, kind: int = _LOG) -> None:
        name, _, rest = text.strip().partition("+")
        hashed, _, encoded = rest.partition("+")
        raw = _base64(encoded)
        self.name = name
        self.id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        if len(raw) != 33 or raw[0] != kind or self.id.hex() != hashed or not name:
            raise Unreadable("the verifier key is not name+hash+key with an Ed25519 key")
        self._public = Ed25519PublicKey.from_public_bytes(raw[1:])

    def signed(self, text: str, lines: list[str]) -> bool:
        """Whether this key signed, and no line that claims to be its own is wrong."""
        own: list[bytes] = []
        for line in lines:
            found = _SIGNATURE.fullmatch(line)
            if found is None:
                raise Unreadable("a signature line is malformed")
            raw = _base64(found[2])
            if found[1] == self.name and raw[:4] == self.id:
                own.append(raw[4:])
        try:
            for signature in own:
                self._verify(text, signature)
        except InvalidSignature:
            return False
        return bool(own)

    def _verify(self, text: str, signature: bytes) -> None:
        self._public.verify(signature, text.encode())


class Witness(Key):
    """The key of a witness: it signs the text with the time at which it saw it."""

    def __init__(self, text: str) -> None:
        super().__init__(text, _WITNESS)

    def _verify(self, text: str, signature: bytes) -> None:
        time = int.from_bytes(signature[:_TIME], "big")
        self._public.verify(signature[_TIME:], f"cosignature/v1\ntime {time}\n{text}".encode())


def read_note(note: str) -> tuple[str, Head, str, list[str]]:
    """Origin, head, signed text and signature lines of a checkpoint. Raises Unreadable."""
    text, separator, below = note.rpartition("\n\n")
    lines = text.split("\n")
    if not separator or not below.endswith("\n") or len(lines) < 3 or not all(lines):
        raise Unreadable("not a checkpoint")
    root = _base64(lines[2])
    if not _SIZE.fullmatch(lines[1]) or len(root) != 32:
        raise Unreadable("its size or root is malformed")
    signatures = below[:-1].split("\n")
    found = [_SIGNATURE.fullmatch(line) for line in signatures]
    if not all(found):
        raise Unreadable("a signature line is malformed")
    for each in found:
        _base64(each[2] if each else "")
    return lines[0], Head(int(lines[1]), root), text + "\n", signatures


class Heads:
    """Checkpoints of one keeper in ascending order, those that are no good reported and left out."""

    def __init__(self, notes: Iterable[str], outcome: Outcome, key: Key | None, *, outside: bool) -> None:
        self.count, self.agreed, self.broken = 0, 0, False
        self._outcome, self._key, self._outside = outcome, key, outside
        self._checked = self._check(notes)
        self.next = next(self._checked, None)

    def advance(self) -> None:
        self.next = next(self._checked, None)

    def _check(self, notes: Iterable[str]) -> Iterator[Head]:
        largest = -1
        keeper = "outside" if self._outside else "in the export"
        for note in notes:
            try:
                origin, head, text, lines = read_note(note)
                bad = self._key is not None and not self._key.signed(text, lines)
            except Unreadable as error:
                self._outcome.add("checkpoint", f"a checkpoint {keeper}: {error}", max(largest, 0))
                continue
            if origin != self._outcome.origin:
                if not self._outside:
                    self._outcome.add("checkpoint", "a checkpoint of another tree", max(largest, 0))
                continue
            if bad:
                text = f"a checkpoint {keeper} of size {head.size} is not signed by the log's key"
                self._outcome.add("checkpoint", text, max(head.size - 1, 0))
                continue
            if head.size < largest:
                text = f"a checkpoint {keeper} of size {head.size} stands behind a larger one"
                self._outcome.add("checkpoint", text, head.size)
                continue
            self.count, largest = self.count + 1, head.size
            yield head


class Branch(NamedTuple):
    """A recorded restore: the last common size, and the heads that were given up."""

    common: int
    abandoned: frozenset[Head]


def copies_of(kept: Iterable[Path], branches: list[Branch]) -> Iterator[str]:
    """The notes in these files without what recorded restores gave up: behind the common size, up to a head that is
    named.
    """
    files = list(kept)
    ends = [-1] * len(branches)
    for number, note in enumerate(_notes(files) if branches else ()):
        for at, branch in enumerate(branches):
            if _head(note) in branch.abandoned:
                ends[at] = number
    for number, note in enumerate(_notes(files)):
        head = _head(note) if branches else None
        given_up = zip(branches, ends, strict=True)
        if not any(head and number <= end and head.size > branch.common for branch, end in given_up):
            yield note


def _notes(files: list[Path]) -> Iterator[str]:
    """Notes of files that hold many, each followed by an empty line; one that was never finished proves nothing."""
    for path in files:
        held, signed = "", False
        with path.open(encoding="utf-8", errors="replace", newline="\n") as lines:
            for line in lines:
                if line == "\n" and signed:
                    yield held
                    held, signed = "", False
                    continue
                held, signed = held + line, line.startswith("— ") and line.endswith("\n")
        if signed:
            yield held


def _head(note: str) -> Head | None:
    try:
        return read_note(note)[1]
    except Unreadable:
        return None


def _base64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("not base64") from None
    if base64.b64encode(raw).decode() != text:
        raise Unreadable("not canonical base64")
    return raw
