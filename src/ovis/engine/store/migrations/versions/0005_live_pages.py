"""Tables of what pages keep and show: options of users, short history of what hosts, VMs and storage domains use.

Does: mark that they are there; new tables are made from the declarations after the revisions.
"""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing beyond the mark."""
