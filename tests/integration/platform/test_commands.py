"""The operator's commands on a deployment of their own: set up from nothing, administer, verify."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from service.config import ROOT
from service.store.embedded import EmbeddedPostgres
from tests.serving import Ended, command

_PASSWORD = "Walnut-harbor-91-quiet"  # pragma: allowlist secret


@pytest.fixture(scope="module")
def deployment() -> Iterator[Path]:
    """Keys, schema and one program, made by the commands themselves."""
    folder = Path(tempfile.mkdtemp(prefix="consentry-test-"))
    folder.chmod(0o711)
    data = folder / "data"
    for made in (
        command("keys", "init", "--data", str(data)),
        command("migrate", "--data", str(data)),
        command("programs", "apply", str(ROOT / "policies/programs/riverbend.yaml"), "--data", str(data)),
    ):
        assert made.returncode == 0, made.stderr
    yield data
    shutil.rmtree(folder, ignore_errors=True)


def _add(data: Path, name: str, *options: str, password: str = _PASSWORD) -> Ended:
    return command(
        *("users", "add", name, "--program", "riverbend", "--name", "Ada Testperson", "--password-stdin"),
        *("--data", str(data), *options),
        typed=f"{password}\n",
    )


def test_a_program_is_applied_again_only_when_it_changed(deployment: Path, tmp_path: Path) -> None:
    same = ROOT / "policies/programs/riverbend.yaml"
    data = ("--data", str(deployment))
    assert "version 1" in command("programs", "apply", str(same), *data).stdout
    changed = tmp_path / "changed.yaml"
    changed.write_text(same.read_text().replace("General counseling", "Counseling"))
    assert "version 2" in command("programs", "apply", str(changed), *data).stdout
    assert "riverbend: version 2" in command("programs", "list", *data).stdout
    changed.write_text("key: riverbend\nname: 7\n")
    refused = command("programs", "apply", str(changed), *data)
    assert refused.returncode == 1
    assert "timezone" in refused.stderr


def test_accounts_are_added_once_with_an_acceptable_password_and_disabled(deployment: Path) -> None:
    made = _add(deployment, "ada.testperson", "--role", "administrator")
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("ada.testperson: ")
    assert _PASSWORD not in made.stdout + made.stderr
    taken = _add(deployment, "ada.testperson", "--role", "administrator")
    assert (taken.returncode, taken.stdout) == (1, "")
    assert "taken" in taken.stderr
    assert _add(deployment, "dana.testdirector", "--role", "director").returncode == 0
    outside = _add(deployment, "pat.testperson", "--role", "patient")
    assert (outside.returncode, outside.stdout) == (1, "")
    short = _add(deployment, "eve.testperson", "--role", "intake", password="short")
    assert short.returncode == 1
    assert "15 characters" in short.stderr
    where = ("--program", "riverbend", "--data", str(deployment))
    assert "disabled" in command("users", "disable", "ada.testperson", *where).stdout
    unknown = command("users", "disable", "nobody.testperson", *where)
    assert unknown.returncode == 1
    assert "no account" in unknown.stderr


def test_an_unknown_program_is_named(deployment: Path) -> None:
    refused = command("users", "disable", "x", "--program", "nowhere", "--data", str(deployment))
    assert refused.returncode == 1
    assert "'nowhere'" in refused.stderr


def test_search_terms_are_written_anew_in_every_program(deployment: Path) -> None:
    done = command("patients", "reindex", "--data", str(deployment))
    assert (done.returncode, done.stderr) == (0, "")
    assert "riverbend: 0 written" in done.stdout


def test_what_the_operator_did_stands_in_the_ledger(deployment: Path) -> None:
    assert _add(deployment, "cora.testperson", "--role", "compliance").returncode == 0
    verified = command("ledger", "verify", "--data", str(deployment))
    assert verified.returncode == 0, verified.stdout
    assert "consentry/local/service: intact" in verified.stdout


def test_policies_are_valid_as_shipped_and_a_stale_generated_file_is_refused(tmp_path: Path) -> None:
    assert "Policies are valid" in command("policies", "check").stdout
    copy = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", copy)
    with (copy / "roles.cedar").open("a") as file:
        file.write("permit (principal, action, resource);\n")
    refused = command("policies", "check", "--policies", str(copy))
    assert refused.returncode == 1
    assert "roles.cedar" in refused.stderr
    assert "wrote" in command("policies", "generate", "--policies", str(copy)).stdout
    assert command("policies", "check", "--policies", str(copy)).returncode == 0
    assert "up to date" in command("policies", "generate", "--policies", str(copy)).stdout


def test_roles_are_provisioned_for_an_administrators_url(server: EmbeddedPostgres) -> None:
    made = command("db", "provision", "--admin-url", server.admin_url, "--database", "third")
    assert made.returncode == 0, made.stderr
    with psycopg.connect(server.url("consentry_app", "third").replace("+psycopg", "")) as connection:
        assert connection.execute("select current_database()").fetchone() == ("third",)
    nowhere = command("db", "provision", "--admin-url", "postgresql://postgres@127.0.0.1:1/postgres")
    assert nowhere.returncode == 1
    assert "cannot be reached" in nowhere.stderr


def test_tables_and_migrations_say_the_same() -> None:
    checked = command("migrate", "--check")
    assert checked.returncode == 0, checked.stderr


def test_the_version_is_printed() -> None:
    assert command("version").stdout.strip()
