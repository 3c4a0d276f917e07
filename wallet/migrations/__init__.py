"""One history of the schema for both packages, and the names of all modules that declare tables."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData

from ledger import (
    consents,
    idempotency,
    inspection,
    members,
    offers,
    outbox,
    programmes,
    units,
)
from ledger.book import accounts, holds, journal, lots, seals
from ledger.database import Base, writing
from ledger.imports import store
from wallet import apikeys, refresh, sources
from wallet.apple import arrivals, complaints, devices, shelf
from wallet.google import alerts, budget, callbacks, copies, messages
from wallet.outreach import campaigns, deliveries, rounds, terms
from wallet.passes import codeterms, issuing, news, renewal, templates

TABLES_OF = (
    accounts,
    alerts,
    apikeys,
    arrivals,
    budget,
    callbacks,
    campaigns,
    codeterms,
    complaints,
    consents,
    copies,
    deliveries,
    devices,
    holds,
    idempotency,
    inspection,
    issuing,
    journal,
    lots,
    members,
    messages,
    news,
    offers,
    outbox,
    programmes,
    refresh,
    renewal,
    rounds,
    seals,
    shelf,
    sources,
    store,
    templates,
    terms,
    units,
)
METADATA: MetaData = Base.metadata

# Two machines may be told to migrate at once: on PostgreSQL they take turns under this lock.
ADVISORY_LOCK = 0x6B6F70696C6B61


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the schema to `revision`, keeping the data. Fine if it is there already."""
    with writing(engine).connect() as connection:
        command.upgrade(_config(connection), revision)


def downgrade(engine: Engine, revision: str) -> None:
    with writing(engine).connect() as connection:
        command.downgrade(_config(connection), revision)


def is_current(engine: Engine) -> bool:
    """Whether the schema is the one this release was written for."""
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return found == ScriptDirectory.from_config(_config()).get_current_head()


def is_known(revision: str) -> bool:
    """Whether this release has heard of the revision: of a newer one's it has not."""
    known = ScriptDirectory.from_config(_config()).walk_revisions()
    return revision in {one.revision for one in known}


def draft(engine: Engine, revision: str, message: str) -> None:
    """For developers: a new revision from what the models have and the database has not."""
    with engine.connect() as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=revision)


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.attributes["connection"] = connection
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config
