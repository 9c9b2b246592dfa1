"""Evidence, restrictions, break-glass grants, reviews, attachments, rulings on consents, adopted consent texts.

Revision: 0004, after 0003.

New tables get what 0002 gave the first ones: row-level security by program (forced), grants, and the guard that refuses
an act without its ledger entry. Existing rows keep their meaning: new columns are null where nothing was known.
An event is recorded once: a second row of the same kind and day for a patient is refused by a unique index.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

APP, SEQUENCER = "consentry_app", "consentry_sequencer"
NEW = [
    "evidence",
    "evidence_recipient",
    "restriction",
    "emergency_grant",
    "review",
    "attachment",
    "consent_ruling",
    "consent_text",
]
UPDATABLE = ["evidence", "restriction", "emergency_grant", "review", "attachment"]


def upgrade() -> None:
    op.add_column("consent", sa.Column("text_version", sa.Text(), nullable=True))
    op.add_column("disclosure", sa.Column("evidence_id", sa.Uuid(), nullable=True))
    op.drop_index("ix_patient_event_patient_id_kind", table_name="patient_event")
    op.create_index(
        "uq_patient_event_patient_id_kind_occurred_on",
        "patient_event",
        ["patient_id", "kind", "occurred_on"],
        unique=True,
    )
    _evidence()
    _rights()
    _papers()
    _guard()


def _evidence() -> None:
    op.create_table(
        "evidence",
        *_head(),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("particulars", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_off_by", sa.Uuid(), nullable=True),
        sa.Column("signed_off_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_evidence_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
    )
    op.create_index("ix_evidence_patient_id_kind", "evidence", ["patient_id", "kind"])
    op.create_index("ix_evidence_program_id_kind", "evidence", ["program_id", "kind"])
    op.create_table(
        "evidence_recipient",
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_evidence_recipient_evidence_id_evidence")
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["recipient.id"], name=op.f("fk_evidence_recipient_recipient_id_recipient")
        ),
        sa.PrimaryKeyConstraint("evidence_id", "recipient_id", name=op.f("pk_evidence_recipient")),
    )
    op.create_index("ix_evidence_recipient_recipient_id", "evidence_recipient", ["recipient_id"])
    op.create_table(
        "emergency_grant",
        *_head(),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("particulars", sa.LargeBinary(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_emergency_grant_patient_id_patient")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_grant")),
    )
    op.create_index(
        "ix_emergency_grant_patient_id_account_id", "emergency_grant", ["patient_id", "account_id"]
    )
    op.create_index("ix_emergency_grant_account_id", "emergency_grant", ["account_id"])
    op.create_table(
        "review",
        *_head(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("finding", sa.LargeBinary(), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_review_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
    )
    op.create_index("ix_review_program_id_state_id", "review", ["program_id", "state", "id"])


def _rights() -> None:
    op.create_table(
        "restriction",
        *_head(),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_restriction_patient_id_patient")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restriction")),
    )
    op.create_index("ix_restriction_patient_id_state", "restriction", ["patient_id", "state"])


def _papers() -> None:
    op.create_table(
        "attachment",
        *_head(),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("description", sa.LargeBinary(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_attachment_patient_id_patient")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    op.create_index("ix_attachment_patient_id_id", "attachment", ["patient_id", "id"])
    op.create_table(
        "consent_ruling",
        *_head(),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("particulars", sa.LargeBinary(), nullable=False),
        sa.Column("ruled_by", sa.Uuid(), nullable=False),
        sa.Column("ruled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consent_id"], ["consent.id"], name=op.f("fk_consent_ruling_consent_id_consent")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_ruling")),
    )
    op.create_index("ix_consent_ruling_consent_id", "consent_ruling", ["consent_id"])
    op.create_table(
        "consent_text",
        *_head(),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("text_hash", sa.Text(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("recollect_by", sa.Date(), nullable=True),
        sa.Column("adopted_by", sa.Uuid(), nullable=False),
        sa.Column("adopted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_text")),
    )
    op.create_index(
        "uq_consent_text_program_id_version", "consent_text", ["program_id", "version"], unique=True
    )


def _guard() -> None:
    tenant = f"TO {APP} USING (program_id = current_program()) WITH CHECK (program_id = current_program())"
    for table in NEW:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} {tenant}")
        op.execute(f"CREATE POLICY sequencer ON {table} FOR SELECT TO {SEQUENCER} USING (true)")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {APP}")
        op.execute(f"GRANT SELECT (program_id, entry_id) ON {table} TO {SEQUENCER}")
        op.execute(
            f"CREATE CONSTRAINT TRIGGER act_has_entry AFTER INSERT OR UPDATE ON {table} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry()"
        )
    for table in UPDATABLE:
        op.execute(f"GRANT UPDATE ON {table} TO {APP}")


def _head() -> tuple[sa.Column[object], sa.Column[object]]:
    return sa.Column("id", sa.Uuid(), nullable=False), sa.Column("program_id", sa.Uuid(), nullable=False)


def downgrade() -> None:
    """Records of disclosures rest on these tables: they are not dropped by stepping back."""
    raise RuntimeError("revision 0004 cannot be undone; restore a backup instead")
