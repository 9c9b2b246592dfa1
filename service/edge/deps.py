"""From a request to a unit of work, and back: the unit, its commit included, runs before any response is built."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy import Connection

from service.access.actions import Action
from service.access.caller import Caller
from service.access.program import Program
from service.edge.bearer import bearer_session, unauthenticated
from service.edge.context import request_id_of, state_of
from service.edge.once import Claim, claim_key, finish_key, read_claim
from service.edge.state import State
from service.errors import (
    Code,
    ConsentryError,
    IntegrityError,
    PreconditionRequired,
    Unavailable,
)
from service.identity.credentials.model import CredentialBook, standing
from service.identity.open_sessions import records as sessions
from service.identity.signin import record_unattributed
from service.ids import SERVICE_PROGRAM, SessionId
from service.vault.units import run_unit
from service.work import Denied, Work, enter, record_denial

T = TypeVar("T")

#: No request waits longer than this for the database, whatever the network does.
UNIT_SECONDS = 5.0


async def perform(request: Request, unit: Callable[[Work], T]) -> T:
    """Authenticate the bearer, run `unit` in one transaction, commit, return its result.

    A denial is rolled back, then recorded in a transaction of its own; if that cannot be written the answer is 503.
    """
    session_id = bearer_session(request)
    return await perform_as(request, session_id, unit)


async def perform_as(
    request: Request,
    session_id: SessionId,
    unit: Callable[[Work], T],
    *,
    channel: str = "token",
    purpose: Callable[[Caller], str] | None = None,
) -> T:
    """`perform` for a session already identified; the pages' cookie and the bearer token are separate channels.

    `purpose`: what a page is for, where nobody can send a header with a link; None: what the header says.
    """
    state = state_of(request)
    opened: list[Work] = []

    def attempt(connection: Connection) -> tuple[Work, T]:
        work = _open_work(state, request, connection, session_id, channel, purpose)
        opened.append(work)
        result = unit(work)
        work.close()
        return work, result

    try:
        work, result = await run_bounded(state, attempt)
    except Denied as denied:
        await _refuse(state, request, opened[-1], denied)
        raise
    except IntegrityError as error:
        if opened:
            await _refuse_integrity(state, opened[-1], error)
            raise
        # the session, its account or the program is not as it was written: nobody is believed to be anybody
        incident = error
        await run_bounded(state, lambda connection: _record_nobody(state, request, connection, incident))
        raise unauthenticated() from None
    if work.recorded:
        request.scope["consentry.entry"] = None if work.caller.is_outside else work.entry_id
    if work.pending_error:
        raise work.pending_error
    return result


async def perform_once(
    request: Request, create: Callable[[Work], tuple[UUID, T]], render: Callable[[Work, UUID], T]
) -> T:
    """`perform` under the request's Idempotency-Key, if it has one.

    `create` returns the id of what it made and its view; a repetition calls `render` with that id, which authorises
    and reads anew, so nothing revoked since comes back. An operation that commits and answers with an error does so
    in `render` too. A different body under the same key is a conflict.
    """
    return await perform(request, once(await read_claim(request), create, render))


def once(
    claim: Claim | None, create: Callable[[Work], tuple[UUID, T]], render: Callable[[Work, UUID], T]
) -> Callable[[Work], T]:
    """The unit of `perform_once`; without a claim it only creates."""

    def unit(work: Work) -> T:
        made = claim_key(work, claim) if claim else None
        if made is not None:
            return render(work, made.resource_id)
        resource_id, view = create(work)
        if claim:
            finish_key(work, claim, resource_id)
        return view

    return unit


async def run_bounded(state: State, unit: Callable[[Connection], T]) -> T:
    """A unit that ends within seconds, one way or the other; a key that it misses is fetched between two attempts."""
    try:
        return await run_unit(state.engine, state.mechanisms.vault, unit, seconds=UNIT_SECONDS)
    except TimeoutError:
        raise Unavailable(Code.UNAVAILABLE, "The service cannot do this now.", retry_after=1) from None


def _open_work(
    state: State,
    request: Request,
    connection: Connection,
    session_id: SessionId,
    channel: str,
    purpose: Callable[[Caller], str] | None,
) -> Work:
    now = state.clock.now()
    found = sessions.session_caller(connection, session_id, now)
    if found is None or channel not in found.channel.carried_as:
        raise unauthenticated()
    state.mechanisms.vault.forget_before(found.shred_mark)
    program = state.programs.get(connection, found.caller.program_id, found.program_version)
    return Work(
        state.mechanisms,
        connection,
        _with_credentials(found, program, state.credentials, now),
        program,
        now,
        purpose=purpose(found.caller) if purpose else stated_purpose(request),
        request_id=request_id_of(request),
    )


def _with_credentials(
    found: sessions.FoundSession, program: Program, book: CredentialBook, now: datetime
) -> Caller:
    """The caller with what their credentials are worth today, in the program's time zone."""
    today = now.astimezone(program.zone).date()
    shown = standing(found.held, book, today)
    return replace(
        found.caller,
        credentials=shown.kinds,
        credential_in_force=shown.in_force,
        credential_lapsed=shown.lapsed,
        credential_required=program.requires_credentials,
        credential_supervised=shown.supervised,
    )


