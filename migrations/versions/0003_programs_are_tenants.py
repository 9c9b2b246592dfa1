"""A program's own description is part of its tenancy.

Revision: 0003, after 0002.

The description says which law governs which unit, so another tenant's connection must neither read nor change it. The
service's own tenancy (the operator) sees all of them; so do the look-up role and the verifier, which only read.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

APP, SEQUENCER, LOOKUP = "consentry_app", "consentry_sequencer", "consentry_lookup"
SERVICE = "00000000-0000-7000-8000-000000000001"


def upgrade() -> None:
    own = f"id = current_program() OR current_program() = '{SERVICE}'"
    op.execute("ALTER TABLE program ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE program FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON program TO {APP} USING ({own}) WITH CHECK ({own})")
    for role, name in ((LOOKUP, "lookup"), (SEQUENCER, "sequencer")):
        op.execute(f"CREATE POLICY {name} ON program FOR SELECT TO {role} USING (true)")


def downgrade() -> None:
    """There is no way back below tenancy: a database without these guards must not be served."""
    raise RuntimeError("revision 0003 cannot be undone; restore a backup instead")
