"""A verifier that was not written here: Go's own (golang.org/x/mod/sumdb), over an exported folder of tiles.

The Go sources of `tilelog` lie beside this file. They are built against the copy of x/mod that Debian's `golang-go`
brings along, or that of `golang-golang-x-mod-dev`; no network is asked.
"""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from service.ledger.checkpoint import Checkpoint, VerifierKey, sign
from service.ledger.cosignatures import Cosignature, WitnessKey, signed_message, with_cosignatures
from service.ledger.entry import leaf_bytes
from service.ledger.merkle import Frontier, inclusion_proof, leaf_hash
from service.ledger.proofs import TlogProof
from service.ledger.tiles import Tile, bundle, levels, tile_root, tiles_of
from service.ledger.tiling.folder import write_tiles
from service.store.engine import plain_engine
from service.store.session import in_unit_sync
from service.store.versions import migrate
from tests.house import Cluster
from tests.ledger_database import LedgerDatabase
from tests.ledger_entries import TREE, Key, some_entries, stored
from tests.needing import needs
from tests.showing import Counted

pytestmark = [pytest.mark.battery, pytest.mark.shows("O-23", "T4")]

SOURCES = Path(__file__).parent / "tilelog"
#: Folders that hold golang.org/x/mod and golang.org/x/crypto: Debian's library packages, or the tool chain's own copy.
LIBRARIES = ("/usr/share/gocode/src/golang.org/x", "src/cmd/vendor/golang.org/x")
ORIGIN = "consentry/test/peer"
BATTERY = os.environ.get("CONSENTRY_BATTERY") == "1"
FLIPS = 2_000 if BATTERY else 18


