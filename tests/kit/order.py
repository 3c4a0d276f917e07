"""The order in which tests run: a plugin of pytest.

The longest come first, so that no worker is left with a long one at the end while the others have
nothing to do. `--order=reversed` and `--order=shuffled:7` (any number) show that no test depends on
one that ran before it."""

import random

import pytest

# Files with tests of ten seconds and more; the others follow as they stand in their folders.
LONGEST = (
    "tests/flows/test_promises.py",
    "tests/flows/test_one_machine.py",
    "tests/flows/test_faults.py",
    "tests/flows/test_bank.py",
    "tests/flows/test_campaign_crash.py",
    "tests/flows/test_processes.py",
    "tests/flows/test_erasure.py",
    "tests/flows/test_imports.py",
    "tests/ledger/book/test_book_model.py",
    "tests/wallet/test_tables.py",
    "tests/wallet/test_wheel.py",
    "tests/wallet/api/test_client.py",
    "tests/wallet/console/test_every_page.py",
    "tests/wallet/console/test_first_hour.py",
    "tests/wallet/console/test_home_look.py",
    "tests/flows/test_first_hour.py",
    "tests/flows/test_doors.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "longest (first), reversed, or shuffled:NUMBER"
    parser.addoption("--order", default="longest", help=f"the order of tests: {told}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    name, _, number = config.getoption("--order").partition(":")
    if name == "longest":
        items.sort(key=_place)
    elif name == "reversed":
        items.reverse()
    elif name == "shuffled":
        random.Random(int(number)).shuffle(items)  # noqa: S311 - the same for every tester
    else:
        raise pytest.UsageError(f"--order: {name} is no order")


def _place(item: pytest.Item) -> int:
    """The place of the test's file among the longest; the sort keeps the order of all others."""
    file = item.nodeid.partition("::")[0]
    return LONGEST.index(file) if file in LONGEST else len(LONGEST)
