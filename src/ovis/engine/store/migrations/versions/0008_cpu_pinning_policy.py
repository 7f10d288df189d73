"""VMs that have CPUs of their host for themselves count in placements.

Does: add the policy's column to VMs, filled from their documents.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The column, then its values."""
    connection = op.get_bind()
    if not sa.inspect(connection).has_table("vms"):
        return
    kind = sa.Text(collation="C") if connection.dialect.name == "postgresql" else sa.Text()
    op.add_column("vms", sa.Column("cpu_pinning_policy", kind, nullable=True))
    vms = sa.table("vms", sa.column("id"), sa.column("doc"), sa.column("cpu_pinning_policy"))
    for id_, doc in connection.execute(sa.select(vms.c.id, vms.c.doc)).fetchall():
        policy = json.loads(bytes(doc)).get("cpu_pinning_policy")
        if policy is not None:
            connection.execute(sa.update(vms).where(vms.c.id == id_).values(cpu_pinning_policy=policy))
