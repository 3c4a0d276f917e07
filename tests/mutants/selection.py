"""Which tests judge a mutant: a plugin of pytest, for `make mutants` alone.

Most tests of the ledger run on SQLite and on PostgreSQL. A mutant is judged on SQLite, which is
several times as fast; where only PostgreSQL comes by, or the two take roads of their own, on
PostgreSQL as well, after SQLite."""

import os

import pytest

# Functions with a road of PostgreSQL's own. Those that SQLite never enters need no mention.
BOTH = {
    "ledger.book.accounts": {"x__balances"},
    "ledger.book.seals": {"x_turn", "x__transactions", "x__write_seals"},
}


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
