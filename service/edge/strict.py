"""Strict JSON at the door (RFC 8259 read narrowly, as RFC 7493 I-JSON): one meaning per document, or 422.

Parsers that keep the last of two equal keys, or read NaN, let two systems read one consent differently. What the
database cannot hold (NUL, lone surrogates) and numbers that are not the same everywhere are refused here instead of
failing later. The query of an address is read as narrowly.
"""

import json
import math
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, cast
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.routing import APIRoute

from service.edge.bearer import bearer_session
from service.errors import BadRequest, Code, ConsentryError, Invalid

MAX_DEPTH = 32
#: JSON, and JSON that describes a change (RFC 7396 section 4).
_JSON_TYPES = frozenset({"application/json", "application/merge-patch+json"})
#: Beyond this, readers disagree about which number was written (RFC 7493 section 2.2), and canonical JSON has no form.
MAX_INTEGER = 2**53 - 1


class _Unreadable(ValueError):
    """Not JSON as we read it; the message is ours and quotes nothing."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Unreadable("an object has the same member twice")
    return members


def _no_constant(_name: str) -> NoReturn:
    raise _Unreadable("NaN and Infinity are not JSON")


def _integer(digits: str) -> int:
    if len(digits) > 20 or abs(int(digits)) > MAX_INTEGER:
        raise _Unreadable("a number is out of range")
    return int(digits)


def _decimal(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise _Unreadable("a number is out of range")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_constant=_no_constant,
    parse_int=_integer,
    parse_float=_decimal,
    strict=True,
)


def read_json(raw: bytes) -> Any:
    """The value of a UTF-8 JSON document; raises Invalid with code `malformed_json`."""
    try:
        if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
            raise _Unreadable("a byte order mark is not allowed")
        value = _DECODER.decode(raw.decode("utf-8"))
        _check_text(value, 0)
    except UnicodeDecodeError:
        raise _malformed("The body is not UTF-8.") from None
    except _Unreadable as error:
        raise _malformed(f"The body is not acceptable JSON: {error}.") from None
    except (ValueError, RecursionError):
        raise _malformed("The body is not JSON.") from None
    return value


def _check_text(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _Unreadable("too deeply nested")
    match value:
        case str():
            if "\x00" in value:
                raise _Unreadable("a text contains NUL")
            if not value.isascii():
                try:
                    value.encode("utf-8")
                except UnicodeEncodeError:
                    raise _Unreadable("a text contains half a surrogate pair") from None
        case dict():
            for name, member in cast("dict[str, Any]", value).items():
                _check_text(name, depth + 1)
                _check_text(member, depth + 1)
        case list():
            for member in cast("list[Any]", value):
                _check_text(member, depth + 1)
        case _:
            pass


def _malformed(detail: str) -> Invalid:
    return Invalid(Code.MALFORMED_JSON, detail)


def check_query(raw: bytes) -> None:
    """Each parameter once, in UTF-8, without NUL; raises Invalid. Two values for one name would be two requests."""
    if not raw:
        return
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise Invalid(Code.INVALID_REQUEST, "The query is not UTF-8.") from None
    if len({name for name, _ in pairs}) != len(pairs):
        raise Invalid(Code.INVALID_REQUEST, "The query has the same parameter twice.")
    if any("\x00" in text for pair in pairs for text in pair):
        raise Invalid(Code.INVALID_REQUEST, "The query contains NUL.")


class StrictRequest(Request):
    """A request whose `json()` is the strictly read value."""

    async def json(self) -> Any:
        return read_json(await self.body())


class StrictRoute(APIRoute):
    """A route for callers we know, whose JSON bodies are read strictly and must be declared as JSON.

    The token is verified before the body is looked at: a stranger learns nothing from how a body is refused. A route
    for strangers says so in its description, `openapi_extra={"security": []}`, and nowhere else.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        for_strangers = (self.openapi_extra or {}).get("security") == []

        async def strict(request: Request) -> Response:
            strictly = StrictRequest(request.scope, request.receive)
            if not for_strangers:
                bearer_session(strictly)
            check_query(request.scope["query_string"])
            failure = await self._unreadable(strictly)
            if failure:
                raise failure
            return await handler(strictly)

        return strict

    async def _unreadable(self, request: StrictRequest) -> ConsentryError | None:
        """Why the body cannot be read, before FastAPI turns every reason into the same 400; else None."""
        if self.body_field is None:
            return None
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        raw = await request.body()
        if not raw:
            return Invalid(Code.MALFORMED_JSON, "A JSON body is needed here.")
        if kind not in _JSON_TYPES:
            return BadRequest(Code.UNSUPPORTED_MEDIA_TYPE, "Send application/json in UTF-8.")
        charset = request.headers.get("content-type", "").lower().partition("charset=")[2].strip('" ;')
        if charset not in ("", "utf-8"):
            return BadRequest(Code.UNSUPPORTED_MEDIA_TYPE, "Send application/json in UTF-8.")
        try:
            await request.json()
        except Invalid as error:
            return error
        return None
