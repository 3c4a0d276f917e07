"""Whose accounts a member uses: households, and two members who are one person; and what happened
before that, undone after it."""

import pytest
from books import check_books
from sqlalchemy import text, update

from ledger.book import audit
from ledger.errors import (
    HoldsOpen,
    MemberMergedAway,
    NotReversible,
    PointsSpent,
    PooledMember,
    SameMember,
)
from ledger.people import cards, members
from ledger.people.members import Member
from ledger.points import households


@pytest.fixture
def vera(club) -> Member:
    return club.join("Вера")


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


def test_a_household_has_one_head(club, anna, boris, vera) -> None:
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
        number = cards.newest_of(session, boris.id).number
    club.merge(boris, anna)
    assert club.has(anna) == (107, 0, 0, 0)
    with club.database.reading() as session:
        assert cards.owner(session, number, club.clock()).member.id == anna.id
    # Their history stays, and what it did can still be undone.
    club.reverse(earned, 40)
    assert club.has(anna) == (67, 0, 0, 0)
    with pytest.raises(MemberMergedAway) as refusal:
        club.merge(boris, club.join("Вера"))
    assert refusal.value.facts() == {"into": anna.public_id}
    with pytest.raises(MemberMergedAway):
        club.leave(boris)


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


def test_merging_twice_leads_to_the_last(club, anna, boris, vera) -> None:
    club.grant(boris, 5)
    club.merge(boris, anna)
    club.merge(anna, vera)
    with club.database.reading() as session:
        number = cards.newest_of(session, boris.id).number
        assert cards.owner(session, number, club.clock()).member.id == vera.id
    assert club.has(boris) == club.has(anna) == club.has(vera) == (5, 0, 0, 0)


def test_sharing_names_everybody_who_sees_a_change(club, anna, boris) -> None:
    club.household(boris, anna)
    with club.database.reading() as session:
        sharing = members.using_accounts_of(session, [anna.id])
    assert {one.id for one in sharing} == {anna.id, boris.id}


@pytest.fixture(params=["merge", "household"])
def together(request, club):
    """Two members who use one account from now on, for one reason or the other."""
    return getattr(club, request.param)


def test_what_was_spent_before_comes_back_to_the_account_of_today(
    club, anna, boris, together
) -> None:
    club.grant(boris, 100, expires=9)
    spent = club.redeem(boris, 40)
    together(boris, anna)
    club.reverse(spent, 15)
    club.reverse(spent)
    assert club.has(anna) == club.has(boris) == (100, 0, 0, 0)
    club.turn(days=9)  # with its old dates
    assert club.has(anna) == (0, 0, 0, 0)


def test_what_was_earned_before_is_taken_back_from_the_account_of_today(
    club, anna, boris, together
) -> None:
    club.grant(anna, 5, expires=1)
    earned = club.grant(boris, 100)
    club.redeem(boris, 40)
    together(boris, anna)
    club.reverse(earned, 30)
    assert club.lots(anna) == [(5, 0), (30, 0)]  # from where it went, not from what runs out first
    club.reverse(earned)
    assert club.has(anna) == (0, 0, 0, 35)


def test_nobody_owes_where_the_programme_refuses_debts(club, anna, together) -> None:
    club.code = "strict"
    club.open(overdrawn="refuse")
    one, other = club.join("Глеб"), club.join("Дарья")
    earned = club.grant(one, 100)
    club.redeem(one, 40)
    together(one, other)
    with pytest.raises(PointsSpent) as refusal:
        club.reverse(earned)
    assert refusal.value.facts() == {"missing": 40}
    club.reverse(earned, 60)
    assert club.has(other) == (0, 0, 0, 0)


def test_earned_and_spent_before_undone_after_in_any_order(club, anna, boris, together) -> None:
    earned = club.grant(boris, 100, expires=9)
    spent = club.redeem(boris, 40)
    club.grant(anna, 7, expires=1)
    together(boris, anna)
    club.reverse(spent)
    club.reverse(earned)  # also what came back as a new lot
    assert club.has(anna) == (7, 0, 0, 0)
    assert club.lots(anna) == [(7, 0)]


