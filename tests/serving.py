"""`consentry` as a process of its own, the way an operator runs it."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from unittest.mock import patch

import httpx2
import psutil

from service.cli.main import main
from service.config import ROOT

_STARTED = re.compile(r"serves at (http://\S+)")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def command(*arguments: str, typed: str = "") -> Ended:
    """Run one command to its end, in this process: `main()` as an operator's shell would call it."""
    out, err = io.StringIO(), io.StringIO()
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        patch("sys.argv", ["consentry", *arguments]),
        patch("sys.stdin", io.StringIO(typed)),
    ):
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    return Ended(status if isinstance(status, int) else 0, out.getvalue(), err.getvalue())


def consentry(*arguments: str, timeout: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end, as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "service.cli.main", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=ROOT,
        env=clean_environment() | environment,
    )


def clean_environment() -> dict[str, str]:
    """Ours without any deployment's variables."""
    foreign = ("DATABASE_URL", "CONSENTRY_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


class Serving:
    """`consentry serve` on a free port. `log` gets what it prints."""

    def __init__(self, data: Path, log: Path, *options: str) -> None:
        self.log = log
        self._output = log.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service.cli.main", "serve", "--port", "0", "--data", str(data), *options],
            stdout=self._output,
            stderr=self._output,
            cwd=ROOT,
            env=clean_environment(),
            start_new_session=True,
        )
        self.base_url = ""

    def wait_started(self, seconds: float = 120) -> Self:
        """Until it has said its address and is ready."""
        self.until(lambda: bool(_STARTED.search(self.log.read_text())), seconds)
        found = _STARTED.search(self.log.read_text())
        assert found
        self.base_url = found[1]
        self.until(self.ready, seconds)
        return self

    def ready(self) -> bool:
        try:
            return httpx2.get(f"{self.base_url}/readyz", timeout=5).status_code == 200
        except httpx2.HTTPError:
            return False

    def descendants(self) -> list[psutil.Process]:
        """Workers, the watchdog, and the database with all its processes."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def postmaster(self) -> psutil.Process:
        return next(one for one in self.descendants() if "-D" in one.cmdline() and "postgres" in one.name())

    def interrupt(self) -> int:
        """Ctrl-C: the signal goes to the whole process group of the terminal. Returns the exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(30)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self._output.close()

    def __enter__(self) -> Self:
        return self.wait_started()

    def __exit__(self, *_: object) -> None:
        self.close()

    def until(self, holds: Callable[[], bool], seconds: float) -> None:
        """Wait for something; RuntimeError with the end of the log when it does not come."""
        deadline = time.monotonic() + seconds
        while not holds():
            if self.process.poll() is not None:
                raise RuntimeError(f"the service ended: {self.log.read_text()[-2000:]}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"not in {seconds} s: {self.log.read_text()[-2000:]}")
            time.sleep(0.05)


def all_gone(processes: list[psutil.Process], seconds: float = 15) -> bool:
    """Whether all of them end within that time; a zombie that nobody reaps has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(_runs(one) for one in processes):
            return True
        time.sleep(0.05)
    return False


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
