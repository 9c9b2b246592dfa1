"""Is the process up, is it ready, what does it count."""

import hmac
from ipaddress import ip_address
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from service.edge.context import state_of
from service.edge.deps import reply
from service.edge.metrics import exposition
from service.edge.ready import readiness
from service.errors import Code, NotFound
from service.ledger.standing import LedgerState

router = APIRouter(tags=["health"])
_OPEN: dict[str, list[str]] = {"security": []}


class HealthModel(BaseModel):
    """The process answers; it says nothing about what it depends on."""

    status: Literal["ok"]


class ReadinessModel(BaseModel):
    """What a serving process depends on, each by name."""

    ready: bool
    checks: dict[str, bool]
    ledger: LedgerState


@router.get("/healthz", openapi_extra=_OPEN, summary="The process answers", response_model=HealthModel)
async def healthz() -> Response:
    return reply(200, {"status": "ok"})


@router.get(
    "/readyz",
    openapi_extra=_OPEN,
    summary="Database, migrations, keys, policies and ledger are ready",
    response_model=ReadinessModel,
    responses={503: {"model": ReadinessModel, "description": "Not ready; `checks` says why."}},
)
async def readyz(request: Request) -> Response:
    checks = await readiness(state_of(request))
    standing = state_of(request).mechanisms.standing
    ready = all(checks.values())
    headers = {} if ready else {"Retry-After": "1"}
    return reply(
        200 if ready else 503, {"ready": ready, "checks": checks, "ledger": standing.state}, headers=headers
    )


@router.get(
    "/metrics",
    openapi_extra=_OPEN,
    summary="Prometheus text format; from this host, or with the metrics token",
    response_class=PlainTextResponse,
)
async def metrics(request: Request) -> Response:
    if not _may_read_metrics(request):
        raise NotFound(Code.NOT_FOUND, "There is nothing here for you.")
    body, media_type = exposition()
    return Response(body, media_type=media_type)


def _may_read_metrics(request: Request) -> bool:
    token = state_of(request).settings.metrics_token
    if token:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), token.encode())
    # Behind a proxy every peer is local: a forwarded request is not from this host.
    if any(name.startswith("x-forwarded") or name == "forwarded" for name in request.headers):
        return False
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False
