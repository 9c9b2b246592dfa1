"""What travels with a request: its id, and the composition root's state."""

import re
from typing import cast

from fastapi import Request

from service.edge.state import State

#: A UUID or a 128-bit trace id and nothing else: a shorter run of digits and dashes is somebody's number or birthday.
_GIVEN = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{32}", re.ASCII)


def request_id_of(request: Request) -> str:
    """The id given to this request by the middleware."""
    return str(request.scope.get("consentry.request_id", ""))


def acceptable_request_id(given: str | None) -> str | None:
    """A caller's own request id, if it is harmless in a log line."""
    return given if given and _GIVEN.fullmatch(given) else None


def state_of(request: Request) -> State:
    """What the composition root built for this process."""
    return cast("State", request.app.state.consentry)
