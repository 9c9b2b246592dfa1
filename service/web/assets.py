"""The few files that pages use: named here, or not served."""

from functools import cache
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request, Response

from service.errors import Code, NotFound
from service.web.pages import PageRoute

router = APIRouter(prefix="/static", route_class=PageRoute, include_in_schema=False)

_FILES: Final = {
    "site.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "form.js": "text/javascript; charset=utf-8",
    "link.js": "text/javascript; charset=utf-8",
}


@router.get("/{name}")
async def asset(name: str, request: Request) -> Response:
    media_type = _FILES.get(name)
    if media_type is None:
        raise NotFound(Code.NOT_FOUND, "There is no page at this address.")
    return Response(_read(name), media_type=media_type, headers={"Cache-Control": "public, max-age=3600"})


@cache
def _read(name: str) -> bytes:
    return files("service.web").joinpath("static", name).read_bytes()
