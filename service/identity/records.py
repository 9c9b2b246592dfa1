"""The SQL of identity: accounts, sessions, sign-in slots, programs.

Two look-ups run before the tenant is known and go through SECURITY DEFINER functions of the database
(migration 0002): `session_caller`, which also sets the tenant of the transaction, and `account_by_username`.
Everything else is under row-level security like any table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
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
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.types import ARRAY, DateTime, Interval, LargeBinary

from service.access.caller import Caller, CallerKind, Role
from service.identity.credentials.model import CredentialState, Held
from service.identity.lockout import Slots
from service.identity.model import AccountState, Channel, EndReason, Session
from service.identity.sessions import IDLE_LIMIT, LINK_IDLE_LIMIT
from service.ids import AccountId, PatientId, ProgramId, RecipientId, SessionId
from service.store.tables.identity import account, session, sign_in_slot
from service.store.tables.programs import program
from service.store.types import Sealed
from service.vault.envelope import SealedTable

ACCOUNT_ROW: Final = SealedTable("account", ("profile",))

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
_BY_NAME = select(
    func.account_by_username(bindparam("username_index", type_=LargeBinary())).table_valued(
        column("account_id", Uuid()),
        column("program_id", Uuid()),
        column("kind", Text()),
        column("password_hash", Text()),
        column("state", Text()),
    )
)

_ACCOUNT = select(account).where(account.c.id == bindparam("id"))
_ACCOUNT_FOR_SHARE = _ACCOUNT.with_for_update(read=True)
_ACCOUNT_FOR_UPDATE = _ACCOUNT.with_for_update()
_OF_PATIENT = (
    select(account)
    .where(account.c.patient_id == bindparam("patient_id"), account.c.kind == CallerKind.PATIENT.value)
    .where(account.c.state == AccountState.ACTIVE.value)
    .order_by(account.c.id)
    .limit(1)
)
_ACCOUNTS = (
    select(account)
    .where(account.c.id > bindparam("after"), account.c.kind != CallerKind.PATIENT.value)
    .order_by(account.c.id)
    .limit(bindparam("limit"))
)
_INSERT_ACCOUNT = (
    insert(account).on_conflict_do_nothing(index_elements=["username_index"]).returning(account.c.id)
)
_CHANGE_ACCOUNT = (
    update(account)
    .where(account.c.id == bindparam("b_id"))
    .values(
        state=bindparam("b_state"),
        version=bindparam("b_version"),
        profile=bindparam("b_profile"),
        entry_id=bindparam("b_entry_id"),
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

_MAKE_SLOT = (
    insert(sign_in_slot)
    .values(username_index=bindparam("username_index"), failures=0, last_attempt_at=bindparam("now"))
    .on_conflict_do_nothing()
)
_SLOT = (
    select(sign_in_slot.c.failures, sign_in_slot.c.locked_until)
    .where(sign_in_slot.c.username_index == bindparam("username_index"))
    .with_for_update()
)
_STORE_SLOT = (
    update(sign_in_slot)
    .where(sign_in_slot.c.username_index == bindparam("b_username_index"))
    .values(
        failures=bindparam("b_failures"),
        locked_until=bindparam("b_locked_until"),
        last_attempt_at=bindparam("b_now"),
    )
)

_PROGRAM = select(program).where(program.c.id == bindparam("id"))
_PROGRAM_BY_KEY = select(program).where(program.c.key == bindparam("key")).with_for_update()
_PROGRAMS = (
    select(program).where(program.c.id > bindparam("after")).order_by(program.c.id).limit(bindparam("limit"))
)
_PROGRAMS_AT_ONCE = 200
_INSERT_PROGRAM = insert(program)
_CHANGE_PROGRAM = (
    update(program)
    .where(program.c.id == bindparam("b_id"))
    .values(
        name=bindparam("b_name"),
        config=bindparam("b_config"),
        version=bindparam("b_version"),
        changed_at=bindparam("b_changed_at"),
        entry_id=bindparam("b_entry_id"),
    )
)


@dataclass(frozen=True, slots=True, repr=False)
class Candidate:
    """The account a name belongs to, as far as a sign-in needs it; `password_hash` never leaves identity."""

    account_id: AccountId
    program_id: ProgramId
    kind: CallerKind
    password_hash: str
    state: AccountState


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account row; the profile is sealed under the program's key."""

    id: AccountId
    program_id: ProgramId
    kind: CallerKind
    roles: frozenset[Role]
    units: frozenset[str]
    patient_id: PatientId | None
    recipient_id: RecipientId | None
    state: AccountState
    version: int
    created_at: datetime
    profile: Sealed


@dataclass(frozen=True, slots=True)
class StoredProgram:
    """A program row; `config` is canonical JSON of the program's description."""

    id: ProgramId
    key: str
    name: str
    config: str
    version: int
    changed_at: datetime


# -- before the tenant is known --------------------------------------------------------------------


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
    row = db.execute(_CALLER, {"session": session_id, "now": now, "idle": IDLE_LIMIT}).one_or_none()
    if row is None:
        return None
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


def candidate(db: Connection, username_index: bytes) -> Candidate | None:
    """The account with this name, in whatever program."""
    row = db.execute(_BY_NAME, {"username_index": username_index}).one_or_none()
    if row is None:
        return None
    return Candidate(
        account_id=AccountId(row.account_id),
        program_id=ProgramId(row.program_id),
        kind=CallerKind(row.kind),
        password_hash=row.password_hash,
        state=AccountState(row.state),
    )


