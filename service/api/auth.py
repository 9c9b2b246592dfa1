"""Sign-in over HTTP: tokens (RFC 6749), sessions, and the keys that tokens are signed with (RFC 7517)."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final, NoReturn
from urllib.parse import unquote_plus

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from service.edge.bearer import bearer_session
from service.edge.context import state_of
from service.edge.deps import perform, reply
from service.edge.forms import FORM_TYPE, read_form
from service.edge.models import Instant, Uuid
from service.edge.paging import Cursor, Limit, read_cursor, write_cursor
from service.edge.signin import Admission, sign_in
from service.edge.strict import StrictRoute
from service.errors import BadRequest, Code, ConsentryError, Unauthenticated
from service.identity import operations
from service.identity.model import Channel, Session
from service.identity.operations import Me
from service.identity.signin import CLIENTS, PEOPLE
from service.ids import SERVICE_PROGRAM, SessionId
from service.work import Work

router = APIRouter(prefix="/auth", tags=["sign-in"], route_class=StrictRoute)
well_known = APIRouter(prefix="/.well-known", tags=["sign-in"])

_NAME_WRONG: Final = "The user name or the password is not right."
_CLIENT_WRONG: Final = "The client id or its secret is not right."


class TokenModel(BaseModel):
    """RFC 6749 section 5.1. The session behind the token also ends after 15 minutes without use."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class SessionModel(BaseModel):
    """One place where the caller is signed in."""

    id: Uuid
    channel: str
    created_at: Instant
    last_used_at: Instant
    expires_at: Instant
    current: bool


class SessionsModel(BaseModel):
    """A page of sessions."""

    items: list[SessionModel]
    next_cursor: str | None


class MeModel(BaseModel):
    """The caller, as the service sees them."""

    id: Uuid
    program_id: Uuid
    kind: str
    username: str
    display_name: str
    roles: list[str]
    units: list[str]
    patient_id: Uuid | None
    recipient_id: Uuid | None
    permissions: list[str]
    assurance: str


class RevokedModel(BaseModel):
    """Nothing to say: RFC 7009 section 2.2 answers the same whatever the token was."""


class KeysModel(BaseModel):
    """RFC 7517 section 5."""

    keys: list[dict[str, Any]]


def form_body(fields: Mapping[str, str], *required: str) -> dict[str, Any]:
    """The description of a form for OpenAPI, which cannot see what `read_form` reads."""
    properties = {name: {"type": "string", "description": text} for name, text in fields.items()}
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"requestBody": {"required": bool(required), "content": {FORM_TYPE: {"schema": schema}}}}


_TOKEN_FORM = form_body(
    {
        "grant_type": "password (people) or client_credentials (requesters and systems)",
        "username": "password grant",
        "password": "password grant",
        "client_id": "client_credentials grant, unless sent as HTTP Basic",
        "client_secret": "client_credentials grant, unless sent as HTTP Basic",
    },
    "grant_type",
)
_REVOKE_FORM = form_body(
    {"token": "a token of the caller; left out: this call's", "all": "true: every session"}
)


@router.post(
    "/token", summary="Sign in", response_model=TokenModel, openapi_extra={**_TOKEN_FORM, "security": []}
)
async def token(request: Request) -> Response:
    form = await _token_form(request)
    match form.get("grant_type"):
        case "password":
            username, password = _both(form, "username", "password")
            admission = await sign_in(request, username, password, kinds=PEOPLE, channel=Channel.TOKEN)
            if admission is None:
                raise Unauthenticated(Code.INVALID_GRANT, _NAME_WRONG, error="invalid_grant")
        case "client_credentials":
            client_id, secret = _client(request, form)
            admission = await sign_in(request, client_id, secret, kinds=CLIENTS, channel=Channel.TOKEN)
            if admission is None:
                raise _client_refused(request)
        case None:
            _malformed("grant_type is missing.")
        case _:
            # refresh_token has its place here once token families exist
            raise BadRequest(
                Code.UNSUPPORTED_GRANT_TYPE,
                "Only password and client_credentials are possible.",
                error="unsupported_grant_type",
            )
    return reply(200, _token_view(admission), headers={"Pragma": "no-cache"})


@router.post(
    "/revoke",
    summary="Sign out: one session or all of them",
    response_model=RevokedModel,
    openapi_extra=_REVOKE_FORM,
)
async def revoke(request: Request) -> Response:
    """RFC 7009, with the bearer as the client's credential: a token that is not the caller's is simply not ended."""
    bearer_session(request)
    form = await read_form(request) if await request.body() else {}
    given = form.get("token")
    session_id = _session_named(request, given) if given else None

    def unit(work: Work) -> None:
        if form.get("all") == "true":
            operations.end_all_sessions(work)
        elif not given:
            operations.sign_out(work)
        else:
            operations.end_session_if_own(work, session_id)

    await perform(request, unit)
    return reply(200, {})


