"""The SQL of sessions: found with each call, opened at a sign-in, ended.

The look-up of a call runs before the tenant is known and goes through a SECURITY DEFINER function of the database
(migration 0002): `session_caller`, which also sets the tenant of the transaction. Everything else is under row-level
security like any table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Row,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    column,
    func,
    insert,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.types import ARRAY, DateTime, Interval, LargeBinary

from service.access.caller import Caller, CallerKind, Role
from service.identity.credentials.model import CredentialState, Held
from service.identity.model import Channel, EndReason, Session
from service.identity.sessions import IDLE_LIMIT, LINK_IDLE_LIMIT
from service.ids import AccountId, PatientId, ProgramId, RecipientId, SessionId
from service.store.direct import rows
from service.store.rowcodes import change_row, check, coded, verified, with_code
from service.store.standing import newest_version, refuse_older
from service.store.tables.identity import account, credential, session

#: The version that the end of a session has in the trail; one that is open has none. A row put back after the end is
#: told by it.
ENDED: Final = 1
#: Where a credential's id stands in the look-up's array (migration 0007).
_HELD_ID: Final = 4
_FOUND: Final = func.session_caller(
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
    column("shred_mark", BigInteger()),
    column("password_hash", Text()),
    column("state", Text()),
    column("version", Integer()),
    column("created_at", DateTime(timezone=True)),
    column("entry_id", Uuid()),
    column("mac", LargeBinary()),
    column("session_program_id", Uuid()),
    column("session_created_at", DateTime(timezone=True)),
    column("session_expires_at", DateTime(timezone=True)),
    column("session_end_reason", Text()),
    column("session_entry_id", Uuid()),
    column("session_mac", LargeBinary()),
    name="found",
)
_HELD: Final = (
    func.jsonb_array_elements(_FOUND.c.credentials)
    .table_valued(column("value", JSONB()), with_ordinality="at", name="held", joins_implicitly=True)
    .render_derived()
)
#: For each credential that the look-up returns, in its order, the newest version that the trail knows.
_NEWEST_HELD = (
    select(
        func.array_agg(
            aggregate_order_by(newest_version(cast(_HELD.c.value[_HELD_ID].astext, Uuid())), _HELD.c.at)
        )
    )
    .correlate(_FOUND)
    .scalar_subquery()
)
#: What the trail says of the session, its account and that account's credentials, asked under the tenancy that the
#: look-up has just set: a newer version than the row's own means that an older row was put back.
_CALLER = select(
    _FOUND,
    newest_version(_FOUND.c.account_id).label("newest_account"),
    newest_version(bindparam("session", type_=Uuid())).label("newest_session"),
    _NEWEST_HELD.label("newest_held"),
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
_ALIVE = (
    select(session.c.id)
    .where(session.c.account_id == bindparam("account_id"), session.c.ended_at.is_(None))
    .order_by(session.c.id)
    .with_for_update()
)
_ALIVE_BY_LINK = _ALIVE.where(session.c.channel == Channel.LINK.value)
#: The account's columns that the look-up returns by their own names.
_ACCOUNT_AS_NAMED: Final = tuple(column.name for column in with_code(account) if column.name != "id")


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A live session: who calls, the version of their program's configuration, the channel, and the caller's
    credentials, to be weighed by the program's calendar.
    """

    caller: Caller
    program_version: int
    channel: Channel
    held: tuple[Held, ...] = ()
    #: How many patients' keys were destroyed in this deployment so far.
    shred_mark: int = 0


def session_caller(db: Connection, session_id: SessionId, now: datetime) -> FoundSession | None:
    """The session if it is alive, in one round trip; None when it is over.

    Also sets the transaction's tenant, and notes the use of the session at most once a minute.
    """
    found = rows(db, _CALLER, {"session": session_id, "now": now, "idle": IDLE_LIMIT})
    if not found:
        return None
    row = found[0]
    _check(db, session_id, row)
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
    held = tuple(
        _held(db, row.account_id, one, newest)
        for one, newest in zip(row.credentials or (), row.newest_held or (), strict=True)
    )
    return FoundSession(caller, row.program_version or 0, Channel(row.channel), held, row.shred_mark)


