"""What is known of the ledger outside the database: witnesses' signatures, anchors, restores.

Revision: 0008, after 0007.

Roots of full tiles are kept from here on; those of trees that are older are worked out from their leaves when they are
asked for.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

APP, SEQUENCER = "consentry_app", "consentry_sequencer"
SERVICE = "00000000-0000-7000-8000-000000000001"


def upgrade() -> None:
    _tile_roots()
    _cosignatures()
    _anchors()
    _standing()
    _restores()
    # the verifier looks for acts without an entry in every table of acts: the id and no more
    op.execute(f"GRANT SELECT (entry_id) ON vault_rotation TO {SEQUENCER}")


def _tile_roots() -> None:
    op.create_table(
        "audit_tile_root",
        sa.Column("tree", sa.Uuid(), nullable=False),
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tree", "level", "number", name=op.f("pk_audit_tile_root")),
    )
    op.execute("ALTER TABLE audit_tile_root ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit_tile_root FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON audit_tile_root FOR SELECT TO {APP} "
        f"USING (tree IN (current_program(), '{SERVICE}'))"
    )
    op.execute(f"CREATE POLICY sequencer ON audit_tile_root TO {SEQUENCER} USING (true) WITH CHECK (true)")
    op.execute(f"GRANT SELECT ON audit_tile_root TO {APP}")
    op.execute(f"GRANT SELECT, INSERT ON audit_tile_root TO {SEQUENCER}")
    _append_only("audit_tile_root")


def _cosignatures() -> None:
    op.create_table(
        "audit_cosignature",
        sa.Column("tree", sa.Uuid(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_id", sa.LargeBinary(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tree", "size", "name", "key_id", name=op.f("pk_audit_cosignature")),
    )
    op.execute("ALTER TABLE audit_cosignature ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit_cosignature FORCE ROW LEVEL SECURITY")
    # who may see a checkpoint sees who witnessed it; who hands a signature in does so for the own program
    seen = f"tree IN (current_program(), '{SERVICE}')"
    op.execute(f"CREATE POLICY tenant ON audit_cosignature FOR SELECT TO {APP} USING ({seen})")
    op.execute(
        f"CREATE POLICY own ON audit_cosignature FOR INSERT TO {APP} "
        f"WITH CHECK (program_id = current_program() AND {seen})"
    )
    op.execute(f"CREATE POLICY sequencer ON audit_cosignature FOR SELECT TO {SEQUENCER} USING (true)")
    op.execute(f"GRANT SELECT, INSERT ON audit_cosignature TO {APP}")
    op.execute(f"GRANT SELECT ON audit_cosignature TO {SEQUENCER}")
    op.execute(
        "CREATE CONSTRAINT TRIGGER act_has_entry AFTER INSERT OR UPDATE ON audit_cosignature "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry()"
    )
    _append_only("audit_cosignature")


def _anchors() -> None:
    op.create_table(
        "audit_anchor",
        sa.Column("anchor", sa.Text(), nullable=False),
        sa.Column("tree", sa.Uuid(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("anchored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("anchor", "tree", name=op.f("pk_audit_anchor")),
    )
    op.execute("ALTER TABLE audit_anchor ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit_anchor FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON audit_anchor FOR SELECT TO {APP} USING (tree IN (current_program(), '{SERVICE}'))"
    )
    op.execute(f"CREATE POLICY sequencer ON audit_anchor TO {SEQUENCER} USING (true) WITH CHECK (true)")
    op.execute(f"GRANT SELECT ON audit_anchor TO {APP}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON audit_anchor TO {SEQUENCER}")


def _standing() -> None:
    op.create_table(
        "ledger_standing",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_standing")),
    )
    op.execute("ALTER TABLE ledger_standing ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE ledger_standing FORCE ROW LEVEL SECURITY")
    own = f"current_program() = '{SERVICE}'"
    op.execute(
        f"CREATE POLICY own ON ledger_standing TO {APP} USING ({own}) WITH CHECK ({own})"  # the service's alone
    )
    op.execute(f"CREATE POLICY sequencer ON ledger_standing FOR SELECT TO {SEQUENCER} USING (true)")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON ledger_standing TO {APP}")
    op.execute(f"GRANT SELECT ON ledger_standing TO {SEQUENCER}")
    _guarded("ledger_standing")


def _restores() -> None:
    op.create_table(
        "ledger_restore",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("tree", sa.Uuid(), nullable=False),
        sa.Column("backup_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("restored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_restore")),
    )
    op.execute("ALTER TABLE ledger_restore ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE ledger_restore FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON ledger_restore TO {APP} USING (program_id = current_program()) "
        "WITH CHECK (program_id = current_program())"
    )
    op.execute(f"CREATE POLICY sequencer ON ledger_restore FOR SELECT TO {SEQUENCER} USING (true)")
    op.execute(f"GRANT SELECT, INSERT ON ledger_restore TO {APP}")
    op.execute("SELECT keeper_may_seal_again('ledger_restore', 'reason')")
    op.execute(f"GRANT SELECT (program_id, tree, restored_at, entry_id) ON ledger_restore TO {SEQUENCER}")
    _guarded("ledger_restore")
    _append_only("ledger_restore")


def _guarded(table: str) -> None:
    op.execute(
        f"CREATE CONSTRAINT TRIGGER act_has_entry AFTER INSERT OR UPDATE ON {table} "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry()"
    )


def _append_only(table: str) -> None:
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION append_only()"
    )
    op.execute(
        f"CREATE TRIGGER append_only_all BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )


def downgrade() -> None:
    """A database that has these is not served without them; restore a backup instead."""
    raise RuntimeError("revision 0008 cannot be undone; restore a backup instead")
