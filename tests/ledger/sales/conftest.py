"""A programme whose promotions somebody writes."""

import pytest
from clocks import StoppedClock
from clubs import Club
from marketers import Marketer

from ledger.database.engine import Database


@pytest.fixture
def marketer(club: Club, database: Database, clock: StoppedClock) -> Marketer:
    return Marketer(database, clock, club.code)
