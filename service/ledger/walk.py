"""The walk over a tree's leaves that a verification is: what is compared with what, and how a fault gets
its name.

The leaves are taken as they are stored; each must be the hash of its entry, and together they must give the
roots that were signed. An altered entry therefore does not spoil the roots behind it, and the walk can say
exactly which one it is. Where leaves themselves were changed, a root says only "somewhere since the last
checkpoint that agreed": about a second's worth of entries; their order in time then tells a swap from a
rewriting.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from service.ledger.checkpoint import CheckpointInvalid, SignedCheckpoint, parse
from service.ledger.entry import Row, leaf_bytes, mac_is_right, text_of
from service.ledger.merkle import RunningTree, leaf_hash

_KEPT = 100
_DESCENTS = 10_000

#: Whether a note is signed by the log's key.
SignedBy = Callable[[SignedCheckpoint], bool]


class Kind(StrEnum):
    """What is wrong."""

    ALTERED = "altered"
    MISSING = "missing"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    REWRITTEN = "rewritten"
    FORKED = "forked"
    CHECKPOINT = "checkpoint"
    WAITING = "waiting"
    UNRECORDED = "unrecorded"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, at the first position it concerns; `text` is a sentence."""

    kind: Kind
    text: str
    position: int | None = None
    entry_id: str | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """What stands at one position:

    The hash in the tree, and the entry as bytes or row (both None: it is gone).
    """

    position: int
    leaf_hash: bytes
    entry_id: str | None
    leaf: bytes | None = None
    row: Row | None = None


def what_is_wrong_with(leaf: Leaf, mac_keys: Sequence[bytes]) -> Finding | None:
    """Whether the entry gives its leaf's hash and, where the keys are at hand, was written by the service."""
    found = leaf.leaf
    if found is None and leaf.row is not None:
        found = leaf_bytes(leaf.row)
    if found is None:
        return Finding(Kind.MISSING, "the entry that stood here is gone", leaf.position, leaf.entry_id)
    if leaf_hash(found) != leaf.leaf_hash:
        text = "the entry is not as it was when it got its position"
        return Finding(Kind.ALTERED, text, leaf.position, leaf.entry_id)
    if mac_keys and leaf.row is not None and not mac_is_right(leaf.row, *mac_keys):
        text = "the service did not write this entry (put in, or changed together with its leaf)"
        return Finding(Kind.INSERTED, text, leaf.position, leaf.entry_id)
    return None


class Findings:
    """Counts everything, keeps the findings with the lowest positions."""

    def __init__(self) -> None:
        self.count = 0
        self._kept: list[Finding] = []

    def add(self, kind: Kind, text: str, position: int | None, entry_id: str | None = None) -> None:
        self.put(Finding(kind, text, position, entry_id))

    def put(self, finding: Finding) -> None:
        self.count += 1
        self._kept.append(finding)
        if len(self._kept) > 2 * _KEPT:
            self._kept = list(self.ordered())

    def ordered(self) -> tuple[Finding, ...]:
        def place(finding: Finding) -> tuple[bool, int, bool]:
            """An entry before the checkpoint that stands behind it."""
            return finding.position is None, finding.position or 0, finding.kind is Kind.CHECKPOINT

        return tuple(sorted(self._kept, key=place)[:_KEPT])

    def between(self, first: int, last: int, kind: Kind | None = None) -> bool:
        """Whether something (of this kind) is known to be wrong from `first` up to, not including, `last`."""
        return any(
            found.position is not None and first <= found.position < last and kind in (None, found.kind)
            for found in self._kept
        )


@dataclass(frozen=True, slots=True)
class Head:
    size: int
    root: bytes


class Heads:
    """The checkpoints of one keeper, checked one by one and offered in ascending order of size."""

    def __init__(
        self,
        where: str,
        notes: Iterable[str],
        origin: str,
        signed_by: SignedBy | None,
        findings: Findings,
    ) -> None:
        self.where = where
        self.count = 0
        #: Size of the last head that the leaves agreed with; what is wrong lies behind it.
        self.agreed = 0
        self.broken = False
        self._origin, self._signed_by, self._findings = origin, signed_by, findings
        self._heads = self._checked(iter(notes))
        self.next = next(self._heads, None)

    def advance(self) -> None:
        self.next = next(self._heads, None)

    def drain(self) -> Head | None:
        """Read to the end, so that the source can let go; the largest head that was left, if any was."""
        largest = self.next
        while self.next is not None:
            largest = self.next
            self.advance()
        return largest

    def _checked(self, notes: Iterator[str]) -> Iterator[Head]:
        largest = -1
        for text in notes:
            try:
                note = parse(text)
            except CheckpointInvalid as error:
                self._bad(max(largest, 0), f"is no checkpoint: {error}")
                continue
            head = note.checkpoint
            if head.origin != self._origin:
                if self.where == "database":
                    self._bad(max(largest, 0), "speaks of another tree")
                continue
            if self._signed_by and not self._signed_by(note):
                self._bad(max(head.size - 1, 0), f"of size {head.size} is not signed by the log's key")
                continue
            if head.size < largest:
                self._bad(head.size, f"of size {head.size} stands behind one of size {largest}")
                continue
            self.count += 1
            largest = head.size
            yield Head(head.size, head.root)

    def _bad(self, position: int, text: str) -> None:
        keeper = "the database" if self.where == "database" else "the copies outside"
        self._findings.add(Kind.CHECKPOINT, f"a checkpoint in {keeper} {text}", position)


