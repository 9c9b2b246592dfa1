"""What a patient asked for: restrictions on use and disclosure (42 CFR 2.26)."""

from sqlalchemy import Column, ForeignKey, Index, Table, Text, Uuid

from service.store.base import metadata
from service.store.columns import (
    code_column,
    entry_column,
    id_column,
    instant,
    program_column,
    sealed,
    version_column,
)

restriction = Table(
    "restriction",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("state", Text, nullable=False),  # requested | agreed | declined | ended
    version_column(),
    sealed("terms"),
    instant("requested_at"),
    instant("agreed_at", nullable=True),
    instant("ended_at", nullable=True),
    instant("changed_at"),
    entry_column(),
    code_column(),
    Index("ix_restriction_patient_id_state", "patient_id", "state"),
)
