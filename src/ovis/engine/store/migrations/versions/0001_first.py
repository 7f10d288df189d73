"""The first schema: every table as declared when this project began.

A new database is made from the declarations; later revisions change it step by step.
"""

from alembic import context, op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what is not there."""
    context.config.attributes["metadata"].create_all(op.get_bind())


def downgrade() -> None:
    """Drop everything."""
    context.config.attributes["metadata"].drop_all(op.get_bind())
