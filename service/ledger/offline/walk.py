"""The walk over a tree: what is compared with what, and how a fault gets its name."""

from collections.abc import Callable, Iterator

from service.ledger.merkle import RunningTree, leaf_hash
from service.ledger.offline.notes import Heads
from service.ledger.offline.outcome import Outcome, Unreadable
from service.ledger.offline.source import Odd, members

#: Position and bytes of every entry, read once more.
Again = Callable[[], Iterator[tuple[int, bytes]]]


class Walk:
    """One pass over the entries; `complete` where every checkpoint there is stands beside them."""

    def __init__(
        self, outcome: Outcome, stored: Heads, copied: Heads, again: Again, *, complete: bool = True
    ) -> None:
        self.outcome, self.stored, self.copied = outcome, stored, copied
        self.tree, self.position = RunningTree(), 0
        self._again, self._complete = again, complete
        self._gap = False
        #: The size of the next head to be compared.
        self._due = 0

    def run(self, hashes: list[bytes]) -> None:
        """Entries that follow upon each other and fit their hashes."""
        taken = 0
        while taken < len(hashes):
            if self.tree.size >= self._due:
                self._compare()
            part = hashes[taken : taken + self._due - self.tree.size]
            self.tree.extend(part)
            taken += len(part)
            self.position += len(part)

    def step(self, odd: Odd) -> None:
        """Something that stands where it should not, or is not what was hashed."""
        if self.tree.size >= self._due:
            self._compare()
        position, hashed, entry = odd
        told = members(entry) if entry is not None else {}
        entry_id = str(told.get("id", "")) or None
        if position > self.position:
            self.outcome.add("missing", f"nothing stands here up to position {position - 1}", self.position)
            self._gap = True
        elif position < self.position:
            self.outcome.add("inserted", "stands here a second time, or too late", position, entry_id)
            self._gap = True
        if entry is None or (len(told) == 1 and "id" in told):
            self.outcome.add("missing", "the entry that stood here is gone", position, entry_id)
        elif leaf_hash(entry) != hashed:
            self.outcome.add("altered", "the entry does not give its hash", position, entry_id)
        self.tree.extend([hashed])
        self.position = position + 1

    def finish(self) -> None:
        self._compare()
        whole = not (self.stored.broken or self._gap) and self.stored.next is None
        for heads in (self.stored, self.copied):
            largest = heads.next
            while heads.next is not None:
                largest = heads.next
                heads.advance()
            if largest is not None and not self._gap:
                text = f"ends here; a signed head of {largest.size} entries is known"
                self.outcome.add("truncated", text, self.position)
        agreed = max(self.stored.agreed, self.copied.agreed)
        # where a checkpoint is no good, that is what is wrong: something was signed here
        whole = whole and not self.outcome.within(agreed, self.position, "checkpoint")
        if whole and self.position > agreed:
            self.outcome.add("inserted", "stands behind the last signed checkpoint", agreed)

    def _compare(self) -> None:
        """Hold the root so far against every head of exactly this size."""
        broken: list[tuple[Heads, int, int]] = []
        kept: set[int] = set()
        for heads in (self.stored, self.copied):
            while heads.next is not None and heads.next.size <= self.tree.size:
                size = heads.next.size
                if heads is self.stored:
                    kept.add(size)
                elif self._complete and size not in kept:
                    text = f"a checkpoint of size {size} is not here, and a copy of it lies outside"
                    self.outcome.add("checkpoint", text, max(size - 1, 0))
                if not heads.broken and not self._gap:
                    if heads.next.root == self.tree.root():
                        heads.agreed = size
                    else:
                        heads.broken = True
                        broken.append((heads, heads.agreed, size))
                heads.advance()
        self._due = min(
            (heads.next.size for heads in (self.stored, self.copied) if heads.next), default=1 << 63
        )
        for heads, first, last in broken:
            if not self.outcome.within(first, last):
                self._name(heads, first, last)

    def _name(self, heads: Heads, first: int, last: int) -> None:
        """Why positions `first` up to `last` do not give the root of a head, though each entry fits its hash."""
        if heads is self.copied and not self.stored.broken:
            text = f"positions {first} to {last - 1} are not what was signed and kept outside"
            self.outcome.add("forked", text, first)
            return
        settled = min(self.stored.agreed, self.copied.agreed if self.copied.count else self.stored.agreed)
        turned = self._turned(max(first, settled), last)
        if turned is not None:
            self.outcome.add("reordered", "later than the one behind it", *turned)
        else:
            text = f"positions {first} to {last - 1} do not give the root that was signed"
            self.outcome.add("altered", text, first)

    def _turned(self, first: int, last: int) -> tuple[int, str] | None:
        """The first position from `first` up to `last` whose entry is later than the one behind it, and its id."""
        before: tuple[str, str] | None = None
        try:
            for position, entry in self._again():
                if position < first:
                    continue
                told = members(entry)
                now = (str(told.get("recorded_at", "")), str(told.get("id", "")))
                if before is not None and before > now:
                    return position - 1, before[1]
                if position >= last:
                    return None
                before = now if len(told) > 1 else None
        except Unreadable:
            return None  # the walk itself comes to this place, and says so
        return None
