"""A tree as a folder of static files: a C2SP tlog-tiles log that any web server could serve.

The folder can be half written, and is then gone on with. What is full is never written again; every file is made beside
its place and moved there whole; the checkpoint comes last, after the root was worked out from the files that lie there.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection

from service.ledger.checkpoint import Checkpoint, CheckpointInvalid, parse
from service.ledger.cosignatures import with_cosignatures
from service.ledger.entry import leaf_bytes
from service.ledger.merkle import EMPTY_ROOT, HASH_SIZE, leaf_hash, node_hash
from service.ledger.reading import records as ledger
from service.ledger.tiles import HEIGHT, WIDTH, Tile, TileInvalid, bundle, levels, tile_root, tiles_of
from service.ledger.tiling import records
from service.ledger.verify import UnreadableError

Progress = Callable[[int], None]


def write_tiles(
    db: Connection, tree: UUID, origin: str, folder: Path, progress: Progress | None = None
) -> int:
    """Bring `folder` up to the newest checkpoint; returns its size. Run it in one REPEATABLE READ transaction.

    Raises UnreadableError where the folder holds something else, and where the stored tree does not give the root that
    is signed; the folder's checkpoint is then left as it was.
    """
    size = ledger.signed_size(db, tree)
    note = records.note_of_size(db, tree, size)
    if note is None:
        raise UnreadableError("nothing has been signed yet")
    before = _checkpoint_in(folder)
    if before is not None and before.origin != origin:
        raise UnreadableError("the folder holds another tree")
    if before is not None and before.size > size:
        raise UnreadableError(
            f"the folder holds {before.size} entries of this tree, which has {size} now: it was cut"
        )
    for tile in tiles_of(0, size):
        _write_lowest(db, tree, folder, tile)
        if progress:
            progress(tile.first + tile.width)
    for level in levels(size)[1:]:
        for tile in tiles_of(level, size):
            _write_upper(folder, tile)
    if before is not None and root_in(folder, before.size) != before.root:
        raise UnreadableError("the folder holds this tree with another past")
    if root_in(folder, size) != parse(note).checkpoint.root:
        raise UnreadableError("the files do not give the root that is signed")
    signed = with_cosignatures(note, records.cosignatures_of(db, tree, size))
    _put(folder / "checkpoint", signed.encode())
    return size


def root_in(folder: Path, size: int) -> bytes:
    """The root of the first `size` leaves, from the tiles in the folder. Raises UnreadableError when one is missing."""
    right: list[bytes] = []
    for level in levels(size):
        # the perfect subtrees of this level's heights, the largest first, from the last tile that is not full
        count = (size >> HEIGHT * level) % WIDTH
        if count:
            hashes = read_tile(folder, Tile(level, (size >> HEIGHT * level) // WIDTH, count))
            right = [*_subtrees(hashes, count), *right]
    if not right:
        return EMPTY_ROOT
    root = right.pop()
    while right:
        root = node_hash(right.pop(), root)
    return root


def read_tile(folder: Path, tile: Tile) -> bytes:
    """The first hashes of a tile, from whichever file holds them: its own, a wider one, or the full one."""
    wanted = tile.width * HASH_SIZE
    for width in range(tile.width, WIDTH + 1):
        path = _path(folder, Tile(tile.level, tile.number, width))
        if path.is_file():
            content = path.read_bytes()
            if len(content) != width * HASH_SIZE:
                raise UnreadableError(f"{path.name} is not {width} hashes long")
            return content[:wanted]
    raise UnreadableError(f"the folder has no tile {tile.coordinates}")


def _subtrees(hashes: bytes, count: int) -> Iterator[bytes]:
    at = 0
    for height in reversed(range(HEIGHT)):
        if count >> height & 1:
            end = at + (HASH_SIZE << height)
            yield tile_root(hashes[at:end])
            at = end


def _write_lowest(db: Connection, tree: UUID, folder: Path, tile: Tile) -> None:
    """A tile of leaf hashes and the bundle of its entries."""
    bundled = Tile(None, tile.number, tile.width)
    hashes_at, entries_at = _path(folder, tile), _path(folder, bundled)
    if hashes_at.is_file() and entries_at.is_file():
        return
    hashes: list[bytes] = []
    entries: list[bytes] = []
    stored = ledger.stored_leaves(db, tree, tile.first, tile.first + tile.width)
    for position, hashed, _, row in stored:
        leaf = leaf_bytes(row) if row is not None else b""
        if position != tile.first + len(hashes) or leaf_hash(leaf) != hashed:
            raise UnreadableError(
                f"position {tile.first + len(hashes)} does not hold what it held when it was signed"
            )
        hashes.append(hashed)
        entries.append(leaf)
    if len(hashes) != tile.width:
        raise UnreadableError(f"nothing stands at position {tile.first + len(hashes)}")
    try:
        content = bundle(entries)
    except TileInvalid as error:
        raise UnreadableError(f"tile {tile.coordinates}: {error}") from None
    for path, made in ((entries_at, content), (hashes_at, b"".join(hashes))):
        if not path.is_file():
            _put(path, made)
    _forget_parts(folder, tile)
    _forget_parts(folder, bundled)


def _write_upper(folder: Path, tile: Tile) -> None:
    """A tile of roots of the full tiles below it, which are there already; one that is there is compared with them."""
    path = _path(folder, tile)
    below = range(tile.first, tile.first + tile.width)
    roots = b"".join(tile_root(read_tile(folder, Tile((tile.level or 1) - 1, number))) for number in below)
    if path.is_file():
        if path.read_bytes() != roots:
            raise UnreadableError(f"tile {tile.coordinates} in the folder does not fit the tiles below it")
        return
    _put(path, roots)
    _forget_parts(folder, tile)


def _forget_parts(folder: Path, tile: Tile) -> None:
    """The partial tiles that a full one stands for now."""
    if not tile.is_full:
        return
    parts = _path(folder, Tile(tile.level, tile.number, 1)).parent
    if parts.is_dir():
        for part in parts.iterdir():
            part.unlink()
        parts.rmdir()


def _path(folder: Path, tile: Tile) -> Path:
    return folder / "tile" / tile.coordinates


def _checkpoint_in(folder: Path) -> Checkpoint | None:
    try:
        return parse((folder / "checkpoint").read_text(encoding="utf-8")).checkpoint
    except FileNotFoundError:
        return None
    except (CheckpointInvalid, UnicodeDecodeError):
        raise UnreadableError("the folder's checkpoint cannot be read") from None


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
