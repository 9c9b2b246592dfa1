"""Signing in: two transactions with the password check between them.

The first takes a slot for the name and looks the account up; it commits before anything is evaluated (lockout.py).
Then the password is checked outside of any transaction, because argon2 would hold a connection for 50 ms. The
second writes the outcome: a session and its entry, or the entry of a refused attempt. Unknown names, wrong
passwords, locked and disabled accounts take the same statements, the same hash computation and get the same
answer; which of them it was stands only in the ledger.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import rfc8785
from sqlalchemy import Connection

from service.access.actions import Action
from service.access.caller import Caller, CallerKind
from service.access.program import read_program
from service.errors import Code, Unavailable
from service.identity import records
from service.identity.lockout import Slots, reserve
from service.identity.model import AccountState, Channel, Session
from service.identity.names import normal_name
from service.identity.open_sessions import records as sessions
from service.identity.passwords import nobodys_hash
from service.identity.sessions import ABSOLUTE_LIFETIME
from service.identity.tenants import records as tenants
from service.ids import SERVICE_PROGRAM, AccountId, PatientId, ProgramId, SessionId, new_id
from service.ledger.entry import Entry, Outcome
from service.vault.envelope import RowKey
from service.vault.indexing import IndexKeys
from service.work import Mechanisms, Work, enter, write_entry

#: Who may sign in with a user name and a password, and who with a client id and its secret.
PEOPLE: Final = frozenset({CallerKind.STAFF, CallerKind.PATIENT})
CLIENTS: Final = frozenset({CallerKind.REQUESTER, CallerKind.SYSTEM})
#: What the key of the index of user names is derived for.
_TABLE, _NAME = "account", "username"


@dataclass(frozen=True, slots=True, repr=False)
class Attempt:
    """One attempt whose slot is taken. `password_hash` is what to check the password against."""

    names: records.UserNames
    keys: IndexKeys
    granted: bool
    closes: bool
    candidate: records.Candidate | None

    @property
    def password_hash(self) -> str:
        """The account's hash, or nobody's: a check of the same cost, whoever the name belongs to."""
        return self.candidate.password_hash if self.granted and self.candidate else nobodys_hash()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session and the caller it belongs to."""

    session: Session
    caller: Caller
    entry_id: UUID


def user_names(keys: IndexKeys, username: str) -> records.UserNames:
    """A user name as the indexes have it, under the service's own keys: at sign-in no program is known yet."""
    name = normal_name(username)
    now, *others = keys.sought(_TABLE, _NAME, name)
    return records.UserNames(now, keys.id, (now, *others), tuple(keys.ever(_TABLE, _NAME, name)))


def begin(mechanisms: Mechanisms, db: Connection, username: str, now: datetime) -> Attempt:
    """Take a slot for this name and find its account. To be committed before the password is looked at."""
    keys = mechanisms.vault.index_keys(db, SERVICE_PROGRAM)
    names = user_names(keys, username)
    reservation = reserve(records.lock_slots(db, names, now), now)
    records.store_slots(db, names, reservation.slots, now)
    return Attempt(names, keys, reservation.granted, reservation.closes, records.candidate(db, names))


def complete(
    mechanisms: Mechanisms,
    db: Connection,
    attempt: Attempt,
    *,
    matched: bool,
    kinds: frozenset[CallerKind],
    channel: Channel,
    now: datetime,
    request_id: str,
) -> SignedIn | None:
    """Write the outcome of an attempt: a session, or None and the entry of a refusal.

    `matched` says whether the password fits `attempt.password_hash`.
    """
    found = attempt.candidate
    enter(db, found.program_id if found else SERVICE_PROGRAM)
    stored = records.account_for_share(db, found.account_id if found else SERVICE_PROGRAM)
    reason = _refusal(attempt, stored, matched, kinds) or _misled(mechanisms, db, attempt, stored)
    if reason or stored is None:
        _record_refusal(mechanisms, db, attempt, reason, now, request_id)
        return None
    records.store_slots(db, attempt.names, Slots(), now)
    return open_session(mechanisms, db, stored, _new_session(stored, channel, now), now, request_id)


def _refusal(
    attempt: Attempt, stored: records.StoredAccount | None, matched: bool, kinds: frozenset[CallerKind]
) -> str:
    """Why this attempt is refused, or "": the first reason that applies."""
    if not attempt.granted:
        return "locked"
    if stored is None:
        return "unknown_name"
    if not matched:
        return "wrong_password"
    if stored.state is not AccountState.ACTIVE:
        return "account_disabled"
    if stored.kind not in kinds:
        return "wrong_grant"
    return ""


