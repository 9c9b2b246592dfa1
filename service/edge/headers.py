"""One ASGI layer around everything: request id, security headers, body limit, access log, the last resort.

Pure ASGI rather than Starlette's BaseHTTPMiddleware: no task per request, and it also covers what fails before a route
is found. The log line holds the route's template, never the path: ids stay out, and so does whatever was typed there.
"""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders

from service.clock import monotonic
from service.edge.context import acceptable_request_id
from service.edge.metrics import count_request
from service.edge.problems import internal, problem
from service.errors import Code
from service.ids import new_id
from service.log import log

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 1024 * 1024
#: Files are larger than documents, and come on one route only; its operation looks at them before anything is kept.
MAX_FILE = 10 * 1024 * 1024
_FILES = re.compile(r"/api/v1/patients/[0-9a-f-]{36}/attachments", re.ASCII)

#: For everything that is not a page; pages bring their own policy.
API_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class BodyTooLarge(Exception):
    """More bytes arrived than this route takes."""


class Edge:
    """The layer. `now` gives the instant that request ids are made from."""

    def __init__(self, app: App, now: Callable[[], datetime]) -> None:
        self._app = app
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = monotonic()
        given = acceptable_request_id(Headers(scope=scope).get("x-request-id"))
        scope["consentry.request_id"] = given or str(new_id(self._now()))
        exchange, most = _Exchange(scope, send), _most_bytes(scope)
        try:
            if _declared_length(scope) > most:
                raise BodyTooLarge
            await self._app(scope, _limited(receive, most), exchange.send)
        except BodyTooLarge:
            detail = f"Larger than {most // MAX_BODY} MiB."
            await self._answer(exchange, problem(exchange.request, Code.BODY_TOO_LARGE, detail))
        except Exception as error:
            await self._answer(exchange, internal(exchange.request, error))
        finally:
            _note(scope, exchange.status, monotonic() - started)

    async def _answer(self, exchange: "_Exchange", response: Any) -> None:
        if not exchange.started:
            await response(exchange.scope, _nothing, exchange.send)


class _Exchange:
    """One request and what was sent back for it."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.request = Request(scope)
        self.status = 500
        self.started = False
        self._send = send

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in API_HEADERS.items():
                headers.setdefault(name, value)
            headers["X-Request-Id"] = self.scope["consentry.request_id"]
            entry: UUID | None = self.scope.get("consentry.entry")
            if entry is not None:
                headers["Audit-Entry"] = str(entry)
        await self._send(message)


def _declared_length(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 12 else MAX_FILE + 1


def _most_bytes(scope: Scope) -> int:
    is_file = scope["method"] == "POST" and _FILES.fullmatch(scope["path"])
    return MAX_FILE if is_file else MAX_BODY


def _limited(receive: Receive, most: int) -> Receive:
    arrived = 0

    async def limited() -> MutableMapping[str, Any]:
        nonlocal arrived
        message = await receive()
        if message["type"] == "http.request":
            arrived += len(message.get("body", b""))
            if arrived > most:
                raise BodyTooLarge
        return message

    return limited


async def _nothing() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}


def _note(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "unmatched")
    count_request(scope["method"], route, status, seconds)
    log().info(
        "request",
        request_id=scope["consentry.request_id"],
        method=scope["method"] if scope["method"].isalpha() else "?",
        route=route,
        status=status,
        code=scope.get("consentry.code"),
        milliseconds=round(seconds * 1000, 1),
    )
