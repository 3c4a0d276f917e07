"""The campaign check in short; in full it is `make campaign`."""

from pathlib import Path

import campaign
import pytest
from campaign import HOUSES


@pytest.mark.parametrize("name", sorted(HOUSES))
def test_everybody_is_told_once_while_all_is_killed(name: str, tmp_path: Path) -> None:
    with HOUSES[name](tmp_path) as house:
        size = campaign.SHORT[name]
        figures = campaign.check(house, size)
    assert figures["recipients"] == size.iphones + size.androids + size.elsewhere
    assert figures["told_apple"] > size.iphones * 0.8
    assert figures["told_google"] > size.androids * 0.8