def _misled(
    mechanisms: Mechanisms, db: Connection, attempt: Attempt, stored: records.StoredAccount | None
) -> str:
    """ "misled" when the index of the name leads to an account of another name: it was moved there by hand."""
    if stored is None:
        return ""
    row = RowKey(stored.program_id, stored.id, stored.version, None)
    opened = mechanisms.vault.open_row(db, records.ACCOUNT_ROW, row, {"profile": stored.profile})
    profile: Any = opened["profile"]
    name = str(profile["username"])
    return "" if user_names(attempt.keys, name).now == attempt.names.now else "misled"


def open_session(
    mechanisms: Mechanisms,
    db: Connection,
    stored: records.StoredAccount,
    session: Session,
    now: datetime,
    request_id: str,
    *,
    action: Action = Action.SIGN_IN_SUCCEEDED,
) -> SignedIn:
    """Write a session and its entry, for whoever has been proven to be the holder of the account."""
    document = tenants.program_document(db, stored.program_id)
    if document is None:
        raise Unavailable(Code.UNAVAILABLE, "This program is not configured.")
    caller = Caller(
        kind=stored.kind,
        account_id=stored.id,
        program_id=stored.program_id,
        session_id=session.id,
        roles=stored.roles,
        units=stored.units,
        patient_id=stored.patient_id,
        recipient_id=stored.recipient_id,
    )
    program = read_program(stored.program_id, document[0])
    work = Work(mechanisms, db, caller, program, now, request_id=request_id)
    sessions.insert_session(db, session, work.entry_id)
    work.record(
        action=action,
        object_kind="session",
        object_id=session.id,
        patient_id=stored.patient_id if action is not Action.SIGN_IN_SUCCEEDED else None,
        detail={"channel": session.channel.value},
    )
    return SignedIn(session, caller, work.entry_id)


def _new_session(stored: records.StoredAccount, channel: Channel, now: datetime) -> Session:
    return Session(
        id=SessionId(new_id(now)),
        account_id=stored.id,
        program_id=stored.program_id,
        channel=channel,
        created_at=now,
        last_used_at=now,
        expires_at=now + ABSOLUTE_LIFETIME,
    )


def _record_refusal(
    mechanisms: Mechanisms, db: Connection, attempt: Attempt, reason: str, now: datetime, request_id: str
) -> None:
    """The entry of a refused attempt. Nobody is signed in, so it has no actor; the name is a keyed hash only,
    because what people type into that field is now and then their password.
    """
    found = attempt.candidate
    program_id = found.program_id if found else SERVICE_PROGRAM
    name = attempt.keys.hash(attempt.names.now.hex())
    record_unattributed(
        mechanisms,
        db,
        action=Action.SIGN_IN_LOCKED if attempt.closes else Action.SIGN_IN_REFUSED,
        program_id=program_id,
        now=now,
        request_id=request_id,
        account_id=found.account_id if found else None,
        detail={"reason": reason},
        payload_hash=name,
    )


def record_unattributed(
    mechanisms: Mechanisms,
    db: Connection,
    *,
    action: Action,
    program_id: ProgramId,
    now: datetime,
    request_id: str,
    detail: dict[str, str | int],
    account_id: AccountId | None = None,
    patient_id: PatientId | None = None,
    payload_hash: bytes | None = None,
) -> UUID:
    """An entry of the service's tree for what nobody we know did."""
    entry = Entry(
        id=new_id(now),
        tree=SERVICE_PROGRAM,
        program_id=program_id,
        occurred_at=now,
        actor_kind="unknown",
        actor_id=None,
        session_id=None,
        action=action.value,
        outcome=Outcome.DENY.value,
        purpose=None,
        object_kind="account" if account_id else "",
        object_id=account_id,
        object_version=None,
        patient_id=patient_id,
        consent_id=None,
        recipient_id=None,
        basis=None,
        policy_set=mechanisms.access.policy_set_hash,
        policies="[]",
        detail=rfc8785.dumps(detail).decode(),
        payload_hash=payload_hash,
        request_id=request_id,
    )
    write_entry(db, entry, mechanisms.ledger_mac_key)
    return entry.id
