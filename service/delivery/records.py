"""The only SQL of messages and packet links. Addresses and words stay sealed here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Connection,
    LargeBinary,
    Row,
    Uuid,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from service.delivery.model import Channel, LinkState, MessageKind, MessageState
from service.store.tables.delivery import message, packet_link
from service.store.types import Sealed
from service.vault.envelope import RowKey, SealedTable

MESSAGE_ROW: Final = SealedTable("message", ("content",))

_ADD = insert(message)
_CHANGE = (
    update(message)
    .where(message.c.id == bindparam("the_id"))
    .values(
        state=bindparam("new_state"),
        attempts=bindparam("new_attempts"),
        version=bindparam("new_version"),
        content=bindparam("new_content"),
        next_attempt_at=bindparam("new_next_attempt_at"),
        settled_at=bindparam("new_settled_at"),
        entry_id=bindparam("entry"),
    )
)
_ONE = select(message).where(message.c.id == bindparam("id"))
_ONE_CHANGING = _ONE.with_for_update()
_IS_DUE = (message.c.state == MessageState.QUEUED.value, message.c.next_attempt_at <= bindparam("now"))
_ANY_DUE = select(exists().where(*_IS_DUE))
_DUE = (
    select(message)
    .where(*_IS_DUE)
    .order_by(message.c.next_attempt_at, message.c.id)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
)
_PAGE = (
    select(message)
    .where(
        message.c.patient_id == bindparam("patient_id"),
        or_(bindparam("before", type_=Uuid()).is_(None), message.c.id < bindparam("before", type_=Uuid())),
    )
    .order_by(message.c.id.desc())
    .limit(bindparam("at_most"))
)

_ADD_LINK = insert(packet_link)
_LINK_PROGRAM = select(func.packet_link_program(bindparam("token_indexes", type_=ARRAY(LargeBinary()))))
_LINK = select(packet_link).where(packet_link.c.id == bindparam("id"))
_LINK_CHANGING = _LINK.with_for_update()
_LINK_BY_TOKEN = (
    select(packet_link)
    .where(packet_link.c.token_index.in_(bindparam("token_indexes", expanding=True)))
    .with_for_update()
)
_OPEN_LINKS = (
    select(packet_link)
    .where(packet_link.c.patient_id == bindparam("patient_id"), packet_link.c.state == LinkState.OPEN.value)
    .with_for_update()
)
_CHANGE_LINK = (
    update(packet_link)
    .where(packet_link.c.id == bindparam("the_id"))
    .values(
        state=bindparam("new_state"),
        failures=bindparam("new_failures"),
        opened_at=bindparam("new_opened_at"),
        entry_id=bindparam("entry"),
    )
)


@dataclass(frozen=True, slots=True, repr=False)
class StoredMessage:
    """A message row; `content` is `{to, template, parameters, provider_id}` under the patient's key."""

    id: UUID
    program_id: UUID
    patient_id: UUID
    kind: MessageKind
    channel: Channel
    state: MessageState
    attempts: int
    version: int
    content: Sealed
    created_at: datetime
    next_attempt_at: datetime | None
    settled_at: datetime | None
    subject_id: UUID | None

    @property
    def key(self) -> RowKey:
        return RowKey(self.program_id, self.id, self.version, self.patient_id)


@dataclass(frozen=True, slots=True, repr=False)
class PacketLink:
    """A link row. The token itself is nowhere."""

    id: UUID
    program_id: UUID
    patient_id: UUID
    account_id: UUID
    token_index: bytes | None
    index_key: bytes | None
    state: LinkState
    failures: int
    created_at: datetime
    expires_at: datetime
    opened_at: datetime | None


# -- messages --------------------------------------------------------------------------------------


def insert_message(db: Connection, stored: StoredMessage, entry_id: UUID) -> None:
    db.execute(
        _ADD,
        {
            "id": stored.id,
            "program_id": stored.program_id,
            "patient_id": stored.patient_id,
            "kind": stored.kind.value,
            "channel": stored.channel.value,
            "state": stored.state.value,
            "attempts": stored.attempts,
            "version": stored.version,
            "content": stored.content,
            "created_at": stored.created_at,
            "next_attempt_at": stored.next_attempt_at,
            "settled_at": stored.settled_at,
            "subject_id": stored.subject_id,
            "entry_id": entry_id,
        },
    )


def replace_message(db: Connection, new: StoredMessage, entry_id: UUID) -> None:
    """Put `new` in force; the row was locked for the change."""
    db.execute(
        _CHANGE,
        {
            "the_id": new.id,
            "new_state": new.state.value,
            "new_attempts": new.attempts,
            "new_version": new.version,
            "new_content": new.content,
            "new_next_attempt_at": new.next_attempt_at,
            "new_settled_at": new.settled_at,
            "entry": entry_id,
        },
    )


