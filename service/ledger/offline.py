"""A verifier of exports that trusts nothing of this service.

    python -m service.ledger.offline EXPORT --vkey VKEY --checkpoints COPIES

Written from docs/ledger.md alone. It imports the tree hashes of RFC 6962 (`merkle`), the standard library and Ed25519,
and keeps a constant amount in memory however long the trail is. It reads the file twice side by side, entries and
checkpoints, and the copies kept outside along with them, and names the first bad entry. Exit status: 0 intact, 1 not,
2 unreadable.

    altered     the bytes of an entry do not give its hash, or hashes do not give the root that was signed
    missing     nothing stands at a position, or its entry is gone
    inserted    stands at a position twice, or behind everything that was signed
    reordered   stands before what came earlier
    truncated   the trail ends before a head that was signed
    forked      agrees with itself, and not with what was kept outside
    checkpoint  a checkpoint is malformed, or not signed by the key given
"""

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from service.ledger.merkle import RunningTree, leaf_hash

_ENTRY = b'{"entry":'
_TAIL = re.compile(rb',"leaf_hash":"([0-9a-f]{64})","position":(0|[1-9][0-9]{0,18})\}\n?')
_SIGNATURE = re.compile(r"— (\S+) ([A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
#: The action is the first member of an entry.
_RESTORE = b'{"entry":{"action":"ledger.restore"'
_KEPT = 100
_LONGEST_LINE = 4 * 1024 * 1024


class Unreadable(Exception):
    """Not what an export, a key or a copy looks like; the text says where."""


class Found(NamedTuple):
    """One thing that is wrong. `position` is the first it concerns, or None."""

    position: int | None
    kind: str
    text: str
    entry_id: str | None = None


class Head(NamedTuple):
    """A checkpoint: its size and root."""

    size: int
    root: bytes


@dataclass(slots=True)
class Outcome:
    """What was looked at and what is wrong, the first hundred by position."""

    origin: str = ""
    entries: int = 0
    checkpoints: int = 0
    copies: int = 0
    wrong: int = 0
    restores: int = 0
    signed: bool = False
    findings: list[Found] = field(default_factory=list[Found])

    def add(self, kind: str, text: str, position: int | None, entry_id: str | None = None) -> None:
        self.wrong += 1
        self.findings.append(Found(position, kind, text, entry_id))
        if len(self.findings) > 2 * _KEPT:
            self.sort()

    def sort(self) -> None:
        self.findings.sort(key=lambda found: (found.position is None, found.position or 0))
        del self.findings[_KEPT:]

    def within(self, first: int, last: int) -> bool:
        return any(found.position is not None and first <= found.position < last for found in self.findings)


class Key:
    """A verifier key: name+hash+base64(0x01 || Ed25519 public key)."""

    def __init__(self, text: str) -> None:
        name, _, rest = text.strip().partition("+")
        hashed, _, encoded = rest.partition("+")
        raw = _base64(encoded)
        self.name = name
        self.id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        if len(raw) != 33 or raw[0] != 1 or self.id.hex() != hashed or not name:
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
                self._public.verify(signature, text.encode())
        except InvalidSignature:
            return False
        return bool(own)


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
    if not all(_SIGNATURE.fullmatch(line) for line in signatures):
        raise Unreadable("a signature line is malformed")
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


class Walk:
    """One pass over the entries."""

    def __init__(self, outcome: Outcome, stored: Heads, copied: Heads) -> None:
        self.outcome, self.stored, self.copied = outcome, stored, copied
        self.tree, self.position = RunningTree(), 0
        self._gap = False
        #: The size of the next head to be compared.
        self._due = 0
        #: Up to here the heads agree, and what stands there is in order.
        self._settled = 0
        self._before: tuple[str, str] | None = None
        self._turned: tuple[int, str] | None = None
        self._open: list[tuple[Heads, int, int]] = []

    def step(self, position: int, hashed: bytes, entry: bytes) -> None:
        if self.tree.size >= self._due:
            self._compare()
        members = _named(entry)
        entry_id = str(members.get("id", "")) or None
        if position > self.position:
            self.outcome.add("missing", f"nothing stands here up to position {position - 1}", self.position)
            self._gap = True
        elif position < self.position:
            self.outcome.add("inserted", "stands here a second time, or too late", position, entry_id)
            self._gap = True
        self._order(members)
        if self._open:
            self._settle()
        if len(members) == 1 and "id" in members:
            self.outcome.add("missing", "the entry that stood here is gone", position, entry_id)
        elif leaf_hash(entry) != hashed:
            self.outcome.add("altered", "the entry does not give its hash", position, entry_id)
        self.tree.append(hashed)
        self.position = position + 1

    def finish(self) -> None:
        self._compare()
        self._settle()
        whole = not (self.stored.broken or self._gap) and self.stored.next is None
        for heads in (self.stored, self.copied):
            largest = heads.next
            while heads.next is not None:
                largest = heads.next
                heads.advance()
            if largest is not None and not self._gap:
                text = f"ends here; a signed head of {largest.size} entries is known"
                self.outcome.add("truncated", text, self.position)
        if whole and self.position > self.stored.agreed:
            self.outcome.add("inserted", "stands behind the last signed checkpoint", self.stored.agreed)

    def _order(self, members: dict[str, Any]) -> None:
        if len(members) < 2:
            self._before = None
            return
        now = (str(members.get("recorded_at", "")), str(members.get("id", "")))
        fresh = self._turned is None and self.position > self._settled
        if fresh and self._before is not None and self._before > now:
            self._turned = (self.position - 1, self._before[1])
        self._before = now

    def _compare(self) -> None:
        for heads in (self.stored, self.copied):
            while heads.next is not None and heads.next.size <= self.tree.size:
                if not heads.broken and not self._gap:
                    if heads.next.root == self.tree.root():
                        heads.agreed = heads.next.size
                    else:
                        heads.broken = True
                        self._open.append((heads, heads.agreed, heads.next.size))
                heads.advance()
        self._due = min(
            (heads.next.size for heads in (self.stored, self.copied) if heads.next), default=1 << 63
        )
        self._settled = min(
            self.stored.agreed, self.copied.agreed if self.copied.count else self.stored.agreed
        )
        if self._turned is not None and self._turned[0] < self._settled:
            self._turned = None

    def _settle(self) -> None:
        for heads, first, last in self._open:
            if self.outcome.within(first, last):
                continue
            if heads is self.copied and not self.stored.broken:
                text = f"positions {first} to {last - 1} are not what was signed and kept outside"
                self.outcome.add("forked", text, first)
            elif self._turned is not None and first <= self._turned[0] < last:
                self.outcome.add("reordered", "later than the one behind it", *self._turned)
            else:
                text = f"positions {first} to {last - 1} do not give the root that was signed"
                self.outcome.add("altered", text, first)
        self._open.clear()


def verify_export(
    export: Path,
    *,
    vkey: str | None = None,
    copies: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> Outcome:
    """Verify an export; raises Unreadable when it is none, or when key or copies cannot be read."""
    origin, tree = read_header(export)
    key = Key(vkey) if vkey else None
    if key is not None and key.name != origin:
        raise Unreadable(f"the key is that of {key.name}, the export that of {origin}")
    outcome = Outcome(origin=origin, signed=key is not None)
    kept = copies / f"{tree}.notes" if copies is not None and copies.is_dir() else copies
    branches = list(_branches(export))
    outcome.restores = len(branches)
    stored = Heads(_checkpoints(export), outcome, key, outside=False)
    copied = Heads(_explained(kept, branches), outcome, key, outside=True)
    walk = Walk(outcome, stored, copied)
    try:
        for position, hashed, entry in _entries(export):
            walk.step(position, hashed, entry)
            if progress is not None and not walk.position % 1000:
                progress(walk.position)
    except Unreadable as error:
        outcome.add("altered", f"cannot be read: {error}", walk.position)
    walk.finish()
    outcome.sort()
    outcome.entries, outcome.checkpoints, outcome.copies = walk.position, stored.count, copied.count
    return outcome


def read_header(export: Path) -> tuple[str, str]:
    """Origin and tree of an export."""
    with export.open("rb") as file:
        header = _members(file.readline(_LONGEST_LINE))
    origin, tree = header.get("origin"), header.get("tree")
    if header.get("consentry_ledger_export") != 1 or not isinstance(origin, str) or not isinstance(tree, str):
        raise Unreadable("the first line is not the header of an export")
    return origin, tree


def _entries(export: Path) -> Iterator[tuple[int, bytes, bytes]]:
    with export.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.startswith(_ENTRY):
                cut = line.rfind(b',"leaf_hash":')
                tail = _TAIL.fullmatch(line, cut) if cut >= 0 else None
                if tail is None:
                    raise Unreadable(f"line {number} has no leaf hash and position")
                yield int(tail[2]), bytes.fromhex(tail[1].decode()), line[len(_ENTRY) : cut]
            elif number > 1 and not line.startswith(b'{"checkpoint":'):
                raise Unreadable(f"line {number} is neither an entry nor a checkpoint")


def _checkpoints(export: Path) -> Iterator[str]:
    with export.open("rb") as file:
        for line in file:
            if line.startswith(b'{"checkpoint":'):
                yield str(_members(line).get("checkpoint", ""))


def _branches(export: Path) -> Iterator[tuple[int, frozenset[Head]]]:
    """Recorded restores: the last common size, and the heads that were given up."""
    for entry in _restores(export):
        members = _members(entry)
        try:
            detail: Any = json.loads(str(members["detail"]))
            heads = frozenset(
                Head(int(one["size"]), bytes.fromhex(one["root"])) for one in detail["abandoned"]
            )
            if members["action"] == "ledger.restore":
                yield int(detail["common"]["size"]), heads
        except (ValueError, KeyError, TypeError):
            continue


def _restores(export: Path) -> Iterator[bytes]:
    with export.open("rb") as file:
        for line in file:
            if line.startswith(_RESTORE):
                yield line[len(_ENTRY) : line.rfind(b',"leaf_hash":')]


def _copies(kept: Path | None) -> Iterator[str]:
    """Notes of a file that holds many, each followed by an empty line; one that was never finished proves nothing."""
    if kept is None or not kept.exists():
        return
    held, signed = "", False
    with kept.open(encoding="utf-8", errors="replace", newline="\n") as lines:
        for line in lines:
            if line == "\n" and signed:
                yield held
                held, signed = "", False
                continue
            held, signed = held + line, line.startswith("— ") and line.endswith("\n")
    if signed:
        yield held


def _explained(kept: Path | None, branches: list[tuple[int, frozenset[Head]]]) -> Iterator[str]:
    """The copies without what recorded restores gave up: behind the common size, up to a head that is named."""
    ends = [-1] * len(branches)
    for number, note in enumerate(_copies(kept) if branches else ()):
        for at, (_, heads) in enumerate(branches):
            if _head(note) in heads:
                ends[at] = number
    for number, note in enumerate(_copies(kept)):
        head = _head(note) if branches else None
        given_up = zip(branches, ends, strict=True)
        if not any(head and number <= end and head.size > common for (common, _), end in given_up):
            yield note


def _head(note: str) -> Head | None:
    try:
        return read_note(note)[1]
    except Unreadable:
        return None


def _named(entry: bytes) -> dict[str, Any]:
    """Id and time of an entry, cut out: a quote inside a text of JSON is escaped, so neither is found in one."""
    first = entry.find(b',"id":"') + 7
    second = entry.find(b',"recorded_at":"', first) + 16
    if first < 7 or second < 16:
        return _members(entry)
    return {
        "id": entry[first : entry.find(b'"', first)].decode("utf-8", "replace"),
        "recorded_at": entry[second : entry.find(b'"', second)].decode("utf-8", "replace"),
    }


def _members(text: bytes) -> dict[str, Any]:
    """A JSON object, or nothing: what cannot be parsed is still hashed."""
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _base64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("not base64") from None
    if base64.b64encode(raw).decode() != text:
        raise Unreadable("not canonical base64")
    return raw


def main(arguments: list[str] | None = None) -> int:
    """The command; prints one line for the outcome, and the first findings."""
    parser = argparse.ArgumentParser(prog="python -m service.ledger.offline", description="Verify an export.")
    parser.add_argument("export", type=Path)
    parser.add_argument("--vkey", help="verifier key of the log, kept outside")
    parser.add_argument(
        "--checkpoints", type=Path, help="copies kept outside: a file, or a folder of <tree>.notes"
    )
    given = parser.parse_args(arguments)
    try:
        outcome = verify_export(given.export, vkey=given.vkey, copies=given.checkpoints)
    except (Unreadable, OSError) as error:
        sys.stderr.write(f"Cannot be verified: {error}\n")
        return 2
    sys.stdout.write("\n".join(say(outcome)) + "\n")
    return 1 if outcome.wrong else 0


def say(outcome: Outcome) -> Iterator[str]:
    """The outcome in sentences."""
    counts = (
        f"{outcome.entries:,} entries, {outcome.checkpoints:,} checkpoints, {outcome.copies:,} copies outside"
    )
    if outcome.restores:
        counts += f", {outcome.restores} recorded restore(s)"
    unsigned = "" if outcome.signed else " Signatures were not checked: no key was given."
    if not outcome.wrong:
        yield f"{outcome.origin}: intact. {counts}.{unsigned}"
        return
    yield f"{outcome.origin}: NOT INTACT. {counts}. {outcome.wrong:,} finding(s).{unsigned}"
    for number, found in enumerate(outcome.findings[:10]):
        place = "no position" if found.position is None else f"position {found.position}"
        named = f", entry {found.entry_id}" if found.entry_id else ""
        yield f"  {'also' if number else 'first bad entry'}: {place}{named}: {found.kind}: {found.text}"


if __name__ == "__main__":
    sys.exit(main())