def insert_session(db: Connection, made: Session, entry_id: UUID) -> None:
    values = {
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
    }
    db.execute(_INSERT_SESSION, coded(db, session, values))


def session_for_update(db: Connection, session_id: UUID) -> Session | None:
    row = db.execute(_SESSION, {"id": session_id}).one_or_none()
    return None if row is None else _session(db, row)


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
    return [_session(db, row) for row in db.execute(_SESSIONS, values)]


def end_session(db: Connection, session_id: UUID, reason: EndReason, now: datetime, entry_id: UUID) -> None:
    found = session_for_update(db, session_id)
    if found is not None and found.ended_at is None:
        _end(db, [session_id], reason, now, entry_id)


def end_sessions_of(
    db: Connection, account_id: UUID, reason: EndReason, now: datetime, entry_id: UUID
) -> Sequence[UUID]:
    """End every session of an account that nobody ended yet; returns their ids."""
    alive = db.execute(_ALIVE, {"account_id": account_id}).scalars().all()
    return _end(db, alive, reason, now, entry_id)


def end_link_sessions_of(db: Connection, account_id: UUID, now: datetime, entry_id: UUID) -> Sequence[UUID]:
    """End the sessions of a patient that a packet link opened; returns their ids."""
    alive = db.execute(_ALIVE_BY_LINK, {"account_id": account_id}).scalars().all()
    return _end(db, alive, EndReason.LINK_ENDED, now, entry_id)


def _end(
    db: Connection, ids: Sequence[UUID], reason: EndReason, now: datetime, entry_id: UUID
) -> Sequence[UUID]:
    changes = {"ended_at": now, "end_reason": reason.value, "entry_id": entry_id}
    for one in ids:
        change_row(db, session, {"id": one}, changes)
    return ids


def _check(db: Connection, session_id: SessionId, row: Any) -> None:
    """The session, and the account that it makes somebody, are as they were written and not as they once were."""
    of_account = {name: getattr(row, name) for name in _ACCOUNT_AS_NAMED}
    of_session = {
        "id": session_id,
        "program_id": row.session_program_id,
        "account_id": row.account_id,
        "channel": row.channel,
        "created_at": row.session_created_at,
        "expires_at": row.session_expires_at,
        "ended_at": None,
        "end_reason": row.session_end_reason,
        "entry_id": row.session_entry_id,
        "mac": row.session_mac,
    }
    check(db, account, {"id": row.account_id, **of_account})
    check(db, session, of_session)
    refuse_older(row.version, row.newest_account)
    refuse_older(ENDED - 1, row.newest_session)


def _held(db: Connection, account_id: UUID, one: Sequence[Any], newest: int | None) -> Held:
    """One credential out of the look-up's array, which has its columns in this order; `newest` as the trail has it."""
    kind, state, starts_on, ends_on, row_id, program_id, version, recorded_at, entry_id, code = one
    first = date.fromisoformat(starts_on)
    last = None if ends_on is None else date.fromisoformat(ends_on)
    values = {
        "id": UUID(row_id),
        "program_id": UUID(program_id),
        "account_id": account_id,
        "kind": kind,
        "state": state,
        "starts_on": first,
        "ends_on": last,
        "version": version,
        "recorded_at": datetime.fromisoformat(recorded_at),
        "entry_id": UUID(entry_id),
        "mac": None if code is None else bytes.fromhex(code),
    }
    check(db, credential, values)
    refuse_older(version, newest)
    return Held(kind, CredentialState(state), first, last)


def _session(db: Connection, row: Row[Any]) -> Session:
    verified(db, session, row)
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
