"""Evidence for bases without consent: emergency papers, agreements, orders, findings, reports."""

from sqlalchemy import Column, Date, ForeignKey, Index, Table, Text, Uuid

from service.store.base import metadata
from service.store.columns import (
    entry_column,
    id_column,
    instant,
    program_column,
    sealed,
    uuid_column,
    version_column,
)

#: `patient_id` null: an agreement about no single patient (QSOA, research, audit), sealed under the program key.
evidence = Table(
    "evidence",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=True),
    Column("kind", Text, nullable=False),  # policies/evidence.yaml
    Column("state", Text, nullable=False),  # recorded | signed_off | ended
    version_column(),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=True),  # last day on which it holds, in the program's time zone
    sealed("particulars"),
    uuid_column("recorded_by"),
    instant("recorded_at"),
    uuid_column("signed_off_by", nullable=True),
    instant("signed_off_at", nullable=True),
    instant("changed_at"),
    entry_column(),
    Index("ix_evidence_patient_id_kind", "patient_id", "kind"),
    Index("ix_evidence_program_id_kind", "program_id", "kind"),
)

#: Whom the evidence names: agreements are found by recipient.
evidence_recipient = Table(
    "evidence_recipient",
    metadata,
    Column("evidence_id", Uuid(), ForeignKey("evidence.id"), primary_key=True),
    Column("recipient_id", Uuid(), ForeignKey("recipient.id"), primary_key=True),
    program_column(),
    entry_column(),
    Index("ix_evidence_recipient_recipient_id", "recipient_id"),
)
