"""Assessments (which are record items of kind `assessment`) and the safety flags they raise."""

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

assessment = Table(
    "assessment",
    metadata,
    Column("item_id", Uuid(), ForeignKey("record_item.id"), primary_key=True),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("instrument", Text, nullable=False),
    Column("instrument_version", Text, nullable=False),
    Column("status", Text, nullable=False),  # draft | completed | amended | entered_in_error
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
    Column("source", Text, nullable=False),  # assessment | medical | placement
    Column("owner_role", Text, nullable=False),  # who must act: intake | clinician
    uuid_column("owner_id", nullable=True),  # the account that took it
    instant("due_at"),
    instant("escalated_at", nullable=True),
    sealed("finding"),  # {code, severity, message, next_step, instrument}
    sealed("acknowledgement", nullable=True),  # {action, by}
    version_column(),
    instant("raised_at"),
    instant("acknowledged_at", nullable=True),
    entry_column(),
    Index("ix_safety_flag_patient_id_state", "patient_id", "state"),
    Index("ix_safety_flag_program_id_state_due_at", "program_id", "state", "due_at"),
)

#: Which part of the medical intake a record item is: a section answered, or one entry of a list.
intake_entry = Table(
    "intake_entry",
    metadata,
    Column("item_id", Uuid(), ForeignKey("record_item.id"), primary_key=True),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("section", Text, nullable=False),
    Column("state", Text, nullable=False),  # draft | current | removed
    instant("reviewed_at", nullable=True),
    uuid_column("reviewed_by", nullable=True),
    entry_column(),
    Index("ix_intake_entry_patient_id_section", "patient_id", "section"),
)

#: Licensed wording of an instrument, and who attested that this program may use it.
content_pack = Table(
    "content_pack",
    metadata,
    id_column(),
    program_column(),
    Column("instrument", Text, nullable=False),
    Column("state", Text, nullable=False),  # active | withdrawn
    version_column(),
    sealed("content"),  # {licence, holder, wording, attestation} under the program key
    Column("sha256", Text, nullable=False),  # of the pack as it was given
    Column("starts_on", Date, nullable=False),
    Column("expires_on", Date, nullable=False),
    uuid_column("attested_by"),
    instant("attested_at"),
    entry_column(),
    Index("ix_content_pack_program_id_instrument", "program_id", "instrument"),
)
