"""The only SQL of credentials. Numbers and issuers stay sealed here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Date, Row, bindparam, insert, select

from service.identity.credentials.model import CredentialState
from service.store.rowcodes import change_row, coded, verified
from service.store.tables.identity import credential
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable

CREDENTIAL_ROW: Final = SealedTable("credential", ("particulars",))

_ADD = insert(credential)
_ONE = select(credential).where(credential.c.id == bindparam("id"))
_ONE_CHANGING = _ONE.with_for_update()
_OF_ACCOUNT = (
    select(credential)
    .where(credential.c.account_id == bindparam("account_id"), credential.c.id > bindparam("after"))
    .order_by(credential.c.id)
    .limit(bindparam("at_most"))
)
_EXPIRING = (
    select(credential)
    .where(
        credential.c.state != CredentialState.WITHDRAWN.value,
        credential.c.ends_on >= bindparam("first", type_=Date()),
        credential.c.ends_on <= bindparam("last", type_=Date()),
        credential.c.id > bindparam("after"),
    )
    .order_by(credential.c.id)
    .limit(bindparam("at_most"))
)


@dataclass(frozen=True, slots=True, repr=False)
class StoredCredential:
    """A credential row, sealed under the program's key."""

    id: UUID
    program_id: UUID
    account_id: UUID
    kind: str
    state: CredentialState
    starts_on: date
    ends_on: date | None
    version: int
    particulars: Sealed
    recorded_at: datetime

    @property
    def key(self) -> RowKey:
        return RowKey(self.program_id, self.id, self.version, None)


def insert_credential(db: Connection, stored: StoredCredential, entry_id: UUID) -> None:
    values = {
        "id": stored.id,
        "program_id": stored.program_id,
        "account_id": stored.account_id,
        "kind": stored.kind,
        "state": stored.state.value,
        "starts_on": stored.starts_on,
        "ends_on": stored.ends_on,
        "version": stored.version,
        "particulars": stored.particulars,
        "recorded_at": stored.recorded_at,
        "entry_id": entry_id,
    }
    db.execute(_ADD, coded(db, credential, values))


def replace_credential(db: Connection, new: StoredCredential, entry_id: UUID) -> None:
    """Put `new` in force; the row was locked for the change."""
    change_row(
        db,
        credential,
        {"id": new.id},
        {
            "state": new.state.value,
            "version": new.version,
            "particulars": new.particulars,
            "entry_id": entry_id,
        },
    )


def credential_by_id(db: Connection, credential_id: UUID) -> StoredCredential | None:
    return _stored(db, db.execute(_ONE, {"id": credential_id}).one_or_none())


def credential_for_update(db: Connection, credential_id: UUID) -> StoredCredential | None:
    return _stored(db, db.execute(_ONE_CHANGING, {"id": credential_id}).one_or_none())


def credentials_of(db: Connection, account_id: UUID, after: UUID, at_most: int) -> Sequence[StoredCredential]:
    """Of one account, oldest first."""
    rows = db.execute(_OF_ACCOUNT, {"account_id": account_id, "after": after, "at_most": at_most}).all()
    return [one for row in rows if (one := _stored(db, row)) is not None]


def credentials_ending(
    db: Connection, first: date, last: date, after: UUID, at_most: int
) -> Sequence[StoredCredential]:
    """Of the whole program, with a last day in this span, oldest first."""
    values = {"first": first, "last": last, "after": after, "at_most": at_most}
    rows = db.execute(_EXPIRING, values).all()
    return [one for row in rows if (one := _stored(db, row)) is not None]


def _stored(db: Connection, row: Row[Any] | None) -> StoredCredential | None:
    if row is None:
        return None
    verified(db, credential, row)
    return StoredCredential(
        id=row.id,
        program_id=row.program_id,
        account_id=row.account_id,
        kind=row.kind,
        state=CredentialState(row.state),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        version=row.version,
        particulars=row.particulars,
        recorded_at=row.recorded_at,
    )
