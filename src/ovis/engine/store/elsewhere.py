"""What other processes committed: another engine on the same database, the command line.

Does: count this process's commits in a row of its own, and say whether others' rows have moved. Does not: say what they
changed; whoever remembers anything of the database then forgets all of it.
"""

import sqlalchemy as sa

from ovis.engine.store.prepared import Prepared

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
        self._seen: dict[str, int] | None = None
        self.looked = False  # whether the writer ever did
        mine = table.c.id == sa.bindparam("writer")
        self._look = Prepared(sa.select(table.c.id, table.c.commits))
        self._count = Prepared(table.update().where(mine).values(commits=table.c.commits + 1))
        self._begin = Prepared(table.insert().values(id=sa.bindparam("writer"), commits=1))

    def count(self, connection: sa.Connection, owner: str) -> None:
        """One more commit of this process, in the transaction that it is about."""
        name = owner or TOOLS
        if not self._count.count(connection, {"writer": name}):
            self._begin.count(connection, {"writer": name})
        if self._seen is not None:
            self._seen = {**self._seen, name: self._seen.get(name, 0) + 1}

    def moved(self, connection: sa.Connection, owner: str) -> bool:
        """Whether others have committed since the writer's last look; False before its first. For readers."""
        seen, now = self._seen, self._all(connection)
        if seen is None:
            return False
        mine = owner or TOOLS  # this process may be committing just now
        return {**seen, mine: 0} != {**now, mine: 0}

    def trusted(self, connection: sa.Connection) -> bool:
        """The writer's look, at the beginning of each of its transactions: nobody else can commit while it lasts.

        True: all commits since its last look were its own. False: whatever is remembered must be forgotten now.
        """
        before, self._seen = self._seen, self._all(connection)
        self.looked = True
        return before is not None and before == self._seen

    def doubt(self) -> None:
        """Nobody knows what became of a commit."""
        self._seen = None

    def _all(self, connection: sa.Connection) -> dict[str, int]:
        return {str(id_): int(commits) for id_, commits in self._look.rows(connection, {})}
