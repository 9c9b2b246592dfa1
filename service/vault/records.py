"""The vault's only SQL: wrapped keys in `vault_key`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Connection,
    Label,
    LargeBinary,
    Text,
    bindparam,
    column,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from service.ids import new_id
from service.store.tables.custody import vault_mark
from service.store.tables.ledger import audit_entry
from service.store.tables.vault import vault_key
from service.vault.keys import KeyState, Owner

#: True for a row written by the transaction that reads it: it may still be rolled back.
_FRESH: Label[bool] = literal_column(
    "(vault_key.xmin = pg_current_xact_id_if_assigned()::xid) IS TRUE", Boolean
).label("fresh")

_COLUMNS = (
    vault_key.c.key_id,
    vault_key.c.kek_id,
    vault_key.c.wrapped,
    vault_key.c.state,
    vault_key.c.emptied_at.is_not(None).label("emptied"),
    _FRESH,
)
_OF_OWNER = (
    select(*_COLUMNS)
    .where(
        vault_key.c.program_id == bindparam("program_id"),
        vault_key.c.purpose == bindparam("purpose"),
        vault_key.c.state != KeyState.SHREDDED.value,
    )
    .order_by(vault_key.c.created_at, vault_key.c.id)
)
#: True for a key of a record that was destroyed, as the trail knows: its row may have been put back since.
DESTROYED: Final = (
    select(audit_entry.c.program_id)
    .where(
        audit_entry.c.program_id == vault_key.c.program_id,
        audit_entry.c.patient_id == vault_key.c.patient_id,
        audit_entry.c.action == literal_column("'key.shred_approve'"),
        audit_entry.c.outcome == literal_column("'permit'"),
        audit_entry.c.detail.contains('"state":"destroyed"'),
    )
    .exists()
)
_OF_PATIENT = _OF_OWNER.where(vault_key.c.patient_id == bindparam("patient_id"), ~DESTROYED)
_OF_NO_PATIENT = _OF_OWNER.where(vault_key.c.patient_id.is_(None))
#: Two set-ups at once: the unique index on active keys lets one of them win, the other then reads what is
#: there.
_ADD = insert(vault_key).on_conflict_do_nothing().returning(vault_key.c.key_id)

_SERVICE_INDEX = select(
    func.service_index_keys().table_valued(
        column("key_id", LargeBinary()),
        column("kek_id", LargeBinary()),
        column("wrapped", LargeBinary()),
        column("state", Text()),
        column("emptied", Boolean()),
    )
)
_TOMBSTONES = select(vault_key.c.id).where(
    vault_key.c.program_id == bindparam("program_id"),
    vault_key.c.patient_id == bindparam("patient_id"),
    vault_key.c.purpose == bindparam("purpose"),
    or_(vault_key.c.state == KeyState.SHREDDED.value, DESTROYED),
)
_DESTROY = (
    update(vault_key)
    .where(
        vault_key.c.program_id == bindparam("b_program_id"),
        vault_key.c.patient_id == bindparam("b_patient_id"),
        vault_key.c.purpose == bindparam("b_purpose"),
        vault_key.c.state != KeyState.SHREDDED.value,
    )
    .values(wrapped=None, state=KeyState.SHREDDED.value)
    .returning(vault_key.c.key_id, vault_key.c.kek_id)
)
_MARK = select(vault_mark.c.mark)
_RAISE_MARK = update(vault_mark).values(mark=vault_mark.c.mark + 1).returning(vault_mark.c.mark)


@dataclass(frozen=True, slots=True, repr=False)
class WrappedKey:
    """One key of an owner as stored. `fresh`: written in the reading transaction; `emptied`: nothing is under it now."""

    key_id: bytes
    kek_id: bytes
    wrapped: bytes
    state: KeyState
    fresh: bool
    emptied: bool = False


def keys_of(db: Connection, owner: Owner) -> Sequence[WrappedKey]:
    """All keys of an owner that still exist, oldest first: none of a record that was destroyed, whatever stands here."""
    parameters: dict[str, UUID | str] = {"program_id": owner.program_id, "purpose": owner.purpose.value}
    if owner.patient_id is None:
        rows: Sequence[Any] = db.execute(_OF_NO_PATIENT, parameters).all()
    else:
        rows = db.execute(_OF_PATIENT, {**parameters, "patient_id": owner.patient_id}).all()
    return [_wrapped(row, fresh=row.fresh) for row in rows]


def service_index_keys(db: Connection) -> Sequence[WrappedKey]:
    """The service's index keys, oldest first, whatever program this transaction is in (SECURITY DEFINER, 0006)."""
    return [_wrapped(row, fresh=False) for row in db.execute(_SERVICE_INDEX).all()]


def _wrapped(row: Any, *, fresh: bool) -> WrappedKey:
    return WrappedKey(
        bytes(row.key_id), bytes(row.kek_id), bytes(row.wrapped), KeyState(row.state), fresh, row.emptied
    )


def add_key(
    db: Connection,
    owner: Owner,
    *,
    key_id: bytes,
    kek_id: bytes,
    wrapped: bytes,
    now: datetime,
    state: KeyState = KeyState.ACTIVE,
) -> bool:
    """Store an active (or next) key; False, and nothing stored, when the owner has one already."""
    added = db.execute(
        _ADD,
        {
            "id": new_id(now),
            "program_id": owner.program_id,
            "patient_id": owner.patient_id,
            "purpose": owner.purpose.value,
            "key_id": key_id,
            "kek_id": kek_id,
            "wrapped": wrapped,
            "state": state.value,
            "created_at": now,
        },
    )
    return added.one_or_none() is not None


def is_destroyed(db: Connection, owner: Owner) -> bool:
    """Whether this owner had a key that was destroyed."""
    parameters = {
        "program_id": owner.program_id,
        "patient_id": owner.patient_id,
        "purpose": owner.purpose.value,
    }
    return db.execute(_TOMBSTONES.limit(1), parameters).first() is not None


def destroy_keys(db: Connection, owner: Owner) -> Sequence[tuple[bytes, bytes]]:
    """Take the wrapped keys of a patient, leaving tombstones; (key id, id of what had wrapped it) of each."""
    parameters = {
        "b_program_id": owner.program_id,
        "b_patient_id": owner.patient_id,
        "b_purpose": owner.purpose.value,
    }
    return [(bytes(row.key_id), bytes(row.kek_id)) for row in db.execute(_DESTROY, parameters)]


def mark(db: Connection) -> int:
    """How often every process was told to forget, so far."""
    return int(db.execute(_MARK).scalar_one())


def raise_mark(db: Connection) -> int:
    """Make every process forget what it holds unwrapped, from its next call on."""
    return int(db.execute(_RAISE_MARK).scalar_one())
