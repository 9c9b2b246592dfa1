"""Where a path leads, looked up instead of searched.

FastAPI asks its routers one after the other, each twice, whose route a path is: with forty routers that was a tenth of
a request's time. A path of the API is fixed but for ids, so its shape (ids taken out) leads to the router that would be
found anyway, and that router decides as ever: it matches the path, answers 405, reads the parameters. What has no known
shape is searched for as before.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

_ID: Final = "00000000-0000-0000-0000-000000000000"
_IDS: Final = re.compile(r"/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?=/|$)", re.ASCII)
_PARAMETERS: Final = re.compile(r"/\{[a-z_]+\}")


class Directory:
    """Routers under one prefix, and the index over them once they are in an application."""

    def __init__(self, *, prefix: str, responses: Mapping[int | str, dict[str, Any]]) -> None:
        self._prefix = prefix
        self._responses = dict(responses)
        self._routers: list[APIRouter] = []

    def include_router(self, router: APIRouter) -> None:
        """A router of one resource, found after those before it."""
        self._routers.append(router)

    def join(self, app: FastAPI) -> None:
        """Include the routers, in order, and put the index before them and everything that is there already."""
        first = len(app.router.routes)
        for router in self._routers:
            app.include_router(router, prefix=self._prefix, responses=self._responses)
        included = app.router.routes[first:]
        paths = [
            (method, self._prefix + route.path)
            for router in self._routers
            for route in router.routes
            if isinstance(route, APIRoute)
            for method in route.methods or ()
        ]
        app.router.routes.insert(0, Index(paths, [*app.router.routes[:first], *included]))


class Index(BaseRoute):
    """The first of the application's routes: knows for each method and shape which of `routes` is found first."""

    def __init__(self, paths: list[tuple[str, str]], routes: list[BaseRoute]) -> None:
        self._leads: dict[tuple[str, str], BaseRoute] = {}
        for method, template in paths:
            path = _PARAMETERS.sub(f"/{_ID}", template)
            found = next((route for route in routes if _full(route, method, path)), None)
            if found is not None:
                self._leads[method, _IDS.sub("/*", path)] = found

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http":
            return Match.NONE, {}
        found = self._leads.get((scope["method"], _IDS.sub("/*", scope["path"])))
        if found is None:
            return Match.NONE, {}
        match, child = found.matches(scope)
        if match is not Match.FULL:
            return Match.NONE, {}
        return match, {**child, "consentry.router": found}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        found: BaseRoute = scope["consentry.router"]
        await found.handle(scope, receive, send)


def _full(route: BaseRoute, method: str, path: str) -> bool:
    match, _ = route.matches({"type": "http", "method": method, "path": path, "root_path": "", "headers": []})
    return match is Match.FULL
