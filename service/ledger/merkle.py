"""The Merkle tree of RFC 6962 section 2.1: hashes, an appendable frontier, proofs and their verification.

A tree is never held in memory. What is kept between appends is its *frontier* (the compact range of its
perfect subtrees, at most 64 hashes), and a proof is first a list of leaf ranges; whoever can give the root
of a range (a scan over stored leaves today, tiles one day) turns the ranges into hashes. The verification
follows RFC 9162 sections 2.1.3.2 and 2.1.4.2, which state as loops what RFC 6962 leaves as recursion.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

HASH_SIZE = 32
#: The root of a tree without leaves is the hash of nothing (RFC 6962 section 2.1).
EMPTY_ROOT = hashlib.sha256().digest()

#: Gives the root over the leaves at positions `first` up to, not including, `last`.
RangeRoot = Callable[[int, int], bytes]
#: Hears the height, the number among those of its height, and the root of a perfect subtree.
Grown = Callable[[int, int, bytes], None]


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 || leaf). The prefix keeps a leaf from ever passing for an inner node."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree of `size` leaves, reduced to the roots of its perfect subtrees, largest first.

    There is one subtree for each bit set in `size`, so appending costs one hash on average and never looks
    back.
    """

    size: int = 0
    subtrees: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.subtrees) != self.size.bit_count():
            raise ValueError("a frontier holds one subtree for each bit set in its size")
        if any(len(subtree) != HASH_SIZE for subtree in self.subtrees):
            raise ValueError("a subtree root is 32 bytes")

    def extended(self, hashes: Iterable[bytes], grown: "Grown | None" = None) -> "Frontier":
        """The frontier after these leaf hashes have been appended in this order.

        `grown` hears of every perfect subtree above a leaf as it is completed.
        """
        size, subtrees = self.size, list(self.subtrees)
        for hashed in hashes:
            subtrees.append(hashed)
            carry, height = size, 0
            size += 1
            while carry & 1:
                right = subtrees.pop()
                subtrees.append(node_hash(subtrees.pop(), right))
                carry >>= 1
                if grown is not None:
                    height += 1
                    grown(height, (size >> height) - 1, subtrees[-1])
        return Frontier(size, tuple(subtrees))

    def root(self) -> bytes:
        """The Merkle tree hash of all leaves appended so far."""
        if not self.subtrees:
            return EMPTY_ROOT
        root = self.subtrees[-1]
        for left in reversed(self.subtrees[:-1]):
            root = node_hash(left, root)
        return root

    def to_bytes(self) -> bytes:
        return b"".join(self.subtrees)

    @classmethod
    def from_bytes(cls, size: int, stored: bytes) -> "Frontier":
        """Raises ValueError when `stored` cannot be the frontier of a tree of `size` leaves."""
        if len(stored) % HASH_SIZE:
            raise ValueError("a stored frontier is a row of 32-byte hashes")
        return cls(size, tuple(stored[at : at + HASH_SIZE] for at in range(0, len(stored), HASH_SIZE)))


class RunningTree:
    """The same frontier, changed in place: for walking over millions of leaves one by one."""

    __slots__ = ("_subtrees", "size")

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def append(self, hashed: bytes) -> None:
        subtrees, carry = self._subtrees, self.size
        while carry & 1:
            hashed = hashlib.sha256(b"\x01" + subtrees.pop() + hashed).digest()
            carry >>= 1
        subtrees.append(hashed)
        self.size += 1

    def extend(self, hashes: Sequence[bytes]) -> None:
        """As many appends, worked out level by level: what one by one would cost is mostly the counting."""
        sha256, level, size = hashlib.sha256, list(hashes), self.size
        left: list[bytes] = []
        while level:
            if size & 1:
                level.insert(0, self._subtrees.pop())
            if len(level) & 1:
                left.append(level.pop())
            pairs = iter(level)
            level = [sha256(b"\x01" + one + other).digest() for one, other in zip(pairs, pairs, strict=True)]
            size >>= 1
        self._subtrees += reversed(left)
        self.size += len(hashes)

    def frontier(self) -> Frontier:
        return Frontier(self.size, tuple(self._subtrees))

    def root(self) -> bytes:
        return self.frontier().root()


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (RFC 6962 section 2.1)."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_ranges(position: int, size: int) -> list[tuple[int, int]]:
    """The leaf ranges whose roots prove the leaf at `position` in a tree of `size`, nearest first (PATH)."""
    if not 0 <= position < size:
        raise ValueError("no such position in a tree of this size")
    ranges: list[tuple[int, int]] = []
    first, last = 0, size
    while last - first > 1:
        middle = first + _split(last - first)
        if position < middle:
            ranges.append((middle, last))
            last = middle
        else:
            ranges.append((first, middle))
            first = middle
    ranges.reverse()
    return ranges


def consistency_ranges(first: int, second: int) -> list[tuple[int, int]]:
    """The leaf ranges that prove a tree of `first` leaves to be the beginning of one of `second` (SUBPROOF)."""
    if not 0 <= first <= second:
        raise ValueError("the first tree must not be larger than the second")
    if first in (0, second):
        return []
    ranges: list[tuple[int, int]] = []
    low, high, whole = 0, second, True
    while first != high:
        middle = low + _split(high - low)
        if first <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low, whole = middle, False
    if not whole:
        ranges.append((low, high))
    ranges.reverse()
    return ranges


def inclusion_proof(position: int, size: int, root_of: RangeRoot) -> list[bytes]:
    return [root_of(first, last) for first, last in inclusion_ranges(position, size)]


def consistency_proof(first: int, second: int, root_of: RangeRoot) -> list[bytes]:
    return [root_of(low, high) for low, high in consistency_ranges(first, second)]


def verify_inclusion(hashed: bytes, position: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` leads from the leaf hash at `position` to the root of `size` leaves (RFC 9162 2.1.3.2)."""
    if not 0 <= position < size:
        return False
    node, last, result = position, size - 1, hashed
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and result == root


def verify_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the tree of `second` leaves begins with the tree of `first` leaves (RFC 9162 2.1.4.2).

    Every tree begins with the empty one, whose root is known, so a proof from size 0 is empty.
    """
    if not 0 <= first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    if first == 0:
        return not proof and first_root == EMPTY_ROOT
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    if not path:
        return False
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old, new = path[0], path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root
