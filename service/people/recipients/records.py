"""The SQL of the register of recipients. Names and numbers stay sealed here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, insert, select

from service.ids import RecipientId
from service.people.recipient import RecipientClass, RecipientType
from service.store.rowcodes import coded, verified
from service.store.tables.people import recipient
from service.store.types import Sealed
from service.vault.envelope import SealedTable

RECIPIENT_ROW: Final = SealedTable("recipient", ("identity",))


@dataclass(frozen=True, slots=True)
class StoredRecipient:
    """A recipient row; name, NPI and address are sealed under the program's key."""

    id: RecipientId
    program_id: UUID
    type: RecipientType
    recipient_class: RecipientClass | None
    covered_entity: bool
    business_associate: bool
    identity: Sealed
    state: str
    version: int


_RECIPIENT = select(recipient).where(recipient.c.id == bindparam("id"))
_RECIPIENT_SHARED = _RECIPIENT.with_for_update(read=True)
_RECIPIENTS = (
    select(recipient)
    .where(recipient.c.id > bindparam("after"))
    .order_by(recipient.c.id)
    .limit(bindparam("most"))
)
#: While the key of the indexes changes a name has a value under each of two keys.
_NAMED = recipient.c.name_index.in_(bindparam("name_indexes", expanding=True))
_NUMBERED = recipient.c.npi_index.in_(bindparam("npi_indexes", expanding=True))
_RECIPIENTS_NAMED = _RECIPIENTS.where(_NAMED)
_RECIPIENTS_NUMBERED = _RECIPIENTS.where(_NUMBERED)
_ADD_RECIPIENT = insert(recipient)
_ALIKE = (
    select(recipient)
    .where(
        recipient.c.state == "active",
        recipient.c.kind == bindparam("kind"),
        _NAMED,
    )
    .order_by(recipient.c.id)
    .with_for_update(read=True)
)
_WITH_NPI = (
    select(recipient)
    .where(recipient.c.state == "active", _NUMBERED)
    .order_by(recipient.c.id)
    .with_for_update(read=True)
)
_OF_CLASS = (
    select(recipient)
    .where(
        recipient.c.state == "active",
        recipient.c.kind == RecipientType.CLASS.value,
        recipient.c.class_code == bindparam("class_code"),
    )
    .order_by(recipient.c.id)
    .with_for_update(read=True)
)


def recipient_by_id(db: Connection, recipient_id: UUID) -> StoredRecipient | None:
    """Locked against change until the transaction ends: decisions rest on what a recipient is."""
    row = db.execute(_RECIPIENT_SHARED, {"id": recipient_id}).one_or_none()
    return None if row is None else _recipient(db, row)


def recipients(db: Connection, after: UUID, most: int) -> list[StoredRecipient]:
    """Recipients after an id, in the order they were registered."""
    return [_recipient(db, row) for row in db.execute(_RECIPIENTS, {"after": after, "most": most})]


def recipients_named(
    db: Connection, name_indexes: Sequence[bytes], after: UUID, most: int
) -> list[StoredRecipient]:
    parameters = {"name_indexes": name_indexes, "after": after, "most": most}
    return [_recipient(db, row) for row in db.execute(_RECIPIENTS_NAMED, parameters)]


def recipients_numbered(
    db: Connection, npi_indexes: Sequence[bytes], after: UUID, most: int
) -> list[StoredRecipient]:
    parameters = {"npi_indexes": npi_indexes, "after": after, "most": most}
    return [_recipient(db, row) for row in db.execute(_RECIPIENTS_NUMBERED, parameters)]


def recipients_alike(
    db: Connection, kind: RecipientType, name_indexes: Sequence[bytes]
) -> list[StoredRecipient]:
    parameters = {"kind": kind.value, "name_indexes": name_indexes}
    return [_recipient(db, row) for row in db.execute(_ALIKE, parameters)]


def recipients_with_npi(db: Connection, npi_indexes: Sequence[bytes]) -> list[StoredRecipient]:
    return [_recipient(db, row) for row in db.execute(_WITH_NPI, {"npi_indexes": npi_indexes})]


def recipients_of_class(db: Connection, recipient_class: RecipientClass) -> list[StoredRecipient]:
    return [_recipient(db, row) for row in db.execute(_OF_CLASS, {"class_code": recipient_class.value})]


def insert_recipient(
    db: Connection,
    stored: StoredRecipient,
    *,
    indexes: Mapping[str, bytes | None],
    now: datetime,
    entry_id: UUID,
) -> None:
    values = {
        "id": stored.id,
        "program_id": stored.program_id,
        "kind": stored.type.value,
        "class_code": stored.recipient_class.value if stored.recipient_class else None,
        "covered_entity": stored.covered_entity,
        "business_associate": stored.business_associate,
        "identity": stored.identity,
        **indexes,
        "state": stored.state,
        "version": stored.version,
        "created_at": now,
        "entry_id": entry_id,
    }
    db.execute(_ADD_RECIPIENT, coded(db, recipient, values))


def _recipient(db: Connection, row: Row[Any]) -> StoredRecipient:
    verified(db, recipient, row)
    return StoredRecipient(
        id=RecipientId(row.id),
        program_id=row.program_id,
        type=RecipientType(row.kind),
        recipient_class=None if row.class_code is None else RecipientClass(row.class_code),
        covered_entity=row.covered_entity,
        business_associate=row.business_associate,
        identity=row.identity,
        state=row.state,
        version=row.version,
    )
