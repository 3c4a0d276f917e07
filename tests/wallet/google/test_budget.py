"""Twenty requests a second, whoever asks."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.database.engine import Database
from wallet.google import budget
from wallet.google.budget import A_SECOND

ISSUER = "3388000000000000001"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


def taken(database: Database, now, tries: int) -> int:
    def take(_: int) -> bool:
        return database.run(lambda session: budget.take(session, ISSUER, now))

    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(take, range(tries)))


def test_a_second_has_so_many_and_no_more(database, clock) -> None:
    assert taken(database, clock(), 50) == A_SECOND
    assert taken(database, clock.advance(seconds=0.9), 5) == 0
    assert taken(database, clock.advance(seconds=0.2), 50) == A_SECOND


def test_a_clock_that_is_a_little_behind_counts_with_the_others(database, clock) -> None:
    assert taken(database, clock(), 15) == 15
    assert taken(database, clock.advance(seconds=-2), 15) == 5


def test_a_clock_that_was_far_ahead_stops_nobody(database, clock) -> None:
    assert taken(database, clock.advance(days=30), 50) == A_SECOND
    assert taken(database, clock.advance(days=-30), 50) == A_SECOND


def test_several_at_once_are_given_all_or_none(database, clock) -> None:
    def take(number: int) -> bool:
        return database.run(lambda session: budget.take(session, ISSUER, clock(), number=number))

    assert taken(database, clock(), A_SECOND - 2) == A_SECOND - 2
    assert [take(3), take(2), take(1)] == [False, True, False]
    clock.advance(seconds=1)
    assert take(3)
    assert taken(database, clock(), 50) == A_SECOND - 3
