"""VM pools can be made, and VMs and disks count to quotas.

Does: drop the table of pools of before, in which no engine ever put a row (it is made anew from the declarations after the
revisions); add the quota's column to VMs and disks, filled from their documents.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Away with the empty table, then the columns."""
    connection = op.get_bind()
    there = sa.inspect(connection)
    if there.has_table("vm_pools") and "template_id" not in {c["name"] for c in there.get_columns("vm_pools")}:
        op.drop_table("vm_pools")
    kind = sa.Text(collation="C") if connection.dialect.name == "postgresql" else sa.Text()
    for name in ("vms", "disks"):
        if not there.has_table(name):
            continue
        op.add_column(name, sa.Column("quota_id", kind, nullable=True))
        table = sa.table(name, sa.column("id"), sa.column("doc"), sa.column("quota_id"))
        for id_, doc in connection.execute(sa.select(table.c.id, table.c.doc)).fetchall():
            quota = (json.loads(bytes(doc)).get("quota") or {}).get("id")
            if quota is not None:
                connection.execute(sa.update(table).where(table.c.id == id_).values(quota_id=quota))
