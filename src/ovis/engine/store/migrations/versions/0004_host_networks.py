"""Tables of networks as they were attached to hosts, and of labels of their NICs.

Does: mark that they are there; new tables are made from the declarations after the revisions.
"""

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing beyond the mark."""
