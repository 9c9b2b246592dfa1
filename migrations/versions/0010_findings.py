"""What the rules of the trail's review found, and what was decided about it.

Revision: 0010, after 0009.

All tables are new, and get what the first ones have: row-level security by program (forced), grants, and the guard that
refuses an act without its ledger entry. How far the trail was looked through is no act: it has no guard. Decisions and
facts are added and never changed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

APP, SEQUENCER = "consentry_app", "consentry_sequencer"
ACTS = ["finding", "finding_fact", "finding_decision", "patient_watch", "staff_particulars"]
UPDATABLE = ["finding", "finding_mark", "patient_watch", "staff_particulars"]
#: What the keeper may seal again when a key is rotated.
SEALED = {
    "finding": "particulars",
    "finding_decision": "reason",
    "patient_watch": "particulars",
    "staff_particulars": "particulars",
}


def upgrade() -> None:
    _findings()
    _marks()
    _guard()


def _findings() -> None:
    op.create_table(
        "finding",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("facts", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("particulars", sa.LargeBinary(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_finding_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
    )
    op.create_index(
        "uq_finding_rule_actor_patient_day",
        "finding",
        ["program_id", "rule", "actor_id", "patient_id", "day"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_index("ix_finding_program_id_state_id", "finding", ["program_id", "state", "id"])
    op.create_index("ix_finding_program_id_actor_id_id", "finding", ["program_id", "actor_id", "id"])
    op.create_index("ix_finding_patient_id", "finding", ["patient_id"])
    op.create_table(
        "finding_fact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("finding_id", sa.Uuid(), nullable=False),
        sa.Column("about_id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_finding_fact_finding_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding_fact")),
    )
    op.create_index(
        "uq_finding_fact_finding_id_about_id", "finding_fact", ["finding_id", "about_id"], unique=True
    )
    op.create_table(
        "finding_decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("finding_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_finding_decision_finding_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_finding_decision_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding_decision")),
    )
    op.create_index("ix_finding_decision_finding_id", "finding_decision", ["finding_id"])
    op.create_index("ix_finding_decision_patient_id", "finding_decision", ["patient_id"])


def _marks() -> None:
    op.create_table(
        "finding_mark",
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "question", name=op.f("pk_finding_mark")),
    )
    op.create_table(
        "patient_watch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("particulars", sa.LargeBinary(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_watch_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_watch")),
    )
    op.create_index("ix_patient_watch_patient_id", "patient_watch", ["patient_id"])
    op.create_index("ix_patient_watch_program_id_state", "patient_watch", ["program_id", "state"])
    op.create_table(
        "staff_particulars",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("particulars", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["account.id"], name=op.f("fk_staff_particulars_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_particulars")),
    )


def _guard() -> None:
    tenant = f"TO {APP} USING (program_id = current_program()) WITH CHECK (program_id = current_program())"
    for table in [*ACTS, "finding_mark"]:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} {tenant}")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {APP}")
    for table in ACTS:
        op.execute(f"CREATE POLICY sequencer ON {table} FOR SELECT TO {SEQUENCER} USING (true)")
        op.execute(f"GRANT SELECT (program_id, entry_id) ON {table} TO {SEQUENCER}")
        op.execute(
            f"CREATE CONSTRAINT TRIGGER act_has_entry AFTER INSERT OR UPDATE ON {table} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry()"
        )
    for table, sealed in SEALED.items():
        op.execute(f"SELECT keeper_may_seal_again('{table}', '{sealed}')")
    for table in UPDATABLE:
        op.execute(f"GRANT UPDATE ON {table} TO {APP}")


def downgrade() -> None:
    """A database that has these is not served without them; restore a backup instead."""
    raise RuntimeError("revision 0010 cannot be undone; restore a backup instead")
