"""RFC 6962 section 2.1 as it is written, slowly, by recursion over lists of leaves; and ours held against it.

CI takes all small sizes and every so many of the others; the battery takes every size up to 300, every leaf, every pair,
and spoils every proof in every way.
"""

import hashlib
import os
from collections.abc import Iterator
from functools import cache

import pytest

from service.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)

pytestmark = pytest.mark.battery

LARGEST = 300
BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
LEAVES = [number.to_bytes(2, "big") for number in range(LARGEST)]

#: Leaves and roots by which implementations of certificate transparency know each other (its reference tests).
PUBLISHED_LEAVES = [
    b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43", bytes(range(0x50, 0x58)),
    bytes(range(0x60, 0x70)),
]  # fmt: skip
PUBLISHED_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


@cache
def mth(first: int, last: int) -> bytes:
    """MTH(D[first:last])."""
    n = last - first
    if n == 0:
        return hashlib.sha256(b"").digest()
    if n == 1:
        return hashlib.sha256(b"\x00" + LEAVES[first]).digest()
    k = split(n)
    return hashlib.sha256(b"\x01" + mth(first, first + k) + mth(first + k, last)).digest()


def path(m: int, first: int, last: int) -> list[bytes]:
    """PATH(m, D[first:last])."""
    n = last - first
    if n == 1:
        return []
    k = split(n)
    if m < k:
        return [*path(m, first, first + k), mth(first + k, last)]
    return [*path(m - k, first + k, last), mth(first, first + k)]


def subproof(m: int, first: int, last: int, whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[first:last], b)."""
    n = last - first
    if m == n:
        return [] if whole else [mth(first, last)]
    k = split(n)
    if m <= k:
        return [*subproof(m, first, first + k, whole), mth(first + k, last)]
    return [*subproof(m - k, first + k, last, False), mth(first, first + k)]


def spoiled(proof: list[bytes]) -> Iterator[list[bytes]]:
    """The proof with each hash changed, dropped, doubled or swapped with its neighbour, and with one too many."""
    yield [*proof, EMPTY_ROOT]
    yield [EMPTY_ROOT, *proof]
    for at, hashed in enumerate(proof):
        yield [*proof[:at], bytes([hashed[0] ^ 1]) + hashed[1:], *proof[at + 1 :]]
        yield [*proof[:at], hashed[:-1] + bytes([hashed[-1] ^ 128]), *proof[at + 1 :]]
        yield [*proof[:at], *proof[at + 1 :]]
        yield [*proof[: at + 1], *proof[at:]]
        if at and proof[at - 1] != hashed:
            yield [*proof[: at - 1], hashed, proof[at - 1], *proof[at + 1 :]]


SIZES = range(LARGEST + 1) if BATTERY else [*range(34), *range(34, LARGEST, 29), 255, 256, 257, LARGEST]


@cache
def subtree(first: int, last: int) -> bytes:
    """A root as the code under test makes it, for the ranges it asks for."""
    return Frontier().extended(leaf_hash(leaf) for leaf in LEAVES[first:last]).root()


def test_published_roots() -> None:
    frontier = Frontier()
    for leaf, expected in zip(PUBLISHED_LEAVES, PUBLISHED_ROOTS, strict=True):
        frontier = frontier.extended([leaf_hash(leaf)])
        assert frontier.root().hex() == expected


@pytest.mark.parametrize("size", SIZES)
def test_inclusion(size: int) -> None:
    """Every leaf: the proof is PATH, it holds, and nothing near it does."""
    assert subtree(0, size) == mth(0, size)
    spoil_every = 1 if BATTERY or size < 34 else 23
    for index in range(size):
        proof = inclusion_proof(index, size, subtree)
        assert proof == path(index, 0, size)
        hashed, root = leaf_hash(LEAVES[index]), mth(0, size)
        assert verify_inclusion(hashed, index, size, proof, root)
        if index % spoil_every:
            continue
        assert not verify_inclusion(leaf_hash(b"other"), index, size, proof, root)
        assert not verify_inclusion(hashed, index, size, proof, EMPTY_ROOT)
        for wrong in spoiled(proof):
            assert not verify_inclusion(hashed, index, size, wrong, root)
        for other in {index ^ 1, index - 1, index + 1, index ^ 2, 0, size - 1, size, -1} - {index}:
            assert not verify_inclusion(hashed, other, size, proof, root)
        # a size comes with its root: the same proof under another size's root proves nothing
        for other in {size - 1, size + 1, size * 2, 0} - {size}:
            if 0 <= other <= LARGEST:
                assert not verify_inclusion(hashed, index, other, proof, mth(0, other))


@pytest.mark.parametrize("second", SIZES)
def test_consistency(second: int) -> None:
    """Every smaller size: the proof is PROOF, it holds, and nothing near it does."""
    spoil_every = 1 if BATTERY or second < 34 else 23
    for first in range(second + 1):
        proof = consistency_proof(first, second, subtree)
        assert proof == (subproof(first, 0, second, True) if first else [])
        old, new = mth(0, first), mth(0, second)
        assert verify_consistency(first, second, old, new, proof)
        if first % spoil_every:
            continue
        assert not verify_consistency(first, second, leaf_hash(b"other"), new, proof)
        if first:  # everything begins with nothing, so from size 0 the second root is not looked at
            assert not verify_consistency(first, second, old, leaf_hash(b"other"), proof)
        for wrong in spoiled(proof):
            assert not verify_consistency(first, second, old, new, wrong)
        for other in {first - 1, first + 1, second + 1, -1} - {first, 0}:
            if proof and other <= LARGEST:  # no hashes prove any size against itself
                assert not verify_consistency(other, second, mth(0, max(other, 0)), new, proof)
        if first and second < LARGEST:
            assert not verify_consistency(first, second + 1, old, mth(0, second + 1), proof)


def test_the_frontier_tells_of_every_perfect_subtree() -> None:
    grown: dict[tuple[int, int], bytes] = {}

    def note(height: int, number: int, root: bytes) -> None:
        assert (height, number) not in grown
        grown[height, number] = root

    frontier = Frontier()
    for first, last in ((0, 1), (1, 7), (7, 256), (256, 257), (257, LARGEST)):
        frontier = frontier.extended((leaf_hash(leaf) for leaf in LEAVES[first:last]), note)
    expected = {
        (height, number): mth(number << height, (number + 1) << height)
        for height in range(1, 9)
        for number in range(LARGEST >> height)
    }
    assert grown == expected
