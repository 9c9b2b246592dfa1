"""The SQL of accounts, and of the attempts to sign in to one.

The look-up by name runs before the tenant is known and goes through a SECURITY DEFINER function of the database
(migration 0006): `account_by_username`. Everything else is under row-level security like any table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    Row,
    Text,
    Uuid,
    bindparam,
    column,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import LargeBinary

from service.access.caller import CallerKind, Role
from service.identity.lockout import Slots, strictest
from service.identity.model import AccountState
from service.ids import AccountId, PatientId, ProgramId, RecipientId
from service.store.rowcodes import change_row, coded, verified
from service.store.tables.identity import account, sign_in_slot
from service.store.types import Sealed
from service.vault.envelope import SealedTable

ACCOUNT_ROW: Final = SealedTable("account", ("profile",))

_BY_NAME = select(
    func.account_by_username(bindparam("username_indexes", type_=ARRAY(LargeBinary()))).table_valued(
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

#: Held until the transaction ends: while a name has a value under each of two keys, no one value keeps it to one.
_LOCK_NAME = select(func.pg_advisory_xact_lock(bindparam("number", type_=BigInteger())))
_MAKE_SLOT = (
    insert(sign_in_slot)
    .values(
        username_index=bindparam("username_index"),
        index_key=bindparam("index_key"),
        failures=0,
        last_attempt_at=bindparam("now"),
    )
    .on_conflict_do_nothing()
)
_SLOT = (
    select(sign_in_slot.c.failures, sign_in_slot.c.locked_until)
    .where(sign_in_slot.c.username_index == bindparam("username_index"))
    .with_for_update()
)
_TAKE_SLOTS = (
    delete(sign_in_slot)
    .where(sign_in_slot.c.username_index.in_(bindparam("others", expanding=True)))
    .returning(sign_in_slot.c.failures, sign_in_slot.c.locked_until)
)
_STORE_SLOT = (
    update(sign_in_slot)
    .where(sign_in_slot.c.username_index.in_(bindparam("b_names", expanding=True)))
    .values(
        failures=bindparam("b_failures"),
        locked_until=bindparam("b_locked_until"),
        last_attempt_at=bindparam("b_now"),
    )
)


@dataclass(frozen=True, slots=True, repr=False)
class UserNames:
    """A user name as it stands in indexes: `now`, to be written under the key of that id; `sought`: what an account may
    have; `ever`: what a slot may have.
    """

    now: bytes
    key: bytes
    sought: tuple[bytes, ...]
    ever: tuple[bytes, ...]


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


# -- before the tenant is known --------------------------------------------------------------------


def candidate(db: Connection, names: UserNames) -> Candidate | None:
    """The account with this name, in whatever program."""
    row = db.execute(_BY_NAME, {"username_indexes": list(names.sought)}).one_or_none()
    if row is None:
        return None
    return Candidate(
        account_id=AccountId(row.account_id),
        program_id=ProgramId(row.program_id),
        kind=CallerKind(row.kind),
        password_hash=row.password_hash,
        state=AccountState(row.state),
    )


def lock_slots(db: Connection, names: UserNames, now: datetime) -> Slots:
    """The slots of a name, known or not, locked until this transaction ends. Those under former keys become those of
    today: changing the key of the indexes is no way to more attempts.
    """
    taken: list[Slots] = []
    if len(names.ever) > 1:
        _lock_name(db, names)
        others = [one for one in names.ever if one != names.now]
        taken = [Slots(row.failures, row.locked_until) for row in db.execute(_TAKE_SLOTS, {"others": others})]
    db.execute(_MAKE_SLOT, {"username_index": names.now, "index_key": names.key, "now": now})
    row = db.execute(_SLOT, {"username_index": names.now}).one()
    return strictest([Slots(row.failures, row.locked_until), *taken])


def free_name(db: Connection, names: UserNames) -> bool:
    """Whether nobody has this name, and that nobody takes it until this transaction ends. While there is one key the
    unique index says both.
    """
    if len(names.sought) == 1:
        return True
    _lock_name(db, names)
    return candidate(db, names) is None


def _lock_name(db: Connection, names: UserNames) -> None:
    """The least of the values: the same for every process, whichever key is the active one for it."""
    db.execute(_LOCK_NAME, {"number": int.from_bytes(min(names.ever)[:8], signed=True)})


def store_slots(db: Connection, names: UserNames, slots: Slots, now: datetime) -> None:
    db.execute(
        _STORE_SLOT,
        {
            "b_names": list(names.ever),
            "b_failures": slots.failures,
            "b_locked_until": slots.locked_until,
            "b_now": now,
        },
    )


# -- accounts --------------------------------------------------------------------------------------


def account_by_id(db: Connection, account_id: UUID) -> StoredAccount | None:
    return _read(db, db.execute(_ACCOUNT, {"id": account_id}).one_or_none())


def account_for_share(db: Connection, account_id: UUID) -> StoredAccount | None:
    """Read, and kept from changing until this transaction ends: a disabling waits for a sign-in."""
    return _read(db, db.execute(_ACCOUNT_FOR_SHARE, {"id": account_id}).one_or_none())


def account_for_update(db: Connection, account_id: UUID) -> StoredAccount | None:
    return _read(db, db.execute(_ACCOUNT_FOR_UPDATE, {"id": account_id}).one_or_none())


def account_of_patient(db: Connection, patient_id: UUID) -> StoredAccount | None:
    """The patient's own account, the first if there are several; None when there is none that is active."""
    return _read(db, db.execute(_OF_PATIENT, {"patient_id": patient_id}).one_or_none())


def accounts(db: Connection, after: UUID, limit: int) -> list[StoredAccount]:
    """Accounts of the program by age, except patients' own: their user names are about patients."""
    rows = db.execute(_ACCOUNTS, {"after": after, "limit": limit}).all()
    return [found for row in rows if (found := _read(db, row))]


def insert_account(db: Connection, values: Mapping[str, Any]) -> bool:
    """False when the name is taken, in this program or another."""
    return db.execute(_INSERT_ACCOUNT, coded(db, account, values)).one_or_none() is not None


def change_account(
    db: Connection, account_id: UUID, *, state: AccountState, version: int, profile: Sealed, entry_id: UUID
) -> None:
    changes = {"state": state.value, "version": version, "profile": profile, "entry_id": entry_id}
    change_row(db, account, {"id": account_id}, changes)


# -- rows ------------------------------------------------------------------------------------------


def _read(db: Connection, row: Row[Any] | None) -> StoredAccount | None:
    if row is None:
        return None
    verified(db, account, row)
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
