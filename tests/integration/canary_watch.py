"""Canaries: unique made-up words planted where patients' information goes, and the places they must never turn up in."""

import base64
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.house import House


@dataclass
class Canaries:
    """Words of one test run. All contain one random stem, so one search finds them all, encoded ones included."""

    stem: str = field(
        default_factory=lambda: "Zq" + "".join(c for c in uuid4().hex if c.isalpha())[:3] + uuid4().hex[:9]
    )
    #: Values that must have a shape of their own and cannot carry the stem.
    shaped: list[str] = field(default_factory=list)
    planted: int = 0

    def word(self, where: str) -> str:
        """A canary for one field, such as `Zq3fa9c1Phone`."""
        self.planted += 1
        return f"{self.stem}{where.title().replace('_', '')}"

    def shape(self, value: str) -> str:
        """A canary whose field wants a certain shape (a date, a telephone number, an identifier)."""
        self.planted += 1
        self.shaped.append(value)
        return value

    def pattern(self) -> re.Pattern[bytes]:
        """Finds any canary in bytes: as text in either case, UTF-16, hexadecimal or base64 at any offset."""
        raw = self.stem.encode()
        forms = {raw, raw.lower(), raw.upper(), raw[::-1], raw.hex().encode(), self.stem.encode("utf-16-le")}
        for offset in range(3):
            # what base64 makes of the stem behind 0, 1 or 2 other bytes, without what its neighbours touch
            forms.add(base64.b64encode(b"\0" * offset + raw)[offset and 4 : -4])
        forms |= {value.encode() for value in self.shaped}
        return re.compile(b"|".join(re.escape(form) for form in sorted(forms)))

    def seen_in(self, content: bytes | str) -> list[bytes]:
        return self.pattern().findall(content.encode() if isinstance(content, str) else content)


class Egress:
    """Whoever this process asks for a connection. libpq's own are not seen: the database is where it may go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.listening = False
        sys.addaudithook(self._heard)  # for the life of the process: there is no way to take one away

    def _heard(self, event: str, given: tuple[Any, ...]) -> None:
        if self.listening and event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
            self.asked.append(f"{event} {given[1:] if event == 'socket.connect' else given[:2]}")

    @contextmanager
    def heard(self) -> Iterator[list[str]]:
        """What was asked for meanwhile."""
        self.asked, self.listening = [], True
        try:
            yield self.asked
        finally:
            self.listening = False


EGRESS = Egress()


def dumped(house: House, program: str) -> bytes:
    """A backup as an administrator makes one, uncompressed."""
    address = house.cluster.server.address
    where = ["-h", str(address.sockets), "-p", str(address.port), "-U", "postgres", "-d", house.database]
    return subprocess.run([program, *where], capture_output=True, check=True).stdout


def server_logs(house: House) -> Iterator[tuple[str, bytes]]:
    """What the database's server wrote to its log."""
    for path in sorted(house.cluster.server.folder.rglob("*.log")):
        yield path.name, path.read_bytes()


def stored_files(house: House) -> Iterator[tuple[str, bytes]]:
    """Every byte at rest: the database's files and write-ahead log, checkpointed, and the service's own data."""
    with house.superuser() as db:
        db.execute("CHECKPOINT")
        row = db.execute("SELECT current_setting('data_directory')").fetchone()
    assert row is not None
    for root in (Path(row[0]), house.data):
        for path in sorted(root.rglob("*")):
            if path.is_file() and not path.is_socket():
                yield f"{root.name}/{path.relative_to(root)}", path.read_bytes()


@dataclass
class Listener:
    """Hears every answer of a session: what a refusal said, what any header said, which addresses were called."""

    canaries: Canaries
    answers: int = 0
    leaks: list[str] = field(default_factory=list)

    def hear(self, answer: Any) -> Any:
        """Note an answer; bodies of refusals must be clean, headers and addresses always."""
        self.answers += 1
        request = answer.request
        place = f"{request.method} {answer.status_code} {re.sub(r'[0-9a-f-]{36}', '*', request.url.path)}"
        if answer.status_code >= 400 and self.canaries.seen_in(answer.content):
            self.leaks.append(f"body of {place}")
        for name, value in answer.headers.items():
            if self.canaries.seen_in(f"{name}: {value}"):
                self.leaks.append(f"header {name} of {place}")
        return answer
