"""The bank check in short; in full it is `make bank`."""

from pathlib import Path

import bank
import pytest
from bank import BANKS


@pytest.mark.parametrize("name", sorted(BANKS))
def test_nothing_is_lost_doubled_or_below_nothing_while_all_is_killed(
    name: str, tmp_path: Path
) -> None:
    with BANKS[name](tmp_path) as under_test:
        size = bank.SHORT[name]
        figures = bank.check(under_test, size)
    assert figures["operations"] >= size.clients * size.operations
    assert figures["acknowledged"] > figures["refused"]
