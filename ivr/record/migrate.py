"""Room: the centre's records, bringing a file of rows to this version's tables.

Runs the package's own migrations; must not make rows.
"""

import logging
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from ivr.record.errors import RecordError

REVISION = "0002"  # the newest file in migrations/versions
MIGRATIONS = Path(__file__).parent / "migrations"


def current_revision(connection: Connection) -> str | None:
    """The revision of the tables, None for an empty file."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def upgrade(engine: Engine) -> bool:
    """Bring the tables to REVISION; True if there was something to do.

    Raises RecordError for tables that a newer version made.
    """
    with engine.begin() as connection:
        found = current_revision(connection)
        if found == REVISION:
            return False
        if found is not None and found > REVISION:
            raise RecordError(f"the tables are of a newer version ({found}, ours is {REVISION})")
        _run(connection)
        return True


def _run(connection: Connection) -> None:
    from alembic import command  # imported here: half a second, only needed for an upgrade
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    logger = logging.getLogger("alembic")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        command.upgrade(config, "head")
    finally:
        logger.setLevel(level)
