"""The index of paths leads where a search would, and nowhere else (`service/edge/directory.py`)."""

import re
from typing import Any
from uuid import uuid4

import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Match

from tests.house import House

BASE = "/api/v1"


def _found(routes: list[BaseRoute], method: str, path: str) -> BaseRoute | None:
    for route in routes:
        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": path,
            "root_path": "",
            "headers": [],
        }
        match, child = route.matches(scope)
        if match is Match.FULL:
            return child.get("consentry.router", route)
    return None


def test_every_path_leads_where_the_search_would(house: House) -> None:
    routes = house.app.router.routes
    looked_at = 0
    for context in iter_route_contexts(routes):
        if not context.path or not context.path.startswith(BASE):
            continue
        path = re.sub(r"\{[a-z_]+\}", lambda _: str(uuid4()), context.path)
        for method in context.methods or ():
            assert _found(routes[:1], method, path) is not None, f"{method} {path} is searched for"
            assert _found(routes, method, path) is _found(routes[1:], method, path), f"{method} {path}"
            looked_at += 1
    assert looked_at > 150


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PATCH", f"{BASE}/assessments/{uuid4()}", 405),
        ("GET", f"{BASE}/assessments/{uuid4()}/", 404),
        ("GET", f"{BASE}/items/no-id", 401),
        ("GET", "/readyz", 200),
    ],
    ids=["other-method", "trailing-slash", "no-id", "outside"],
)
def test_what_has_no_known_shape_is_searched_for(house: House, method: str, path: str, status: int) -> None:
    assert _found(house.app.router.routes[:1], method, path) is None
    assert house.http.request(method, path).status_code == status
