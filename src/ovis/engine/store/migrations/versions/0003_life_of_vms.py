"""Tables of snapshots, affinity, fence agents, NUMA nodes, custom properties and external scheduling units.

Does: mark that they are there; new tables are made from the declarations after the revisions.
"""

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing beyond the mark."""
