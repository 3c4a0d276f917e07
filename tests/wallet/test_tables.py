"""Tables of the database as modules declare them, where only some of the modules are imported."""

import subprocess
import sys

import grimp
import pytest
from grimp import ImportGraph

from ledger.database.tables import Base
from wallet.cli import COMMANDS
from wallet.migrations import drafting

# Says which tables a process knows that has imported this module alone.
TABLES_AFTER = """
import importlib, sys
importlib.import_module(sys.argv[1])
print(*sys.modules["ledger.database.tables"].Base.metadata.tables)
"""


@pytest.fixture(scope="module")
def graph() -> ImportGraph:
    """Which of our modules imports which. No function imports anything, so that is all there is."""
    return grimp.build_graph("ledger", "wallet", cache_dir=None)


def tables_after(graph: ImportGraph, module: str) -> set[str]:
    """The tables that a process knows after it has imported this module."""
    loaded = {module, *graph.find_upstream_modules(module)}
    mappers = Base.registry.mappers
    return {one.local_table.name for one in mappers if one.class_.__module__ in loaded}


def test_a_command_knows_each_table_that_its_tables_refer_to(graph: ImportGraph) -> None:
    """SQLAlchemy would say only when a row is written that it does not."""
    tables, known = Base.metadata.tables, {}
    for command in COMMANDS:
        known[command.module] = own = tables_after(graph, command.module)
        referred = {key.column.table.name for name in own for key in tables[name].foreign_keys}
        assert referred <= own, command.module
    assert any(known.values())


def test_drafts_of_migrations_know_every_table(graph: ImportGraph) -> None:
    module = drafting.__name__
    process = subprocess.run(
        [sys.executable, "-c", TABLES_AFTER, module], capture_output=True, text=True, check=True
    )
    found = set(process.stdout.split())
    assert found >= set(Base.metadata.tables)
    # What a module is said to load is what it loads.
    assert found == tables_after(graph, module)
