"""Cursors: opaque, and worth nothing in another program, because the query they resume is bound to one."""

import base64
from typing import Annotated
from uuid import UUID

from fastapi import Query

from service.errors import Code, Invalid

Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=64)]


def write_cursor(last: UUID) -> str:
    """The cursor that continues after the thing with id `last`."""
    return base64.urlsafe_b64encode(last.bytes).decode("ascii").rstrip("=")


def read_cursor(cursor: str | None) -> UUID | None:
    """The id to continue after; None at the beginning. Raises Invalid `cursor_invalid`."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "==", altchars=b"-_", validate=True)
        last = UUID(bytes=raw)
    except ValueError:
        raise Invalid(Code.CURSOR_INVALID, "This cursor is not one of ours.") from None
    if write_cursor(last) != cursor:
        raise Invalid(Code.CURSOR_INVALID, "This cursor is not one of ours.")
    return last
