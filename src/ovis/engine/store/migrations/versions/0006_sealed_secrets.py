"""Passwords of fence agents are sealed with a key of the installation; hosts that failed and were fenced are remembered.

Does: mark it, so that `ovis-engine setup` is run, which seals what is there. The new table is made from the declarations.
"""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing beyond the mark."""
