"""An installation that has Google: the sandbox's stand-in."""

from collections.abc import Iterator
from pathlib import Path

import googles
import pytest

from wallet.sandbox.google import Running


@pytest.fixture
def google(tmp_path: Path) -> Iterator[Running]:
    with googles.stood_in(tmp_path / "google") as running:
        yield running


@pytest.fixture
def environment(environment: dict[str, str], google: Running) -> dict[str, str]:
    return {**environment, **googles.environment_of(google)}
