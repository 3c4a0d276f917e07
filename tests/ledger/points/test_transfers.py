"""Gifts: points from one member to another."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.errors import (
    BalanceTooLarge,
    InsufficientPoints,
    OtherProgramme,
    SameMember,
)
from ledger.limits import MOST_POINTS
from ledger.people.members import Member
from ledger.points import transfers
from ledger.points.transfers import Gift


def test_a_gift_keeps_its_dates(club, anna, boris) -> None:
    club.grant(anna, 10, expires=3)
    club.grant(anna, 20, expires=9)
    club.transfer(anna, boris, 15)
    assert (club.has(anna)[0], club.has(boris)[0]) == (15, 15)
    club.turn(days=3)
    assert (club.has(anna)[0], club.has(boris)[0]) == (15, 5)
    assert club.story(boris) == [("transfer", 15, 15), ("expiry", -10, 5)]


def test_a_gift_pays_a_debt_first(club, anna, boris) -> None:
    earned = club.grant(boris, 100)
    club.redeem(boris, 100)
    club.reverse(earned)
    club.grant(anna, 150)
    given = club.database.run(
        lambda session: transfers.transfer(
            session,
            session.get_one(Member, anna.id),
            session.get_one(Member, boris.id),
            Gift(130),
            club.clock(),
        )
    )
    assert (given.giver.balance.available, given.taker.balance.available) == (20, 30)
    assert club.has(boris) == (30, 0, 0, 0)
    assert club.story(boris)[-2:] == [("transfer", 130, 130), ("repayment", -100, 30)]
    assert {given.giver.posting_id, given.taker.posting_id} == {club.lines(anna)[0].id}


def test_a_gift_can_be_returned_in_part(club, anna, boris) -> None:
    club.grant(anna, 10, expires=3)
    club.grant(anna, 20, expires=9)
    gift = club.transfer(anna, boris, 15)
    club.redeem(boris, 12)
    club.reverse(gift, 5)  # three are left of it, two become a debt
    assert (club.has(anna), club.has(boris)) == ((20, 0, 0, 0), (0, 0, 0, 2))


def test_nobody_gives_what_they_do_not_have(club, anna, boris) -> None:
    club.grant(anna, 10, activates=1)
    with pytest.raises(InsufficientPoints) as refusal:
        club.transfer(anna, boris, 1)
    assert refusal.value.facts() == {"asked": 1, "available": 0}
    with pytest.raises(SameMember):
        club.transfer(anna, anna, 1)


def test_points_stay_in_their_programme(club, anna) -> None:
    club.grant(anna, 10)
    club.code = "other"
    club.open()
    with pytest.raises(OtherProgramme):
        club.transfer(anna, club.join(), 1)


def test_gifts_in_circles_lock_nobody_out(club) -> None:
    people = [club.join(str(number)) for number in range(4)]
    for one in people:
        club.grant(one, 1000)

    def give(number: int) -> None:
        giver, taker = people[number % 4], people[(number * 7 + 1) % 4]
        if giver.id != taker.id:
            club.transfer(giver, taker, number % 9 + 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(give, range(120)))
    assert sum(club.has(one)[0] for one in people) == 4000


@pytest.mark.parametrize("move", ["transfer", "merge"])
def test_together_they_have_no_more_than_a_balance_can_hold(club, anna, boris, move) -> None:
    club.grant(anna, MOST_POINTS - 10)
    club.grant(boris, 11)

    def moved() -> None:
        if move == "merge":
            club.merge(boris, anna)
        else:
            club.transfer(boris, anna, club.has(boris)[0])

    with pytest.raises(BalanceTooLarge) as refusal:
        moved()
    assert refusal.value.facts() == {"largest": MOST_POINTS}
    assert (club.has(anna)[0], club.has(boris)[0]) == (MOST_POINTS - 10, 11)
    club.redeem(boris, 1)
    moved()
    assert club.has(anna)[0] == MOST_POINTS
