"""Accounts and sessions: what they are, and the states they can be in."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.access.caller import CallerKind, Role
from service.ids import AccountId, PatientId, ProgramId, RecipientId, SessionId


class AccountState(StrEnum):
    """A disabled account keeps its name and its history; it can never sign in again unless enabled."""

    ACTIVE = "active"
    DISABLED = "disabled"


class Channel(StrEnum):
    """How the session was begun: with a password for a bearer token, on the pages, or with a packet link."""

    TOKEN = "token"  # noqa: S105 -- a name
    PAGE = "page"
    LINK = "link"

    @property
    def carried_as(self) -> "frozenset[Channel]":
        """How the caller may carry it: who came by a link has a bearer token, or our page keeps it in its cookie."""
        match self:
            case Channel.LINK:
                return frozenset({Channel.TOKEN, Channel.PAGE})
            case _:
                return frozenset({self})


class EndReason(StrEnum):
    """Why a session was ended by somebody; reaching its time limit ends it without a reason."""

    SIGNED_OUT = "signed_out"
    ENDED_BY_HOLDER = "ended_by_holder"
    ACCOUNT_DISABLED = "account_disabled"
    LINK_ENDED = "link_ended"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 -- a name


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody, or something, that can sign in to one program."""

    id: AccountId
    program_id: ProgramId
    kind: CallerKind
    username: str
    display_name: str
    roles: frozenset[Role]
    units: frozenset[str]
    patient_id: PatientId | None
    recipient_id: RecipientId | None
    state: AccountState
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in, until it ends. Times are the application's clock."""

    id: SessionId
    account_id: AccountId
    program_id: ProgramId
    channel: Channel
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    end_reason: EndReason | None = None
