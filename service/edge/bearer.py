"""Whose call is this: the bearer token of a request, verified once and before anything else is read."""

from fastapi import Request

from service.edge.context import state_of
from service.errors import Code, Unauthenticated
from service.ids import SessionId

_KEPT = "consentry.session"


def bearer_session(request: Request) -> SessionId:
    """The session a valid bearer token names; raises Unauthenticated. Exactly one Authorization header counts.

    Whether that session still lives is asked of the database, inside the unit.
    """
    kept: SessionId | None = request.scope.get(_KEPT)
    if kept is not None:
        return kept
    given = request.headers.getlist("authorization")
    if len(given) != 1 or not given[0].startswith("Bearer "):
        raise unauthenticated()
    state = state_of(request)
    session_id = state.tokens.verify(given[0].removeprefix("Bearer "), state.clock.now()).session_id
    request.scope[_KEPT] = session_id
    return session_id


def unauthenticated() -> Unauthenticated:
    """The one answer to whoever is nobody, or nobody any more."""
    return Unauthenticated(Code.UNAUTHENTICATED, "Sign in to continue.")
