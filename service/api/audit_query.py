"""What a reader asks of the trail, as it stands in the query of an address."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query

from service.custody.records import Query as TrailQuery
from service.edge.models import Instant, Uuid
from service.edge.paging import Cursor, Limit, read_cursor

_Code = Annotated[str | None, Query(min_length=1, max_length=64)]
_Values = dict[str, UUID | str | int]


async def _fields(
    patient: Uuid | None = None,
    actor: Uuid | None = None,
    actor_kind: _Code = None,
    session: Uuid | None = None,
    action: _Code = None,
    outcome: Annotated[Literal["permit", "partial", "deny"] | None, Query()] = None,
    purpose: _Code = None,
    object_kind: _Code = None,
    object: Uuid | None = None,
    object_version: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
    consent: Uuid | None = None,
    recipient: Uuid | None = None,
    basis: _Code = None,
    policy_set: _Code = None,
    request_id: Annotated[str | None, Query(alias="request", min_length=1, max_length=64)] = None,
    tree: Uuid | None = None,
) -> _Values:
    """Field -> the value asked for, of those that are asked for."""
    given: dict[str, UUID | str | int | None] = {
        "patient": patient,
        "actor": actor,
        "actor_kind": actor_kind,
        "session": session,
        "action": action,
        "outcome": outcome,
        "purpose": purpose,
        "object_kind": object_kind,
        "object": object,
        "object_version": object_version,
        "consent": consent,
        "recipient": recipient,
        "basis": basis,
        "policy_set": policy_set,
        "request": request_id,
        "tree": tree,
    }
    return {name: value for name, value in given.items() if value is not None}


async def _asked(
    equals: Annotated[_Values, Depends(_fields)],
    policy: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_.:@-]{1,100}$")] = None,
    begin: Annotated[Instant | None, Query(alias="from", description="Recorded then or later.")] = None,
    end: Annotated[Instant | None, Query(alias="to", description="Recorded before.")] = None,
    occurred_from: Instant | None = None,
    occurred_to: Instant | None = None,
    sort: Annotated[
        str, Query(max_length=32, description="A field, with - for descending.")
    ] = "-recorded_at",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> TrailQuery:
    return TrailQuery(
        equals=equals,
        begin=begin,
        end=end,
        occurred_begin=occurred_from,
        occurred_end=occurred_to,
        policy=policy,
        sort=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        after=read_cursor(cursor),
        limit=limit,
    )


#: Equalities, spans of time, an order and where to go on.
Asked = Annotated[TrailQuery, Depends(_asked)]