def test_what_ran_out_since_counts_as_taken_back(club, anna, boris, together) -> None:
    earned = club.grant(boris, 100, expires=3)
    together(boris, anna)
    club.grant(anna, 50)
    club.turn(days=3)
    club.reverse(earned)
    assert club.has(anna) == (50, 0, 0, 0)


def test_points_that_come_back_too_late_get_the_grace(club, together) -> None:
    club.code = "kind"
    club.open(grace_days=5)
    one, other = club.join("Глеб"), club.join("Дарья")
    club.grant(one, 10, expires=2)
    spent = club.redeem(one, 10)
    together(one, other)
    club.turn(days=3)
    club.reverse(spent)
    assert club.has(other) == (10, 0, 0, 0)
    club.turn(days=5)
    assert club.has(other) == (0, 0, 0, 0)


def test_without_grace_they_are_gone_again_at_once(club, anna, boris, together) -> None:
    club.grant(boris, 10, expires=2)
    spent = club.redeem(boris, 10)
    together(boris, anna)
    club.turn(days=3)
    club.reverse(spent)
    assert club.has(anna) == (0, 0, 0, 0)
    assert club.story(anna)[-2:] == [("reversal", 10, 10), ("expiry", -10, 0)]


def test_an_expiry_is_undone_where_the_member_is_now(club, anna, boris, together) -> None:
    club.grant(boris, 10, expires=2)
    club.turn(days=2)
    expiry = club.lines(boris)[0].id
    together(boris, anna)
    club.reverse(expiry, expires_at=club.days(4))
    assert club.has(anna) == (10, 0, 0, 0)
    club.turn(days=4)
    assert club.has(anna) == (0, 0, 0, 0)


def test_it_works_over_several_merges(club, anna, boris, vera) -> None:
    earned = club.grant(boris, 100, expires=9)
    spent = club.redeem(boris, 40)
    club.merge(boris, anna)
    club.grant(anna, 3)
    later = club.redeem(anna, 10)
    club.merge(anna, vera)
    club.reverse(later)
    club.reverse(spent)
    assert club.has(vera) == (103, 0, 0, 0)
    club.reverse(earned)
    assert club.has(vera) == (3, 0, 0, 0)


def test_a_gift_between_two_who_are_one_is_nothing_to_undo(club, anna, boris, vera) -> None:
    club.grant(boris, 30)
    gift = club.transfer(boris, anna, 20)
    other = club.transfer(boris, vera, 10)
    club.merge(boris, anna)
    with pytest.raises(NotReversible):
        club.reverse(gift)
    club.reverse(other)
    assert (club.has(anna), club.has(vera)) == ((30, 0, 0, 0), (0, 0, 0, 0))


def test_whoever_left_a_household_answers_for_themselves_again(club, anna, boris) -> None:
    earned = club.grant(boris, 100)
    spent = club.redeem(boris, 40)
    club.household(boris, anna)
    at_home = club.grant(boris, 5)
    club.leave(boris)
    club.reverse(spent)
    assert (club.has(boris), club.has(anna)) == ((40, 0, 0, 0), (65, 0, 0, 0))
    club.reverse(earned)  # the sixty stayed with the household
    assert club.has(boris) == (0, 0, 0, 60)
    club.reverse(at_home)
    assert club.has(anna) == (60, 0, 0, 0)


def test_a_hold_of_the_household_ends_there_after_its_member_left(club, anna, boris) -> None:
    club.grant(anna, 100)
    club.household(boris, anna)
    one, other = club.hold(boris, 30), club.hold(boris, 20)
    club.leave(boris)
    club.capture(one, 10)
    club.release(other)
    assert (club.has(anna), club.has(boris)) == ((90, 0, 0, 0), (0, 0, 0, 0))


def test_two_are_not_merged_into_each_other(club, anna, boris) -> None:
    club.merge(boris, anna)
    with pytest.raises(SameMember):
        club.merge(anna, boris)


# --- Books from before accounts were closed ---------------------------------------------------


def broken(club) -> set[str]:
    with club.database.reading() as session:
        return {one.rule for one in audit.check(session)}


