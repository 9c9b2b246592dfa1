"""Disclosures, the accounting of them, and what outside requesters asked."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Table, Text, Uuid

from service.store.base import metadata
from service.store.columns import (
    entry_column,
    fingerprint,
    id_column,
    instant,
    program_column,
    sealed,
    uuid_column,
)

disclosure = Table(
    "disclosure",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    uuid_column("recipient_id"),
    uuid_column("consent_id", nullable=True),
    uuid_column("evidence_id", nullable=True),
    Column("basis", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("channel", Text, nullable=False),
    uuid_column("disclosed_by"),
    instant("disclosed_at"),
    sealed("package"),  # the package as released
    sealed("decision"),  # the decision and the duties discharged with it
    fingerprint("package_hash"),  # keyed hash of the package
    entry_column(),
    Index("ix_disclosure_patient_id_disclosed_at", "patient_id", "disclosed_at"),
    Index("ix_disclosure_consent_id", "consent_id"),
)

accounting = Table(
    "accounting",
    metadata,
    id_column(),
    program_column(),
    Column("disclosure_id", Uuid(), ForeignKey("disclosure.id"), nullable=False, unique=True),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("part2", Boolean, nullable=False),  # listed under 42 CFR 2.25
    Column("hipaa", Boolean, nullable=False),  # listed under 45 CFR 164.528
    instant("disclosed_at"),
    sealed("particulars"),  # recipient name and address, brief description, purpose
    entry_column(),
    Index("ix_accounting_patient_id_disclosed_at", "patient_id", "disclosed_at"),
)

record_request = Table(
    "record_request",
    metadata,
    id_column(),
    program_column(),
    uuid_column("account_id"),
    uuid_column("recipient_id"),
    Column("outcome", Text, nullable=False),
    uuid_column("disclosure_id", nullable=True),
    sealed("asked"),  # under the program key: there may be no patient
    instant("asked_at"),
    entry_column(),
    Index("ix_record_request_program_id_asked_at", "program_id", "asked_at"),
)
