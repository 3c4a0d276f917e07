"""These run on both databases."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clocks import StoppedClock
from clubs import Club

from ledger.database.engine import Database
from ledger.people.members import Member


@pytest.fixture(scope="session")
def sqlite_template(empty_sqlite: Path) -> Path:
    """Nobody has a programme here but the test."""
    return empty_sqlite


@pytest.fixture(scope="session")
def postgres_template() -> str:
    return "template_empty"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture
def club(database: Database, clock: StoppedClock) -> Club:
    club = Club(database, clock)
    club.open()
    return club


@pytest.fixture
def anna(club: Club) -> Member:
    return club.join("Анна")


@pytest.fixture
def boris(club: Club) -> Member:
    return club.join("Борис")


@pytest.fixture
def make_club() -> Callable[[Database], Iterator[Club]]:
    """One club after the other in one database, each with a clock of its own."""

    def clubs(database: Database) -> Iterator[Club]:
        for number in itertools.count():
            yield Club(database, StoppedClock(), f"club-{number}")

    return clubs
