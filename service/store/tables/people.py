"""Patients, their blind indexes, events, recipients, relationships."""

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Table, Text, Uuid

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

patient = Table(
    "patient",
    metadata,
    id_column(),
    program_column(),
    Column("state", Text, nullable=False),
    version_column(),
    sealed("demographics"),  # names, birth date, contacts, identifiers ... one JSON document
    instant("created_at"),
    instant("changed_at"),
    entry_column(),
    Index("ix_patient_program_id_id", "program_id", "id"),
)

#: Former versions: a change keeps what was there before.
patient_version = Table(
    "patient_version",
    metadata,
    Column("patient_id", Uuid(), ForeignKey("patient.id"), primary_key=True),
    Column("version", version_column().type, primary_key=True),
    program_column(),
    sealed("demographics"),
    instant("replaced_at"),
    entry_column(),
)

patient_index = Table(
    "patient_index",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column(
        "name", Text, nullable=False
    ),  # which index: family_birth, given_birth, name_birth, phonetic_birth, identifier
    fingerprint("value"),
    index_key_column(),
    Index("ix_patient_index_program_id_name_value", "program_id", "name", "value"),
    Index("ix_patient_index_patient_id", "patient_id"),
)

patient_event = Table(
    "patient_event",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("occurred_on", Date, nullable=False),
    instant("recorded_at"),
    entry_column(),
    Index("uq_patient_event_patient_id_kind_occurred_on", "patient_id", "kind", "occurred_on", unique=True),
)

recipient = Table(
    "recipient",
    metadata,
    id_column(),
    program_column(),
    Column("kind", Text, nullable=False),  # person | entity | class | intermediary
    Column("class_code", Text, nullable=True),  # for kind class
    Column("covered_entity", Boolean, nullable=False),
    Column("business_associate", Boolean, nullable=False),
    sealed("identity"),  # {name, npi, ...} under the program key
    fingerprint("name_index"),
    fingerprint("npi_index", nullable=True),
    index_key_column(),
    Column("state", Text, nullable=False),
    version_column(),
    instant("created_at"),
    entry_column(),
    code_column(),
    Index("ix_recipient_program_id_name_index", "program_id", "name_index"),
    Index("ix_recipient_program_id_npi_index", "program_id", "npi_index"),
    Index("ix_recipient_program_id_class_code", "program_id", "class_code"),
)

relationship = Table(
    "relationship",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("kind", Text, nullable=False),  # staff | treating | health_plan | third_party_payer | operations
    uuid_column("account_id", nullable=True),
    uuid_column("recipient_id", nullable=True),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=True),  # last day on which it holds
    sealed("evidence"),
    version_column(),
    instant("created_at"),
    entry_column(),
    code_column(),
    Index("ix_relationship_patient_id_account_id", "patient_id", "account_id"),
    Index("ix_relationship_patient_id_recipient_id", "patient_id", "recipient_id"),
    Index("ix_relationship_account_id", "account_id"),
)