def stated_purpose(request: Request) -> str | None:
    """The purpose-of-use code of the header, or None; two headers are no statement."""
    given = request.headers.getlist("purpose-of-use")
    return given[0] if len(given) == 1 and 0 < len(given[0]) <= 32 and given[0].isascii() else None


async def _refuse(state: State, request: Request, refused: Work, denied: Denied) -> None:
    def record(connection: Connection) -> UUID:
        work = _again(state, connection, refused)
        record_denial(work, denied)
        return work.entry_id

    entry_id = await run_bounded(state, record)
    request.scope["consentry.entry"] = None if refused.caller.is_outside else entry_id


async def _refuse_integrity(state: State, refused: Work, error: ConsentryError) -> None:
    """A stored value that did not open is an incident: it stands in the ledger before the caller hears of it."""
    await run_bounded(state, lambda connection: _again(state, connection, refused).record_incident(error))


def _record_nobody(state: State, request: Request, connection: Connection, error: ConsentryError) -> None:
    """The incident of a call whose caller could not be believed: in the service's tree, with nobody as its actor."""
    enter(connection, SERVICE_PROGRAM)
    record_unattributed(
        state.mechanisms,
        connection,
        action=Action.INTEGRITY_FAILED,
        program_id=SERVICE_PROGRAM,
        now=state.clock.now(),
        request_id=request_id_of(request),
        detail={"code": error.code.value, "of": "caller"},
    )


def _again(state: State, connection: Connection, refused: Work) -> Work:
    """A fresh unit of the caller who was refused. The session is not asked again: who ends it while an attempt is
    being refused would else keep the attempt out of the ledger.
    """
    enter(connection, refused.caller.program_id)
    return Work(
        state.mechanisms,
        connection,
        refused.caller,
        refused.program,
        refused.now,
        purpose=refused.purpose,
        request_id=refused.request_id,
    )


def if_match(request: Request) -> int:
    """The version the caller says it changes (`If-Match: "3"`); raises PreconditionRequired without one."""
    given = request.headers.get("if-match", "")
    digits = given.removeprefix('"').removesuffix('"')
    if len(given) == len(digits) + 2 and digits.isascii() and digits.isdigit() and len(digits) < 10:
        return int(digits)
    raise PreconditionRequired(
        Code.PRECONDITION_REQUIRED, "Say which version you change: If-Match with the ETag you read."
    )


def reply(
    status: int, body: Mapping[str, Any], *, etag: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON response. `body` holds only JSON values, UUIDs, dates and instants (UTC)."""
    given = dict(headers or {})
    if etag is not None:
        given["ETag"] = f'"{etag}"'
    return Response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=_text),
        status_code=status,
        headers=given,
        media_type="application/json",
    )


def _text(value: object) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, frozenset | set):
        return sorted(str(member) for member in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    isoformat = getattr(value, "isoformat", None)
    if isoformat is None:
        raise TypeError("not a JSON value")
    return str(isoformat()).replace("+00:00", "Z")
