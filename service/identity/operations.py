"""What a signed-in caller does with their own account: who am I, where am I signed in, sign out."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from service.access.actions import Action
from service.access.facts import Facts
from service.access.groups import LEGAL_ACTIONS
from service.errors import Code, IntegrityError, Unavailable
from service.identity import records
from service.identity.model import Account, EndReason, Session
from service.identity.open_sessions import records as sessions
from service.identity.open_sessions.records import ENDED
from service.identity.sessions import SessionState, state_at
from service.vault.envelope import RowKey
from service.work import Loaded, Work

#: What the answer to "may I in principle?" assumes: a record the caller is concerned with.
_CONCERNED = Facts(
    patient_is_caller=True,
    relationship=True,
    unit_assigned=True,
    recipient_is_caller=True,
    note_class="ordinary",
)


@dataclass(frozen=True, slots=True)
class Me:
    """The caller as the service sees them. `permissions`: what their roles may try; the record decides more."""

    account: Account
    permissions: tuple[Action, ...]


def me(work: Work) -> Me:
    """Who is calling."""

    def load(work: Work) -> Loaded[records.StoredAccount] | None:
        stored = records.account_by_id(work.db, work.caller.account_id)
        return None if stored is None else Loaded(stored, Facts(), "account", stored.id)

    stored = work.authorised(Action.ACCOUNT_READ_SELF, load)
    account = open_account(work, stored)
    work.record(action=Action.ACCOUNT_READ_SELF, object_kind="account", object_id=stored.id)
    return Me(account, _permissions(work))


def _permissions(work: Work) -> tuple[Action, ...]:
    """Acts the caller may try for a purpose they may state, on a record they are concerned with.

    One purpose stands for all: roles ask whether the purpose may be stated, not which it is.
    """
    stateable = (
        purpose.code
        for purpose in work.access.purposes.by_code.values()
        if purpose.stated_by & work.caller.roles
    )
    purpose = next(stateable, None)

    def possible(action: Action) -> bool:
        return work.access.decide(action, work.caller, purpose, _CONCERNED).permitted

    acts = (action for action in sorted(Action) if not action.is_event and action not in LEGAL_ACTIONS)
    return tuple(filter(possible, acts))


def list_sessions(work: Work, after: UUID, limit: int) -> list[Session]:
    """The caller's own sessions that are still alive, oldest first."""
    work.require(Action.SESSION_LIST)
    found = sessions.live_sessions(work.db, work.caller.account_id, work.now, after, limit)
    work.record(action=Action.SESSION_LIST, object_kind="account", object_id=work.caller.account_id)
    return found


def end_session(work: Work, session_id: UUID, reason: EndReason = EndReason.ENDED_BY_HOLDER) -> None:
    """End one of the caller's own sessions; NotFound for any other. Ending it twice is no error."""

    def load(work: Work) -> Loaded[Session] | None:
        session = sessions.session_for_update(work.db, session_id)
        if session is None or session.account_id != work.caller.account_id:
            return None
        return Loaded(session, Facts(), "session", session.id)

    session = work.authorised(Action.SESSION_END, load)
    if state_at(session, work.now) is not SessionState.ENDED:
        sessions.end_session(work.db, session.id, reason, work.now, work.entry_id)
    work.record(
        action=Action.SESSION_END,
        object_kind="session",
        object_id=session.id,
        object_version=ENDED,
        detail={"reason": reason.value},
    )


def sign_out(work: Work) -> None:
    """End the session of this call."""
    if work.caller.session_id is None:
        raise Unavailable(Code.UNAVAILABLE, "This caller has no session.")
    end_session(work, work.caller.session_id, EndReason.SIGNED_OUT)


def end_session_if_own(work: Work, session_id: UUID | None) -> None:
    """End the caller's session with this id; any other, or none, is left alone and not told apart (RFC 7009 2.2)."""
    work.require(Action.SESSION_END)
    session = sessions.session_for_update(work.db, session_id) if session_id else None
    own = session if session and session.account_id == work.caller.account_id else None
    if own and state_at(own, work.now) is not SessionState.ENDED:
        sessions.end_session(work.db, own.id, EndReason.SIGNED_OUT, work.now, work.entry_id)
    work.record(
        action=Action.SESSION_END,
        object_kind="session",
        object_id=own.id if own else None,
        object_version=ENDED if own else None,
        detail={"reason": EndReason.SIGNED_OUT.value, "sessions": 1 if own else 0},
    )


def end_all_sessions(work: Work) -> int:
    """End every session of the caller, this one included; returns how many were alive or forgotten."""
    work.require(Action.SESSION_END)
    ended = sessions.end_sessions_of(
        work.db, work.caller.account_id, EndReason.SIGNED_OUT, work.now, work.entry_id
    )
    work.record(
        action=Action.SESSION_END,
        object_kind="account",
        object_id=work.caller.account_id,
        detail={"reason": EndReason.SIGNED_OUT.value, "sessions": len(ended)},
    )
    record_ended(work, ended, EndReason.SIGNED_OUT)
    return len(ended)


def record_ended(work: Work, ended: Iterable[UUID], reason: EndReason) -> None:
    """An entry for each session that an act ended along with others, so that the trail knows each to be over."""
    for one in ended:
        work.record(
            action=Action.SESSION_END,
            object_kind="session",
            object_id=one,
            object_version=ENDED,
            detail={"reason": reason.value},
            beside=True,
        )


def own_account(work: Work) -> Account:
    """The caller's own account, inside an act that is already allowed (the header of a page)."""
    stored = records.account_by_id(work.db, work.caller.account_id)
    if stored is None:
        raise Unavailable(Code.UNAVAILABLE, "This account cannot be shown now.")
    return open_account(work, stored)


def open_account(work: Work, stored: records.StoredAccount) -> Account:
    """An account with its profile opened; only after the act is allowed."""
    row = RowKey(stored.program_id, stored.id, stored.version, None)
    opened = work.open(records.ACCOUNT_ROW, row, {"profile": stored.profile})["profile"]
    if not isinstance(opened, dict):
        raise IntegrityError
    return Account(
        id=stored.id,
        program_id=stored.program_id,
        kind=stored.kind,
        username=str(opened["username"]),
        display_name=str(opened["display_name"]),
        roles=stored.roles,
        units=stored.units,
        patient_id=stored.patient_id,
        recipient_id=stored.recipient_id,
        state=stored.state,
        version=stored.version,
        created_at=stored.created_at,
    )
