"""The SQL of sessions: found with each call, opened at a sign-in, ended.

The look-up of a call runs before the tenant is known and goes through a SECURITY DEFINER function of the database
(migration 0002): `session_caller`, which also sets the tenant of the transaction. Everything else is under row-level
security like any table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    Integer,
    Row,
    Text,
    Uuid,
    and_,
    bindparam,
    column,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import ARRAY, DateTime, Interval

from service.access.caller import Caller, CallerKind, Role
from service.identity.credentials.model import CredentialState, Held
from service.identity.model import Channel, EndReason, Session
from service.identity.sessions import IDLE_LIMIT, LINK_IDLE_LIMIT
from service.ids import AccountId, PatientId, ProgramId, RecipientId, SessionId
from service.store.direct import rows
from service.store.tables.identity import session

_CALLER = select(
    func.session_caller(
        bindparam("session", type_=Uuid()),
        bindparam("now", type_=DateTime(timezone=True)),
        bindparam("idle", type_=Interval()),
    ).table_valued(
        column("account_id", Uuid()),
        column("program_id", Uuid()),
        column("program_version", Integer()),
        column("kind", Text()),
        column("roles", ARRAY(Text())),
        column("units", ARRAY(Text())),
        column("patient_id", Uuid()),
        column("recipient_id", Uuid()),
        column("channel", Text()),
        column("credentials", JSONB()),
    )
)
_SESSION = select(session).where(session.c.id == bindparam("id")).with_for_update()
_SESSIONS = (
    select(session)
    .where(session.c.account_id == bindparam("account_id"), session.c.id > bindparam("after"))
    .where(session.c.ended_at.is_(None), session.c.expires_at > bindparam("now"))
    .where(
        or_(
            session.c.last_used_at > bindparam("used_since"),
            and_(
                session.c.channel == Channel.LINK.value,
                session.c.last_used_at > bindparam("link_used_since"),
            ),
        )
    )
    .order_by(session.c.id)
    .limit(bindparam("limit"))
)
_INSERT_SESSION = insert(session)
_END_SESSION = (
    update(session)
    .where(session.c.id == bindparam("b_id"), session.c.ended_at.is_(None))
    .values(ended_at=bindparam("b_now"), end_reason=bindparam("b_reason"), entry_id=bindparam("b_entry_id"))
)
_END_SESSIONS_OF = (
    update(session)
    .where(session.c.account_id == bindparam("b_account_id"), session.c.ended_at.is_(None))
    .values(ended_at=bindparam("b_now"), end_reason=bindparam("b_reason"), entry_id=bindparam("b_entry_id"))
    .returning(session.c.id)
)
_END_LINK_SESSIONS_OF = _END_SESSIONS_OF.where(session.c.channel == Channel.LINK.value)


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A live session: who calls, the version of their program's configuration, the channel, and the caller's
    credentials, to be weighed by the program's calendar.
    """

    caller: Caller
    program_version: int
    channel: Channel
    held: tuple[Held, ...] = ()


def session_caller(db: Connection, session_id: SessionId, now: datetime) -> FoundSession | None:
    """The session if it is alive, in one round trip; None when it is over.

    Also sets the transaction's tenant, and notes the use of the session at most once a minute.
    """
    found = rows(db, _CALLER, {"session": session_id, "now": now, "idle": IDLE_LIMIT})
    if not found:
        return None
    row = found[0]
    caller = Caller(
        kind=CallerKind(row.kind),
        account_id=AccountId(row.account_id),
        program_id=ProgramId(row.program_id),
        session_id=session_id,
        roles=frozenset(Role(role) for role in row.roles),
        units=frozenset(row.units),
        patient_id=None if row.patient_id is None else PatientId(row.patient_id),
        recipient_id=None if row.recipient_id is None else RecipientId(row.recipient_id),
        # less than a password: a telephone that somebody else may hold, and a birth date
        assurance="link" if row.channel == Channel.LINK else "password",
    )
    held = tuple(_held(*one) for one in row.credentials or ())
    return FoundSession(caller, row.program_version or 0, Channel(row.channel), held)


def insert_session(db: Connection, made: Session, entry_id: UUID) -> None:
    db.execute(
        _INSERT_SESSION,
        {
            "id": made.id,
            "program_id": made.program_id,
            "account_id": made.account_id,
            "channel": made.channel.value,
            "created_at": made.created_at,
            "last_used_at": made.last_used_at,
            "expires_at": made.expires_at,
            "ended_at": None,
            "end_reason": None,
            "entry_id": entry_id,
        },
    )


def session_for_update(db: Connection, session_id: UUID) -> Session | None:
    row = db.execute(_SESSION, {"id": session_id}).one_or_none()
    return None if row is None else _session(row)


def live_sessions(db: Connection, account_id: UUID, now: datetime, after: UUID, limit: int) -> list[Session]:
    """Sessions of an account that would let a call through at `now`."""
    values = {
        "account_id": account_id,
        "now": now,
        "used_since": now - IDLE_LIMIT,
        "link_used_since": now - LINK_IDLE_LIMIT,
        "after": after,
        "limit": limit,
    }
    return [_session(row) for row in db.execute(_SESSIONS, values)]


def end_session(db: Connection, session_id: UUID, reason: EndReason, now: datetime, entry_id: UUID) -> None:
    db.execute(
        _END_SESSION,
        {"b_id": session_id, "b_now": now, "b_reason": reason.value, "b_entry_id": entry_id},
    )


def end_sessions_of(
    db: Connection, account_id: UUID, reason: EndReason, now: datetime, entry_id: UUID
) -> Sequence[UUID]:
    """End every session of an account that nobody ended yet; returns their ids."""
    values = {"b_account_id": account_id, "b_now": now, "b_reason": reason.value, "b_entry_id": entry_id}
    return db.execute(_END_SESSIONS_OF, values).scalars().all()


def end_link_sessions_of(db: Connection, account_id: UUID, now: datetime, entry_id: UUID) -> Sequence[UUID]:
    """End the sessions of a patient that a packet link opened; returns their ids."""
    values = {
        "b_account_id": account_id,
        "b_now": now,
        "b_reason": EndReason.LINK_ENDED.value,
        "b_entry_id": entry_id,
    }
    return db.execute(_END_LINK_SESSIONS_OF, values).scalars().all()


def _held(kind: str, state: str, starts_on: str, ends_on: str | None) -> Held:
    last = None if ends_on is None else date.fromisoformat(ends_on)
    return Held(kind, CredentialState(state), date.fromisoformat(starts_on), last)


def _session(row: Row[Any]) -> Session:
    return Session(
        id=SessionId(row.id),
        account_id=AccountId(row.account_id),
        program_id=ProgramId(row.program_id),
        channel=Channel(row.channel),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        end_reason=None if row.end_reason is None else EndReason(row.end_reason),
    )
