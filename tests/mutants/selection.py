"""Which tests judge a mutant, and a shorter way to them. A plugin of pytest, for `make mutants`.

Most tests of the ledger run on SQLite and on PostgreSQL. A mutant is judged on SQLite, which is
several times as fast; where only PostgreSQL comes by, or the two take roads of their own, on
PostgreSQL as well, after SQLite."""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# Functions with a road of PostgreSQL's own. Those that SQLite never enters need no mention.
BOTH = {
    "ledger.book.accounts": {"x__balances", "x_balance"},
    "ledger.book.reversals": {"x_find"},
    "ledger.seals.sealing": {"x_turn", "x__transactions", "x__write_seals"},
}

# Each mutant is judged by a process of its own, forked from one that has run the tests before. What
# takes long to make and is alike for all of them it finds made: a migrated SQLite file, and a
# PostgreSQL server with a migrated database to copy.
_kept = tempfile.TemporaryDirectory(prefix="kopilka-mutants-")
_empty = Path(_kept.name) / "empty.db"
_server: object = None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mutant = os.environ.get("MUTANT_UNDER_TEST", "")
    if "__mutmut_" not in mutant:
        return  # all of them: which tests enter which function is being found out
    module, _, name = mutant.rpartition(".")
    slow = [item for item in items if "postgresql" in item.name or "postgres" in item.fixturenames]
    quick = [item for item in items if item not in slow]
    if quick and name.rpartition("__mutmut_")[0] not in BOTH.get(module, ()):
        config.hook.pytest_deselected(items=slow)
        slow = []
    items[:] = quick + slow


def pytest_sessionstart() -> None:
    """What the process before remembers was made by code that is no mutant."""
    for name in [name for name in sys.modules if name.startswith(("ledger.book", "ledger.seals"))]:
        for value in vars(sys.modules[name]).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Iterator[None]:
    global _server
    if fixturedef.argname == "postgres":
        if _server is None:
            making = fixturedef.func()
            _server = next(making)
            atexit.register(making.close)
        fixturedef.func = lambda: _server
    elif fixturedef.argname == "empty_sqlite" and _empty.exists():
        fixturedef.func = lambda tmp_path_factory: _empty
    made = yield
    if fixturedef.argname == "empty_sqlite" and made != _empty:
        shutil.copy(made, _empty)
    return made
