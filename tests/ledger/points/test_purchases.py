"""What was paid: beside the posting, in its transaction, and what becomes of it when the posting is
undone."""

from datetime import timedelta
from fractions import Fraction

import pytest
from books import check_books
from clubs import Club
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from statements import recorded

from ledger.book import reversals
from ledger.book.purchases import PurchaseRow
from ledger.database.idempotency import StoredAnswer
from ledger.errors import AmountTooLarge, InsufficientPoints, TooManyDecimals, WrongCurrency
from ledger.money import Money
from ledger.people.members import Member
from ledger.points import batches, corrections
from ledger.points.accruals import Grant
from ledger.points.batches import Item
from ledger.points.causes import Cause
from ledger.points.corrections import Reversal, Undone
from ledger.points.redemptions import Spend
from ledger.points.resolving import Whom
from ledger.programmes.units import UnitTerms


def rub(amount: str) -> Money:
    return Money(amount, "RUB")


def paid(club: Club, member: Member) -> list[tuple[str, str | None]]:
    """The statement, oldest first: kind, and what was paid."""
    lines = reversed(club.lines(member))
    return [(one.kind, None if one.purchase is None else str(one.purchase)) for one in lines]


def undo(club: Club, posting_id: str, points: int | None = None) -> Undone:
    return club.database.run(
        lambda session: corrections.reverse(
            session, reversals.find(session, posting_id), Reversal(points), club.clock()
        )
    )


def kept(club: Club) -> int:
    """What was paid and not taken back, in pieces."""
    with club.database.reading() as session:
        return int(session.scalar(select(func.sum(PurchaseRow.amount))) or 0)


def standing(club: Club) -> int:
    """How many purchases there are that were not undone."""
    with club.database.reading() as session:
        wanted = select(func.count()).select_from(PurchaseRow).where(PurchaseRow.stands)
        return session.scalars(wanted).one()


def test_what_was_paid_stands_in_the_statement(club, anna) -> None:
    club.grant(anna, 100, purchase=rub("1000"))
    club.grant(anna, 5)
    club.redeem(anna, 30, purchase=rub("470.5"))
    club.redeem(anna, 10, purchase=rub("0"))
    held = club.hold(anna, 10)
    club.capture(held)
    assert paid(club, anna) == [
        ("accrual", "1000.00 RUB"),
        ("accrual", None),
        ("redemption", "470.50 RUB"),
        ("redemption", "0.00 RUB"),
        ("redemption", None),
    ]


def test_what_was_paid_goes_the_slow_way_too(club, anna) -> None:
    """Where something is due, a posting is written without the guard."""
    club.grant(anna, 10, expires=1)
    club.clock.advance(days=2)
    club.grant(anna, 100, purchase=rub("1000"))
    club.grant(anna, 10, expires=1)
    club.clock.advance(days=2)
    club.redeem(anna, 100, purchase=rub("7"))
    bought = [one for one in paid(club, anna) if one[1] is not None]
    assert bought == [("accrual", "1000.00 RUB"), ("redemption", "7.00 RUB")]


@pytest.mark.parametrize(
    ("money", "refusal"),
    [
        (Money("1.001", "RUB"), TooManyDecimals),
        (Money("1.1", "JPY"), TooManyDecimals),
        (Money("1.0001", "KWD"), TooManyDecimals),
        (Money("90071992547409.92", "RUB"), AmountTooLarge),
    ],
)
def test_money_that_does_not_fit_is_refused_and_nothing_is_posted(
    club, anna, money, refusal
) -> None:
    with pytest.raises(refusal):
        club.grant(anna, 100, purchase=money)
    assert club.story(anna) == []


@pytest.mark.parametrize(
    ("money", "told"),
    [
        (Money("12", "JPY"), "12 JPY"),
        (Money("12.10", "KWD"), "12.100 KWD"),
        (Money("1.2345", "CLF"), "1.2345 CLF"),
        (Money("90071992547409.91", "RUB"), "90071992547409.91 RUB"),
    ],
)
def test_a_currency_has_its_own_decimal_places(club, anna, money, told) -> None:
    club.grant(anna, 100, purchase=money)
    assert paid(club, anna) == [("accrual", told)]


def test_where_money_moves_the_purchase_is_in_its_currency(club, anna) -> None:
    club.add_unit(UnitTerms("cashback", "money", 0, "RUB"))
    club.grant(anna, 5, unit="cashback", purchase=rub("99.90"))  # whole roubles back, of kopecks
    club.grant(anna, 5, purchase=Money("99.90", "EUR"))
    with pytest.raises(WrongCurrency):
        club.grant(anna, 5, unit="cashback", purchase=Money("99.90", "EUR"))
    assert paid(club, anna) == [("accrual", "99.90 EUR")]


def test_a_refused_posting_leaves_no_purchase(club, anna) -> None:
    with pytest.raises(InsufficientPoints):
        club.redeem(anna, 10, purchase=rub("5"))
    assert standing(club) == 0


def test_a_whole_reversal_undoes_the_purchase(club, anna) -> None:
    posting = club.grant(anna, 100, purchase=rub("1000"), store="arbat")
    undone = undo(club, posting)
    assert undone.purchase is not None
    assert (str(undone.purchase.money), str(undone.purchase.money_left)) == (
        "1000.00 RUB",
        "0.00 RUB",
    )
    assert paid(club, anna) == [("accrual", "1000.00 RUB"), ("reversal", "-1000.00 RUB")]
    assert (kept(club), standing(club)) == (0, 0)


