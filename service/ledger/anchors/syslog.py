"""Checkpoints to a system log (RFC 5424), over UDP, TCP (RFC 6587 octet counting) or a local socket.

A log collector on another machine is a witness the database's owner does not reach. It cannot be asked what it holds:
it helps whoever verifies, and finds no fork by itself. What went out by UDP may be lost without anybody knowing, and a
local socket is this machine: neither of them, nor TCP, whose peer confirms nothing, can be the anchor that is required.
"""

import os
import socket
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit
from uuid import UUID

from service.clock import Clock
from service.ledger.anchors.anchor import AnchorFailed, AnchorUnfit
from service.ledger.checkpoint import Checkpoint, parse

#: Facility 13 (log audit), severity 5 (notice): RFC 5424 section 6.2.1.
_PRIORITY = 13 * 8 + 5
#: Private enterprise number of examples and documentation (RFC 5612): structured data needs one.
_ELEMENT = "checkpoint@32473"
_SECONDS = 3.0


class SyslogAnchor:
    """`address` is udp://host:port, tcp://host:port or unix:///path."""

    name = "syslog"
    near = False
    confirms = False

    def __init__(self, address: str, clock: Clock) -> None:
        found = urlsplit(address)
        if found.scheme not in ("udp", "tcp", "unix") or not (
            found.path if _local(address) else found.hostname
        ):
            raise AnchorUnfit("CONSENTRY_ANCHOR_SYSLOG is udp://host:port, tcp://host:port or unix:///path")
        self._scheme, self._path = found.scheme, found.path
        self._peer = (found.hostname or "", found.port or 514)
        self._clock = clock

    def check(self) -> None:
        """Nothing is sent before there is something to say."""

    def trees(self) -> Sequence[UUID]:
        return ()

    def newest(self, tree: UUID) -> Checkpoint | None:
        return None

    def notes(self, tree: UUID) -> Iterator[str]:
        return iter(())

    def publish(self, tree: UUID, notes: Sequence[str], over: Checkpoint | None = None) -> None:
        message = self.message(tree, notes[-1])
        try:
            if self._scheme == "unix":
                self._send_local(message)
            elif self._scheme == "udp":
                family, kind, protocol, _, peer = socket.getaddrinfo(*self._peer, type=socket.SOCK_DGRAM)[0]
                with socket.socket(family, kind, protocol) as out:
                    out.settimeout(_SECONDS)
                    out.sendto(message, peer)
            else:
                with socket.create_connection(self._peer, timeout=_SECONDS) as out:
                    out.sendall(b"%d %b" % (len(message), message))
                    out.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise AnchorFailed("the system log does not take it") from error

    def message(self, tree: UUID, note: str) -> bytes:
        """One RFC 5424 message: the head as structured data, and the note itself, its lines joined by `|`."""
        head = parse(note).checkpoint
        at = self._clock.now().isoformat(timespec="microseconds").replace("+00:00", "Z")
        data = f'[{_ELEMENT} tree="{tree}" size="{head.size}" root="{head.root.hex()}"]'
        text = note.rstrip("\n").replace("\n", "|")
        host = socket.gethostname() or "-"
        return f"<{_PRIORITY}>1 {at} {host} consentry {os.getpid()} CHECKPOINT {data} \ufeff{text}".encode()

    def _send_local(self, message: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.settimeout(_SECONDS)
            try:
                out.connect(self._path)
            except OSError:
                self._send_local_stream(message)
                return
            out.send(message)

    def _send_local_stream(self, message: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as out:
            out.settimeout(_SECONDS)
            out.connect(self._path)
            out.sendall(b"%d %b" % (len(message), message))


def _local(address: str) -> bool:
    return address.startswith("unix:")
