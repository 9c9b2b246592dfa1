"""Wrapped keys: 256-bit keys under the key-encryption key. Useless without the keyring, which is not in here."""

from sqlalchemy import Column, Index, Table, Text, text

from service.store.base import metadata
from service.store.columns import fingerprint, id_column, instant, program_column, uuid_column

vault_key = Table(
    "vault_key",
    metadata,
    id_column(),
    program_column(),
    uuid_column("patient_id", nullable=True),
    Column("purpose", Text, nullable=False),
    fingerprint("key_id"),
    fingerprint("kek_id"),
    fingerprint("wrapped", nullable=True),  # null once shredded: the tombstone stays
    Column("state", Text, nullable=False),  # active | retired | shredded
    instant("created_at"),
    Index("uq_vault_key_key_id", "key_id", unique=True),
    Index("ix_vault_key_program_id_patient_id_purpose", "program_id", "patient_id", "purpose"),
    Index(
        "uq_vault_key_active",
        "program_id",
        "patient_id",
        "purpose",
        unique=True,
        postgresql_where=text("state = 'active'"),
        postgresql_nulls_not_distinct=True,
    ),
)