def test_a_part_takes_back_in_proportion_and_the_rest_ends_at_nothing(club, anna) -> None:
    posting = club.grant(anna, 3, purchase=rub("100"))
    parts = [undo(club, posting, 1).purchase for _ in range(2)]
    assert [(str(one.money), str(one.money_left)) for one in parts if one is not None] == [
        ("33.33 RUB", "66.67 RUB"),
        ("33.33 RUB", "33.34 RUB"),
    ]
    assert standing(club) == 1
    assert str(undo(club, posting).purchase.money) == "33.34 RUB"
    assert (kept(club), standing(club)) == (0, 0)


def test_a_purchase_for_nothing_is_undone_too(club, anna) -> None:
    club.grant(anna, 50)
    posting = club.redeem(anna, 50, purchase=rub("0"))
    assert standing(club) == 1
    undo(club, posting, 20)
    assert standing(club) == 1
    undo(club, posting)
    assert standing(club) == 0


def test_a_reversal_of_what_is_no_purchase_says_nothing_of_one(club, anna, boris) -> None:
    posting = club.grant(anna, 10)
    assert undo(club, posting).purchase is None
    club.grant(anna, 10, purchase=rub("5"))
    gift = club.transfer(anna, boris, 10)
    assert undo(club, gift).purchase is None
    assert paid(club, boris) == [("transfer", None), ("reversal", None)]


def test_what_is_taken_back_is_taken_from_the_day_and_the_account_of_the_purchase(
    club, anna, boris
) -> None:
    """Whoever adds up what was paid on a day reads that day's purchases, less what came back
    later."""
    posting = club.grant(anna, 100, purchase=rub("1000"), store="arbat")
    bought_at = club.clock()
    club.merge(anna, boris)
    club.clock.advance(days=3)
    undo(club, posting, 40)
    with club.database.reading() as session:
        rows = session.scalars(select(PurchaseRow).order_by(PurchaseRow.posting_id)).all()
    assert len({one.account_id for one in rows}) == 1
    assert [(one.amount, one.store, one.occurred_at, one.stands) for one in rows] == [
        (100_000, "arbat", bought_at, True),
        (-40_000, "arbat", bought_at, False),
    ]


def test_a_batch_keeps_what_was_paid_item_by_item(club, anna, boris) -> None:
    wishes = [
        (anna, Grant(100, Cause(purchase=rub("1000")))),
        (boris, Grant(7, Cause(store='a "b"\\', purchase=rub("70.07")))),
        (anna, Spend(1)),
        (anna, Spend(2, Cause(purchase=rub("0")))),
        (boris, Spend(900, Cause(purchase=rub("1")))),
    ]
    items = [
        Item(f"key-{n}", bytes([n]) * 32, Whom(member=who.public_id), wish)
        for n, (who, wish) in enumerate(wishes)
    ]
    club.database.run(
        lambda session: batches.post(
            session, "test", items, lambda _: StoredAnswer(201, b"{}"), club.clock()
        )
    )
    assert paid(club, anna) == [
        ("accrual", "1000.00 RUB"),
        ("redemption", None),
        ("redemption", "0.00 RUB"),
    ]
    assert paid(club, boris) == [("accrual", "70.07 RUB")]
    with club.database.reading() as session:
        assert session.scalars(select(PurchaseRow.store).distinct()).all().count('a "b"\\') == 1
        check_books(session)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    points=st.integers(1, 40),
    pieces=st.integers(0, 10_000),
    parts=st.lists(st.integers(1, 40), max_size=6),
)
def test_any_parts_end_at_exactly_nothing(club, anna, points, pieces, parts) -> None:
    posting = club.grant(anna, points, purchase=Money.of(pieces, 2, "RUB"))
    left, undone = pieces, 0
    for part in parts:
        if part >= points - undone:
            break
        found = undo(club, posting, part).purchase
        undone += part
        assert found is not None
        taken = -found.paid.amount
        assert taken >= 0
        assert abs(taken - Fraction(pieces * part, points)) < 1
        left -= taken
        assert found.left == left
    last = undo(club, posting).purchase
    assert last is not None
    assert (last.left, -last.paid.amount) == (0, left)
    club.clock.now += timedelta(seconds=1)


def test_what_was_paid_costs_no_statement_and_nothing_costs_what_nobody_paid(club, anna) -> None:
    """On PostgreSQL a posting is one statement; one that says nothing of a purchase is the same as
    if there were none."""

    def sent(purchase: Money | None) -> list[str]:
        with recorded(club.database) as statements:
            club.grant(anna, 1, purchase=purchase)
        return statements

    club.grant(anna, 1)
    with_one, without = sent(rub("5")), sent(None)
    named = ["ledger_purchase" in " ".join(one) for one in (with_one, without)]
    assert named == [True, False]
    steps = 1 if club.database.is_sqlite else 0
    assert len(with_one) == len(without) + steps


def test_occurred_at_is_when_the_purchase_was(club, anna) -> None:
    when = club.days(-3)
    club.grant(anna, 1, occurred_at=when, purchase=rub("1"))
    with club.database.reading() as session:
        assert session.scalars(select(PurchaseRow.occurred_at)).one() == when
