"""Rows that decide carry a code over all their columns, under a key that is not in the database.

Revision: 0007, after 0006.
"""

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    """A database that has these is not served without them; restore a backup instead."""
    raise RuntimeError("revision 0007 cannot be undone; restore a backup instead")
