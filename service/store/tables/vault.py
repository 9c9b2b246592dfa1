"""Wrapped keys: 256-bit keys under the key-encryption key. Useless without the keyring, which is not in here."""

from sqlalchemy import BigInteger, Column, Index, Table, Text, text

from service.store.base import metadata
from service.store.columns import (
    entry_column,
    fingerprint,
    id_column,
    instant,
    program_column,
    uuid_column,
)

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
    Column("state", Text, nullable=False),  # next | active | retired | shredded
    instant("created_at"),
    instant("retired_at", nullable=True),  # since then nothing new is sealed with it
    instant("emptied_at", nullable=True),  # when no sealed value was under it any more
    Column("uses", BigInteger, nullable=False, server_default=text("0")),  # values sealed with it, at most
    Index("uq_vault_key_key_id", "key_id", unique=True),
    Index("ix_vault_key_program_id_patient_id_purpose", "program_id", "patient_id", "purpose"),
    Index(
        "uq_vault_key_next",
        "program_id",
        "purpose",
        unique=True,
        postgresql_where=text("state = 'next'"),
    ),
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

#: One rotation of keys, from its beginning to its end: what a process that goes on with it has to know.
vault_rotation = Table(
    "vault_rotation",
    metadata,
    id_column(),
    Column("kind", Text, nullable=False),  # kek | data | index
    instant("began_at"),
    instant("ended_at", nullable=True),
    Column(
        "done", BigInteger, nullable=False, server_default=text("0")
    ),  # keys wrapped again, values sealed again
    entry_column(),
    Index("uq_vault_rotation_kind_open", "kind", unique=True, postgresql_where=text("ended_at IS NULL")),
)
