"""The verifier that stands alone over a folder of tiles: every file of it counts, and what is wrong is named."""

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.ledger.checkpoint import Checkpoint, VerifierKey, sign
from service.ledger.cosignatures import Cosignature, WitnessKey, signed_message, with_cosignatures
from service.ledger.entry import leaf_bytes
from service.ledger.merkle import Frontier, leaf_hash
from service.ledger.offline.__main__ import main
from service.ledger.offline.outcome import Outcome, Unreadable
from service.ledger.offline.verifying import verify_tiles
from service.ledger.tiles import Tile, bundle, levels, tile_root, tiles_of
from tests.ledger_entries import TREE, Key, some_entries, stored
from tests.showing import Counted

pytestmark = [pytest.mark.battery, pytest.mark.shows("O-23", "T4")]

BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
FLIPS = 20_000 if BATTERY else 60
SIZE, ORIGIN, SIGNER = 300, "consentry/test/harbour", Key()
VKEY = str(VerifierKey(ORIGIN, SIGNER.public_key))
ENTRIES = [
    leaf_bytes(stored(replace(one, detail="{}"), bytes(32), number))
    for number, one in enumerate(some_entries(SIZE, TREE))
]
_WITNESS = Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32)
WITNESS = WitnessKey("witness.example/w1", _WITNESS.public_key().public_bytes_raw())


def note_of(entries: list[bytes]) -> str:
    root = Frontier().extended(leaf_hash(one) for one in entries).root()
    return sign(Checkpoint(ORIGIN, len(entries), root), SIGNER)


def cosigned(note: str) -> str:
    time, text = 1_771_228_800, note.partition("\n\n")[0] + "\n"
    signature = time.to_bytes(8, "big") + _WITNESS.sign(signed_message(time, text))
    return with_cosignatures(note, [Cosignature(WITNESS.name, WITNESS.key_id, signature)])


def write(folder: Path, entries: list[bytes], note: str | None = None) -> Path:
    level = [leaf_hash(one) for one in entries]
    for number in levels(len(entries)):
        for tile in tiles_of(number, len(entries)):
            put(folder, tile, b"".join(level[tile.first : tile.first + tile.width]))
        level = [tile_root(b"".join(level[at : at + 256])) for at in range(0, len(level) - 255, 256)]
    for tile in tiles_of(None, len(entries)):
        put(folder, tile, bundle(entries[tile.first : tile.first + tile.width]))
    folder.mkdir(exist_ok=True)
    (folder / "checkpoint").write_text(cosigned(note_of(entries)) if note is None else note)
    return folder


def put(folder: Path, tile: Tile, content: bytes) -> None:
    path = folder / "tile" / tile.coordinates
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def verified(folder: Path, copies: Path | None = None) -> Outcome:
    return verify_tiles(folder, vkey=VKEY, copies=copies, witnesses=[str(WITNESS)])


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("log") / "tiles", ENTRIES)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 600, 66_000 if BATTERY else 1_025])
def test_trees_of_every_shape_are_intact(tmp_path: Path, size: int) -> None:
    entries = [ENTRIES[at % SIZE] for at in range(size)]
    said: list[int] = []
    outcome = verify_tiles(write(tmp_path / "tiles", entries), vkey=VKEY, progress=said.append)
    assert outcome.wrong == 0, outcome.findings
    assert (outcome.entries, outcome.checkpoints, outcome.signed) == (size, 1, True)
    assert said[-1] == size


