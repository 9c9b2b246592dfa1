"""Destroying a patient's keys: what was sealed with them is noise from then on, for everybody and for good.

The wrapped keys go, their rows stay as tombstones: a key that was destroyed is told from one that was lost. Copies of
the wrapped keys are left in backups, in the write-ahead log and in dead rows until vacuum; they end with the
key-encryption keys that had wrapped them, which the caller has rolled.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from service.errors import Code, ConsentryError
from service.vault import records
from service.vault.keys import Owner, Purpose


class RecordDestroyed(ConsentryError):
    """What was to be opened or sealed belongs to a patient whose keys were destroyed (410)."""

    def __init__(self) -> None:
        super().__init__(
            Code.RECORD_DESTROYED, "This record was destroyed. What is left says when and by whom."
        )


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What a shredding took: ids of the data keys, and of the key-encryption keys that had wrapped them."""

    key_ids: tuple[bytes, ...]
    epochs: tuple[bytes, ...]


def destroy_patient_keys(db: Connection, program_id: UUID, patient_id: UUID) -> Destroyed:
    """Take every wrapped key of the patient and raise the mark, in the transaction of the act."""
    gone = records.destroy_keys(db, Owner(Purpose.PATIENT, program_id, patient_id))
    records.raise_mark(db)
    return Destroyed(
        key_ids=tuple(sorted(key_id for key_id, _ in gone)),
        epochs=tuple(sorted({kek_id for _, kek_id in gone})),
    )
