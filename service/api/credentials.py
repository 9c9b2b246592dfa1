"""Credentials of staff over HTTP: recorded, listed, suspended. None of it reads patient information."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from service.edge.context import state_of
from service.edge.deps import if_match, perform, perform_once, reply
from service.edge.models import Instant, IsoDate, ShortText, StrictModel, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.strict import StrictRoute
from service.identity.credentials import operations
from service.identity.credentials.model import Credential, CredentialState, Particulars
from service.identity.credentials.operations import NewCredential
from service.ids import SERVICE_PROGRAM
from service.work import Work

router = APIRouter(tags=["administration"], route_class=StrictRoute)

#: Days ahead that a list of what ends may look.
Ahead = Annotated[int, Query(ge=0, le=366, description="Days from today, the last one included.")]
StateName = Annotated[CredentialState, Field(strict=False)]


class NewCredentialBody(StrictModel):
    """A licence or certificate as it was shown. `verified_with`: the register or the paper it was checked against."""

    kind: ShortText = Field(description="A key of policies/credentials.yaml.")
    starts_on: IsoDate
    ends_on: IsoDate | None = Field(default=None, description="The last day on which it holds.")
    number: ShortText
    issuer: ShortText
    verified_with: ShortText


class CredentialChangeBody(StrictModel):
    """What becomes of it. What was withdrawn stays withdrawn."""

    state: StateName


class CredentialModel(BaseModel):
    id: Uuid
    user_id: Uuid
    kind: str
    state: Literal["active", "suspended", "withdrawn"]
    starts_on: IsoDate
    ends_on: IsoDate | None
    number: str
    issuer: str
    verified_with: str
    verified_by: Uuid
    recorded_at: Instant
    version: int


class CredentialsModel(BaseModel):
    items: list[CredentialModel]
    next_cursor: str | None


@router.post(
    "/users/{user_id}/credentials",
    status_code=201,
    response_model=CredentialModel,
    summary="Record a credential; it counts from the holder's next call on",
)
async def record_credential(request: Request, user_id: Uuid, body: NewCredentialBody) -> Response:
    book = state_of(request).credentials
    shown = Particulars(body.number, body.issuer, body.verified_with)
    new = NewCredential(body.kind, body.starts_on, body.ends_on, shown)

    def create(work: Work) -> tuple[UUID, Credential]:
        made = operations.record_credential(work, book, user_id, new)
        return made.id, made

    return _one(201, await perform_once(request, create, operations.read_credential))


@router.get(
    "/users/{user_id}/credentials", response_model=CredentialsModel, summary="What somebody holds and held"
)
async def list_credentials(
    request: Request, user_id: Uuid, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    after = read_cursor(cursor) or SERVICE_PROGRAM
    found = await perform(request, lambda work: operations.credentials_of(work, user_id, after, limit + 1))
    return _page(found, limit)


@router.get("/credentials", response_model=CredentialsModel, summary="Credentials that end soon")
async def list_ending_credentials(
    request: Request, expiring_within: Ahead = 30, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    after = read_cursor(cursor) or SERVICE_PROGRAM
    found = await perform(
        request, lambda work: operations.ending_soon(work, expiring_within, after, limit + 1)
    )
    return _page(found, limit)


@router.get("/credentials/{credential_id}", response_model=CredentialModel, summary="One credential")
async def read_credential(request: Request, credential_id: Uuid) -> Response:
    return _one(200, await perform(request, lambda work: operations.read_credential(work, credential_id)))


@router.patch(
    "/credentials/{credential_id}",
    response_model=CredentialModel,
    summary="Suspend, reinstate or withdraw; effective on the holder's next call",
)
async def change_credential(request: Request, credential_id: Uuid, body: CredentialChangeBody) -> Response:
    version = if_match(request)
    changed = await perform(
        request, lambda work: operations.change_credential(work, credential_id, version, body.state)
    )
    return _one(200, changed)


def _one(status: int, one: Credential) -> Response:
    return reply(status, _view(one), etag=one.version)


def _page(found: Sequence[Credential], limit: int) -> Response:
    page = found[:limit]
    more = write_cursor(page[-1].id) if len(found) > limit else None
    return reply(200, {"items": [_view(one) for one in page], "next_cursor": more})


def _view(one: Credential) -> dict[str, Any]:
    return {
        "id": one.id,
        "user_id": one.account_id,
        "kind": one.kind,
        "state": one.state.value,
        "starts_on": one.starts_on,
        "ends_on": one.ends_on,
        "number": one.particulars.number,
        "issuer": one.particulars.issuer,
        "verified_with": one.particulars.verified_with,
        "verified_by": one.verified_by,
        "recorded_at": one.recorded_at,
        "version": one.version,
    }
