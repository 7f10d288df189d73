"""Bring a database to the schema that this engine expects.

Does: run Alembic's revisions. Imported by set-up alone: Alembic costs a second.
"""

from pathlib import Path

import sqlalchemy as sa


def upgrade(engine: sa.Engine, metadata: sa.MetaData) -> None:
    """All revisions that the database has not seen."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        config.attributes["metadata"] = metadata
        command.upgrade(config, "head")
