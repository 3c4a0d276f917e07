"""A balance that another system knows: the difference is posted, once, and nothing that is older
than what was heard undoes it."""

from datetime import datetime, timedelta

import pytest
from books import check_books
from clubs import Club
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import BalanceTooLarge, DateOutOfRange, InsufficientPoints
from ledger.limits import MOST_POINTS
from ledger.money import Money
from ledger.people.members import Member
from ledger.points import told
from ledger.points.causes import Cause
from ledger.points.told import BalanceIs, Levelled
from ledger.programmes.units import UnitTerms


def hear(
    club: Club,
    member: Member,
    points: int | Money,
    minutes: float = 0,
    source: str = "crm",
    at: datetime | None = None,
) -> Levelled:
    """`minutes` from now the member has so many points."""
    when = at or club.clock() + timedelta(minutes=minutes)
    said = BalanceIs(points, source, Cause(reason="Synchronised", occurred_at=when))
    return club.database.run(
        lambda session: told.hear(session, club._again(session, member), said, club.clock())
    )


@pytest.fixture(autouse=True)
def _books(club):
    yield
    with club.database.reading() as session:
        check_books(session)


def test_the_difference_is_posted_as_what_it_is(club, anna) -> None:
    more, less = hear(club, anna, 350), hear(club, anna, 320)
    assert (more.outcome, more.difference) == ("posted", 350)
    assert (less.outcome, less.difference) == ("posted", -30)
    assert club.story(anna) == [("accrual", 350, 350), ("redemption", -30, 320)]
    assert {one.reason for one in club.lines(anna)} == {"Synchronised"}
    assert [one.id for one in club.lines(anna)] == [less.posting_id, more.posting_id]


def test_no_difference_posts_nothing(club, anna) -> None:
    club.grant(anna, 350)
    same = hear(club, anna, 350)
    assert (same.outcome, same.difference, same.posting_id) == ("unchanged", 0, None)
    assert club.story(anna) == [("accrual", 350, 350)]
    assert hear(club, anna, 0).difference == -350


def test_what_is_older_than_what_was_heard_changes_nothing(club, anna) -> None:
    hear(club, anna, 350, minutes=-5)
    late = hear(club, anna, 100, minutes=-6)
    assert (late.outcome, late.difference, late.posting_id) == ("outdated", 0, None)
    assert late.balance.available == 350
    assert hear(club, anna, 360, minutes=-5).outcome == "posted"  # of one moment, the later comes
    assert club.has(anna) == (360, 0, 0, 0)


def test_what_changed_nothing_is_heard_as_well(club, anna) -> None:
    club.grant(anna, 350)
    assert hear(club, anna, 350, minutes=-1).outcome == "unchanged"
    assert hear(club, anna, 10, minutes=-2).outcome == "outdated"


def test_each_source_and_each_member_has_an_order_of_its_own(club, anna, boris) -> None:
    hear(club, anna, 350)
    assert hear(club, anna, 340, minutes=-9, source="till").outcome == "posted"
    assert hear(club, boris, 5, minutes=-9).outcome == "posted"
    assert (club.has(anna), club.has(boris)) == ((340, 0, 0, 0), (5, 0, 0, 0))


def test_what_holds_set_aside_is_the_members(club, anna) -> None:
    club.grant(anna, 100)
    hold = club.hold(anna, 60)
    assert hear(club, anna, 100).outcome == "unchanged"
    assert hear(club, anna, 70).difference == -30
    assert club.has(anna) == (10, 0, 60, 0)
    with pytest.raises(InsufficientPoints) as refused:
        hear(club, anna, 50, minutes=1)
    assert (refused.value.asked, refused.value.available) == (20, 10)
    club.release(hold)
    assert hear(club, anna, 50).difference == -20  # what was refused was not heard
    assert club.has(anna) == (50, 0, 0, 0)


def test_a_debt_is_paid_first(club, anna) -> None:
    posting = club.grant(anna, 100)
    club.redeem(anna, 100)
    club.reverse(posting)
    assert club.has(anna) == (0, 0, 0, 100)
    found = hear(club, anna, 40)
    assert (found.difference, found.debt_paid) == (140, 100)
    assert club.has(anna) == (40, 0, 0, 0)


def test_points_that_are_not_active_yet_are_not_counted(club, anna) -> None:
    club.grant(anna, 30, activates=2)
    assert hear(club, anna, 10).difference == 10
    assert club.has(anna) == (10, 30, 0, 0)


def test_what_ran_out_is_not_counted(club, anna) -> None:
    club.grant(anna, 30, expires=1)
    club.clock.advance(days=2)
    assert hear(club, anna, 30).difference == 30
    assert club.has(anna) == (30, 0, 0, 0)


def test_it_is_the_money_of_a_programme_that_counts_money(database, clock) -> None:
    gifts = Club(database, clock, "gifts")
    gifts.open(unit=UnitTerms("money", "money", 2, "RUB"))
    anna = gifts.join()
    assert hear(gifts, anna, Money("199.90", "RUB")).difference == 19_990
    assert hear(gifts, anna, Money("0", "RUB")).difference == -19_990


def test_it_follows_a_member_who_was_merged(club, anna, boris) -> None:
    club.grant(anna, 30)
    club.merge(anna, boris)
    assert hear(club, anna, 50).difference == 20
    assert club.has(boris) == (50, 0, 0, 0)


@pytest.mark.parametrize("days", [-30_000, 2])
def test_a_moment_that_cannot_be_is_refused(club, anna, days) -> None:
    """Otherwise a wrong clock would make all that follows outdated."""
    with pytest.raises(DateOutOfRange):
        hear(club, anna, 5, at=club.days(days))
    assert hear(club, anna, 5, minutes=-1).outcome == "posted"


def test_more_than_can_be_counted_is_refused(club, anna) -> None:
    club.grant(anna, 10, activates=3)
    with pytest.raises(BalanceTooLarge):
        hear(club, anna, MOST_POINTS)
    assert hear(club, anna, MOST_POINTS - 10, minutes=-1).outcome == "posted"


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    messages=st.permutations(range(5)),
    counts=st.lists(st.integers(0, 50), min_size=5, max_size=5),
)
def test_in_whatever_order_they_come_the_newest_holds(club, messages, counts) -> None:
    member = club.join()
    for number in messages:
        hear(club, member, counts[number], minutes=number - 10)
    assert club.has(member) == (counts[4], 0, 0, 0)