def test_one_flipped_bit_anywhere_is_found_and_names_its_place(
    tiles: Path, tmp_path: Path, counted: Counted
) -> None:
    folder = tmp_path / "flipped"
    shutil.copytree(tiles, folder)
    paths = sorted(path.relative_to(tiles) for path in tiles.rglob("*") if path.is_file())
    assert len(paths) == 6
    chance = random.Random(None if BATTERY else 7)
    for number in range(FLIPS):
        path = paths[number % len(paths)]
        whole = (tiles / path).read_bytes()
        bit = chance.randrange(len(whole) * 8)
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        (folder / path).write_bytes(content)
        try:
            outcome = verified(folder)
        except Unreadable:
            assert path.name == "checkpoint", path
        else:
            assert outcome.wrong, (path, bit)
            kinds = {"checkpoint": "checkpoint", "000.p": "altered"}.get(path.name, "altered")
            assert outcome.findings[0].kind == kinds, (path, bit, outcome.findings[0])
            assert outcome.findings[0].position == place_of(path, whole, bit // 8)
        (folder / path).write_bytes(whole)
    assert verified(folder).wrong == 0
    counted("bits of exports flipped", FLIPS)


def place_of(path: Path, content: bytes, byte: int) -> int:
    """The position that this byte of this file belongs to."""
    if path.name == "checkpoint":
        return SIZE - 1
    first = 256 if path.parent.name == "001.p" else 0
    if path.parts[1] == "0":
        return first + byte // 32
    if path.parts[1] == "1":
        return 0
    at = 0
    while byte >= (size := 2 + int.from_bytes(content[at : at + 2], "big")) + at:
        at, first = at + size, first + 1
    return first


Change = Callable[[Path], object]


def swap(folder: Path) -> None:
    """Two neighbours with their hashes, and everything above made to fit."""
    write(folder, [*ENTRIES[:7], ENTRIES[8], ENTRIES[7], *ENTRIES[9:]], (folder / "checkpoint").read_text())


CHANGES: dict[str, tuple[Change, str, int | None]] = {
    "an entry changed with all its hashes": (
        lambda f: write(
            f, [*ENTRIES[:9], ENTRIES[9].replace(b'"mac":"', b'"mac":"A'), *ENTRIES[10:]], note_of(ENTRIES)
        ),
        "checkpoint",
        SIZE - 1,
    ),
    "two entries swapped with all their hashes": (swap, "reordered", 7),
    "no bundle": (lambda f: (f / "tile/entries/000").unlink(), "missing", 0),
    "no tile": (lambda f: (f / "tile/0/001.p/44").unlink(), "missing", 256),
    "neither": (
        lambda f: [(f / f"tile/{name}/001.p/44").unlink() for name in ("0", "entries")],
        "missing",
        256,
    ),
    "no tile above": (lambda f: (f / "tile/1/000.p/1").unlink(), "missing", 0),
    "a bundle that ends early": (
        lambda f: put(f, Tile(None, 1, 44), bundle(ENTRIES[256:290])),
        "missing",
        290,
    ),
    "a bundle with more": (
        lambda f: put(f, Tile(None, 1, 44), bundle([*ENTRIES[256:], ENTRIES[0]])),
        "inserted",
        SIZE,
    ),
    "an entry twice": (
        lambda f: put(f, Tile(None, 1, 44), bundle([*ENTRIES[256:260], *ENTRIES[259:299]])),
        "altered",
        260,
    ),
    "a byte moved to the next entry": (
        lambda f: put(
            f, Tile(None, 1, 44),
            bundle([ENTRIES[256][:-1], ENTRIES[256][-1:] + ENTRIES[257], *ENTRIES[258:]]),
        ),
        "altered",
        256,
    ),
    "a tile that is too long": (
        lambda f: put(f, Tile(0, 0), (f / "tile/0/000").read_bytes() + bytes(32)), "missing", 0,
    ),
    "a tile of no such tree": (lambda f: put(f, Tile(0, 2), bytes(8192)), "inserted", None),
    "an older tile that is not its beginning": (lambda f: put(f, Tile(0, 1, 9), bytes(288)), "inserted", None),
    "a file of another kind": (lambda f: (f / "tile/notes.txt").write_text("x"), "inserted", None),
    "not signed by the witness": (
        lambda f: (f / "checkpoint").write_text(note_of(ENTRIES)), "checkpoint", SIZE - 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_done_to_files_is_named(tiles: Path, tmp_path: Path, change: str, counted: Counted) -> None:
    act, kind, position = CHANGES[change]
    folder = tmp_path / "changed"
    shutil.copytree(tiles, folder)
    act(folder)
    first = verified(folder).findings[0]
    assert (first.kind, first.position) == (kind, position), first
    assert main(["--tiles", str(folder), "--vkey", VKEY, "--witness", str(WITNESS)]) == 1
    counted("structural changes", 1)


def test_an_older_partial_tile_may_lie_beside(tiles: Path, tmp_path: Path) -> None:
    folder = tmp_path / "older"
    shutil.copytree(tiles, folder)
    put(folder, Tile(0, 1, 9), b"".join(leaf_hash(one) for one in ENTRIES[256:265]))
    put(folder, Tile(None, 1, 9), bundle(ENTRIES[256:265]))
    assert verified(folder).wrong == 0


@pytest.mark.parametrize(
    ("other", "kind", "position"),
    [
        ([*ENTRIES, ENTRIES[0]], "truncated", SIZE),
        ([*ENTRIES[:-1], ENTRIES[0]], "forked", 280),
        (ENTRIES[:290], None, None),
    ],
)
def test_copies_outside_show_a_cut_and_a_fork(
    tiles: Path, tmp_path: Path, other: list[bytes], kind: str | None, position: int | None
) -> None:
    stranger = sign(Checkpoint("consentry/test/other", 7, bytes(32)), SIGNER)
    (tmp_path / f"{TREE}.notes").write_text(f"{note_of(ENTRIES[:280])}\n{note_of(other)}\n")
    (tmp_path / "0.notes").write_text(f"{stranger}\n")
    outcome = verified(tiles, tmp_path)
    assert outcome.copies == 2
    assert [(one.kind, one.position) for one in outcome.findings] == ([(kind, position)] if kind else [])


def test_what_is_no_folder_of_tiles(tiles: Path, tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        verify_tiles(tmp_path)
    (tmp_path / "checkpoint").write_bytes(b"\xff")
    with pytest.raises(Unreadable):
        verify_tiles(tmp_path)
    with pytest.raises(Unreadable):
        verify_tiles(tiles, vkey=str(VerifierKey("consentry/test/other", SIGNER.public_key)))
    assert main(["--tiles", str(tmp_path)]) == 2
    assert main(["--tiles", str(tiles)]) == 0
