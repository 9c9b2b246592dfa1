"""`consentry serve`: what it refuses to start with, and what it survives."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from service.clock import SystemClock
from service.store.embedded import EmbeddedPostgres
from service.vault import keyring
from tests.serving import Serving, all_gone, command, consentry


@pytest.fixture(autouse=True)
def handlers_restored() -> Iterator[None]:
    """`serve` takes SIGTERM for itself; here it runs inside the test's process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def with_keys(data_dir: Path) -> Path:
    data_dir.mkdir(mode=0o711)
    keyring.init(keyring.keyring_path(data_dir), SystemClock().now())
    return data_dir


@pytest.mark.shows("O-31")
def test_without_keys_nothing_starts_and_no_database_is_made(data_dir: Path) -> None:
    refused = command("serve", "--port", "0", "--data", str(data_dir))
    assert refused.returncode == 1
    assert "consentry keys init" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (data_dir / "postgres").exists()


@pytest.mark.shows("O-31")
def test_a_keyring_open_to_others_is_refused(with_keys: Path) -> None:
    (with_keys / "keys" / "keyring.json").chmod(0o444)
    refused = command("serve", "--port", "0", "--data", str(with_keys))
    assert refused.returncode == 1
    assert "open to others" in refused.stderr


@pytest.mark.shows("O-31")
def test_a_second_keyring_is_never_made_in_place_of_the_first(with_keys: Path) -> None:
    path = keyring.keyring_path(with_keys)
    before = path.read_bytes()
    assert command("keys", "init", "--data", str(with_keys)).returncode == 1
    assert path.read_bytes() == before


@pytest.mark.shows("O-31")
def test_ctrl_c_stops_everything_keeps_the_data_and_a_lost_keyring_is_noticed(
    with_keys: Path, tmp_path: Path
) -> None:
    program = "policies/programs/riverbend.yaml"
    with Serving(with_keys, tmp_path / "first.log") as serving:
        beside = command("programs", "apply", program, "--data", str(with_keys))
        assert beside.returncode == 0, beside.stderr
        taken = consentry("serve", "--port", "0", "--data", str(with_keys))
        assert taken.returncode == 1
        assert "already serving" in taken.stderr
        parts = serving.descendants()
        assert serving.interrupt() == 0
        assert all_gone(parts, 1)
    with Serving(with_keys, tmp_path / "second.log") as serving:
        assert httpx2.get(f"{serving.base_url}/healthz").status_code == 200
        os.kill(serving.process.pid, signal.SIGTERM)
        assert serving.process.wait(30) == 0
    assert "riverbend" in command("programs", "list", "--data", str(with_keys)).stdout

    path = keyring.keyring_path(with_keys)
    path.unlink()
    lost = consentry("serve", "--demo", "--port", "0", "--data", str(with_keys))
    assert lost.returncode == 1
    assert not path.exists()
    assert command("keys", "init", "--data", str(with_keys)).returncode == 0
    foreign = consentry("serve", "--port", "0", "--data", str(with_keys))
    assert foreign.returncode == 1
    assert "another deployment" in foreign.stderr


def test_kill_9_of_the_service_leaves_neither_workers_nor_database(with_keys: Path, tmp_path: Path) -> None:
    with Serving(with_keys, tmp_path / "first.log", "--workers", "2") as serving:
        parts = serving.descendants()
        assert len(parts) >= 4
        serving.process.kill()
        assert all_gone(parts)
    with Serving(with_keys, tmp_path / "second.log") as again:
        assert again.ready()


def test_kill_9_of_the_database_is_healed_without_restarting_the_service(
    with_keys: Path, tmp_path: Path
) -> None:
    with Serving(with_keys, tmp_path / "serve.log") as serving:
        first = serving.postmaster()
        first.kill()
        assert all_gone([first], 5)
        deadline = time.monotonic() + 30
        while not serving.ready() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert serving.ready()
        assert serving.postmaster().pid != first.pid
        assert serving.process.poll() is None


@pytest.mark.parametrize("role", ["consentry_owner", "postgres"])
def test_a_database_role_that_could_step_around_the_rules_does_not_serve(
    with_keys: Path, server: EmbeddedPostgres, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.admin("consentry") as admin:
        admin.execute("create table if not exists owned (n int)")
        admin.execute("alter table owned owner to consentry_owner")
    monkeypatch.setenv("DATABASE_URL", server.url(role))
    monkeypatch.setenv("CONSENTRY_SEQUENCER_DATABASE_URL", server.sequencer_url)
    refused = command("serve", "--port", "0", "--data", str(with_keys))
    assert refused.returncode == 1
    assert "must not work as this database role" in refused.stderr


def test_an_unreachable_database_is_one_sentence(with_keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = "postgresql://consentry_app@127.0.0.1:1/consentry"
    monkeypatch.setenv("DATABASE_URL", nowhere)
    monkeypatch.setenv("CONSENTRY_SEQUENCER_DATABASE_URL", nowhere)
    refused = command("serve", "--port", "0", "--data", str(with_keys))
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
