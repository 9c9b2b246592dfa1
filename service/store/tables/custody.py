"""What must be kept and what was destroyed: legal holds, shreddings, and the mark that makes every process forget."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, SmallInteger, Table, Text, Uuid, text

from service.store.base import metadata
from service.store.columns import (
    code_column,
    entry_column,
    id_column,
    instant,
    program_column,
    sealed,
    uuid_column,
    version_column,
)

#: `patient_id` null: the whole program is held.
legal_hold = Table(
    "legal_hold",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=True),
    Column("state", Text, nullable=False),  # placed | lifted
    uuid_column("owner_id"),  # who answers for it
    uuid_column("placed_by"),
    instant("placed_at"),
    uuid_column("lifted_by", nullable=True),
    instant("lifted_at", nullable=True),
    version_column(),
    sealed("particulars"),  # {reason, lifting, of} under the patient's key, or the program's
    entry_column(),
    code_column(),
    Index("ix_legal_hold_program_id_patient_id_state", "program_id", "patient_id", "state"),
)

#: A patient's record destroyed by destroying its keys: asked for by one person, approved by another.
shredding = Table(
    "shredding",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("state", Text, nullable=False),  # asked | declined | destroyed | finished
    Column("basis", Text, nullable=False),  # a code of policies/retention.yaml
    uuid_column("asked_by"),
    instant("asked_at"),
    uuid_column("decided_by", nullable=True),
    instant("decided_at", nullable=True),
    instant("finished_at", nullable=True),
    Column("epochs", Text, nullable=True),  # key-encryption keys that had wrapped what is gone; to be ended
    Column("receipt", Text, nullable=True),  # canonical JSON: ids, times and hashes
    Column("note", Text, nullable=True),  # the signed note over its hash
    version_column(),
    sealed("request"),  # {reason} under the program key: it outlives the record
    entry_column(),
    code_column(),
    Index("ix_shredding_program_id_state", "program_id", "state"),
    Index(
        "uq_shredding_patient_id",
        "patient_id",
        unique=True,
        postgresql_where=text("state <> 'declined'"),
    ),
)

#: How far the look at a program's rows came that is under way, or ended last.
row_look = Table(
    "row_look",
    metadata,
    Column("program_id", Uuid(), primary_key=True),
    instant("began_at"),
    instant("ended_at", nullable=True),
    Column("place", Text, nullable=False),  # the table whose rows come next, or the trail
    Column("after", Text, nullable=False),  # the key of the last row looked at there
    Column("seen", BigInteger, nullable=False),
    Column("bad", BigInteger, nullable=False),
)

#: One row: raised by every shredding. A process that sees a higher one than it knows forgets its unwrapped keys.
vault_mark = Table(
    "vault_mark",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("mark", BigInteger, nullable=False),
)
