"""Real worker processes of the service: uvicorn over a socket we bound, so that no port is ever guessed."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2

from service.config import ROOT, Settings


class Worker:
    """One serving process with its own address; `factory` may name a deliberately broken application."""

    def __init__(self, settings: Settings, log: Path, *, factory: str = "service.app:create") -> None:
        self.settings = settings
        self.log = log
        self.factory = factory
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(512)
        self.port: int = self._socket.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *, wait: bool = True) -> Self:
        descriptor = self._socket.fileno()
        environment = {
            **os.environ,
            **self.settings.to_environment(),
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "default",
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "uvicorn", self.factory, "--factory", "--fd", str(descriptor)),
                    *("--no-access-log", "--no-server-header", "--log-level", "warning"),
                ],
                pass_fds=[descriptor],
                stdout=log,
                stderr=log,
                env=environment,
                cwd=ROOT,
                start_new_session=True,
            )
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                raise RuntimeError(f"the worker ended: {self.log.read_text()[-2000:]}")
            try:
                if httpx2.get(f"{self.base_url}/readyz", timeout=2).status_code == 200:
                    return
            except httpx2.HTTPError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"the worker is not ready: {self.log.read_text()[-2000:]}")

    def kill(self) -> None:
        """kill -9, as a machine or an impatient operator would."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
            self.process = None

    def stop(self) -> int:
        """An orderly end; the exit status."""
        if self.process is None:
            return 0
        os.killpg(self.process.pid, signal.SIGTERM)
        status = self.process.wait(20)
        self.process = None
        return status

    def close(self) -> None:
        """Kill it if it lives, and give the address back."""
        self.kill()
        self._socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
