"""The ledger's tables: entries (written with the act), leaves, trees and checkpoints (written by the sequencer)."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, text

from service.store.base import metadata
from service.store.columns import fingerprint, id_column, instant, program_column, uuid_column
from service.store.types import Xid8

audit_entry = Table(
    "audit_entry",
    metadata,
    id_column(),
    uuid_column("tree"),
    program_column(),
    instant("occurred_at"),
    instant("recorded_at", server_default=text("clock_timestamp()")),
    Column("xid", Xid8(), nullable=False, server_default=text("pg_current_xact_id()")),
    Column("actor_kind", Text, nullable=False),
    uuid_column("actor_id", nullable=True),
    uuid_column("session_id", nullable=True),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("purpose", Text, nullable=True),
    Column("object_kind", Text, nullable=True),
    uuid_column("object_id", nullable=True),
    Column("object_version", Integer, nullable=True),
    uuid_column("patient_id", nullable=True),
    uuid_column("consent_id", nullable=True),
    uuid_column("recipient_id", nullable=True),
    Column("basis", Text, nullable=True),
    Column("policy_set", Text, nullable=False),
    Column("policies", Text, nullable=False),  # canonical JSON array of deciding policy ids
    Column("detail", Text, nullable=False),  # canonical JSON object; codes and ids, never patient information
    fingerprint("payload_hash", nullable=True),
    Column("request_id", Text, nullable=False),
    fingerprint("mac"),
    # Equal values in order of time: one index serves a filter by the field, and the order by it. The table is
    # partitioned by month of the id (store/partitions.py); its parts have the same indexes.
    Index("ix_audit_entry_xid", "xid"),
    Index(
        "ix_audit_entry_program_id_object_id_object_version",
        "program_id",
        "object_id",
        "object_version",
        postgresql_where=text("object_version IS NOT NULL"),
    ),
    Index(
        "ix_audit_entry_program_id_patient_id_object_id",
        "program_id",
        "patient_id",
        "object_id",
        postgresql_where=text("action = 'restriction.request'"),
    ),
    Index(
        "ix_audit_entry_program_id_patient_id",
        "program_id",
        "patient_id",
        postgresql_where=text("action = 'key.shred_approve'"),
    ),
    Index("ix_audit_entry_program_id_recorded_at", "program_id", "recorded_at"),
    Index("ix_audit_entry_program_id_occurred_at", "program_id", "occurred_at"),
    *(
        Index(
            f"ix_audit_entry_program_id_{name}_recorded_at",
            "program_id",
            name,
            "recorded_at",
            postgresql_where=text(only) if only else None,
        )
        for name, only in (
            ("patient_id", None),
            ("actor_id", None),
            ("action", None),
            ("request_id", None),
            ("session_id", "session_id IS NOT NULL"),
            ("object_id", "object_id IS NOT NULL"),
            ("consent_id", "consent_id IS NOT NULL"),
            ("recipient_id", "recipient_id IS NOT NULL"),
            ("outcome", "outcome <> 'permit'"),
        )
    ),
    postgresql_partition_by="RANGE (id)",
)

audit_leaf = Table(
    "audit_leaf",
    metadata,
    uuid_column("tree", primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    uuid_column("entry_id"),
    fingerprint("leaf_hash"),
    Index("uq_audit_leaf_entry_id", "entry_id", unique=True),
)

audit_tree = Table(
    "audit_tree",
    metadata,
    uuid_column("tree", primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),  # right edge of the tree: concatenated 32-byte hashes
    Column("low_water", Xid8(), nullable=False),
    instant("changed_at"),
)

audit_checkpoint = Table(
    "audit_checkpoint",
    metadata,
    uuid_column("tree", primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    fingerprint("root"),
    Column("note", Text, nullable=False),
    instant("signed_at"),
)
