"""`consentry ledger` as an auditor uses it: export here, verify there, with what was kept outside."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli.ledger import app
from service.ledger.checkpoint import VerifierKey
from service.ledger.copies import copy_of
from service.ledger.cosignatures import WitnessKey
from tests.house import Cluster, House, Service, open_program


def run(service: Service, *arguments: str | Path) -> Result:
    data = ["--data", str(service.house.data)]
    environment = service.house.settings.to_environment()
    return CliRunner().invoke(app, [*(str(one) for one in arguments), *data], env=environment)


@pytest.fixture(scope="module")
def quiet(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house of its own: the service's tree answers for everything in the database, also for what other tests do."""
    built = House(cluster, "consentry_command", tmp_path_factory.mktemp("quiet"))
    try:
        yield built
    finally:
        built.close()


@pytest.fixture
def grown(quiet: House) -> Service:
    """A program with a few acts in its own tree, in two batches."""
    service = open_program(quiet)
    for name in ("Testperson", "Otherperson"):
        body = {"given_name": "Tilda", "family_name": name, "birth_date": "1984-02-29", "sex": "female"}
        assert service.client("intake").post("/patients", body).status_code == 201
        service.house.sequence()
    return service


def key_of(service: Service) -> str:
    result = run(service, "public-key", "--program", service.program.key)
    assert result.exit_code == 0, result.output
    return result.output.strip()


def test_the_public_key_is_the_logs(grown: Service) -> None:
    key = VerifierKey.parse(key_of(grown))
    assert key.name == f"consentry/test/{grown.program.key}"
    assert key.public_key == grown.house.state.sequencer.signer.public_key
    every = run(grown, "public-key").output.split()
    assert key_of(grown) in every
    assert any(one.startswith("consentry/test/service+") for one in every)


def test_every_tree_is_verified_and_the_service_tree_with_its_strays(grown: Service) -> None:
    service_tree = run(grown, "verify", "--program", "service")
    assert service_tree.exit_code == 0, service_tree.output
    own = run(grown, "verify", "--program", grown.program.key)
    assert own.exit_code == 0
    assert (
        f"consentry/test/{grown.program.key}: intact. 2 entries, 2 checkpoints, 2 copies outside."
        in own.output
    )


def test_an_export_is_verified_elsewhere(grown: Service, tmp_path: Path) -> None:
    exported = tmp_path / "trail.ndjson"
    assert run(grown, "export", "--program", grown.program.key, "--output", exported).exit_code == 0
    key = key_of(grown)
    copies = copy_of(grown.house.settings.checkpoints, grown.program_id)
    for checkpoints in (copies, copies.parent):
        result = run(grown, "verify", "--export", exported, "--public-key", key, "--checkpoints", checkpoints)
        assert result.exit_code == 0, result.output
        assert "2 entries, 2 checkpoints, 2 copies outside (without MACs" in result.output
    unsigned = run(grown, "verify", "--export", exported)
    assert unsigned.exit_code == 0
    assert "No --public-key" in unsigned.output
    lines = exported.read_bytes().splitlines(keepends=True)
    exported.write_bytes(b"".join(lines[:2]))
    cut = run(grown, "verify", "--export", exported, "--public-key", key, "--checkpoints", copies)
    assert cut.exit_code == 1
    assert "truncated" in cut.output
    stranger = str(VerifierKey(VerifierKey.parse(key).name, bytes(range(32))))
    exported.write_bytes(b"".join(lines))
    other = run(grown, "verify", "--export", exported, "--public-key", stranger)
    assert other.exit_code == 1
    assert "not signed by the log's key" in other.output


def test_a_folder_of_tiles_is_verified_elsewhere(grown: Service, tmp_path: Path) -> None:
    tiles, key = tmp_path / "tiles", key_of(grown)
    assert run(grown, "export", "--program", grown.program.key, "--tiles", tiles).exit_code == 0
    copies = grown.house.settings.checkpoints
    kept = ("verify", "--tiles", tiles, "--public-key", key, "--checkpoints", copies)
    whole = run(grown, *kept)
    assert whole.exit_code == 0, whole.output
    assert "intact. 2 entries, 1 checkpoints, 2 copies outside" in whole.output
    witness = run(grown, *kept, "--witness", str(WitnessKey("witness.example/w1", bytes(32))))
    assert witness.exit_code == 1
    assert "not signed by the witness" in witness.output
    bundle = tiles / "tile/entries/000.p/2"
    bundle.write_bytes(bundle.read_bytes().replace(b'"outcome":"permit"', b'"outcome":"pernit"', 1))
    changed = run(grown, *kept)
    assert changed.exit_code == 1
    assert "first bad entry: position 0, entry " in changed.output
    assert ": altered: " in changed.output
    assert run(grown, "verify", "--tiles", tmp_path).exit_code == 2


def test_an_export_to_standard_output(grown: Service, tmp_path: Path) -> None:
    code = "from service.cli.ledger import app; app()"
    command = [
        sys.executable,
        "-c",
        code,
        "export",
        "--program",
        grown.program.key,
        "--data",
        str(grown.house.data),
    ]
    environment = {**grown.house.settings.to_environment(), "PYTHONPATH": ".", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    path = tmp_path / "trail.ndjson"
    path.write_bytes(done.stdout)
    assert run(grown, "verify", "--export", path, "--public-key", key_of(grown)).exit_code == 0


def test_without_a_copy_it_says_what_it_cannot_see(grown: Service, tmp_path: Path) -> None:
    result = run(grown, "verify", "--program", grown.program.key, "--checkpoints", tmp_path)
    assert result.exit_code == 0
    assert "no checkpoint copy outside the database" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "--program", "nobody"],
        ["verify", "--public-key", "nonsense"],
        ["verify", "--checkpoints", "/nonexistent/folder"],
        ["verify", "--export", "/nonexistent/file"],
        ["export", "--program", "nobody"],
        ["public-key", "--program", "nobody"],
    ],
)
def test_what_cannot_be_verified_is_status_two(grown: Service, arguments: list[str]) -> None:
    result = run(grown, *arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert result.output.strip()


def test_a_file_that_is_no_export(grown: Service, tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson"
    path.write_text("{}\n")
    result = run(grown, "verify", "--export", path)
    assert result.exit_code == 2
    assert "not the header of an export" in result.output