@dataclass(slots=True)
class _Mismatch:
    """A head that the leaves contradict; its cause lies in positions `first` up to, not including, `last`."""

    heads: Heads
    first: int
    last: int


class Walk:
    """One pass over the leaves in order of position."""

    def __init__(self, findings: Findings, stored: Heads, copied: Heads, mac_keys: Sequence[bytes]) -> None:
        self.tree = RunningTree()
        self.next_position = 0
        self.findings, self.stored, self.copied = findings, stored, copied
        self._mac_keys = mac_keys
        self._gap = False
        self._previous: tuple[str, str] | None = None
        self._previous_id: str | None = None
        #: The first position, at or behind each settled head, whose entry is later than its successor.
        self._descents: list[tuple[int, str | None]] = []
        self._open: list[_Mismatch] = []

    def step(self, leaf: Leaf) -> None:
        self._check_heads()
        self._check_position(leaf)
        self._look_for_descent(leaf)
        self._settle()
        wrong = what_is_wrong_with(leaf, self._mac_keys)
        if wrong is not None:
            self.findings.put(wrong)
        self.tree.append(leaf.leaf_hash)
        self.next_position = leaf.position + 1

    def finish(self) -> None:
        self._check_heads()
        self._settle()
        unsettled = self.stored.broken or self._gap or self.stored.next is not None
        for heads in (self.stored, self.copied):
            largest = heads.drain()
            if largest is not None and not self._gap:
                self._say_truncated(heads, largest)
        agreed = max(self.stored.agreed, self.copied.agreed)
        # where a checkpoint is no good, that is what is wrong: something was signed here
        unsettled |= self.findings.between(agreed, self.next_position, Kind.CHECKPOINT)
        if self.next_position > agreed and not unsettled:
            text = "stands behind the last signed checkpoint"
            self.findings.add(Kind.INSERTED, text, agreed)

    def _say_truncated(self, heads: Heads, largest: Head) -> None:
        keeper = "the database" if heads is self.stored else "a copy outside"
        text = f"the tree ends here, but {keeper} holds a signed checkpoint of {largest.size} entries"
        if heads.agreed < self.next_position:
            # Taking one out and moving the rest up looks exactly like cutting the last one off.
            text += f"; what was taken may have stood anywhere from position {heads.agreed} on"
        self.findings.add(Kind.TRUNCATED, text, self.next_position)

    def _check_position(self, leaf: Leaf) -> None:
        if leaf.position > self.next_position:
            last = leaf.position - 1
            text = "nothing stands here"
            if last > self.next_position:
                text += f" up to position {last}"
            self.findings.add(Kind.MISSING, text, self.next_position)
            self._gap = True
        elif leaf.position < self.next_position:
            self.findings.add(Kind.INSERTED, "stands here a second time", leaf.position, leaf.entry_id)
            self._gap = True

    def _look_for_descent(self, leaf: Leaf) -> None:
        if leaf.row is None:
            self._previous = None
            return
        order = (text_of(leaf.row.get("recorded_at")) or "", text_of(leaf.row.get("id")) or "")
        if self._previous is not None and self._previous > order and len(self._descents) < _DESCENTS:
            self._descents.append((self.next_position - 1, self._previous_id))
        self._previous, self._previous_id = order, leaf.entry_id

    def _check_heads(self) -> None:
        """Compare the root so far with every head of exactly this size."""
        kept: set[int] = set()
        for heads in (self.stored, self.copied):
            while heads.next is not None and heads.next.size <= self.tree.size:
                if heads is self.stored:
                    kept.add(heads.next.size)
                elif heads.next.size not in kept:
                    text = f"of size {heads.next.size} is gone, and a copy of it lies outside"
                    self.findings.add(Kind.CHECKPOINT, f"a checkpoint {text}", max(heads.next.size - 1, 0))
                if not heads.broken and not self._gap:
                    if heads.next.root == self.tree.root():
                        heads.agreed = heads.next.size
                    else:
                        heads.broken = True
                        self._open.append(_Mismatch(heads, heads.agreed, heads.next.size))
                heads.advance()
        settled = min(self.stored.agreed, self.copied.agreed if self.copied.count else self.stored.agreed)
        if self._descents and self._descents[0][0] < settled:
            self._descents = [found for found in self._descents if found[0] >= settled]

    def _settle(self) -> None:
        """Name the cause of heads that did not agree, once the leaf behind them has been seen too."""
        for mismatch in self._open:
            first, last = mismatch.first, mismatch.last
            if self.findings.between(first, last):
                continue
            if mismatch.heads is self.copied and not self.stored.broken:
                text = f"positions {first} to {last - 1} are not what was signed and copied outside"
                self.findings.add(Kind.REWRITTEN, text, first)
                continue
            moved = next((found for found in self._descents if first <= found[0] < last), None)
            if moved is not None:
                text = "an entry that is later than the one behind it"
                self.findings.add(Kind.REORDERED, text, moved[0], moved[1])
            else:
                text = f"positions {first} to {last - 1} do not give the root that was signed"
                self.findings.add(Kind.REWRITTEN, text, first)
        self._open.clear()
