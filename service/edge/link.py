"""One attempt to open a packet link, for the API and the page alike: every refusal the same, and none of them sooner."""

import asyncio
from datetime import date
from typing import Final

from fastapi import Request
from sqlalchemy import Connection

from service.clock import monotonic
from service.delivery import links
from service.edge.context import request_id_of, state_of
from service.edge.deps import run_bounded
from service.edge.signin import Admission
from service.identity.signin import SignedIn
from service.ids import new_id

#: Seconds before which no attempt is answered, so that none is quicker for having failed earlier.
_NOT_BEFORE: Final = 0.08


async def open_with_link(request: Request, token: str, birth_date: date) -> Admission | None:
    """A session of the patient whose link this is, or None; both are in the ledger before this returns."""
    state = state_of(request)
    now, request_id, begun = state.clock.now(), request_id_of(request), monotonic()

    def unit(db: Connection) -> SignedIn | None:
        return links.open_link(state.mechanisms, db, token, birth_date, now, request_id)

    opened = await run_bounded(state, unit)
    await asyncio.sleep(max(0.0, _NOT_BEFORE - (monotonic() - begun)))
    if opened is None:
        return None
    request.scope["consentry.entry"] = opened.entry_id
    session = opened.session
    bearer = state.tokens.issue(
        account_id=opened.caller.account_id,
        session_id=session.id,
        token_id=new_id(now),
        now=now,
        until=session.expires_at,
    )
    return Admission(session, opened.caller, bearer)
