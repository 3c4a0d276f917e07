"""Tables of the database as modules declare them, where only some of the modules are imported."""

import json
import subprocess
import sys

from ledger.database.tables import Base
from wallet.cli import COMMANDS

# A process for each module imports it and says which tables it knows. It fails where one of them
# refers to a table that it does not know: SQLAlchemy would say so only when a row is written. All
# begin as copies of one that has loaded what is not ours, which takes most of the time.
TABLES_AFTER = """
import gc, importlib, json, os, sys
gc.disable()
import alembic.command, apiflask, babel.dates, celery, cryptography.x509, flask_babel, flask_wtf
import gunicorn.app.base, jwt, limits, openpyxl, phonenumbers, PIL.Image, psycopg, pydantic, redis
import requests, sqlalchemy.orm, structlog

assert not any(name.split(".")[0] in ("ledger", "wallet") for name in sys.modules)
for module in sys.argv[1:]:
    child = os.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0, module
        continue
    importlib.import_module(module)
    names = []
    if "ledger.database.tables" in sys.modules:
        sqlalchemy.orm.configure_mappers()
        for table in sys.modules["ledger.database.tables"].Base.metadata.tables.values():
            for key in table.foreign_keys:
                key.column
            names.append(table.name)
    print(json.dumps([module, names]), flush=True)
    os._exit(0)
"""


def tables_after(*modules: str) -> dict[str, set[str]]:
    process = subprocess.run(
        [sys.executable, "-c", TABLES_AFTER, *modules], capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    return {module: set(tables) for module, tables in map(json.loads, process.stdout.splitlines())}


def test_a_command_knows_each_table_that_its_tables_refer_to() -> None:
    modules = sorted({command.module for command in COMMANDS})
    known = tables_after(*modules)
    assert sorted(known) == modules
    assert any(known.values())


def test_drafts_of_migrations_know_every_table() -> None:
    module = "wallet.migrations.drafting"
    assert tables_after(module)[module] >= set(Base.metadata.tables)
