"""What the rules of the trail's review found, and what was decided about it.

Revision: 0010, after 0009.
"""

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    """A database that has these is not served without them; restore a backup instead."""
    raise RuntimeError("revision 0010 cannot be undone; restore a backup instead")
