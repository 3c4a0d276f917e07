"""Pumps and the processes that work them."""

import pytest

from wallet.running import pumps
from wallet.running.pumps import Pump
from wallet.running.worker import PUMP_TASK, create_celery, serve_pumps


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pumps, "STRETCH_S", 0.05)


def test_a_pump_works_until_nothing_is_due() -> None:
    left = [True, True, False]
    assert not Pump(lambda: left.pop(0)).run()
    assert left == []


def test_a_pump_that_is_never_done_waits_its_turn_again(installation) -> None:
    """Else a vendor who takes twenty calls a second would hold a worker for hours."""
    asked: list[frozenset[str]] = []
    celery = create_celery(installation.settings)
    ready = {"google": Pump(lambda: True), "apple": Pump(lambda: False)}
    seen: list[str] = []
    serve_pumps(celery, lambda: ready, asked.append, seen.append)
    for name in ready:
        celery.tasks[PUMP_TASK](name)
    assert asked == [frozenset({"google"})]
    assert set(seen) == {"google", "apple"}
