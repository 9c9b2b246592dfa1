"""Tiles: a tree cut into files that never change once they are full (C2SP tlog-tiles, height 8).

A tile of level 0 is up to 256 leaf hashes in a row; one of level 1 is up to 256 roots of full tiles of level 0, and so
on. Beside them lie bundles of the entries themselves. Whoever holds a signed checkpoint and the tiles can work out every
proof by themselves, with any tool that knows the format.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from service.ledger.merkle import HASH_SIZE, RunningTree

HEIGHT = 8
WIDTH = 1 << HEIGHT
#: The format's own bound; with 2^63 leaves, level 7 is the last that is not empty.
HIGHEST_LEVEL = 63
LONGEST_ENTRY = 0xFFFF
_COORDINATES = re.compile(
    r"(?P<level>entries|[0-9]{1,2})/(?P<number>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[0-9]{1,3}))?",
    re.ASCII,
)


class TileInvalid(ValueError):
    """Not the coordinates of a tile, or not its content."""


@dataclass(frozen=True, slots=True)
class Tile:
    """Which tile: `level` None is a bundle of entries. `width` 256 is a full one."""

    level: int | None
    number: int
    width: int = WIDTH

    @property
    def first(self) -> int:
        """The number, within its level, of the first hash."""
        return self.number * WIDTH

    @property
    def is_full(self) -> bool:
        return self.width == WIDTH

    @property
    def coordinates(self) -> str:
        """The path below `tile/`: groups of three digits, all but the last with an x before them."""
        number, group = divmod(self.number, 1000)
        groups = [f"{group:03d}"]
        while number:
            number, group = divmod(number, 1000)
            groups.insert(0, f"x{group:03d}")
        level = "entries" if self.level is None else str(self.level)
        return f"{level}/{'/'.join(groups)}" + ("" if self.is_full else f".p/{self.width}")

    def in_tree(self, size: int) -> bool:
        """Whether a tree of `size` leaves has these hashes."""
        return self.first + self.width <= size >> HEIGHT * (self.level or 0)

    @classmethod
    def parse(cls, coordinates: str) -> "Tile":
        """Raises TileInvalid; there is one way to write each tile."""
        found = _COORDINATES.fullmatch(coordinates)
        if found is None:
            raise TileInvalid("a tile is <level>/<number> or <level>/<number>.p/<width>")
        level = None if found["level"] == "entries" else int(found["level"])
        number = int(found["number"].replace("x", "").replace("/", ""))
        tile = cls(level, number, WIDTH if found["width"] is None else int(found["width"]))
        if (level or 0) > HIGHEST_LEVEL or not 1 <= tile.width <= WIDTH or tile.coordinates != coordinates:
            raise TileInvalid("a tile's level is at most 63, its width 1 to 255 when it is not full")
        return tile


def tiles_of(level: int | None, size: int) -> Iterator[Tile]:
    """The tiles of this level in a tree of `size` leaves: the full ones, and the partial one behind them."""
    full, rest = divmod(size >> HEIGHT * (level or 0), WIDTH)
    for number in range(full):
        yield Tile(level, number)
    if rest:
        yield Tile(level, full, rest)


def levels(size: int) -> range:
    """The levels that are not empty in a tree of `size` leaves."""
    return range((max(size, 1).bit_length() - 1) // HEIGHT + 1) if size else range(0)


def tile_root(hashes: bytes) -> bytes:
    """The root over the hashes of a tile."""
    if not hashes or len(hashes) % HASH_SIZE or len(hashes) > WIDTH * HASH_SIZE:
        raise TileInvalid("a tile is 1 to 256 hashes of 32 bytes")
    running = RunningTree()
    for at in range(0, len(hashes), HASH_SIZE):
        running.append(hashes[at : at + HASH_SIZE])
    return running.root()


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries in a row, each behind its length in two bytes, the high one first."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > LONGEST_ENTRY:
            raise TileInvalid("an entry of more than 65,535 bytes has no place in a bundle")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def unbundle(content: bytes) -> list[bytes]:
    """The entries of a bundle; raises TileInvalid when it ends in the middle of one."""
    entries: list[bytes] = []
    at = 0
    while at < len(content):
        start = at + 2
        at = start + int.from_bytes(content[at:start], "big")
        if at > len(content) or start > len(content):
            raise TileInvalid("the bundle ends in the middle of an entry")
        entries.append(content[start:at])
    return entries
