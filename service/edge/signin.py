"""One attempt to sign in, for the API and the pages alike: slot, password check in a thread, outcome."""

import asyncio
from dataclasses import dataclass

from fastapi import Request
from sqlalchemy import Connection

from service.access.caller import Caller, CallerKind
from service.edge.context import request_id_of, state_of
from service.edge.deps import run_bounded
from service.identity import passwords, signin
from service.identity.model import Channel, Session
from service.ids import new_id


@dataclass(frozen=True, slots=True, repr=False)
class Admission:
    """A session that was just opened, and the token that names it."""

    session: Session
    caller: Caller
    token: str


async def sign_in(
    request: Request, username: str, password: str, *, kinds: frozenset[CallerKind], channel: Channel
) -> Admission | None:
    """An open session for this name and password, or None; both are in the ledger before this returns."""
    state = state_of(request)
    mechanisms, request_id = state.mechanisms, request_id_of(request)

    def begin(db: Connection) -> signin.Attempt:
        return signin.begin(mechanisms, db, username, state.clock.now())

    attempt = await run_bounded(state, begin)
    matched = await asyncio.to_thread(passwords.matches, attempt.password_hash, password)
    now = state.clock.now()

    def complete(db: Connection) -> signin.SignedIn | None:
        return signin.complete(
            mechanisms,
            db,
            attempt,
            matched=matched,
            kinds=kinds,
            channel=channel,
            now=now,
            request_id=request_id,
        )

    opened = await run_bounded(state, complete)
    if opened is None:
        return None
    request.scope["consentry.entry"] = None if opened.caller.is_outside else opened.entry_id
    token = state.tokens.issue(
        account_id=opened.caller.account_id,
        session_id=opened.session.id,
        token_id=new_id(now),
        now=now,
        until=opened.session.expires_at,
    )
    return Admission(opened.session, opened.caller, token)
