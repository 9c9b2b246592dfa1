"""How many keys there are: by epoch, and by purpose and state."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select

from service.store.tables.vault import vault_key
from service.vault.keys import KeyState, Purpose


@dataclass(frozen=True, slots=True)
class KeyCount:
    """Keys of one program, purpose and state. `uses`: values sealed with the one used most, at most."""

    program_id: UUID
    purpose: Purpose
    state: KeyState
    keys: int
    oldest: datetime
    uses: int
    not_empty: int


_BY_EPOCH = (
    select(vault_key.c.kek_id, func.count().label("many"))
    .where(vault_key.c.program_id == bindparam("program_id"), vault_key.c.wrapped.is_not(None))
    .group_by(vault_key.c.kek_id)
)
_BY_STATE = (
    select(
        vault_key.c.purpose,
        vault_key.c.state,
        func.count().label("many"),
        func.min(vault_key.c.created_at).label("oldest"),
        func.max(vault_key.c.uses).label("uses"),
        func.count().filter(vault_key.c.emptied_at.is_(None)).label("not_empty"),
    )
    .where(vault_key.c.program_id == bindparam("program_id"))
    .group_by(vault_key.c.purpose, vault_key.c.state)
    .order_by(vault_key.c.purpose, vault_key.c.state)
)


def by_epoch(db: Connection, program_id: UUID) -> Sequence[tuple[bytes, int]]:
    """How many keys are wrapped under which epoch."""
    return [(bytes(row.kek_id), row.many) for row in db.execute(_BY_EPOCH, {"program_id": program_id})]


def by_state(db: Connection, program_id: UUID) -> Sequence[KeyCount]:
    """How many keys there are of each purpose and state."""
    return [
        KeyCount(
            program_id,
            Purpose(row.purpose),
            KeyState(row.state),
            row.many,
            row.oldest,
            row.uses,
            row.not_empty,
        )
        for row in db.execute(_BY_STATE, {"program_id": program_id})
    ]
