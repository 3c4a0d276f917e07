"""Card numbers, and whether they count."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from ledger.errors import CardBlocked
from ledger.people import cards
from ledger.people.cards import Card, check_digit, is_own, new_card_number
from ledger.people.members import Member


@pytest.mark.parametrize(
    ("digits", "expected"), [("7992739871", "3"), ("4539578763621486"[:-1], "6"), ("0", "0")]
)
def test_check_digits_are_those_of_luhn(digits: str, expected: str) -> None:
    assert check_digit(digits) == expected


def test_numbers_do_not_repeat_and_never_begin_with_zero() -> None:
    numbers = {new_card_number() for _ in range(20_000)}
    assert len(numbers) == 20_000
    assert all(is_own(number) and number[0] != "0" for number in numbers)


def test_one_wrong_digit_is_noticed() -> None:
    number = new_card_number()
    for position, digit in enumerate(number):
        wrong = str((int(digit) + 1) % 10)
        assert not is_own(number[:position] + wrong + number[position + 1 :])


@pytest.mark.parametrize(
    "text", ["", "12", "４５３９５７８７６３６２１４８６", "4539 5787 6362 1486"]
)
def test_other_text_is_not_a_card_number(text: str) -> None:
    assert not is_own(text)


class TestStates:
    """Each reason for which a card is refused, and that none undoes another."""

    @pytest.fixture
    def refused(self, club, anna) -> Callable[[], str | None]:
        """The code by which the newest number is refused; None if it counts."""

        def code() -> str | None:
            with club.database.reading() as session:
                newest = cards.newest_of(session, anna.id)
                found = cards.objection(newest, club.clock())
                assert cards.state(newest, club.clock()) == (
                    "active" if found is None else found.code.removeprefix("card_")
                )
                return None if found is None else found.code

        return code

    @pytest.fixture
    def do(self, club, anna) -> Callable[..., None]:
        def done(change: Callable[..., Any], *values: Any) -> None:
            with club.database.transaction() as session:
                change(session, *values)

        return done

    def test_void_and_blocked_are_two_things(self, club, anna, do, refused) -> None:
        now = club.clock()
        do(cards.make_void, anna.id, now)
        assert refused() == "card_void"
        do(cards.block, [anna.id], now)
        assert refused() == "card_blocked"
        do(cards.restore, anna.id)
        assert refused() == "card_blocked"
        do(cards.make_void, anna.id, now)
        do(cards.unblock, [anna.id])
        assert refused() == "card_void"
        do(cards.restore, anna.id)
        assert refused() is None

    def test_a_card_expires_at_its_moment_and_not_before(self, club, anna, do, refused) -> None:
        do(cards.end, anna.id, club.days(3))
        assert refused() is None
        club.clock.advance(days=3, seconds=-1)
        assert refused() is None
        club.clock.advance(seconds=1)
        assert refused() == "card_expired"

    def test_a_new_number_keeps_the_end_and_not_that_it_was_void(
        self, club, anna, do, refused
    ) -> None:
        do(cards.end, anna.id, club.days(3))
        do(cards.make_void, anna.id, club.clock())
        do(lambda session: cards.replace(session, session.get_one(Member, anna.id), club.clock()))
        assert refused() is None
        club.clock.advance(days=3)
        assert refused() == "card_expired"

    def test_what_was_lost_or_replaced_is_never_unblocked(self, club, anna, do) -> None:
        for change in (
            lambda session: cards.replace(session, session.get_one(Member, anna.id), club.clock()),
            lambda session: cards.replace_lost(
                session, [session.get_one(Member, anna.id)], club.clock()
            ),
        ):
            do(change)
        do(cards.block, [anna.id], club.clock())
        do(cards.unblock, [anna.id])
        with club.database.reading() as session:
            found = session.scalars(
                select(Card).where(Card.member_id == anna.id).order_by(Card.id)
            ).all()
        assert [one.blocked_for for one in found] == ["replaced", "lost", None]
        assert [one.blocked_at is not None for one in found] == [True, True, False]

    def test_another_number_is_refused_while_the_card_is_blocked(self, club, anna, do) -> None:
        do(cards.block, [anna.id], club.clock())
        with pytest.raises(CardBlocked) as caught:
            do(
                lambda session: cards.replace(
                    session, session.get_one(Member, anna.id), club.clock()
                )
            )
        assert caught.value.facts() == {"state": "blocked"}
        assert "waits for its owner" in str(caught.value)
