"""The history of the schema, on both databases."""

import uuid

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from processes import processes
from sqlalchemy import inspect

from ledger.database import Database
from ledger.settings import LedgerSettings
from wallet import migrations


@pytest.fixture
def empty(request, tmp_path):
    """A database with nothing in it, of the kind that `database_url` has."""
    kind = request.node.callspec.params["database_url"]
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server = request.getfixturevalue("postgres")
        name = f"empty_{uuid.uuid4().hex}"
        server.execute(f"CREATE DATABASE {name}")
        url = server.url(name)
    database = Database(LedgerSettings(url))
    yield database
    database.close()


def test_from_nothing_to_today_and_back(empty: Database, database_url: str) -> None:
    assert not migrations.is_current(empty.engine)
    migrations.upgrade(empty.engine)
    assert migrations.is_current(empty.engine)
    migrations.upgrade(empty.engine)
    migrations.downgrade(empty.engine, "base")
    assert set(inspect(empty.engine).get_table_names()) <= {"alembic_version"}


def test_the_schema_is_what_the_models_say(empty: Database, database_url: str) -> None:
    migrations.upgrade(empty.engine)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, migrations.METADATA) == []


def test_machines_may_migrate_at_once(empty: Database, environment, tmp_path) -> None:
    url = empty.engine.url.render_as_string(hide_password=False)
    with processes({**environment, "WALLET_DATABASE_URL": url}, tmp_path) as service:
        started = [service.start("migrate") for _ in range(4)]
        assert [one.wait(60) for one in started] == [0] * 4, service.log_of("migrate")
    assert migrations.is_current(empty.engine)
