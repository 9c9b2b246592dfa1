"""Accounts, sessions, sign-in slots.

A user name can name a patient, so it is stored as a keyed index for look-up and sealed for display.
"""

from sqlalchemy import ARRAY, Column, Date, ForeignKey, Index, Integer, Table, Text, Uuid

from service.store.base import metadata
from service.store.columns import (
    code_column,
    entry_column,
    fingerprint,
    id_column,
    index_key_column,
    instant,
    program_column,
    sealed,
    uuid_column,
    version_column,
)

account = Table(
    "account",
    metadata,
    id_column(),
    program_column(),
    Column("kind", Text, nullable=False),  # staff | patient | requester | system
    fingerprint("username_index"),
    index_key_column(),
    sealed("profile"),  # {username, display_name} under the program key
    Column("roles", ARRAY(Text), nullable=False),
    Column("units", ARRAY(Text), nullable=False),
    uuid_column("patient_id", nullable=True),
    uuid_column("recipient_id", nullable=True),
    Column("password_hash", Text, nullable=False),
    Column("state", Text, nullable=False),  # active | disabled
    version_column(),
    instant("created_at"),
    entry_column(),
    code_column(),
    Index("uq_account_username_index", "username_index", unique=True),
    Index("ix_account_program_id_id", "program_id", "id"),
)

session = Table(
    "session",
    metadata,
    id_column(),
    program_column(),
    Column("account_id", Uuid(), ForeignKey("account.id"), nullable=False),
    Column("channel", Text, nullable=False),  # token | page
    instant("created_at"),
    instant("last_used_at"),
    instant("expires_at"),  # absolute end
    instant("ended_at", nullable=True),
    Column("end_reason", Text, nullable=True),
    entry_column(),
    code_column(),
    Index("ix_session_account_id", "account_id"),
)

#: Licences and certificates of staff. One that has run out switches off what it stood for.
credential = Table(
    "credential",
    metadata,
    id_column(),
    program_column(),
    Column("account_id", Uuid(), ForeignKey("account.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),  # active | suspended | withdrawn
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=True),  # last day on which it holds
    version_column(),
    sealed("particulars"),  # {number, issuer, verified_with, verified_by} under the program key
    instant("recorded_at"),
    entry_column(),
    code_column(),
    Index("ix_credential_account_id", "account_id"),
    Index("ix_credential_program_id_ends_on", "program_id", "ends_on"),
)

#: One row per user name ever tried, known or not: the slot of an attempt is taken here before argon2 runs.
sign_in_slot = Table(
    "sign_in_slot",
    metadata,
    Column("username_index", fingerprint("x").type, primary_key=True),
    index_key_column(),
    Column("failures", Integer, nullable=False),
    instant("last_attempt_at"),
    instant("locked_until", nullable=True),
)
