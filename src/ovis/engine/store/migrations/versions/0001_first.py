"""The first schema: where later revisions begin.

A new database is made from the declarations and marked with the newest revision; revisions change older ones.
"""

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing: a database without this revision is empty, and an empty one is made from the declarations."""
