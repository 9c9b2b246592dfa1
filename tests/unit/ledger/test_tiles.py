"""Tiles against the examples of C2SP tlog-tiles, and what is no tile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ledger.merkle import Frontier, leaf_hash
from service.ledger.tiles import Tile, TileInvalid, bundle, levels, tile_root, tiles_of, unbundle


def test_the_examples_of_the_format() -> None:
    assert Tile(0, 1234067).coordinates == "0/x001/x234/067"
    assert Tile.parse("0/x001/x234/067") == Tile(0, 1234067)
    assert [len(list(tiles_of(level, 70_000))) for level in levels(70_000)] == [274, 2, 1]
    assert list(tiles_of(0, 70_000))[-1] == Tile(0, 273, 112)
    assert list(tiles_of(1, 70_000)) == [Tile(1, 0), Tile(1, 1, 17)]
    assert list(tiles_of(2, 70_000)) == [Tile(2, 0, 1)]
    assert [*tiles_of(0, 256), *tiles_of(1, 256)] == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(levels(0)) == []
    assert list(tiles_of(0, 0)) == []
    assert list(levels(1)) == [0]


@given(
    st.one_of(st.none(), st.integers(0, 63)),
    st.integers(0, 10**12),
    st.integers(1, 256),
)
def test_what_is_written_is_read(level: int | None, number: int, width: int) -> None:
    tile = Tile(level, number, width)
    assert Tile.parse(tile.coordinates) == tile
    *groups, last = tile.coordinates.partition("/")[2].partition(".p/")[0].split("/")
    assert all(len(group) == 4 and group[0] == "x" for group in groups)
    assert len(last) == 3


@pytest.mark.parametrize(
    "coordinates",
    [
        "", "0", "0/", "0/0", "0/00", "0/0000", "0/000/", "/0/000", "00/000", "64/000", "-1/000", "data/000",
        "0/x000/000", "0/001/000", "0/x1/000", "0/x001", "0/000.p/0", "0/000.p/256", "0/000.p/00", "0/000.p/01",
        "0/000.p/", "0/000.p", "0/000.P/1", "0/000/p/1", "8/0/000", "entries/x000/x000/001", "0/\u0660\u0660\u0660",
        "0/000\n", " 0/000", "0/../000", "tile/0/000", "0/x001/x001/x001/x001/x001/x001/x001/000",
    ],
)  # fmt: skip
def test_what_is_no_tile_is_refused(coordinates: str) -> None:
    with pytest.raises(TileInvalid):
        Tile.parse(coordinates)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 70_000])
def test_a_tree_has_its_tiles_and_no_others(size: int) -> None:
    for level in range(4):
        present = list(tiles_of(level, size))
        assert all(tile.in_tree(size) for tile in present)
        hashes = sum(tile.width for tile in present)
        assert hashes == size >> 8 * level
        beyond = Tile(level, hashes // 256, hashes % 256 + 1)
        assert not beyond.in_tree(size)
        assert not Tile(level, hashes // 256 + 1, 1).in_tree(size)
    bundles = [(tile.number, tile.width) for tile in tiles_of(None, size)]
    assert bundles == [(tile.number, tile.width) for tile in tiles_of(0, size)]


@given(st.lists(st.binary(max_size=300), max_size=300))
def test_a_bundle_gives_its_entries_back(entries: list[bytes]) -> None:
    packed = bundle(entries)
    assert unbundle(packed) == entries
    assert len(packed) == sum(2 + len(entry) for entry in entries)
    for cut in range(1, min(len(packed), 40)):
        try:
            kept = unbundle(packed[:-cut])
        except TileInvalid:
            continue
        assert bundle(kept) == packed[:-cut]


def test_lengths_are_two_bytes_the_high_one_first() -> None:
    assert bundle([b"a" * 258, b""]) == b"\x01\x02" + b"a" * 258 + b"\x00\x00"
    assert len(bundle([bytes(65_535)])) == 65_537
    with pytest.raises(TileInvalid, match="65,535"):
        bundle([bytes(65_536)])
    for broken in (b"\x00", b"\x00\x01", b"\x00\x02a", b"\x00\x00\x01"):
        with pytest.raises(TileInvalid, match="middle"):
            unbundle(broken)


def test_the_root_of_a_tile_is_that_of_its_hashes() -> None:
    hashes = [leaf_hash(bytes([number])) for number in range(256)]
    for width in (1, 2, 3, 128, 255, 256):
        assert tile_root(b"".join(hashes[:width])) == Frontier().extended(hashes[:width]).root()
    for broken in (b"", bytes(31), bytes(33), bytes(257 * 32)):
        with pytest.raises(TileInvalid):
            tile_root(broken)
