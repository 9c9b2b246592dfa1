"""What is known of the ledger outside the database: witnesses' signatures, anchors, restores.

Revision: 0008, after 0007.
"""

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    """A database that has these is not served without them; restore a backup instead."""
    raise RuntimeError("revision 0008 cannot be undone; restore a backup instead")
