"""Verifying a tree, independently of the service that wrote it.

This module trusts nothing but the hash function, the log's public key and, when it is given, the MAC key.
It rests on three modules without state (tree, entry, checkpoint) and an Ed25519 implementation; where the
entries come from (the database, an export) is the caller's business. One walk over the leaves, in constant
memory:

1. positions are 0, 1, 2, ... without a gap; 2. every stored entry gives the leaf hash that stands at its
position, so no column of it has changed; 3. every entry carries the MAC of the service (where the key is at
hand), so nobody else has written it; 4. the leaf hashes give the root of every signed checkpoint, those
kept in the database and those copied outside; 5. every checkpoint is signed by the log's key and speaks of
this tree; 6. the tree reaches as far as the largest checkpoint seen anywhere, and not beyond the last one
signed; 7. nothing waits without a position for longer than a minute, and no act stands without its entry;
8. what is kept beside all this (sizes, roots, the frontier) is what the leaves give.

What it cannot see: a change made and signed with the log's own key when no checkpoint had been copied
outside.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from service.ledger.checkpoint import SignedCheckpoint, VerifierKey
from service.ledger.entry import Row, mac_is_right, text_of
from service.ledger.merkle import Frontier
from service.ledger.walk import Finding, Findings, Heads, Kind, Leaf, Walk

#: Entries get their position about once a second; one that has waited this long is being kept from it.
LONGEST_WAIT = 60.0

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome for one tree. `findings` are in the order of positions, the first hundred of `wrong`."""

    origin: str
    entries: int
    checkpoints: int
    copies: int
    findings: tuple[Finding, ...]
    wrong: int
    signatures_checked: bool
    macs_checked: bool
    restores: int = 0

    @property
    def intact(self) -> bool:
        return self.wrong == 0

    @property
    def first(self) -> Finding | None:
        """The first bad entry."""
        return self.findings[0] if self.findings else None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stored entry without a position."""

    row: Row
    seconds: float


class UnreadableError(Exception):
    """The source cannot be read at this point; the text says why."""


class Source(Protocol):
    """One tree, wherever it is kept. Everything is streamed; leaves and checkpoints in ascending order."""

    def leaves(self) -> Iterator[Leaf]: ...

    def checkpoints(self) -> Iterator[str]: ...

    def waiting(self) -> Iterator[Waiting]: ...

    def acts_without_entry(self) -> Iterator[tuple[str, str]]: ...

    def contradictions(self, leaves: Frontier) -> Iterator[Finding]:
        """What is kept beside leaves and notes and does not fit the tree that the leaves give."""
        ...


def signature_is_right(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Ed25519 (RFC 8032); False for anything malformed."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def verify(
    source: Source,
    origin: str,
    *,
    public_key: bytes | None,
    mac_keys: Sequence[bytes] = (),
    copies: Iterable[str] = (),
    progress: Progress | None = None,
) -> Report:
    """Verify the tree called `origin`;

    `copies` are notes kept outside, smallest first; never raises on bad data.
    """
    findings = Findings()
    signed_by = _signed_by(VerifierKey(origin, public_key)) if public_key else None
    walk = Walk(
        findings,
        Heads("database", source.checkpoints(), origin, signed_by, findings),
        Heads("copy", copies, origin, signed_by, findings),
        mac_keys,
    )
    try:
        for leaf in source.leaves():
            walk.step(leaf)
            if progress and not walk.tree.size % 1000:
                progress(walk.tree.size)
    except UnreadableError as error:
        findings.add(Kind.ALTERED, f"cannot be read: {error}", walk.next_position)
    walk.finish()
    _look_at_waiting(source, mac_keys, findings)
    for table, entry_id in source.acts_without_entry():
        text = f"a row of {table} says it was recorded under an entry that does not exist"
        findings.add(Kind.UNRECORDED, text, None, entry_id)
    if not findings.count:  # else most of them would only follow from what was found
        for finding in source.contradictions(walk.tree.frontier()):
            findings.put(finding)
    if progress:
        progress(walk.tree.size)
    return Report(
        origin=origin,
        entries=walk.next_position,
        checkpoints=walk.stored.count,
        copies=walk.copied.count,
        findings=findings.ordered(),
        wrong=findings.count,
        signatures_checked=signed_by is not None,
        macs_checked=bool(mac_keys),
    )


def _signed_by(key: VerifierKey) -> Callable[[SignedCheckpoint], bool]:
    return lambda note: note.signed_by(key, signature_is_right)


def _look_at_waiting(source: Source, mac_keys: Sequence[bytes], findings: Findings) -> None:
    for waiting in source.waiting():
        entry_id = text_of(waiting.row["id"])
        if mac_keys and not mac_is_right(waiting.row, *mac_keys):
            text = "an entry without a position that this service did not write"
            findings.add(Kind.INSERTED, text, None, entry_id)
        elif abs(waiting.seconds) > LONGEST_WAIT:
            text = f"has waited {waiting.seconds:.0f} s for its position; is the service running?"
            findings.add(Kind.WAITING, text, None, entry_id)