def lock_slots(db: Connection, username_index: bytes, now: datetime) -> Slots:
    """The slots of a name, known or not, locked until this transaction ends."""
    db.execute(_MAKE_SLOT, {"username_index": username_index, "now": now})
    row = db.execute(_SLOT, {"username_index": username_index}).one()
    return Slots(row.failures, row.locked_until)


def store_slots(db: Connection, username_index: bytes, slots: Slots, now: datetime) -> None:
    db.execute(
        _STORE_SLOT,
        {
            "b_username_index": username_index,
            "b_failures": slots.failures,
            "b_locked_until": slots.locked_until,
            "b_now": now,
        },
    )


# -- accounts --------------------------------------------------------------------------------------


def account_by_id(db: Connection, account_id: UUID) -> StoredAccount | None:
    return _read(db.execute(_ACCOUNT, {"id": account_id}).one_or_none())


def account_for_share(db: Connection, account_id: UUID) -> StoredAccount | None:
    """Read, and kept from changing until this transaction ends: a disabling waits for a sign-in."""
    return _read(db.execute(_ACCOUNT_FOR_SHARE, {"id": account_id}).one_or_none())


def account_for_update(db: Connection, account_id: UUID) -> StoredAccount | None:
    return _read(db.execute(_ACCOUNT_FOR_UPDATE, {"id": account_id}).one_or_none())


def account_of_patient(db: Connection, patient_id: UUID) -> StoredAccount | None:
    """The patient's own account, the first if there are several; None when there is none that is active."""
    return _read(db.execute(_OF_PATIENT, {"patient_id": patient_id}).one_or_none())


def accounts(db: Connection, after: UUID, limit: int) -> list[StoredAccount]:
    """Accounts of the program by age, except patients' own: their user names are about patients."""
    rows = db.execute(_ACCOUNTS, {"after": after, "limit": limit}).all()
    return [found for row in rows if (found := _read(row))]


def insert_account(db: Connection, values: Mapping[str, Any]) -> bool:
    """False when the name is taken, in this program or another."""
    return db.execute(_INSERT_ACCOUNT, dict(values)).one_or_none() is not None


def change_account(
    db: Connection, account_id: UUID, *, state: AccountState, version: int, profile: Sealed, entry_id: UUID
) -> None:
    db.execute(
        _CHANGE_ACCOUNT,
        {
            "b_id": account_id,
            "b_state": state.value,
            "b_version": version,
            "b_profile": profile,
            "b_entry_id": entry_id,
        },
    )


# -- sessions --------------------------------------------------------------------------------------


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


# -- programs --------------------------------------------------------------------------------------


def program_document(db: Connection, program_id: UUID) -> tuple[str, int] | None:
    """A program's description and its version."""
    found = program_by_id(db, program_id)
    return None if found is None else (found.config, found.version)


def program_by_id(db: Connection, program_id: UUID) -> StoredProgram | None:
    row = db.execute(_PROGRAM, {"id": program_id}).one_or_none()
    return None if row is None else _program(row)


def program_by_key(db: Connection, key: str) -> StoredProgram | None:
    """The program with this key, locked: two descriptions applied at once follow each other."""
    row = db.execute(_PROGRAM_BY_KEY, {"key": key}).one_or_none()
    return None if row is None else _program(row)


def programs(db: Connection, after: UUID, limit: int) -> list[StoredProgram]:
    return [_program(row) for row in db.execute(_PROGRAMS, {"after": after, "limit": limit})]


def every_program(db: Connection) -> list[StoredProgram]:
    """All programs by id. Whole, before the caller enters one of them: from inside a program no other is seen."""
    found: list[StoredProgram] = []
    after = UUID(int=0)
    while page := programs(db, after, _PROGRAMS_AT_ONCE):
        found += page
        after = page[-1].id
    return found


def insert_program(db: Connection, made: StoredProgram, entry_id: UUID) -> None:
    db.execute(
        _INSERT_PROGRAM,
        {
            "id": made.id,
            "key": made.key,
            "name": made.name,
            "config": made.config,
            "version": made.version,
            "changed_at": made.changed_at,
            "entry_id": entry_id,
        },
    )


def change_program(db: Connection, changed: StoredProgram, entry_id: UUID) -> None:
    db.execute(
        _CHANGE_PROGRAM,
        {
            "b_id": changed.id,
            "b_name": changed.name,
            "b_config": changed.config,
            "b_version": changed.version,
            "b_changed_at": changed.changed_at,
            "b_entry_id": entry_id,
        },
    )


# -- rows ------------------------------------------------------------------------------------------


def _held(kind: str, state: str, starts_on: str, ends_on: str | None) -> Held:
    last = None if ends_on is None else date.fromisoformat(ends_on)
    return Held(kind, CredentialState(state), date.fromisoformat(starts_on), last)


def _read(row: Row[Any] | None) -> StoredAccount | None:
    if row is None:
        return None
    return StoredAccount(
        id=AccountId(row.id),
        program_id=ProgramId(row.program_id),
        kind=CallerKind(row.kind),
        roles=frozenset(Role(role) for role in row.roles),
        units=frozenset(row.units),
        patient_id=None if row.patient_id is None else PatientId(row.patient_id),
        recipient_id=None if row.recipient_id is None else RecipientId(row.recipient_id),
        state=AccountState(row.state),
        version=row.version,
        created_at=row.created_at,
        profile=row.profile,
    )


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


def _program(row: Row[Any]) -> StoredProgram:
    return StoredProgram(
        id=ProgramId(row.id),
        key=row.key,
        name=row.name,
        config=row.config,
        version=row.version,
        changed_at=row.changed_at,
    )