def message_by_id(db: Connection, message_id: UUID) -> StoredMessage | None:
    return _message(db.execute(_ONE, {"id": message_id}).one_or_none())


def message_for_update(db: Connection, message_id: UUID) -> StoredMessage | None:
    return _message(db.execute(_ONE_CHANGING, {"id": message_id}).one_or_none())


def any_due(db: Connection, now: datetime) -> bool:
    """Whether anything waits to be sent; nothing is locked."""
    return bool(db.execute(_ANY_DUE, {"now": now}).scalar())


def due_messages(db: Connection, now: datetime, at_most: int) -> Sequence[StoredMessage]:
    """What is to be sent now, longest waiting first; locked, and without what another worker has locked."""
    rows = db.execute(_DUE, {"now": now, "at_most": at_most}).all()
    return [one for row in rows if (one := _message(row)) is not None]


def messages_page(
    db: Connection, patient_id: UUID, before: UUID | None, at_most: int
) -> Sequence[StoredMessage]:
    """A patient's, newest first, from the one before `before`."""
    rows = db.execute(_PAGE, {"patient_id": patient_id, "before": before, "at_most": at_most}).all()
    return [one for row in rows if (one := _message(row)) is not None]


# -- packet links ----------------------------------------------------------------------------------


def program_of_link(db: Connection, token_indexes: Sequence[bytes]) -> UUID | None:
    """Whose link a token is, before any program is entered (SECURITY DEFINER, migration 0006)."""
    return db.execute(_LINK_PROGRAM, {"token_indexes": list(token_indexes)}).scalar()


def insert_link(db: Connection, made: PacketLink, entry_id: UUID) -> None:
    db.execute(
        _ADD_LINK,
        {
            "id": made.id,
            "program_id": made.program_id,
            "patient_id": made.patient_id,
            "account_id": made.account_id,
            "token_index": made.token_index,
            "index_key": made.index_key,
            "state": made.state.value,
            "failures": made.failures,
            "created_at": made.created_at,
            "expires_at": made.expires_at,
            "opened_at": made.opened_at,
            "entry_id": entry_id,
        },
    )


def replace_link(db: Connection, new: PacketLink, entry_id: UUID) -> None:
    """Put `new` in force; the row was locked for the change."""
    values = {
        "the_id": new.id,
        "new_state": new.state.value,
        "new_failures": new.failures,
        "new_opened_at": new.opened_at,
        "entry": entry_id,
    }
    db.execute(_CHANGE_LINK, values)


def link_by_id(db: Connection, link_id: UUID) -> PacketLink | None:
    return _link(db.execute(_LINK, {"id": link_id}).one_or_none())


def link_for_update(db: Connection, link_id: UUID) -> PacketLink | None:
    return _link(db.execute(_LINK_CHANGING, {"id": link_id}).one_or_none())


def link_by_token(db: Connection, token_indexes: Sequence[bytes]) -> PacketLink | None:
    """Locked: attempts at one link follow each other."""
    return _link(db.execute(_LINK_BY_TOKEN, {"token_indexes": list(token_indexes)}).one_or_none())


def open_links(db: Connection, patient_id: UUID) -> Sequence[PacketLink]:
    """A patient's links that are open, locked."""
    rows = db.execute(_OPEN_LINKS, {"patient_id": patient_id}).all()
    return [one for row in rows if (one := _link(row)) is not None]


# -- rows ------------------------------------------------------------------------------------------


def _message(row: Row[Any] | None) -> StoredMessage | None:
    if row is None:
        return None
    return StoredMessage(
        id=row.id,
        program_id=row.program_id,
        patient_id=row.patient_id,
        kind=MessageKind(row.kind),
        channel=Channel(row.channel),
        state=MessageState(row.state),
        attempts=row.attempts,
        version=row.version,
        content=row.content,
        created_at=row.created_at,
        next_attempt_at=row.next_attempt_at,
        settled_at=row.settled_at,
        subject_id=row.subject_id,
    )


def _link(row: Row[Any] | None) -> PacketLink | None:
    if row is None:
        return None
    return PacketLink(
        id=row.id,
        program_id=row.program_id,
        patient_id=row.patient_id,
        account_id=row.account_id,
        token_index=None if row.token_index is None else bytes(row.token_index),
        index_key=None if row.index_key is None else bytes(row.index_key),
        state=LinkState(row.state),
        failures=row.failures,
        created_at=row.created_at,
        expires_at=row.expires_at,
        opened_at=row.opened_at,
    )
