"""Administration of accounts: people and clients are added, listed and disabled.

None of it reads patient information. A patient's user name is about a patient, so accounts of patients are
neither listed nor described here.
Passwords are judged and hashed by the caller before the unit begins (argon2 never runs inside a transaction).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from service.access.actions import Action
from service.access.caller import ROLES_OF_KIND, CallerKind, Role
from service.access.facts import Facts
from service.errors import Code, Conflict, FieldError, Invalid, NotFound
from service.identity import records
from service.identity.model import Account, AccountState, EndReason
from service.identity.names import is_acceptable, normal_name
from service.identity.open_sessions import records as sessions
from service.identity.operations import open_account, record_ended
from service.identity.signin import CLIENTS, user_names
from service.ids import SERVICE_PROGRAM, AccountId, PatientId, RecipientId, new_id
from service.vault.envelope import RowKey
from service.work import Loaded, Work


@dataclass(frozen=True, slots=True, repr=False)
class NewAccount:
    """An account to be made. `username` None: the account's own id (clients)."""

    kind: CallerKind
    username: str | None
    display_name: str
    password_hash: str
    roles: frozenset[Role]
    units: frozenset[str] = frozenset()
    patient_id: PatientId | None = None
    recipient_id: RecipientId | None = None


def may_manage_users(work: Work) -> None:
    """Raises Denied for everybody but an administrator; for what comes before the work is worth doing."""
    _ask(work, Action.USER_MANAGE)


def may_manage_clients(work: Work) -> None:
    """The same for clients."""
    _ask(work, Action.CLIENT_MANAGE)


def create_account(work: Work, new: NewAccount) -> Account:
    """Add somebody who can sign in to this program. Invalid with every fault, Conflict for a taken name."""
    action = Action.CLIENT_MANAGE if new.kind in CLIENTS else Action.USER_MANAGE
    work.require(action, object_kind="account")
    account_id = AccountId(new_id(work.now))
    username = str(account_id) if new.username is None else normal_name(new.username)
    if faults := _faults(work, new, username):
        raise Invalid(Code.ROLE_INVALID, "This account cannot be made.", faults)
    row = RowKey(work.caller.program_id, account_id, 1, None)
    profile = {"username": username, "display_name": new.display_name}
    names = user_names(work.vault.index_keys(work.db, SERVICE_PROGRAM), username)
    made = records.free_name(work.db, names) and records.insert_account(
        work.db,
        {
            "id": account_id,
            "program_id": work.caller.program_id,
            "kind": new.kind.value,
            "username_index": names.now,
            "index_key": names.key,
            **work.seal(records.ACCOUNT_ROW, row, {"profile": profile}),
            "roles": sorted(new.roles),
            "units": sorted(new.units),
            "patient_id": new.patient_id,
            "recipient_id": new.recipient_id,
            "password_hash": new.password_hash,
            "state": AccountState.ACTIVE.value,
            "version": 1,
            "created_at": work.now,
            "entry_id": work.entry_id,
        },
    )
    if not made:
        raise Conflict(Code.USERNAME_TAKEN, "This user name is taken.")
    work.record(
        action=action,
        object_kind="account",
        object_id=account_id,
        object_version=1,
        patient_id=new.patient_id,
        recipient_id=new.recipient_id,
        detail={"change": "created", "kind": new.kind.value, "roles": sorted(new.roles)},
    )
    return read_account(work, account_id)


def read_account(work: Work, account_id: UUID) -> Account:
    """One account of this program; for operations that are already allowed to."""
    stored = records.account_by_id(work.db, account_id)
    if stored is None:
        raise NotFound(Code.NOT_FOUND, "There is nothing here for you.")
    return open_account(work, stored)


def show_account(work: Work, account_id: UUID) -> Account:
    """One account, for administration."""
    stored = work.authorised(Action.USER_MANAGE, lambda work: _load(work, account_id, lock=False))
    work.record(
        action=Action.USER_MANAGE, object_kind="account", object_id=stored.id, detail={"change": "none"}
    )
    return open_account(work, stored)


def list_accounts(work: Work, after: UUID, limit: int) -> list[Account]:
    """Staff and clients of this program, oldest first."""
    work.require(Action.USER_MANAGE)
    found = [open_account(work, stored) for stored in records.accounts(work.db, after, limit)]
    work.record(
        action=Action.USER_MANAGE,
        object_kind="account",
        object_id=None,
        detail={"change": "none", "listed": len(found)},
    )
    return found


def disable_account(work: Work, account_id: UUID) -> Account:
    """Disable an account and end its sessions: the next call with any of them is refused, on every worker.

    Nobody disables themselves: the last administrator would be locked out by a slip.
    """
    stored = work.authorised(Action.USER_MANAGE, lambda work: _load(work, account_id, lock=True))
    if stored.id == work.caller.account_id:
        raise Conflict(Code.TRANSITION_REFUSED, "Nobody disables their own account.")
    account = open_account(work, stored)
    version = stored.version + 1
    row = RowKey(stored.program_id, stored.id, version, None)
    profile = {"username": account.username, "display_name": account.display_name}
    records.change_account(
        work.db,
        stored.id,
        state=AccountState.DISABLED,
        version=version,
        profile=work.seal(records.ACCOUNT_ROW, row, {"profile": profile})["profile"],
        entry_id=work.entry_id,
    )
    ended = sessions.end_sessions_of(work.db, stored.id, EndReason.ACCOUNT_DISABLED, work.now, work.entry_id)
    work.record(
        action=Action.USER_MANAGE,
        object_kind="account",
        object_id=stored.id,
        object_version=version,
        detail={"change": "disabled", "sessions": len(ended)},
    )
    record_ended(work, ended, EndReason.ACCOUNT_DISABLED)
    return read_account(work, stored.id)


def _ask(work: Work, action: Action) -> None:
    work.require(action, object_kind="account")
    work.record(action=action, object_kind="account", object_id=None, detail={"change": "none"})


def _load(work: Work, account_id: UUID, *, lock: bool) -> Loaded[records.StoredAccount] | None:
    read = records.account_for_update if lock else records.account_by_id
    stored = read(work.db, account_id)
    if stored is None or stored.kind is CallerKind.PATIENT:
        return None
    return Loaded(stored, Facts(), "account", stored.id)


def _faults(work: Work, new: NewAccount, username: str) -> Sequence[FieldError]:
    faults: list[FieldError] = []
    if not is_acceptable(username):
        faults.append(
            FieldError("username", "username_unacceptable", "3 to 64 of a-z, 0-9 and . _ @ + - are possible.")
        )
    if not new.roles or not new.roles <= ROLES_OF_KIND[new.kind]:
        faults.append(
            FieldError("roles", "role_not_possible", "This kind of account cannot have these roles.")
        )
    if not new.units <= work.program.units.keys():
        faults.append(FieldError("units", "unit_unknown", "The program has no such unit."))
    if (new.kind is CallerKind.PATIENT) != (new.patient_id is not None):
        faults.append(
            FieldError(
                "patient_id", "patient_mismatch", "A patient's account names a patient, no other does."
            )
        )
    if (new.kind is CallerKind.REQUESTER) != (new.recipient_id is not None):
        faults.append(
            FieldError(
                "recipient_id",
                "recipient_mismatch",
                "A requester's account names a recipient, no other does.",
            )
        )
    return faults
