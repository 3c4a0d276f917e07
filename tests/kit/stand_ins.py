"""Apple's push service and Google's API, as the sandbox has them: a plugin of pytest, for tests
that ask for `pushes` or `google`. Each test has stand-ins of its own, so none meets what another
left in them; they start in two milliseconds."""

from collections.abc import Iterator
from pathlib import Path

import googles
import pytest

from wallet.sandbox import apns
from wallet.sandbox.apns import PushStandIn


@pytest.fixture
def push_stand_in() -> PushStandIn:
    """The stand-in behind `pushes`. A test may override it with one that knows a key, or remembers
    more."""
    return PushStandIn()


@pytest.fixture
def pushes(chain: Path, push_stand_in: PushStandIn) -> Iterator[apns.RunningApns]:
    files = (chain / "server.pem", chain / "server.key", chain / "root.pem")
    with apns.running(*files, stand_in=push_stand_in) as running:
        yield running


@pytest.fixture
def google(tmp_path: Path) -> Iterator[googles.RunningGoogle]:
    with googles.stood_in(tmp_path / "google") as running:
        yield running
