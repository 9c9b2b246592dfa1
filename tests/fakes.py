"""The only things tests replace: the clock and outside parties."""

import contextlib
import socket
import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

from service.delivery.carriers import Outcome, Parcel, Sent


class FakeClock:
    """A clock that stands where a test puts it."""

    def __init__(self, at: datetime | None = None) -> None:
        self.beginning = at or datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
        self.at = self.beginning

    def now(self) -> datetime:
        return self.at

    def set(self, at: datetime) -> None:
        self.at = at.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        self.at += by


class FakeTexts:
    """A provider of text messages that answers what a test tells it to."""

    def __init__(self, *answers: Outcome) -> None:
        self.answers = list(answers)
        self.taken: list[Parcel] = []

    async def carry(self, parcel: Parcel) -> Outcome:
        self.taken.append(parcel)
        return self.answers.pop(0) if self.answers else Sent()


@dataclass
class MailServer:
    """A mail server on this machine, as far as a sender needs one (RFC 5321), in threads.

    `replies` are given to RCPT, one for each message, before 250 is; `tls` offers STARTTLS; `hang` says nothing after
    the connection is made; `cut` closes after the message was taken, without an answer to QUIT.
    """

    replies: list[str] = field(default_factory=list[str])
    tls: ssl.SSLContext | None = None
    hang: bool = False
    cut: bool = False
    received: list[EmailMessage] = field(default_factory=list[EmailMessage])
    senders: list[str] = field(default_factory=list[str])
    greetings: list[str] = field(default_factory=list[str])
    port: int = 0

    def __enter__(self) -> "MailServer":
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), contextlib.ExitStack() as open_ones:
                self._serve(open_ones.enter_context(connection), open_ones)

    def _serve(self, connection: socket.socket, open_ones: contextlib.ExitStack) -> None:
        connection.settimeout(5)
        if self.hang:
            self._stopped.wait(5)
            return
        file = open_ones.enter_context(connection.makefile("rwb"))

        def say(line: str) -> None:
            file.write(line.encode() + b"\r\n")
            file.flush()

        say("220 test")
        while line := file.readline().decode().rstrip("\r\n"):
            verb = line.split(" ")[0].upper()
            match verb:
                case "EHLO":
                    self.greetings.append(line[5:])
                    say("250-test\r\n250 STARTTLS" if self.tls else "250 test")
                case "STARTTLS" if self.tls:
                    say("220 go")
                    connection = open_ones.enter_context(self.tls.wrap_socket(connection, server_side=True))
                    file = open_ones.enter_context(connection.makefile("rwb"))
                case "MAIL":
                    self.senders.append(line)
                    say("250 ok")
                case "RCPT":
                    say(self.replies.pop(0) if self.replies else "250 ok")
                case "DATA":
                    say("354 go on")
                    lines: list[bytes] = []
                    while (part := file.readline()) != b".\r\n":
                        lines.append(part)
                    parsed = message_from_bytes(b"".join(lines), policy=policy.default)
                    assert isinstance(parsed, EmailMessage)
                    self.received.append(parsed)
                    say("250 taken")
                    if self.cut:
                        return
                case "QUIT":
                    say("221 bye")
                    return
                case _:
                    say("250 ok")