def strand(club, member, do) -> None:
    """Do something on the member's own account although they use another, as it could come about
    while somebody merged them at the same moment."""
    with club.database.transaction() as session:
        household_id = session.get_one(Member, member.id).household_id
    place(club, member, household_id=None)
    do()
    place(club, member, household_id=household_id)


def place(club, member, **values: int | None) -> None:
    """Write where a member is, and whether their account is closed, past all rules."""
    with club.database.transaction() as session:
        session.execute(update(Member).where(Member.id == member.id).values(**values))
        session.execute(
            text(
                "UPDATE ledger_balance SET closed = :closed WHERE account_id IN"
                " (SELECT id FROM ledger_account WHERE member_id = :member)"
            ),
            {"closed": values.get("household_id") is not None, "member": member.id},
        )


def bring_home(club) -> list[int | None]:
    with club.database.reading() as session:
        left = households.left_behind(session)
    return [
        club.database.run(
            lambda session, one=one: households.bring_home(session, one, club.clock())
        )
        for one in left
    ]


def test_points_and_debts_that_were_left_behind_come_home(
    club, anna, boris, vera, together
) -> None:
    together(boris, anna)
    strand(club, boris, lambda: club.grant(boris, 7, expires=3))
    together(vera, anna)
    strand(club, vera, lambda: owe(club, vera, 5))
    assert broken(club) == {"nothing is left on an account that nobody uses"}
    assert club.has(anna) == (0, 0, 0, 0)
    assert bring_home(club) == [7, -5]
    assert club.has(anna) == (2, 0, 0, 0)
    assert broken(club) == set()
    assert bring_home(club) == []
    club.turn(days=3)
    assert club.has(anna) == (0, 0, 0, 0)


def owe(club, member, points: int) -> None:
    earned = club.grant(member, points)
    club.redeem(member, points)
    club.reverse(earned)


def test_what_a_hold_set_aside_comes_home_when_the_hold_has_ended(club, anna, boris) -> None:
    club.merge(boris, anna)
    strand(club, boris, lambda: club.grant(boris, 7))
    holds: list[str] = []
    strand(club, boris, lambda: holds.append(club.hold(boris, 5)))
    assert bring_home(club) == [None]
    club.capture(holds[0], 3)
    assert bring_home(club) == [4]
    assert club.has(anna) == (4, 0, 0, 0)


def test_points_that_run_out_where_nobody_looks_do_so(club, anna, boris) -> None:
    club.merge(boris, anna)
    strand(club, boris, lambda: club.grant(boris, 7, expires=1))
    club.turn(days=1)
    assert broken(club) == set()


def untangle(club) -> set[int]:
    return set(club.database.run(lambda session: households.untangle(session, club.clock())))


def test_a_circle_of_merges_is_opened_at_the_first_member(club, anna, boris) -> None:
    club.merge(boris, anna)
    place(club, boris, household_id=None, merged_into_id=None)
    club.grant(boris, 5)
    place(club, boris, household_id=anna.id, merged_into_id=anna.id)
    place(club, anna, household_id=boris.id, merged_into_id=boris.id)
    assert "whom a member was merged into is not merged themselves" in broken(club)
    assert untangle(club) == {anna.id}
    assert bring_home(club) == [5]
    assert club.has(anna) == club.has(boris) == (5, 0, 0, 0)
    assert broken(club) == set()
    assert untangle(club) == set()


def test_whoever_was_merged_into_somebody_who_was_merged_on_is_one_step_away(
    club, anna, boris, vera
) -> None:
    club.merge(anna, vera)
    place(club, boris, household_id=anna.id, merged_into_id=anna.id)
    assert untangle(club) == {boris.id}
    with club.database.reading() as session:
        number = cards.newest_of(session, boris.id).number
        assert cards.owner(session, number, club.clock()).member.id == vera.id
        check_books(session)


def test_heads_of_each_other_become_one_household(club, anna, boris) -> None:
    place(club, anna, household_id=boris.id)
    place(club, boris, household_id=anna.id)
    assert broken(club) == {"the head of a household uses their own account"}
    assert untangle(club) == {anna.id}
    club.grant(boris, 3)
    assert club.has(anna) == (3, 0, 0, 0)
    assert broken(club) == set()
