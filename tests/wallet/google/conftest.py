"""An installation that has Google: the sandbox's stand-in."""

import googles
import pytest

from wallet.sandbox.google import Running


@pytest.fixture
def environment(environment: dict[str, str], google: Running) -> dict[str, str]:
    return {**environment, **googles.environment_of(google)}
