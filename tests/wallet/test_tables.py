"""Tables of the database as modules declare them, where only some of the modules are imported."""

import subprocess
import sys

import pytest

from ledger.database.tables import Base
from wallet.cli import COMMANDS

# A process that imports one module says which tables it knows. It fails where one of them refers
# to a table that it does not know: SQLAlchemy would say so only when a row is written.
TABLES_AFTER = """
import importlib, sys
importlib.import_module(sys.argv[1])
if "sqlalchemy.orm" in sys.modules:
    from sqlalchemy.orm import configure_mappers
    from ledger.database.tables import Base
    configure_mappers()
    for table in Base.metadata.tables.values():
        for key in table.foreign_keys:
            key.column
        print(table.name)
"""


def tables_after(module: str) -> set[str]:
    process = subprocess.run(
        [sys.executable, "-c", TABLES_AFTER, module], capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    return set(process.stdout.split())


@pytest.mark.parametrize("module", sorted({command.module for command in COMMANDS}))
def test_a_command_knows_each_table_that_its_tables_refer_to(module: str) -> None:
    tables_after(module)


def test_drafts_of_migrations_know_every_table() -> None:
    assert tables_after("wallet.migrations.drafting") >= set(Base.metadata.tables)
