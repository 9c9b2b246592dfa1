"""Assessments (which are record items of kind `assessment`) and the safety flags they raise."""

from sqlalchemy import Column, ForeignKey, Index, Table, Text, Uuid

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

assessment = Table(
    "assessment",
    metadata,
    Column("item_id", Uuid(), ForeignKey("record_item.id"), primary_key=True),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("instrument", Text, nullable=False),
    Column("instrument_version", Text, nullable=False),
    Column("status", Text, nullable=False),  # draft | completed | amended
    instant("completed_at", nullable=True),
    entry_column(),
    Index("ix_assessment_patient_id_instrument", "patient_id", "instrument"),
)

safety_flag = Table(
    "safety_flag",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    uuid_column("assessment_id", nullable=True),  # null when the form itself was rejected
    Column("state", Text, nullable=False),  # open | acknowledged
    sealed("finding"),  # {code, severity, message, next_step, instrument}
    sealed("acknowledgement", nullable=True),  # {action, by}
    version_column(),
    instant("raised_at"),
    instant("acknowledged_at", nullable=True),
    entry_column(),
    Index("ix_safety_flag_patient_id_state", "patient_id", "state"),
)
