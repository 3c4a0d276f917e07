"""One history of the schema for both packages."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData

from ledger.database.engine import writing
from ledger.database.tables import Base
from wallet.configuration.keyring import KeyRing

# The tables of all modules that this process has imported; `drafting` imports every one.
METADATA: MetaData = Base.metadata

# Two machines may be told to migrate at once: on PostgreSQL they take turns under this lock.
ADVISORY_LOCK = 0x6B6F70696C6B61


def upgrade(engine: Engine, revision: str = "head", *, keys: KeyRing | None = None) -> None:
    """Bring the schema to `revision`, keeping the data. Does nothing if it is there already. What
    is to be encrypted is encrypted with `keys`; without them only a database can be upgraded that
    has nothing of the kind."""
    with writing(engine).connect() as connection:
        command.upgrade(config(connection, keys), revision)


def create(connection: Connection, keys: KeyRing) -> None:
    """Make the whole schema within the transaction that this connection is in: it is there, with
    whatever else comes to be in that transaction, or nothing is."""
    command.upgrade(config(connection, keys), "head")


def downgrade(engine: Engine, revision: str, *, keys: KeyRing | None = None) -> None:
    """Bring the schema back to `revision`; `keys` read what is encrypted."""
    with writing(engine).connect() as connection:
        command.downgrade(config(connection, keys), revision)


def is_current(engine: Engine) -> bool:
    """Whether the schema is the one this release was written for."""
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return found == ScriptDirectory.from_config(config()).get_current_head()


def is_known(revision: str) -> bool:
    """Whether this release knows the revision; it does not know those of newer releases."""
    known = ScriptDirectory.from_config(config()).walk_revisions()
    return revision in {one.revision for one in known}


def key_ring(of: Config) -> KeyRing:
    """The keys that a migration with this configuration was given. Raises RuntimeError if it was
    given none."""
    keys: KeyRing | None = of.attributes["keys"]
    if keys is None:
        raise RuntimeError("this migration needs the key ring")
    return keys


def config(connection: Connection | None = None, keys: KeyRing | None = None) -> Config:
    """Alembic's configuration; it reaches the database through `connection`."""
    found = Config()
    found.attributes["connection"] = connection
    found.attributes["keys"] = keys
    found.set_main_option("script_location", str(Path(__file__).parent))
    found.set_main_option("path_separator", "os")
    return found