@router.get("/sessions", summary="Where the caller is signed in", response_model=SessionsModel)
async def sessions(request: Request, limit: Limit = 50, cursor: Cursor = None) -> Response:
    after = read_cursor(cursor) or SERVICE_PROGRAM

    def unit(work: Work) -> dict[str, Any]:
        found = operations.list_sessions(work, after, limit + 1)
        page = found[:limit]
        return {
            "items": [_session_view(session, work.caller.session_id) for session in page],
            "next_cursor": write_cursor(page[-1].id) if len(found) > limit else None,
        }

    return reply(200, await perform(request, unit))


@router.delete("/sessions/{session_id}", summary="End one session", status_code=204)
async def end_session(request: Request, session_id: Uuid) -> Response:
    await perform(request, lambda work: operations.end_session(work, session_id))
    return Response(status_code=204)


@router.get("/me", summary="Who is calling, and what they may try", response_model=MeModel)
async def me(request: Request) -> Response:
    return reply(200, await perform(request, lambda work: _me_view(operations.me(work), work)))


@well_known.get(
    "/jwks.json",
    summary="Keys that access tokens are signed with",
    response_model=KeysModel,
    openapi_extra={"security": []},
)
async def jwks(request: Request) -> Response:
    keys = state_of(request).tokens.jwk_set()
    return reply(200, keys, headers={"Cache-Control": "public, max-age=300"})


# -- reading requests ----------------------------------------------------------------------------------


async def _token_form(request: Request) -> dict[str, str]:
    """The form of a token request; what is wrong with it is said in OAuth's words too."""
    try:
        return await read_form(request)
    except ConsentryError as error:
        if error.code is Code.INVALID_REQUEST:
            _malformed(error.detail)
        raise


def _both(form: dict[str, str], first: str, second: str) -> tuple[str, str]:
    if not form.get(first) or not form.get(second):
        _malformed(f"{first} and {second} are both needed.")
    return form[first], form[second]


def _client(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """Client id and secret from HTTP Basic or from the form, never from both (RFC 6749 section 2.3)."""
    given = request.headers.getlist("authorization")
    if not given:
        return _both(form, "client_id", "client_secret")
    scheme, _, encoded = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "basic" or "client_secret" in form:
        _malformed("Send the client's credentials once: as HTTP Basic or in the form.")
    try:
        name, colon, secret = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        _malformed("The Basic credentials cannot be read.")
    if not colon or not name or not secret or "\x00" in name + secret:
        _malformed("The Basic credentials cannot be read.")
    return unquote_plus(name), unquote_plus(secret)


def _client_refused(request: Request) -> Unauthenticated:
    basic = {"WWW-Authenticate": 'Basic realm="consentry"'} if "authorization" in request.headers else {}
    return Unauthenticated(Code.INVALID_CLIENT, _CLIENT_WRONG, error="invalid_client", headers=basic)


def _malformed(detail: str) -> NoReturn:
    raise BadRequest(Code.TOKEN_REQUEST_INVALID, detail, error="invalid_request")


def _session_named(request: Request, given: str) -> SessionId | None:
    state = state_of(request)
    try:
        return state.tokens.verify(given, state.clock.now()).session_id
    except Unauthenticated:
        return None


# -- views ---------------------------------------------------------------------------------------------


def _token_view(admission: Admission) -> dict[str, Any]:
    session = admission.session
    return {
        "access_token": admission.token,
        "token_type": "Bearer",
        "expires_in": int((session.expires_at - session.created_at).total_seconds()),
        "scope": " ".join(sorted(admission.caller.roles)),
    }


def _session_view(session: Session, current: SessionId | None) -> dict[str, Any]:
    return {
        "id": session.id,
        "channel": session.channel.value,
        "created_at": session.created_at,
        "last_used_at": session.last_used_at,
        "expires_at": session.expires_at,
        "current": session.id == current,
    }


def _me_view(me: Me, work: Work) -> dict[str, Any]:
    return {
        "id": me.account.id,
        "program_id": me.account.program_id,
        "kind": me.account.kind.value,
        "username": me.account.username,
        "display_name": me.account.display_name,
        "roles": sorted(me.account.roles),
        "units": sorted(me.account.units),
        "patient_id": me.account.patient_id,
        "recipient_id": me.account.recipient_id,
        "permissions": [action.value for action in me.permissions],
        "assurance": work.caller.assurance,
    }
