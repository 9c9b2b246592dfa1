"""A stored tree as tiles: what the folder holds is the tree, it is gone on with, and never written over."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection

from service.ledger.checkpoint import VerifierKey, parse
from service.ledger.merkle import RunningTree, leaf_hash
from service.ledger.offline.verifying import verify_tiles
from service.ledger.reading import records
from service.ledger.stored import begin_snapshot
from service.ledger.tiles import Tile, tiles_of, unbundle
from service.ledger.tiling import folder as folders
from service.ledger.tiling import records as kept
from service.ledger.tiling.folder import root_in, write_tiles
from service.ledger.tiling.reading import StoredTree
from service.ledger.verify import UnreadableError
from service.store.session import in_unit_sync
from tests.ledger_database import LedgerDatabase


def grow(ledger: LedgerDatabase, tree: UUID, count: int) -> None:
    """So many entries at once, and one checkpoint over them."""
    entries = ledger.entries(tree, count)

    def unit(db: Connection) -> None:
        for entry in entries:
            ledger.append_in(db, entry)

    in_unit_sync(ledger.app, unit)
    ledger.sequence(batch=10_000)


def export(ledger: LedgerDatabase, tree: UUID, folder: Path) -> int:
    def unit(db: Connection) -> int:
        begin_snapshot(db)
        return write_tiles(db, tree, ledger.origin(tree), folder)

    return in_unit_sync(ledger.sequencer, unit)


def read(ledger: LedgerDatabase, act: Callable[[Connection], object]) -> object:
    return in_unit_sync(ledger.sequencer, act)


def leaves(ledger: LedgerDatabase, tree: UUID) -> list[bytes]:
    found = ledger.rows("select leaf_hash from audit_leaf where tree = :tree order by position", tree=tree)
    return [bytes(hashed) for (hashed,) in found]


def root(hashes: list[bytes]) -> bytes:
    running = RunningTree()
    for hashed in hashes:
        running.append(hashed)
    return running.root()


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_folder_holds_the_tree_and_is_gone_on_with(ledger: LedgerDatabase, tmp_path: Path) -> None:
    tree, folder = ledger.new_tree(), tmp_path / "tiles"
    ledger.sequence()
    grow(ledger, tree, 300)
    assert export(ledger, tree, folder) == 300
    assert set(files(folder)) == {
        "checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000",
        "tile/entries/001.p/44",
    }  # fmt: skip
    hashes = leaves(ledger, tree)
    assert (folder / "tile/0/000").read_bytes() == b"".join(hashes[:256])
    assert (folder / "tile/1/000.p/1").read_bytes() == root(hashes[:256])
    entries = unbundle((folder / "tile/entries/001.p/44").read_bytes())
    assert [leaf_hash(entry) for entry in entries] == hashes[256:]
    note = parse((folder / "checkpoint").read_text())
    assert (note.checkpoint.size, note.checkpoint.root) == (300, root(hashes))
    before, inode = files(folder), (folder / "tile/0/000").stat().st_ino

    grow(ledger, tree, 300)
    assert export(ledger, tree, folder) == 600
    after = files(folder)
    assert set(after) == {
        "checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/1", "tile/1/000.p/2",
        "tile/entries/000", "tile/entries/001", "tile/entries/002.p/88",
    }  # fmt: skip
    assert {name for name in before if after.get(name) == before[name]} == {
        "tile/0/000", "tile/entries/000", "tile/1/000.p/1",
    }  # fmt: skip
    assert (folder / "tile/0/000").stat().st_ino == inode
    hashes = leaves(ledger, tree)
    for size in (0, 1, 255, 256, 257, 300, 511, 512, 513, 600):
        assert root_in(folder, size) == root(hashes[:size])


def test_a_proof_needs_few_rows_and_a_lost_root_is_worked_out(ledger: LedgerDatabase) -> None:
    tree = ledger.new_tree()
    grow(ledger, tree, 700)
    hashes = leaves(ledger, tree)
    kept_roots = read(ledger, lambda db: kept.roots(db, tree, 1, 0, 10))
    assert kept_roots == {number: root(hashes[number * 256 : number * 256 + 256]) for number in (0, 1)}
    ranges = [(0, 700), (0, 512), (256, 512), (512, 700), (0, 256), (640, 700), (5, 6), (0, 0), (696, 700)]
    for _ in range(2):
        for first, last in ranges:
            found = read(ledger, lambda db, f=first, n=last: StoredTree(db, tree).root_of(f, n))
            assert found == root(hashes[first:last])
        ledger.tamper("delete from audit_tile_root where tree = %s", tree)


def test_a_tree_that_grew_before_there_were_tiles_is_exported_and_goes_on(
    ledger: LedgerDatabase, tmp_path: Path
) -> None:
    """Nothing is made up for it afterwards: what is not kept is worked out, and what grows from now on is kept."""
    tree, folder = ledger.new_tree(), tmp_path / "tiles"
    grow(ledger, tree, 530)
    ledger.tamper("delete from audit_tile_root where tree = %s", tree)
    assert export(ledger, tree, folder) == 530
    key = str(VerifierKey(ledger.origin(tree), ledger.signer.public_key))
    assert verify_tiles(folder, vkey=key, copies=ledger.folder).wrong == 0
    grow(ledger, tree, 300)
    hashes = leaves(ledger, tree)
    assert read(ledger, lambda db: kept.roots(db, tree, 1, 0, 9)) == {2: root(hashes[512:768])}
    for first, last in ((0, 830), (0, 512), (512, 768), (256, 512)):
        assert read(ledger, lambda db, f=first, n=last: StoredTree(db, tree).root_of(f, n)) == root(
            hashes[first:last]
        )
    assert export(ledger, tree, folder) == 830
    assert verify_tiles(folder, vkey=key, copies=ledger.folder).wrong == 0
    assert ledger.verify(tree).intact


def test_every_tile_of_the_tree_is_what_the_folder_holds(ledger: LedgerDatabase, tmp_path: Path) -> None:
    tree, folder = ledger.new_tree(), tmp_path / "tiles"
    grow(ledger, tree, 513)
    export(ledger, tree, folder)
    for tile in [*tiles_of(0, 513), *tiles_of(1, 513), *tiles_of(None, 513)]:
        stored = read(ledger, lambda db, tile=tile: StoredTree(db, tree).tile(tile))
        assert stored == (folder / "tile" / tile.coordinates).read_bytes()


def test_killed_at_any_file_it_is_gone_on_with(
    ledger: LedgerDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, whole = ledger.new_tree(), tmp_path / "whole"
    grow(ledger, tree, 520)
    export(ledger, tree, whole)
    put = folders._put  # pyright: ignore[reportPrivateUsage]
    for kill_at in range(len(files(whole))):
        folder = tmp_path / f"killed-{kill_at}"
        left = [kill_at]

        def dying(path: Path, content: bytes, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.with_name(f".{path.name}.new").write_bytes(content[:7])
                raise KeyboardInterrupt
            put(path, content)

        monkeypatch.setattr(folders, "_put", dying)
        with pytest.raises(KeyboardInterrupt):
            export(ledger, tree, folder)
        assert not (folder / "checkpoint").exists()
        monkeypatch.setattr(folders, "_put", put)
        export(ledger, tree, folder)
        assert files(folder) == files(whole)


def test_what_the_folder_must_not_hold(ledger: LedgerDatabase, tmp_path: Path) -> None:
    tree, other = ledger.new_tree(), ledger.new_tree()
    grow(ledger, tree, 300)
    grow(ledger, other, 400)
    folder = tmp_path / "tiles"
    export(ledger, tree, folder)
    with pytest.raises(UnreadableError, match="another tree"):
        export(ledger, other, folder)
    grow(ledger, tree, 1)
    checkpoint = (folder / "checkpoint").read_bytes()
    lowest = folder / "tile/0/000"
    lowest.write_bytes(os.urandom(8192))
    with pytest.raises(UnreadableError, match="does not fit"):
        export(ledger, tree, folder)
    assert (folder / "checkpoint").read_bytes() == checkpoint
    for part in (folder / "tile/1").rglob("*.p/*"):
        part.unlink()
    with pytest.raises(UnreadableError, match="another past"):
        export(ledger, tree, folder)
    lowest.write_bytes(b"short")
    with pytest.raises(UnreadableError, match="256 hashes"):
        export(ledger, tree, folder)
    lowest.unlink()
    with pytest.raises(UnreadableError, match=r"does not fit|another past"):
        export(ledger, tree, folder)
    for part in (folder / "tile/1").rglob("*.p/*"):
        part.unlink()
    export(ledger, tree, folder)
    (folder / "checkpoint").write_text("something else")
    with pytest.raises(UnreadableError, match="cannot be read"):
        export(ledger, tree, folder)


def test_a_tree_that_was_cut_or_changed_is_not_exported_over_its_older_self(
    ledger: LedgerDatabase, tmp_path: Path
) -> None:
    tree, folder = ledger.new_tree(), tmp_path / "tiles"
    with pytest.raises(UnreadableError, match="nothing has been signed"):
        export(ledger, tree, folder)
    grow(ledger, tree, 5)
    grow(ledger, tree, 5)
    export(ledger, tree, folder)
    ledger.tamper("delete from audit_checkpoint where tree = %s and size = 10", tree)
    with pytest.raises(UnreadableError, match="was cut"):
        export(ledger, tree, folder)
    entry = ledger.rows("select entry_id from audit_leaf where tree = :tree and position = 3", tree=tree)[0][
        0
    ]
    ledger.tamper("update audit_entry set outcome = 'deny', purpose = 'x' where id = %s", entry)
    with pytest.raises(UnreadableError, match="position 3"):
        export(ledger, tree, tmp_path / "fresh")
    ledger.tamper("delete from audit_leaf where tree = %s and position = 3", tree)
    with pytest.raises(UnreadableError, match="position 3"):
        export(ledger, tree, tmp_path / "fresh")
    assert not (tmp_path / "fresh" / "checkpoint").exists()


def test_the_sequencers_own_pages_agree_whatever_the_batch(ledger: LedgerDatabase) -> None:
    tree = ledger.new_tree()
    for count in (100, 155, 1, 1, 255):
        grow(ledger, tree, count)
    hashes = leaves(ledger, tree)
    assert read(ledger, lambda db: kept.roots(db, tree, 1, 0, 5)) == {
        0: root(hashes[:256]),
        1: root(hashes[256:512]),
    }
    assert read(ledger, lambda db: records.signed_size(db, tree)) == 512
    tile = Tile(1, 0, 2)
    assert read(ledger, lambda db: StoredTree(db, tree).tile(tile)) == root(hashes[:256]) + root(hashes[256:])
