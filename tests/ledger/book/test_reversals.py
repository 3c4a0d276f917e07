"""Returns: what was spent comes back as it was, what was earned is taken back."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.book import reversals
from ledger.errors import (
    AlreadyReversed,
    BalanceTooLarge,
    DatesOutOfOrder,
    NotReversible,
    PointsSpent,
    ReversalTooLarge,
    UnknownPosting,
)
from ledger.limits import MOST_POINTS
from ledger.people.members import Member
from ledger.points import accruals, corrections
from ledger.points.accruals import Grant
from ledger.points.corrections import Reversal


@pytest.fixture
def strict(club):
    """A programme that refuses to make debts and gives late points a grace of ten days."""
    club.code = "strict"
    club.open(overdrawn="refuse", grace_days=10)
    return club


def test_spent_points_come_back_into_their_lots_with_their_dates(club, anna) -> None:
    club.grant(anna, 10, expires=3)
    club.grant(anna, 20, expires=9)
    spent = club.redeem(anna, 25)
    club.reverse(spent)
    assert club.has(anna) == (30, 0, 0, 0)
    club.turn(days=3)
    assert club.has(anna) == (20, 0, 0, 0)


@pytest.mark.parametrize("made", [[(10, 3), (20, 9)], [(20, 9), (10, 3)]])
def test_a_part_comes_back_to_the_lot_that_lives_longest(club, anna, made) -> None:
    for points, days in made:
        club.grant(anna, points, expires=days)
    spent = club.redeem(anna, 25)
    club.reverse(spent, 15)
    club.turn(days=3)
    assert club.has(anna) == (20, 0, 0, 0)
    club.reverse(spent)  # ten are left, and their day is over
    assert club.has(anna) == (20, 0, 0, 0)
    assert club.story(anna)[-2:] == [("reversal", 10, 30), ("expiry", -10, 20)]


def test_points_that_come_back_too_late_get_a_grace_if_the_programme_gives_one(strict) -> None:
    anna = strict.join()
    strict.grant(anna, 10, expires=3)
    spent = strict.redeem(anna, 10)
    strict.turn(days=5)
    strict.reverse(spent, 4)
    assert strict.has(anna) == (4, 0, 0, 0)
    strict.turn(days=9)
    assert strict.has(anna) == (4, 0, 0, 0)
    strict.turn(days=1)
    assert strict.has(anna) == (0, 0, 0, 0)
    strict.reverse(spent, expires_at=strict.days(50))
    strict.turn(days=49)
    assert strict.has(anna) == (6, 0, 0, 0)


def test_earned_points_are_taken_back_from_the_lot_they_made(club, anna) -> None:
    club.grant(anna, 10, expires=3)
    earned = club.grant(anna, 20, expires=9)
    club.reverse(earned, 15)
    club.turn(days=3)
    assert club.has(anna) == (5, 0, 0, 0)


def test_pending_points_are_taken_back_too(club, anna) -> None:
    earned = club.grant(anna, 20, activates=14)
    club.reverse(earned, 15)
    assert club.has(anna) == (0, 5, 0, 0)
    club.reverse(earned)
    club.turn(days=14)
    assert club.has(anna) == (0, 0, 0, 0)


def test_what_was_spent_comes_from_other_points_and_then_becomes_a_debt(club, anna) -> None:
    earned = club.grant(anna, 100)
    club.redeem(anna, 90)
    club.grant(anna, 30)
    club.reverse(earned)
    assert club.has(anna) == (0, 0, 0, 60)
    club.grant(anna, 40)
    assert club.has(anna) == (0, 0, 0, 20)
    club.grant(anna, 50, activates=1)
    assert club.has(anna) == (0, 50, 0, 20)
    club.turn(days=1)
    assert club.has(anna) == (30, 0, 0, 0)


def test_a_programme_may_refuse_what_would_become_a_debt(strict) -> None:
    anna = strict.join()
    earned = strict.grant(anna, 100)
    strict.redeem(anna, 90)
    with pytest.raises(PointsSpent) as refusal:
        strict.reverse(earned)
    assert refusal.value.missing == 90
    assert strict.has(anna) == (10, 0, 0, 0)
    strict.reverse(earned, 10)
    assert strict.has(anna) == (0, 0, 0, 0)


def test_points_that_ran_out_count_as_taken_back(club, anna) -> None:
    earned = club.grant(anna, 100, expires=2)
    club.redeem(anna, 30)
    club.grant(anna, 500)
    club.turn(days=2)
    club.reverse(earned)
    # Seventy were gone by themselves; only the thirty that were spent are missed.
    assert club.has(anna) == (470, 0, 0, 0)


def test_points_that_all_ran_out_are_undone_and_nothing_moves(club, anna) -> None:
    earned = club.grant(anna, 100, expires=2)
    club.turn(days=2)
    club.reverse(earned)
    assert club.has(anna) == (0, 0, 0, 0)
    assert club.story(anna) == [("accrual", 100, 100), ("expiry", -100, 0)]
    assert club.own() == {"issued": 0, "expired": 0}
    with pytest.raises(AlreadyReversed):
        club.reverse(earned)


def test_what_ran_out_is_counted_once(club, anna) -> None:
    earned = club.grant(anna, 100, expires=2)
    club.grant(anna, 20, expires=1)  # another lot: it has nothing to do with it
    club.redeem(anna, 50)  # twenty of the lot that goes first, thirty of the other
    club.turn(days=2)
    club.reverse(earned, 50)
    assert club.has(anna) == (0, 0, 0, 0)
    club.reverse(earned)  # of the seventy that were gone twenty are left to count
    assert club.has(anna) == (0, 0, 0, 30)
    assert club.own() == {"issued": -20, "redeemed": 50, "expired": 0}


def test_what_ran_out_and_was_given_back_is_there_to_be_taken(club, anna) -> None:
    earned = club.grant(anna, 100, expires=2)
    club.redeem(anna, 30)
    club.turn(days=2)
    club.reverse(club.lines(anna)[0].id, 40, expires_at=club.days(5))
    assert club.has(anna) == (40, 0, 0, 0)
    club.reverse(earned)
    assert club.has(anna) == (0, 0, 0, 30)


def test_parts_that_are_undone_one_after_the_other_add_up(club, anna) -> None:
    club.grant(anna, 10, expires=3)
    club.grant(anna, 20, expires=9)
    spent = club.redeem(anna, 25)
    assert club.lots(anna) == [(5, 0)]
    for points, lots in ((7, [(12, 0)]), (10, [(2, 0), (20, 0)]), (8, [(10, 0), (20, 0)])):
        club.reverse(spent, points)
        assert club.lots(anna) == lots


def test_what_comes_back_pays_a_debt_first(club, anna) -> None:
    earned = club.grant(anna, 100)
    spent = club.redeem(anna, 100)
    club.reverse(earned, 60)
    assert club.has(anna) == (0, 0, 0, 60)
    club.reverse(spent, 50)
    assert club.has(anna) == (0, 0, 0, 10)
    club.reverse(spent)
    assert club.has(anna) == (40, 0, 0, 0)


def test_held_points_are_not_taken_back(club, anna) -> None:
    earned = club.grant(anna, 100)
    club.grant(anna, 30, expires=1)
    hold = club.hold(anna, 90)
    club.reverse(earned)
    # Forty were free; sixty of the hundred are held and become a debt.
    assert club.has(anna) == (0, 0, 90, 60)
    club.release(hold)
    assert club.has(anna) == (30, 0, 0, 0)


def test_a_reversal_says_how_much_it_undid_and_what_both_have_then(club, anna, boris) -> None:
    club.grant(anna, 100)
    gift = club.transfer(anna, boris, 40)
    club.redeem(boris, 30)
    undone = club.database.run(
        lambda session: corrections.reverse(
            session, reversals.find(session, gift), Reversal(), club.clock()
        )
    )
    assert undone.points == 40
    assert {of: (one.available, one.debt) for of, one in undone.balances.items()} == {
        anna.id: (100, 0),
        boris.id: (0, 30),
    }
    assert {club.lines(one)[0].id for one in (anna, boris)} == {undone.posting_id}


def test_an_opening_is_undone_on_its_own_account(club, anna) -> None:
    posting = club.database.run(
        lambda session: accruals.grant(
            session,
            session.get_one(Member, anna.id),
            Grant(10),
            club.clock(),
            kind="opening",
            source="opening",
        )
    ).posting_id
    club.reverse(posting, 4)
    assert club.own() == {"opening": -6}


def test_what_ran_out_can_be_given_back_with_a_new_date(club, anna) -> None:
    club.grant(anna, 100, expires=2)
    club.turn(days=2)
    expiry = club.lines(anna)[0].id
    with pytest.raises(NotReversible) as refusal:
        club.reverse(expiry)
    assert refusal.value.facts() == {"kind": "expiry"}
    with pytest.raises(DatesOutOfOrder) as order:
        club.reverse(expiry, expires_at=club.clock())
    assert order.value.facts() == {"earlier": "now", "later": "expires_at"}
    club.reverse(expiry, 60, expires_at=club.days(5))
    assert club.has(anna) == (60, 0, 0, 0)
    club.turn(days=5)
    assert club.has(anna) == (0, 0, 0, 0)


def test_a_captured_hold_is_a_redemption_that_can_be_returned(club, anna) -> None:
    club.grant(anna, 100)
    posting = club.capture(club.hold(anna, 60), 40)
    club.reverse(posting, 25)
    assert club.has(anna) == (85, 0, 0, 0)


def test_no_more_is_undone_than_was_done(club, anna) -> None:
    club.grant(anna, 100)
    spent = club.redeem(anna, 60)
    club.reverse(spent, 20)
    with pytest.raises(ReversalTooLarge) as refusal:
        club.reverse(spent, 41)
    assert refusal.value.facts() == {"asked": 41, "left": 40}
    for none in (0, -1):
        with pytest.raises(ReversalTooLarge):
            club.reverse(spent, none)
    club.reverse(spent, 1)
    club.reverse(spent)
    with pytest.raises(AlreadyReversed):
        club.reverse(spent)
    assert club.has(anna) == (100, 0, 0, 0)


def test_a_reversal_is_not_reversed(club, anna) -> None:
    undone = club.reverse(club.grant(anna, 100))
    with pytest.raises(NotReversible):
        club.reverse(undone)


def test_a_date_of_return_lies_ahead(club, anna) -> None:
    club.grant(anna, 100)
    with pytest.raises(DatesOutOfOrder):
        club.reverse(club.redeem(anna, 1), expires_at=club.clock())


def test_an_unknown_posting_is_told(club) -> None:
    for unknown in ("00000000-0000-0000-0000-000000000000", "x", ""):
        with club.database.reading() as session, pytest.raises(UnknownPosting):
            reversals.find(session, unknown)


def test_what_comes_back_must_fit_into_a_balance(club, anna) -> None:
    club.grant(anna, MOST_POINTS)
    spent = club.redeem(anna, 10)
    club.grant(anna, 5)
    with pytest.raises(BalanceTooLarge) as refusal:
        club.reverse(spent, 6)
    assert refusal.value.facts() == {"largest": MOST_POINTS}
    club.reverse(spent, 5)
    assert club.has(anna) == (MOST_POINTS, 0, 0, 0)


def test_a_debt_must_fit_too(club, anna) -> None:
    """What is owed is counted apart from what is there, and has the same limit."""
    first = club.grant(anna, MOST_POINTS)
    club.redeem(anna, MOST_POINTS)
    second = club.grant(anna, 10)
    club.redeem(anna, 10)
    club.reverse(first, MOST_POINTS - 5)
    with pytest.raises(BalanceTooLarge) as refusal:
        club.reverse(second, 6)
    assert refusal.value.facts() == {"largest": MOST_POINTS}
    club.reverse(second, 5)
    assert club.has(anna) == (0, 0, 0, MOST_POINTS)


def test_two_tills_return_one_purchase_once(club, anna) -> None:
    club.grant(anna, 100)
    spent = club.redeem(anna, 90)

    def attempt(_: int) -> int:
        try:
            club.reverse(spent, 30)
        except AlreadyReversed:
            return 0
        return 30

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(16))) == 90
    assert club.has(anna) == (100, 0, 0, 0)
