"""Tables of the first path: tenancy and the link to the ledger follow in 0002.

Revision: 0001, after .
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import UserDefinedType

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


class Xid8(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("username_index", sa.LargeBinary(), nullable=False),
        sa.Column("profile", sa.LargeBinary(), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("units", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("recipient_id", sa.Uuid(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
    )
    op.create_index("ix_account_program_id_id", "account", ["program_id", "id"], unique=False)
    op.create_index("uq_account_username_index", "account", ["username_index"], unique=True)
    op.create_table(
        "audit_checkpoint",
        sa.Column("tree", sa.Uuid(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tree", "size", name=op.f("pk_audit_checkpoint")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tree", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("object_kind", sa.Text(), nullable=True),
        sa.Column("object_id", sa.Uuid(), nullable=True),
        sa.Column("object_version", sa.Integer(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("consent_id", sa.Uuid(), nullable=True),
        sa.Column("recipient_id", sa.Uuid(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.Column("policy_set", sa.Text(), nullable=False),
        sa.Column("policies", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("payload_hash", sa.LargeBinary(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index(
        "ix_audit_entry_program_id_actor_id_recorded_at",
        "audit_entry",
        ["program_id", "actor_id", "recorded_at"],
        unique=False,
    )
    op.create_index(
        "ix_audit_entry_program_id_patient_id_recorded_at",
        "audit_entry",
        ["program_id", "patient_id", "recorded_at"],
        unique=False,
    )
    op.create_index(
        "ix_audit_entry_program_id_recorded_at", "audit_entry", ["program_id", "recorded_at"], unique=False
    )
    op.create_index("ix_audit_entry_xid", "audit_entry", ["xid"], unique=False)
    op.create_table(
        "audit_leaf",
        sa.Column("tree", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tree", "position", name=op.f("pk_audit_leaf")),
    )
    op.create_index("uq_audit_leaf_entry_id", "audit_leaf", ["entry_id"], unique=True)
    op.create_table(
        "audit_tree",
        sa.Column("tree", sa.Uuid(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("low_water", Xid8(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tree", name=op.f("pk_audit_tree")),
    )
    op.create_table(
        "idempotency",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("resource_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "key_hash", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "patient",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("demographics", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
    )
    op.create_index("ix_patient_program_id_id", "patient", ["program_id", "id"], unique=False)
    op.create_table(
        "program",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_program")),
        sa.UniqueConstraint("key", name=op.f("uq_program_key")),
    )
    op.create_table(
        "recipient",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=True),
        sa.Column("covered_entity", sa.Boolean(), nullable=False),
        sa.Column("business_associate", sa.Boolean(), nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=False),
        sa.Column("name_index", sa.LargeBinary(), nullable=False),
        sa.Column("npi_index", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipient")),
    )
    op.create_index(
        "ix_recipient_program_id_class_code", "recipient", ["program_id", "class_code"], unique=False
    )
    op.create_index(
        "ix_recipient_program_id_name_index", "recipient", ["program_id", "name_index"], unique=False
    )
    op.create_index(
        "ix_recipient_program_id_npi_index", "recipient", ["program_id", "npi_index"], unique=False
    )
    op.create_table(
        "record_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("disclosure_id", sa.Uuid(), nullable=True),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_request")),
    )
    op.create_index(
        "ix_record_request_program_id_asked_at", "record_request", ["program_id", "asked_at"], unique=False
    )
    op.create_table(
        "sign_in_slot",
        sa.Column("username_index", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("username_index", name=op.f("pk_sign_in_slot")),
    )
    op.create_table(
        "vault_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("key_id", sa.LargeBinary(), nullable=False),
        sa.Column("kek_id", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vault_key")),
    )
    op.create_index(
        "ix_vault_key_program_id_patient_id_purpose",
        "vault_key",
        ["program_id", "patient_id", "purpose"],
        unique=False,
    )
    op.create_index(
        "uq_vault_key_active",
        "vault_key",
        ["program_id", "patient_id", "purpose"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_index("uq_vault_key_key_id", "vault_key", ["key_id"], unique=True)
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("revocation", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_consent_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_patient_id_state", "consent", ["patient_id", "state"], unique=False)
    op.create_index("ix_consent_program_id_id", "consent", ["program_id", "id"], unique=False)
    op.create_table(
        "disclosure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("disclosed_by", sa.Uuid(), nullable=False),
        sa.Column("disclosed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("package", sa.LargeBinary(), nullable=False),
        sa.Column("decision", sa.LargeBinary(), nullable=False),
        sa.Column("package_hash", sa.LargeBinary(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_disclosure_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure")),
    )
    op.create_index("ix_disclosure_consent_id", "disclosure", ["consent_id"], unique=False)
    op.create_index(
        "ix_disclosure_patient_id_disclosed_at", "disclosure", ["patient_id", "disclosed_at"], unique=False
    )
    op.create_table(
        "patient_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_event_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_event")),
    )
    op.create_index("ix_patient_event_patient_id_kind", "patient_event", ["patient_id", "kind"], unique=False)
    op.create_table(
        "patient_index",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_index_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_index")),
    )
    op.create_index("ix_patient_index_patient_id", "patient_index", ["patient_id"], unique=False)
    op.create_index(
        "ix_patient_index_program_id_name_value",
        "patient_index",
        ["program_id", "name", "value"],
        unique=False,
    )
    op.create_table(
        "patient_version",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("demographics", sa.LargeBinary(), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_version_patient_id")),
        sa.PrimaryKeyConstraint("patient_id", "version", name=op.f("pk_patient_version")),
    )
    op.create_table(
        "record_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("note_class", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("dated_on", sa.Date(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("labels", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_record_item_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_item")),
    )
    op.create_index("ix_record_item_patient_id_id", "record_item", ["patient_id", "id"], unique=False)
    op.create_index("ix_record_item_program_id_id", "record_item", ["program_id", "id"], unique=False)
    op.create_table(
        "relationship",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("recipient_id", sa.Uuid(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_relationship_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relationship")),
    )
    op.create_index("ix_relationship_account_id", "relationship", ["account_id"], unique=False)
    op.create_index(
        "ix_relationship_patient_id_account_id", "relationship", ["patient_id", "account_id"], unique=False
    )
    op.create_index(
        "ix_relationship_patient_id_recipient_id",
        "relationship",
        ["patient_id", "recipient_id"],
        unique=False,
    )
    op.create_table(
        "safety_flag",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("finding", sa.LargeBinary(), nullable=False),
        sa.Column("acknowledgement", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_safety_flag_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safety_flag")),
    )
    op.create_index("ix_safety_flag_patient_id_state", "safety_flag", ["patient_id", "state"], unique=False)
    op.create_table(
        "session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_session_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
    )
    op.create_index("ix_session_account_id", "session", ["account_id"], unique=False)
    op.create_table(
        "accounting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("disclosure_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("part2", sa.Boolean(), nullable=False),
        sa.Column("hipaa", sa.Boolean(), nullable=False),
        sa.Column("disclosed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("particulars", sa.LargeBinary(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["disclosure_id"], ["disclosure.id"], name=op.f("fk_accounting_disclosure_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_accounting_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounting")),
        sa.UniqueConstraint("disclosure_id", name=op.f("uq_accounting_disclosure_id")),
    )
    op.create_index(
        "ix_accounting_patient_id_disclosed_at", "accounting", ["patient_id", "disclosed_at"], unique=False
    )
    op.create_table(
        "assessment",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("instrument_version", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["record_item.id"], name=op.f("fk_assessment_item_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_assessment_patient_id")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_assessment")),
    )
    op.create_index(
        "ix_assessment_patient_id_instrument", "assessment", ["patient_id", "instrument"], unique=False
    )
    op.create_table(
        "consent_recipient",
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["consent_id"], ["consent.id"], name=op.f("fk_consent_recipient_consent_id")),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["recipient.id"], name=op.f("fk_consent_recipient_recipient_id")
        ),
        sa.PrimaryKeyConstraint("consent_id", "recipient_id", name=op.f("pk_consent_recipient")),
    )
    op.create_index(
        "ix_consent_recipient_patient_id_recipient_id",
        "consent_recipient",
        ["patient_id", "recipient_id"],
        unique=False,
    )
    op.create_table(
        "consent_signature",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["consent_id"], ["consent.id"], name=op.f("fk_consent_signature_consent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_signature")),
    )
    op.create_index("ix_consent_signature_consent_id", "consent_signature", ["consent_id"], unique=False)
    op.create_table(
        "record_item_version",
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("labels", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["record_item.id"], name=op.f("fk_record_item_version_item_id")),
        sa.PrimaryKeyConstraint("item_id", "version", name=op.f("pk_record_item_version")),
    )


def downgrade() -> None:
    op.drop_table("record_item_version")
    op.drop_index("ix_consent_signature_consent_id", table_name="consent_signature")
    op.drop_table("consent_signature")
    op.drop_index("ix_consent_recipient_patient_id_recipient_id", table_name="consent_recipient")
    op.drop_table("consent_recipient")
    op.drop_index("ix_assessment_patient_id_instrument", table_name="assessment")
    op.drop_table("assessment")
    op.drop_index("ix_accounting_patient_id_disclosed_at", table_name="accounting")
    op.drop_table("accounting")
    op.drop_index("ix_session_account_id", table_name="session")
    op.drop_table("session")
    op.drop_index("ix_safety_flag_patient_id_state", table_name="safety_flag")
    op.drop_table("safety_flag")
    op.drop_index("ix_relationship_patient_id_recipient_id", table_name="relationship")
    op.drop_index("ix_relationship_patient_id_account_id", table_name="relationship")
    op.drop_index("ix_relationship_account_id", table_name="relationship")
    op.drop_table("relationship")
    op.drop_index("ix_record_item_program_id_id", table_name="record_item")
    op.drop_index("ix_record_item_patient_id_id", table_name="record_item")
    op.drop_table("record_item")
    op.drop_table("patient_version")
    op.drop_index("ix_patient_index_program_id_name_value", table_name="patient_index")
    op.drop_index("ix_patient_index_patient_id", table_name="patient_index")
    op.drop_table("patient_index")
    op.drop_index("ix_patient_event_patient_id_kind", table_name="patient_event")
    op.drop_table("patient_event")
    op.drop_index("ix_disclosure_patient_id_disclosed_at", table_name="disclosure")
    op.drop_index("ix_disclosure_consent_id", table_name="disclosure")
    op.drop_table("disclosure")
    op.drop_index("ix_consent_program_id_id", table_name="consent")
    op.drop_index("ix_consent_patient_id_state", table_name="consent")
    op.drop_table("consent")
    op.drop_index("uq_vault_key_key_id", table_name="vault_key")
    op.drop_index(
        "uq_vault_key_active",
        table_name="vault_key",
        postgresql_where=sa.text("state = 'active'"),
        postgresql_nulls_not_distinct=True,
    )
    op.drop_index("ix_vault_key_program_id_patient_id_purpose", table_name="vault_key")
    op.drop_table("vault_key")
    op.drop_table("sign_in_slot")
    op.drop_index("ix_record_request_program_id_asked_at", table_name="record_request")
    op.drop_table("record_request")
    op.drop_index("ix_recipient_program_id_npi_index", table_name="recipient")
    op.drop_index("ix_recipient_program_id_name_index", table_name="recipient")
    op.drop_index("ix_recipient_program_id_class_code", table_name="recipient")
    op.drop_table("recipient")
    op.drop_table("program")
    op.drop_index("ix_patient_program_id_id", table_name="patient")
    op.drop_table("patient")
    op.drop_table("idempotency")
    op.drop_table("audit_tree")
    op.drop_index("uq_audit_leaf_entry_id", table_name="audit_leaf")
    op.drop_table("audit_leaf")
    op.drop_index("ix_audit_entry_xid", table_name="audit_entry")
    op.drop_index("ix_audit_entry_program_id_recorded_at", table_name="audit_entry")
    op.drop_index("ix_audit_entry_program_id_patient_id_recorded_at", table_name="audit_entry")
    op.drop_index("ix_audit_entry_program_id_actor_id_recorded_at", table_name="audit_entry")
    op.drop_table("audit_entry")
    op.drop_table("audit_checkpoint")
    op.drop_index("uq_account_username_index", table_name="account")
    op.drop_index("ix_account_program_id_id", table_name="account")
    op.drop_table("account")
