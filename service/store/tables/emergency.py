"""Break-glass grants to staff, and the reviews that follow them."""

from sqlalchemy import Column, ForeignKey, Index, Table, Text, Uuid

from service.store.base import metadata
from service.store.columns import entry_column, id_column, instant, program_column, sealed, uuid_column

emergency_grant = Table(
    "emergency_grant",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    uuid_column("account_id"),
    instant("starts_at"),
    instant("ends_at"),
    sealed("particulars"),
    entry_column(),
    Index("ix_emergency_grant_patient_id_account_id", "patient_id", "account_id"),
    Index("ix_emergency_grant_account_id", "account_id"),
)

#: Something a compliance officer has to look at. Nothing closes itself.
review = Table(
    "review",
    metadata,
    id_column(),
    program_column(),
    Column(
        "kind", Text, nullable=False
    ),  # emergency_access | emergency_disclosure | integrity | consent_doubt
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=True),
    uuid_column("subject_id"),  # the grant, disclosure or consent it is about
    uuid_column("account_id", nullable=True),  # whose act it is about
    Column("state", Text, nullable=False),  # open | closed
    instant("opened_at"),
    instant("closed_at", nullable=True),
    uuid_column("closed_by", nullable=True),
    sealed("finding", nullable=True),  # decision and reason of the reviewer
    entry_column(),
    Index("ix_review_program_id_state_id", "program_id", "state", "id"),
)
