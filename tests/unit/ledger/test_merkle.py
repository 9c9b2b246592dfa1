"""The tree against RFC 6962 section 2.1 written down as it stands there: recursion over whole lists."""

import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    RunningTree,
    consistency_proof,
    consistency_ranges,
    inclusion_proof,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)

LARGEST = 64
LEAVES = [f"leaf {number}".encode() for number in range(LARGEST)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(d: list[bytes]) -> bytes:
    if not d:
        return hashlib.sha256(b"").digest()
    if len(d) == 1:
        return hashlib.sha256(b"\x00" + d[0]).digest()
    k = largest_power_below(len(d))
    return hashlib.sha256(b"\x01" + mth(d[:k]) + mth(d[k:])).digest()


def path(m: int, d: list[bytes]) -> list[bytes]:
    if len(d) == 1:
        return []
    k = largest_power_below(len(d))
    if m < k:
        return [*path(m, d[:k]), mth(d[k:])]
    return [*path(m - k, d[k:]), mth(d[:k])]


def subproof(m: int, d: list[bytes], whole: bool) -> list[bytes]:
    if m == len(d):
        return [] if whole else [mth(d)]
    k = largest_power_below(len(d))
    if m <= k:
        return [*subproof(m, d[:k], whole), mth(d[k:])]
    return [*subproof(m - k, d[k:], False), mth(d[:k])]


def root_of(first: int, last: int) -> bytes:
    return Frontier().extended(HASHES[first:last]).root()


ROOTS = [mth(LEAVES[:size]) for size in range(LARGEST + 1)]


def test_known_answers() -> None:
    """Values that certificate transparency implementations share: the empty tree and its first leaves."""
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    leaves = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243")]
    leaves += [bytes.fromhex("5051525354555657"), bytes(range(0x60, 0x70))]
    root = Frontier().extended(leaf_hash(leaf) for leaf in leaves).root()
    assert root.hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@pytest.mark.parametrize("size", range(LARGEST + 1))
def test_root_and_frontier_at_every_size(size: int) -> None:
    frontier = Frontier().extended(HASHES[:size])
    running = RunningTree()
    for hashed in HASHES[:size]:
        running.append(hashed)
    assert frontier.root() == ROOTS[size] == running.root()
    assert running.frontier() == frontier
    assert Frontier.from_bytes(size, frontier.to_bytes()) == frontier
    for more in range(size, LARGEST + 1):
        assert frontier.extended(HASHES[size:more]).root() == ROOTS[more]


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_inclusion_proofs_at_every_position(size: int) -> None:
    for position in range(size):
        proof = inclusion_proof(position, size, root_of)
        assert proof == path(position, LEAVES[:size])
        assert verify_inclusion(HASHES[position], position, size, proof, ROOTS[size])
        assert not verify_inclusion(leaf_hash(b"other"), position, size, proof, ROOTS[size])
        assert not verify_inclusion(HASHES[position], position, size, proof, ROOTS[size - 1])
        assert not verify_inclusion(HASHES[position], position, size, [*proof, EMPTY_ROOT], ROOTS[size])
        if proof:
            assert not verify_inclusion(HASHES[position], position, size, proof[:-1], ROOTS[size])
        for wrong in range(size):
            if wrong != position:
                assert not verify_inclusion(HASHES[position], wrong, size, proof, ROOTS[size])


@pytest.mark.parametrize("second", range(LARGEST + 1))
def test_consistency_proofs_between_every_two_sizes(second: int) -> None:
    for first in range(second + 1):
        proof = consistency_proof(first, second, root_of)
        expected = subproof(first, LEAVES[:second], True) if first > 0 else []
        assert proof == expected
        assert verify_consistency(first, second, ROOTS[first], ROOTS[second], proof)
        assert not verify_consistency(first, second, ROOTS[first], ROOTS[second], [*proof, EMPTY_ROOT])
        assert not verify_consistency(first, second, leaf_hash(b"other"), ROOTS[second], proof)
        if first:
            assert not verify_consistency(first, second, ROOTS[first], leaf_hash(b"other"), proof)
        if proof:
            assert not verify_consistency(first, second, ROOTS[first], ROOTS[second], proof[:-1])
            flipped = [bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]]
            assert not verify_consistency(first, second, ROOTS[first], ROOTS[second], flipped)


@given(st.lists(st.binary(max_size=40), max_size=300), st.integers(0, 300))
def test_appending_in_two_steps_is_appending_in_one(leaves: list[bytes], cut: int) -> None:
    hashes = [leaf_hash(leaf) for leaf in leaves]
    assert Frontier().extended(hashes[:cut]).extended(hashes[cut:]) == Frontier().extended(hashes)


@given(st.integers(1, 2**40).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))))
def test_an_inclusion_proof_covers_every_other_leaf_once_and_is_short(case: tuple[int, int]) -> None:
    position, size = case
    ranges = sorted([*inclusion_ranges(position, size), (position, position + 1)])
    assert ranges[0][0] == 0
    assert ranges[-1][1] == size
    assert all(left[1] == right[0] for left, right in itertools.pairwise(ranges))
    assert len(ranges) <= size.bit_length() + 1


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="position"):
        inclusion_ranges(3, 3)
    with pytest.raises(ValueError, match="larger"):
        consistency_ranges(4, 3)
    with pytest.raises(ValueError, match="32-byte"):
        Frontier.from_bytes(1, b"short")
    with pytest.raises(ValueError, match="each bit"):
        Frontier.from_bytes(3, node_hash(b"", b""))
    with pytest.raises(ValueError, match="32 bytes"):
        Frontier(1, (b"short",))
    assert not verify_inclusion(HASHES[0], 1, 1, [], HASHES[0])
    assert not verify_consistency(2, 1, ROOTS[2], ROOTS[1], [])
    assert not verify_consistency(3, 5, ROOTS[3], ROOTS[5], [])
