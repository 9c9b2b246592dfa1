"""Rotations that were begun, and the keys they wrap again or renew, as the application. What the keeper reads and writes
stands in `sealed` and `indexes`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Connection,
    Row,
    and_,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from service.store.tables.vault import vault_key, vault_rotation
from service.vault.keys import KeyState, Owner, Purpose
from service.vault.records import DESTROYED

#: Purposes whose keys seal rows; the others are the service's own and are loaded once, at start.
SEALING: Final = (Purpose.PATIENT.value, Purpose.PROGRAM.value)


@dataclass(frozen=True, slots=True, repr=False)
class StoredKey:
    """A wrapped key and whose it is."""

    id: UUID
    owner: Owner
    key_id: bytes
    kek_id: bytes
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class Rotation:
    """A rotation that was begun."""

    id: UUID
    kind: str
    began_at: datetime
    ended_at: datetime | None
    done: int


# -- rotations -------------------------------------------------------------------------------------------------

_BEGIN = insert(vault_rotation).on_conflict_do_nothing().returning(vault_rotation.c.id)
_OPEN = select(vault_rotation).where(
    vault_rotation.c.kind == bindparam("kind"), vault_rotation.c.ended_at.is_(None)
)
_LATEST = (
    select(vault_rotation)
    .where(vault_rotation.c.kind == bindparam("kind"))
    .order_by(vault_rotation.c.began_at.desc(), vault_rotation.c.id.desc())
    .limit(1)
)
_END = (
    update(vault_rotation)
    .where(vault_rotation.c.id == bindparam("b_id"), vault_rotation.c.ended_at.is_(None))
    .values(ended_at=bindparam("b_now"), done=bindparam("b_done"), entry_id=bindparam("b_entry"))
)
_ALONE = select(func.pg_try_advisory_lock(0x636F6E73, 6))


def alone(db: Connection) -> bool:
    """Whether this connection is now the only one that rotates; held until it is closed."""
    return bool(db.execute(_ALONE).scalar_one())


def begin(db: Connection, rotation_id: UUID, kind: str, now: datetime, entry_id: UUID) -> bool:
    """Write down that a rotation begins; False when one of this kind is open."""
    values = {"id": rotation_id, "kind": kind, "began_at": now, "done": 0, "entry_id": entry_id}
    return db.execute(_BEGIN, values).one_or_none() is not None


def open_rotation(db: Connection, kind: str) -> Rotation | None:
    """The rotation of this kind that has not ended."""
    return _rotation(db.execute(_OPEN, {"kind": kind}).one_or_none())


def latest_rotation(db: Connection, kind: str) -> Rotation | None:
    """The rotation of this kind that began last."""
    return _rotation(db.execute(_LATEST, {"kind": kind}).one_or_none())


def end(db: Connection, rotation_id: UUID, done: int, now: datetime, entry_id: UUID) -> None:
    """Write down that it has ended, and how much it was."""
    db.execute(_END, {"b_id": rotation_id, "b_done": done, "b_now": now, "b_entry": entry_id})


def _rotation(row: Row[Any] | None) -> Rotation | None:
    return None if row is None else Rotation(row.id, row.kind, row.began_at, row.ended_at, row.done)


# -- wrapped keys ----------------------------------------------------------------------------------------------

#: Not the key of a destroyed record that somebody put back: wrapped again it would outlive what had wrapped it.
_OTHER_EPOCH = and_(
    vault_key.c.program_id == bindparam("program_id"),
    vault_key.c.kek_id != bindparam("active"),
    vault_key.c.wrapped.is_not(None),
    ~DESTROYED,
)
_WRAPPED_BEFORE = (
    select(vault_key)
    .where(_OTHER_EPOCH, vault_key.c.id > bindparam("after"))
    .order_by(vault_key.c.id)
    .limit(bindparam("at_most"))
)
_HOW_MANY_BEFORE = select(func.count()).where(_OTHER_EPOCH)
_WRAP = (
    update(vault_key)
    .where(
        vault_key.c.id == bindparam("b_id"),
        vault_key.c.kek_id == bindparam("b_kek_before"),
        vault_key.c.wrapped == bindparam("b_before"),
    )
    .values(kek_id=bindparam("b_kek"), wrapped=bindparam("b_wrapped"))
)
_TO_RENEW = and_(
    vault_key.c.program_id == bindparam("program_id"),
    vault_key.c.state == KeyState.ACTIVE.value,
    vault_key.c.purpose.in_(SEALING),
    vault_key.c.created_at < bindparam("before"),
)
_RENEWABLE = (
    select(vault_key.c.purpose, vault_key.c.patient_id)
    .where(_TO_RENEW)
    .order_by(vault_key.c.id)
    .limit(bindparam("at_most"))
)
_HOW_MANY_RENEWABLE = select(func.count()).select_from(vault_key).where(_TO_RENEW)
_RETIRE = (
    update(vault_key)
    .where(
        vault_key.c.program_id == bindparam("b_program"),
        vault_key.c.patient_id.is_not_distinct_from(bindparam("b_patient")),
        vault_key.c.purpose == bindparam("b_purpose"),
        vault_key.c.state == KeyState.ACTIVE.value,
    )
    .values(state=KeyState.RETIRED.value, retired_at=bindparam("b_now"))
)


_ADD_USES = (
    update(vault_key)
    .where(vault_key.c.key_id == bindparam("b_key"))
    .values(uses=vault_key.c.uses + bindparam("b_more"))
)
_WORN = (
    select(vault_key.c.purpose, vault_key.c.patient_id)
    .where(
        vault_key.c.program_id == bindparam("program_id"),
        vault_key.c.state == KeyState.ACTIVE.value,
        vault_key.c.purpose.in_(SEALING),
        vault_key.c.uses >= bindparam("limit"),
    )
    .limit(bindparam("at_most"))
)


def add_uses(db: Connection, key_id: bytes, more: int) -> None:
    """So many more values were sealed with a key."""
    db.execute(_ADD_USES, {"b_key": key_id, "b_more": more})


def worn(db: Connection, program_id: UUID, limit: int, at_most: int) -> Sequence[Owner]:
    """Owners whose active key has sealed that many values."""
    parameters = {"program_id": program_id, "limit": limit, "at_most": at_most}
    return [Owner(Purpose(row.purpose), program_id, row.patient_id) for row in db.execute(_WORN, parameters)]


def wrapped_elsewhere(
    db: Connection, program_id: UUID, active: bytes, *, after: UUID, at_most: int
) -> Sequence[StoredKey]:
    """The next keys of a program that are wrapped under another epoch than the active one."""
    parameters = {"program_id": program_id, "active": active, "after": after, "at_most": at_most}
    return [
        StoredKey(
            row.id,
            Owner(Purpose(row.purpose), row.program_id, row.patient_id),
            bytes(row.key_id),
            bytes(row.kek_id),
            bytes(row.wrapped),
        )
        for row in db.execute(_WRAPPED_BEFORE, parameters)
    ]


def how_many_elsewhere(db: Connection, program_id: UUID, active: bytes) -> int:
    return int(db.execute(_HOW_MANY_BEFORE, {"program_id": program_id, "active": active}).scalar_one())


def wrap_instead(db: Connection, key: StoredKey, kek_id: bytes, wrapped: bytes) -> bool:
    """The same key, wrapped under another epoch; False when somebody was faster, or destroyed it."""
    changed = db.execute(
        _WRAP,
        {
            "b_id": key.id,
            "b_kek_before": key.kek_id,
            "b_before": key.wrapped,
            "b_kek": kek_id,
            "b_wrapped": wrapped,
        },
    )
    return changed.rowcount == 1


def renewable(db: Connection, program_id: UUID, before: datetime, at_most: int) -> Sequence[Owner]:
    """Owners whose active key is older than that."""
    parameters = {"program_id": program_id, "before": before, "at_most": at_most}
    return [
        Owner(Purpose(row.purpose), program_id, row.patient_id) for row in db.execute(_RENEWABLE, parameters)
    ]


def how_many_renewable(db: Connection, program_id: UUID, before: datetime) -> int:
    return int(db.execute(_HOW_MANY_RENEWABLE, {"program_id": program_id, "before": before}).scalar_one())


def retire_active(db: Connection, owner: Owner, now: datetime) -> bool:
    """The owner's active key opens only from here on; False when there is none."""
    changed = db.execute(
        _RETIRE,
        {
            "b_program": owner.program_id,
            "b_patient": owner.patient_id,
            "b_purpose": owner.purpose.value,
            "b_now": now,
        },
    )
    return changed.rowcount == 1
