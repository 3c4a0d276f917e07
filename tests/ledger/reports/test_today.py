"""Figures of today beside the same weekday of the weeks before."""

from datetime import UTC, datetime

import pytest
from dayfigures import Days

from ledger.programmes import programmes
from ledger.reports import today
from ledger.reports.figures import FigureOf
from ledger.reports.today import Today
from ledger.reports.usual import Usual

ASKED = {
    "issued": [FigureOf("issued", "points")],
    "all": [FigureOf("issued", "points"), FigureOf("spent", "points")],
}


@pytest.fixture
def table(database, clock) -> Days:
    return Days(database, clock)


def look(club) -> Today:
    with club.database.reading() as session:
        programme = programmes.by_code(session, club.code)
        return today.look(session, programme, ASKED, club.clock())


def test_a_wednesday_is_compared_with_wednesdays_up_to_the_same_hour(club, anna, table) -> None:
    """The programme began on a Wednesday in the middle of the day, which does not count."""
    club.grant(anna, 1000)
    for week in range(1, 6):
        club.turn(days=7)
        club.grant(anna, 100 + week)  # at three in the afternoon, in Moscow
        club.clock.advance(hours=5)
        club.grant(anna, 7000)  # in the evening
        club.clock.advance(hours=-5)
    club.clock.now = datetime(2026, 7, 1, 13, 10, tzinfo=UTC)
    club.grant(anna, 40)
    table.run()
    found = look(club)
    assert (found.day.isoformat(), found.hour) == ("2026-07-01", 16)
    figure = found.figures["issued"]
    assert (figure.so_far, figure.before_this_hour) == (40, 0)
    assert figure.usual == Usual(101, 105, 5)
    assert figure.verdict == "lower"
    club.clock.now = datetime(2026, 7, 1, 12, 59, tzinfo=UTC)
    club.redeem(anna, 64)
    table.run()
    assert look(club).figures["all"].so_far == 104


def test_at_midnight_and_in_the_first_weeks_nothing_is_called_usual(club, anna, table) -> None:
    for _ in range(3):
        club.turn(days=7)
        club.grant(anna, 5)
    table.run()
    assert look(club).figures["issued"].usual is None
    club.turn(days=50)
    assert look(club).figures["issued"].usual is not None
    club.clock.now = datetime(2026, 8, 1, 21, 20, tzinfo=UTC)  # twenty past midnight in Moscow
    assert (look(club).hour, look(club).figures["issued"].usual) == (0, None)
