"""Episodes of care, merged patients: what is kept beside a patient's own row."""

from sqlalchemy import Column, Date, ForeignKey, Index, Table, Text, Uuid, text

from service.store.base import metadata
from service.store.columns import (
    entry_column,
    id_column,
    instant,
    program_column,
    sealed,
    version_column,
)

episode = Table(
    "episode",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("unit", Text, nullable=False),
    Column("state", Text, nullable=False),  # referred | admitted | stepped_down | discharged | not_admitted
    Column("opened_on", Date, nullable=False),
    Column("admitted_on", Date, nullable=True),
    Column("ended_on", Date, nullable=True),  # null while it is open
    version_column(),
    sealed("particulars"),  # {track, payer, referral, level, readmission_of ...}
    instant("created_at"),
    instant("changed_at"),
    entry_column(),
    # nobody is in two episodes of one unit at a time
    Index(
        "uq_episode_patient_id_unit_open",
        "patient_id",
        "unit",
        unique=True,
        postgresql_where=text("ended_on IS NULL"),
    ),
    Index("ix_episode_patient_id_id", "patient_id", "id"),
    Index("ix_episode_program_id_state", "program_id", "state"),
)

#: What happened in an episode, in order: never changed.
episode_step = Table(
    "episode_step",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("episode_id", Uuid(), ForeignKey("episode.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("occurred_on", Date, nullable=False),
    sealed("particulars"),
    instant("recorded_at"),
    entry_column(),
    Index("ix_episode_step_episode_id_id", "episode_id", "id"),
)

#: Two charts of one person: `merged_id` is read as `patient_id` until it is undone. No row of either chart moves.
patient_merge = Table(
    "patient_merge",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("merged_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("state", Text, nullable=False),  # merged | undone
    version_column(),
    sealed("particulars"),  # {reasons, note, by, undone: {reason, by}}
    instant("merged_at"),
    instant("undone_at", nullable=True),
    entry_column(),
    Index(
        "uq_patient_merge_merged_id_merged",
        "merged_id",
        unique=True,
        postgresql_where=text("state = 'merged'"),
    ),
    Index("ix_patient_merge_patient_id", "patient_id"),
)
