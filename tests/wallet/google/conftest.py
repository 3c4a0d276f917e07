"""An installation that has Google: the sandbox's stand-in."""

import googles
import pytest

from wallet.sandbox.google import RunningGoogle


@pytest.fixture
def environment(environment: dict[str, str], google: RunningGoogle) -> dict[str, str]:
    return {**environment, **googles.environment_of(google)}