@pytest.fixture(scope="session")
def tilelog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built verifier."""
    go = needs("go", "a verifier that was not written here accepts an export and refuses a changed one")
    folder = tmp_path_factory.mktemp("tilelog")
    root = subprocess.run([go, "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    for each in ("mod", "crypto"):
        found = [Path(root, library, each) for library in LIBRARIES if Path(root, library, each).is_dir()]
        assert found, f"golang.org/x/{each} comes with Debian's golang-go"
        (folder / "src/golang.org/x").mkdir(parents=True, exist_ok=True)
        (folder / "src/golang.org/x" / each).symlink_to(found[-1])
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "GOPATH": str(folder), "GOCACHE": str(folder / "cache"),
        "GO111MODULE": "off", "GOFLAGS": "", "GOPROXY": "off", "CGO_ENABLED": "0",
    }  # fmt: skip
    subprocess.run([go, "vet", "."], cwd=SOURCES, env=environment, check=True)
    built = folder / "tilelog-built"
    subprocess.run([go, "build", "-o", built, "."], cwd=SOURCES, env=environment, check=True)
    return built


def check(tilelog: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    given = [tilelog, "-vkey", str(VerifierKey(ORIGIN, Key().public_key)), *arguments]
    return subprocess.run(given, capture_output=True, text=True, check=False)


def entries(count: int) -> list[bytes]:
    return [leaf_bytes(stored(entry, bytes(32), n)) for n, entry in enumerate(some_entries(count, TREE, 3))]


def write(folder: Path, leaves: list[bytes], note: str) -> None:
    """The tiles by the pure functions alone, for trees too large to be put through a database here."""
    level: list[bytes] = [leaf_hash(leaf) for leaf in leaves]
    for number in levels(len(leaves)):
        for tile in tiles_of(number, len(leaves)):
            put(folder, tile, b"".join(level[tile.first : tile.first + tile.width]))
        level = [tile_root(b"".join(level[at : at + 256])) for at in range(0, len(level) - 255, 256)]
    for tile in tiles_of(None, len(leaves)):
        put(folder, tile, bundle(leaves[tile.first : tile.first + tile.width]))
    (folder / "checkpoint").write_text(note)


def put(folder: Path, tile: Tile, content: bytes) -> None:
    path = folder / "tile" / tile.coordinates
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def signed(leaves: list[bytes]) -> str:
    root = Frontier().extended(leaf_hash(leaf) for leaf in leaves).root()
    return sign(Checkpoint(ORIGIN, len(leaves), root), Key())


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    leaves = entries(300)
    folder = tmp_path_factory.mktemp("peer") / "tiles"
    write(folder, leaves, signed(leaves))
    yield folder


@pytest.mark.parametrize("count", [1, 2, 255, 256, 257, 600])
def test_it_accepts_trees_of_every_shape(tilelog: Path, tmp_path: Path, count: int) -> None:
    leaves = entries(count)
    write(tmp_path, leaves, signed(leaves))
    done = check(tilelog, tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{count} entries\n"), done.stderr


def test_it_accepts_what_the_service_exported_and_went_on_with(
    tilelog: Path, cluster: Cluster, tmp_path: Path
) -> None:
    cluster.create_database("consentry_peer")
    settings = cluster.settings("consentry_peer", tmp_path)
    assert settings.owner_database_url is not None
    migrate(plain_engine(settings.owner_database_url), settings.migrations)
    ledger = LedgerDatabase(cluster, "consentry_peer", tmp_path / "checkpoints")
    tree, folder, old = ledger.new_tree(), tmp_path / "tiles", tmp_path / "old"
    key = str(VerifierKey(ledger.origin(tree), ledger.signer.public_key))
    for count in (270, 330):
        grow(ledger, tree, count)
        if folder.exists():
            shutil.copy(folder / "checkpoint", old)
        in_unit_sync(ledger.sequencer, lambda db: write_tiles(db, tree, ledger.origin(tree), folder))
    done = subprocess.run(
        [tilelog, "-vkey", key, "-old", old, folder], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "600 entries\n"), done.stderr


def grow(ledger: LedgerDatabase, tree: UUID, count: int) -> None:
    made = ledger.entries(tree, count)

    def unit(db: Connection) -> None:
        for entry in made:
            ledger.append_in(db, entry)

    in_unit_sync(ledger.app, unit)
    ledger.sequence(batch=1_000)


def test_it_refuses_one_flipped_bit_anywhere(
    tilelog: Path, exported: Path, tmp_path: Path, counted: Counted
) -> None:
    """Every kind of file, each several times; every bit of the checkpoint in the battery."""
    chance = random.Random(None if BATTERY else 5)
    paths = sorted(path.relative_to(exported) for path in exported.rglob("*") if path.is_file())
    assert len(paths) == 6
    folder = tmp_path / "flipped"
    shutil.copytree(exported, folder)
    note = (exported / "checkpoint").read_bytes()
    places = [(Path("checkpoint"), bit) for bit in range(len(note) * 8 if BATTERY else 0)]
    for number in range(FLIPS):
        path = paths[number % len(paths)]
        places.append((path, chance.randrange((exported / path).stat().st_size * 8)))
    accepted: list[tuple[str, int]] = []
    for path, bit in places:
        whole = (exported / path).read_bytes()
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        (folder / path).write_bytes(content)
        if check(tilelog, folder).returncode == 0:
            accepted.append((str(path), bit))
        (folder / path).write_bytes(whole)
    assert check(tilelog, folder).returncode == 0
    assert not accepted
    counted("bits of exports flipped for Go", len(places))


def test_it_refuses_what_is_missing_too_long_or_beside(tilelog: Path, exported: Path, tmp_path: Path) -> None:
    for name in ("tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44", "checkpoint"):
        for change in ("gone", "longer", "shorter"):
            folder = tmp_path / f"{name.replace('/', '-')}-{change}"
            shutil.copytree(exported, folder)
            path = folder / name
            if change == "gone":
                path.unlink()
            else:
                content = path.read_bytes()
                path.write_bytes(content + b"\n" if change == "longer" else content[:-1])
            assert check(tilelog, folder).returncode == 1, (name, change)
    folder = tmp_path / "beside"
    shutil.copytree(exported, folder)
    put(folder, Tile(0, 1, 20), bytes(20 * 32))
    assert "not the beginning" in check(tilelog, folder).stderr


def test_it_refuses_another_past_and_another_key(tilelog: Path, exported: Path, tmp_path: Path) -> None:
    leaves = entries(300)
    for size in (1, 256, 299, 300):
        old = tmp_path / "old"
        old.write_text(signed(leaves[:size]))
        assert check(tilelog, "-old", old, exported).returncode == 0
        old.write_text(signed([b"{}", *leaves[1:size]]))
        assert check(tilelog, "-old", old, exported).returncode == 1
    stranger = str(VerifierKey(ORIGIN, bytes(range(32))))
    done = subprocess.run([tilelog, "-vkey", stranger, exported], capture_output=True, check=False)
    assert done.returncode == 1


def test_it_sees_a_witness_and_a_proof_by_itself(tilelog: Path, tmp_path: Path) -> None:
    leaves = entries(300)
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    witness = WitnessKey("witness.example/w1", private.public_key().public_bytes_raw())
    note = signed(leaves)
    time = 1_771_228_800
    text = note.partition("\n\n")[0] + "\n"
    signature = time.to_bytes(8, "big") + private.sign(signed_message(time, text))
    cosigned = with_cosignatures(note, [Cosignature(witness.name, witness.key_id, signature)])

    def root_of(first: int, last: int) -> bytes:
        return Frontier().extended(leaf_hash(leaf) for leaf in leaves[first:last]).root()

    path = tmp_path / "entry.tlog-proof"
    for position in (0, 255, 256, 299):
        hashes = tuple(inclusion_proof(position, 300, root_of))
        path.write_text(str(TlogProof(position, hashes, cosigned, leaves[position])))
        assert check(tilelog, "-witness", str(witness), "-proof", path).returncode == 0
        path.write_text(str(TlogProof(position, hashes, note, leaves[position])))
        assert check(tilelog, "-witness", str(witness), "-proof", path).returncode == 1
        path.write_text(str(TlogProof(position, hashes, cosigned, leaves[position - 1])))
        assert check(tilelog, "-witness", str(witness), "-proof", path).returncode == 1
    forged = time.to_bytes(8, "big") + private.sign(signed_message(time + 1, text))
    path.write_text(
        str(TlogProof(0, tuple(inclusion_proof(0, 300, root_of)), with_cosignatures(
            note, [Cosignature(witness.name, witness.key_id, forged)]), leaves[0]))
    )  # fmt: skip
    assert check(tilelog, "-witness", str(witness), "-proof", path).returncode == 1
