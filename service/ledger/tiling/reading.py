"""The hashes of a stored tree by tile and by range: few rows for a proof, however large the tree."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from service.ledger.entry import leaf_bytes
from service.ledger.merkle import EMPTY_ROOT, node_hash
from service.ledger.reading import records as ledger
from service.ledger.tiles import HEIGHT, WIDTH, Tile, TileInvalid, bundle, tile_root
from service.ledger.tiling import records


@dataclass(frozen=True, slots=True)
class StoredTree:
    """One tree in the current transaction."""

    db: Connection
    tree: UUID

    def hashes(self, level: int, first: int, last: int) -> list[bytes]:
        """Hashes `first` up to, not including, `last` of a level. What is not kept is worked out from below."""
        if level == 0:
            return list(ledger.leaf_hashes(self.db, self.tree, first, last))
        kept = records.roots(self.db, self.tree, level, first, last)
        return [
            kept[number] if number in kept else self._made(level, number) for number in range(first, last)
        ]

    def _made(self, level: int, number: int) -> bytes:
        below = self.hashes(level - 1, number * WIDTH, (number + 1) * WIDTH)
        return tile_root(b"".join(below))

    def root_of(self, first: int, last: int) -> bytes:
        """The root over leaves `first` up to `last`, a range as proofs ask for: it begins where its subtree does."""
        stack: list[tuple[int, bytes]] = []
        at = first
        while at < last:
            level = 0
            while at % (1 << HEIGHT * (level + 1)) == 0 and at + (1 << HEIGHT * (level + 1)) <= last:
                level += 1
            height = HEIGHT * level
            number = at >> height
            # as far as this level goes: to the end of its tile, or of the range
            end = min((number // WIDTH + 1) * WIDTH, last >> height)
            for hashed in self.hashes(level, number, end):
                _push(stack, height, hashed)
            at = end << height
        if not stack:
            return EMPTY_ROOT
        _, root = stack.pop()
        while stack:
            root = node_hash(stack.pop()[1], root)
        return root

    def tile(self, tile: Tile) -> bytes:
        """The content of a tile that the tree has."""
        if tile.level is None:
            return self.bundle(tile)
        return b"".join(self.hashes(tile.level, tile.first, tile.first + tile.width))

    def bundle(self, tile: Tile) -> bytes:
        """The entries of a bundle; raises TileInvalid, naming the position, where one is gone or not to be seen."""
        entries: list[bytes] = []
        for position, _, _, row in ledger.stored_leaves(
            self.db, self.tree, tile.first, tile.first + tile.width
        ):
            if row is None:
                raise TileInvalid(f"there is no entry at position {position}")
            entries.append(leaf_bytes(row))
        return bundle(entries)


def _push(stack: list[tuple[int, bytes]], height: int, hashed: bytes) -> None:
    while stack and stack[-1][0] == height:
        hashed = node_hash(stack.pop()[1], hashed)
        height += 1
    stack.append((height, hashed))
