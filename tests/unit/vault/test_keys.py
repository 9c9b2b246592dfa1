"""Keys in memory: bounded, short-lived, evictable, bound to their owner."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from service.vault.keys import (
    DataKey,
    KeyCache,
    KeySet,
    Owner,
    Purpose,
    bound_to,
    key_set,
    new_key_id,
    new_secret,
)


class Ticks:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def owner(number: int) -> Owner:
    return Owner(Purpose.PATIENT, UUID(int=1), UUID(int=number))


def some_keys() -> KeySet:
    key = DataKey(new_key_id(), new_secret())
    return key_set([key], key)


def test_the_least_recently_used_goes_first() -> None:
    cache = KeyCache(size=2, seconds=60, ticks=Ticks())
    first, second, third = some_keys(), some_keys(), some_keys()
    cache.put(owner(1), first)
    cache.put(owner(2), second)
    assert cache.get(owner(1)) is first
    cache.put(owner(3), third)
    assert cache.get(owner(2)) is None
    assert cache.get(owner(1)) is first
    assert cache.get(owner(3)) is third


def test_use_does_not_prolong_a_keys_life() -> None:
    ticks = Ticks()
    cache = KeyCache(size=2, seconds=60, ticks=ticks)
    cache.put(owner(1), some_keys())
    for _ in range(59):
        ticks.at += 1
        assert cache.get(owner(1)) is not None
    ticks.at += 1
    assert cache.get(owner(1)) is None
    assert len(cache) == 0


def test_an_evicted_key_is_gone() -> None:
    cache = KeyCache(size=2, seconds=60, ticks=Ticks())
    cache.put(owner(1), some_keys())
    cache.evict(owner(1))
    cache.evict(owner(2))
    assert cache.get(owner(1)) is None


@given(acts=st.lists(st.tuples(st.sampled_from("pge"), st.integers(1, 9), st.floats(0, 5)), max_size=60))
def test_the_cache_is_bounded_and_never_gives_an_old_or_foreign_key(
    acts: list[tuple[str, int, float]],
) -> None:
    ticks = Ticks()
    cache = KeyCache(size=3, seconds=10, ticks=ticks)
    put: dict[Owner, tuple[float, KeySet]] = {}
    for act, number, later in acts:
        ticks.at += later
        if act == "p":
            put[owner(number)] = (ticks.at, some_keys())
            cache.put(owner(number), put[owner(number)][1])
        elif act == "e":
            put.pop(owner(number), None)
            cache.evict(owner(number))
        else:
            found = cache.get(owner(number))
            if found is not None:
                at, keys = put[owner(number)]
                assert found is keys
                assert ticks.at < at + 10
        assert len(cache) <= 3


owners = st.builds(Owner, st.sampled_from(Purpose), st.uuids(), st.none() | st.uuids())


@given(
    first=owners,
    second=owners,
    one=st.binary(min_size=16, max_size=16),
    two=st.binary(min_size=16, max_size=16),
)
def test_wrapping_is_bound_to_every_part_of_the_owner(
    first: Owner, second: Owner, one: bytes, two: bytes
) -> None:
    assert (bound_to(first, one) == bound_to(second, two)) == (first == second and one == two)


def test_owners_that_differ_in_their_last_bit_are_different() -> None:
    """Ids made in the same millisecond share their first half."""
    here = Owner(Purpose.PATIENT, UUID(int=16), UUID(int=32))
    others = [
        Owner(Purpose.PATIENT, UUID(int=17), UUID(int=32)),
        Owner(Purpose.PATIENT, UUID(int=16), UUID(int=33)),
        Owner(Purpose.PROGRAM, UUID(int=16), UUID(int=32)),
        Owner(Purpose.PATIENT, UUID(int=16)),
    ]
    key_id = bytes(16)
    assert bound_to(here, key_id) not in {bound_to(other, key_id) for other in others}
    assert bound_to(here, key_id) != bound_to(here, bytes(15) + b"\x01")


def test_derivation_separates_contexts_and_keys() -> None:
    key = DataKey(new_key_id(), bytes(32))
    other = DataKey(key.id, bytes(31) + b"\x01")
    derived = {
        key.derive("a", "b"),
        key.derive("ab"),
        key.derive("", "ab"),
        key.derive("b", "a"),
        other.derive("a", "b"),
    }
    assert len(derived) == 5
    assert all(len(one) == 32 for one in derived)


def test_derivation_is_hkdf_expand() -> None:
    """RFC 5869 section 2.3 by the library's own implementation."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

    secret = bytes(range(32))
    info = b"\x00\x00\x00\x01a\x00\x00\x00\x02bc"
    assert DataKey(bytes(16), secret).derive("a", "bc") == HKDFExpand(SHA256(), 32, info).derive(secret)
