"""What other processes committed: another engine on the same database, the command line.

Does: count this process's commits in a row of its own, and say whether others' rows have moved. Does not: say what they
changed; whoever remembers anything of the database then forgets all of it.
"""

import sqlalchemy as sa

TOOLS = "tools"  # processes that are no engine share one row


def writers_table(metadata: sa.MetaData) -> sa.Table:
    """One row a writer. commits: how many transactions with changes it has made."""
    return sa.Table(
        "store_writers",
        metadata,
        sa.Column("id", sa.String(255), primary_key=True),
        sa.Column("commits", sa.BigInteger(), nullable=False),
    )


class Elsewhere:
    """Counts and compares, for one store."""

    def __init__(self, table: sa.Table) -> None:
        self._table = table
        self._seen: dict[str, int] | None = None
        mine = table.c.id == sa.bindparam("writer")
        self._count = table.update().where(mine).values(commits=table.c.commits + 1)
        self._begin = table.insert().values(id=sa.bindparam("writer"), commits=1)

    def count(self, connection: sa.Connection, owner: str) -> None:
        """One more commit of this process, in the transaction that it is about."""
        writer = {"writer": owner or TOOLS}
        if not connection.execute(self._count, writer).rowcount:
            connection.execute(self._begin, writer)

    def moved(self, connection: sa.Connection, owner: str) -> bool:
        """Whether others have committed since the last look; False at the first."""
        rows = connection.execute(sa.select(self._table.c.id, self._table.c.commits))
        now = {str(id_): int(commits) for id_, commits in rows if id_ != (owner or TOOLS)}
        before, self._seen = self._seen, now
        return before is not None and before != now
