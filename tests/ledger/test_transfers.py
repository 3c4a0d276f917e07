"""Points between members: gifts, households, and two members who are one person."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger import members, transfers
from ledger.errors import (
    BalanceTooLarge,
    HoldsOpen,
    InsufficientPoints,
    MemberMergedAway,
    OtherProgramme,
    PooledMember,
    SameMember,
)
from ledger.members import Member
from ledger.points import MOST_POINTS
from ledger.transfers import Gift


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


def test_a_household_shares_one_account(club, anna, boris) -> None:
    club.grant(anna, 10)
    club.grant(boris, 20, activates=1)
    club.household(boris, anna)
    assert club.has(anna) == club.has(boris) == (10, 20, 0, 0)
    club.grant(boris, 5)
    club.redeem(anna, 15)
    assert club.has(boris) == (0, 20, 0, 0)
    club.leave(boris)
    assert (club.has(anna), club.has(boris)) == ((0, 20, 0, 0), (0, 0, 0, 0))
    club.grant(boris, 1)
    assert club.has(boris) == (1, 0, 0, 0)


def test_a_household_has_one_head(club, anna, boris) -> None:
    vera = club.join("Вера")
    club.household(boris, anna)
    for one, other in ((boris, vera), (vera, boris), (anna, vera)):
        with pytest.raises(PooledMember):
            club.household(one, other)
    club.household(vera, anna)
    with pytest.raises(SameMember):
        club.transfer(vera, boris, 1)


def test_a_merged_member_is_the_other_from_then_on(club, anna, boris) -> None:
    earned = club.grant(boris, 100, expires=9)
    club.grant(anna, 7)
    with club.database.reading() as session:
        number = members.card_of(session, boris.id).number
    club.merge(boris, anna)
    assert club.has(anna) == (107, 0, 0, 0)
    with club.database.reading() as session:
        assert members.by_card(session, number).id == anna.id
    # Their history stays, and what it did can still be undone.
    club.reverse(earned, 40)
    assert club.has(anna)[0] + club.has(anna)[3] >= 0
    with pytest.raises(MemberMergedAway):
        club.merge(boris, club.join("Вера"))


def test_debts_move_with_a_member(club, anna, boris) -> None:
    earned = club.grant(boris, 100)
    club.redeem(boris, 100)
    club.reverse(earned)
    club.grant(anna, 30)
    club.merge(boris, anna)
    assert club.has(anna) == (0, 0, 0, 70)


def test_a_member_with_open_holds_is_not_merged(club, anna, boris) -> None:
    club.grant(boris, 100)
    club.hold(boris, 1)
    with pytest.raises(HoldsOpen) as refusal:
        club.merge(boris, anna)
    assert refusal.value.facts() == {"held": 1}
    assert club.has(boris) == (99, 0, 1, 0)


def test_a_debt_and_what_is_not_active_yet_move_together(club, anna, boris) -> None:
    earned = club.grant(boris, 100)
    club.redeem(boris, 100)
    club.reverse(earned)
    club.grant(boris, 40, activates=1)
    club.grant(boris, 5, expires=2, activates=1)
    club.merge(boris, anna)
    assert club.has(anna) == (0, 45, 0, 100)
    club.turn(days=1)
    assert club.has(anna) == (0, 0, 0, 55)


def test_who_has_nothing_is_merged_without_a_posting(club, anna, boris) -> None:
    club.grant(anna, 7)
    club.merge(boris, anna)
    assert club.story(anna) == [("accrual", 7, 7)]


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


def test_merging_twice_leads_to_the_last(club, anna, boris) -> None:
    vera = club.join("Вера")
    club.grant(boris, 5)
    club.merge(boris, anna)
    club.merge(anna, vera)
    with club.database.reading() as session:
        number = members.card_of(session, boris.id).number
        assert members.by_card(session, number).id == vera.id
    assert club.has(boris) == club.has(anna) == club.has(vera) == (5, 0, 0, 0)


def test_sharing_names_everybody_who_sees_a_change(club, anna, boris) -> None:
    club.household(boris, anna)
    with club.database.reading() as session:
        sharing = members.sharing(session, [anna.id])
    assert {one.id for one in sharing} == {anna.id, boris.id}
