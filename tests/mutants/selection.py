"""Which tests judge a mutant, and a shorter way to them. A plugin of pytest, for `make mutants`.

Most tests of the ledger run on SQLite and on PostgreSQL. A mutant is judged on SQLite, which is
several times as fast; where only PostgreSQL comes by, or the two take roads of their own, on
PostgreSQL as well, after SQLite."""

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
    "ledger.book.seals": {"x_turn", "x__transactions", "x__write_seals"},
}

# Each mutant is judged by a process of its own, forked from one that has run the tests before. It
# takes over the empty SQLite file, so that the migrations need not run four thousand times.
_kept = tempfile.TemporaryDirectory(prefix="kopilka-mutants-")
_empty = Path(_kept.name) / "empty.db"


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
    for name in [name for name in sys.modules if name.startswith("ledger.book")]:
        for value in vars(sys.modules[name]).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Iterator[None]:
    if fixturedef.argname != "empty_sqlite":
        return (yield)
    if _empty.exists():
        fixturedef.func = lambda tmp_path_factory: _empty
        return (yield)
    made = yield
    shutil.copy(made, _empty)
    return made
