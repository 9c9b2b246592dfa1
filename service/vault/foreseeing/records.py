"""Wrapped keys found by what was sealed with them, of several owners at once."""

from collections.abc import Iterable

from sqlalchemy import Connection, LargeBinary, Text, Uuid, and_, any_, bindparam, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from service.store.tables.vault import vault_key
from service.vault.keys import KeyState, Owner, Purpose
from service.vault.records import WrappedKey

_OWNERS = (
    select(vault_key.c.purpose, vault_key.c.patient_id)
    .where(vault_key.c.key_id == any_(bindparam("key_ids", type_=ARRAY(LargeBinary))))
    .distinct()
)
_OF_OWNERS = (
    select(
        vault_key.c.program_id,
        vault_key.c.patient_id,
        vault_key.c.purpose,
        vault_key.c.key_id,
        vault_key.c.kek_id,
        vault_key.c.wrapped,
        vault_key.c.state,
    )
    .where(
        or_(
            and_(
                vault_key.c.patient_id == any_(bindparam("patients", type_=ARRAY(Uuid))),
                vault_key.c.purpose == Purpose.PATIENT.value,
            ),
            and_(
                vault_key.c.patient_id.is_(None),
                vault_key.c.purpose == any_(bindparam("purposes", type_=ARRAY(Text))),
            ),
        ),
        vault_key.c.state != KeyState.SHREDDED.value,
    )
    .order_by(vault_key.c.created_at, vault_key.c.id)
)


def keys_beside(db: Connection, key_ids: Iterable[bytes]) -> list[tuple[Owner, WrappedKey]]:
    """All keys that still exist of every owner, within the tenancy, who has or had one of these."""
    owners = db.execute(_OWNERS, {"key_ids": list(key_ids)}).all()
    patients = [one.patient_id for one in owners if one.patient_id is not None]
    purposes = [one.purpose for one in owners if one.patient_id is None]
    rows = db.execute(_OF_OWNERS, {"patients": patients, "purposes": purposes})
    return [
        (
            Owner(Purpose(row.purpose), row.program_id, row.patient_id),
            WrappedKey(
                bytes(row.key_id), bytes(row.kek_id), bytes(row.wrapped), KeyState(row.state), fresh=False
            ),
        )
        for row in rows
    ]
