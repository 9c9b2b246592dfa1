"""The external steps of a process, found by watching it, and the process that ends at one of them.

A step is what outlives the process or leaves it: a commit of a transaction that wrote, a file made, written, renamed or
forced to the disk, a call of the key store, of the object store, of the system log. Reading is none of them: a process
that dies between two readings has died after the step before. Whatever step the process would still take after its end
(in a `finally`, in another thread) does not happen either: the dead do nothing.
"""

import inspect
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from unittest.mock import patch

from botocore.client import BaseClient  # pyright: ignore[reportMissingTypeStubs]
from sqlalchemy.engine.default import DefaultDialect

from service.vault.keyring import Keyring

BEFORE: Final = "before"
AFTER: Final = "after"

#: Of `os`, what changes files; `open` only where it makes one.
_FILES: Final = ("open", "write", "pwrite", "ftruncate", "fsync", "replace", "link", "unlink")
_KEYS: Final = ("wrap", "unwrap", "begin_epoch", "end_epoch")
_SENDS: Final = ("send", "sendto", "sendall")
_SERVICE: Final = "service."
_WROTE: Final = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL, current_user::text"


class Crash(BaseException):
    """The process ends here. Not an Exception: nothing that handles errors may go on after it."""


def crash() -> None:
    """End as far as one can within this process."""
    raise Crash


@dataclass(slots=True)
class Watch:
    """Counts the steps of what runs inside `watching`; at step `at` it calls `end`, before or after the effect."""

    at: int | None = None
    when: str = BEFORE
    end: Callable[[], None] = crash
    steps: list[str] = field(default_factory=list[str])
    ended: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def kinds(self) -> Counter[str]:
        return Counter(self.steps)

    def step(self, kind: str, effect: Callable[[], Any]) -> Any:
        with self._lock:
            if self.ended:
                raise Crash
            number = len(self.steps)
            self.steps.append(kind)
            self._perhaps(number, BEFORE)
        result = effect()
        with self._lock:
            self._perhaps(number, AFTER)
        return result

    def _perhaps(self, number: int, when: str) -> None:
        if (number, when) == (self.at, self.when):
            self.ended = True
            self.end()


@contextmanager
def watching(watch: Watch) -> Generator[Watch]:
    """Everything that is done outside, from here to the end of the block, is a step of this watch."""
    with ExitStack() as patched:

        def instead(owner: Any, name: str, made: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
            patched.enter_context(patch.object(owner, name, made(getattr(owner, name))))

        instead(DefaultDialect, "do_commit", lambda real: _commit(watch, real))
        for name in _FILES:
            instead(os, name, lambda real, name=name: _file(watch, name, real))
        for name in _KEYS:
            instead(Keyring, name, lambda real, name=name: _plain(watch, f"key store {name}", real))
        for name in _SENDS:
            instead(socket.socket, name, lambda real: _sent(watch, real))
        instead(BaseClient, "_make_api_call", lambda real: _asked(watch, real))
        yield watch


def _commit(watch: Watch, real: Callable[..., Any]) -> Callable[..., Any]:
    def commit(dialect: Any, connection: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(_WROTE)
        wrote, role = cursor.fetchone()
        cursor.close()
        if wrote:
            watch.step(f"commit as {role}", lambda: real(dialect, connection))
        else:
            real(dialect, connection)

    return commit


def _file(watch: Watch, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def act(*given: Any, **named: Any) -> Any:
        made = name != "open" or (len(given) > 1 and given[1] & os.O_CREAT)
        if not made or not _by_the_service():
            return real(*given, **named)
        return watch.step(f"file {name}", lambda: real(*given, **named))

    return act


def _plain(watch: Watch, kind: str, real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *given, **named: watch.step(kind, lambda: real(*given, **named))


def _sent(watch: Watch, real: Callable[..., Any]) -> Callable[..., Any]:
    def send(*given: Any, **named: Any) -> Any:
        if not _by_the_service():
            return real(*given, **named)
        return watch.step("syslog send", lambda: real(*given, **named))

    return send


def _asked(watch: Watch, real: Callable[..., Any]) -> Callable[..., Any]:
    def ask(client: Any, operation: str, parameters: Any) -> Any:
        if not operation.startswith("Put"):
            return real(client, operation, parameters)
        return watch.step(f"s3 {operation}", lambda: real(client, operation, parameters))

    return ask


def _by_the_service() -> bool:
    """Whether the service itself asked for it: directly, or through a path's method."""
    here = inspect.currentframe()
    wrapper = here.f_back if here else None
    frame = wrapper.f_back if wrapper else None
    for _ in range(2):
        if frame is None:
            return False
        if frame.f_globals.get("__name__", "").startswith(_SERVICE):
            return True
        frame = frame.f_back
    return False
