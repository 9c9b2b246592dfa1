"""Record items and their former versions. Kind, unit, state and dates are clear; labels and content are sealed."""

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, Table, Text, Uuid

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

record_item = Table(
    "record_item",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("note_class", Text, nullable=False),  # ordinary | sud_counseling_note | psychotherapy_note
    Column(
        "unit", Text, nullable=False
    ),  # key of the program's unit it came from: that unit's regime governs it
    Column("state", Text, nullable=False),  # draft | final | amended | entered_in_error
    Column("dated_on", Date, nullable=False),  # the date the item speaks of, for scopes with a period
    uuid_column("author_id"),
    version_column(),
    sealed("labels"),
    sealed("content"),
    instant("created_at"),
    instant("changed_at"),
    entry_column(),
    Index("ix_record_item_patient_id_id", "patient_id", "id"),
    Index("ix_record_item_program_id_id", "program_id", "id"),
)

record_item_version = Table(
    "record_item_version",
    metadata,
    Column("item_id", Uuid(), ForeignKey("record_item.id"), primary_key=True),
    Column("version", version_column().type, primary_key=True),
    program_column(),
    uuid_column("patient_id"),
    Column("state", Text, nullable=False),
    uuid_column("author_id"),
    sealed("labels"),
    sealed("content"),
    instant("replaced_at"),
    entry_column(),
)

#: Scanned consents, orders, identity papers: kept as they came, sealed, never executed.
attachment = Table(
    "attachment",
    metadata,
    id_column(),
    program_column(),
    Column("patient_id", Uuid(), ForeignKey("patient.id"), nullable=False),
    Column("kind", Text, nullable=False),  # scanned_consent | court_order | identity_paper | other
    Column("media_type", Text, nullable=False),  # as sniffed, never as claimed
    Column("size", Integer, nullable=False),  # bytes
    Column("subject_kind", Text, nullable=True),  # consent | evidence
    uuid_column("subject_id", nullable=True),
    Column("state", Text, nullable=False),  # kept | entered_in_error
    version_column(),
    sealed("content"),
    sealed("description"),  # file name, title, SHA-256
    uuid_column("added_by"),
    instant("added_at"),
    entry_column(),
    Index("ix_attachment_patient_id_id", "patient_id", "id"),
)
