"""One history of the schema for both packages."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData

from ledger.database.engine import writing
from ledger.database.tables import Base

# The tables of all modules that this process has imported; `drafting` imports every one.
METADATA: MetaData = Base.metadata

# Two machines may be told to migrate at once: on PostgreSQL they take turns under this lock.
ADVISORY_LOCK = 0x6B6F70696C6B61


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the schema to `revision`, keeping the data. Does nothing if it is there already."""
    with writing(engine).connect() as connection:
        command.upgrade(config(connection), revision)


def downgrade(engine: Engine, revision: str) -> None:
    with writing(engine).connect() as connection:
        command.downgrade(config(connection), revision)


def is_current(engine: Engine) -> bool:
    """Whether the schema is the one this release was written for."""
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return found == ScriptDirectory.from_config(config()).get_current_head()


def is_known(revision: str) -> bool:
    """Whether this release knows the revision; it does not know those of newer releases."""
    known = ScriptDirectory.from_config(config()).walk_revisions()
    return revision in {one.revision for one in known}


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration; it reaches the database through `connection`."""
    found = Config()
    found.attributes["connection"] = connection
    found.set_main_option("script_location", str(Path(__file__).parent))
    found.set_main_option("path_separator", "os")
    return found
