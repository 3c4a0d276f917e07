"""Money and pieces: either becomes the other, and nothing is lost or rounded on the way."""

from decimal import Context, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis.strategies import integers, sampled_from

from ledger import money
from ledger.errors import AmountTooLarge, NotMoney, Refusal, TooManyDecimals, WrongCurrency
from ledger.limits import MOST_POINTS
from ledger.money import AMOUNT, Money
from ledger.programmes.units import MOST_SCALE, Unit

points = integers(-MOST_POINTS, MOST_POINTS)
scales = integers(0, MOST_SCALE)


@given(points=points, scale=scales, currency=sampled_from(["RUB", "JPY", "BHD"]))
def test_pieces_become_money_and_the_same_pieces_again(
    points: int, scale: int, currency: str
) -> None:
    told = Money.of(points, scale, currency)
    assert AMOUNT.fullmatch(told.amount)
    assert told.points(scale) == points
    assert Money.of(told.points(scale), scale, currency) == told


@given(points=points, scale=scales)
def test_money_is_what_decimal_arithmetic_says_it_is(points: int, scale: int) -> None:
    with localcontext(Context(prec=60)):
        exact = Decimal(points) / 10**scale
    assert Decimal(Money.of(points, scale, "RUB").amount) == exact


@given(points=integers(0, MOST_POINTS), scale=scales, zeros=integers(0, 30))
def test_zeros_behind_the_last_decimal_say_nothing(points: int, scale: int, zeros: int) -> None:
    whole, _, decimals = Money.of(points, scale, "RUB").amount.partition(".")
    assert money.pieces(whole, decimals + "0" * zeros, scale) == points


@pytest.mark.parametrize(
    ("amount", "scale", "points"),
    [
        ("199.90", 2, 19990),
        ("199.9", 2, 19990),
        ("199", 2, 19900),
        ("0.01", 2, 1),
        ("-0.01", 2, -1),
        ("500", 0, 500),
        ("500.00", 0, 500),
        ("1.234567", 6, 1234567),
        ("90071992547409.91", 2, MOST_POINTS),
    ],
)
def test_examples(amount: str, scale: int, points: int) -> None:
    assert Money(amount, "RUB").points(scale) == points


@pytest.mark.parametrize(
    ("amount", "refusal"),
    [
        ("0.001", TooManyDecimals(2)),
        ("1.0000000000000000000000000000000001", TooManyDecimals(2)),
        ("90071992547409.92", AmountTooLarge("90071992547409.91")),
        ("9" * 5000, AmountTooLarge("90071992547409.91")),
    ],
)
def test_what_is_no_number_of_pieces_is_refused(amount: str, refusal: Refusal) -> None:
    with pytest.raises(type(refusal)) as found:
        Money(amount, "RUB").points(2)
    assert found.value.facts() == refusal.facts()


@pytest.mark.parametrize(
    "amount", ["", "1,5", "1e3", "+1", ".5", "5.", "0199", "NaN", "1 000", "١"]
)
def test_what_is_not_written_like_an_amount_is_none(amount: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        Money(amount, "RUB").points(2)


def test_a_unit_takes_points_and_its_own_money() -> None:
    cashback = Unit(code="cashback", kind="money", scale=2, currency="RUB")
    stamps = Unit(code="stamps", kind="stamps", scale=0, currency=None)
    assert cashback.points(5) == stamps.points(5) == 5
    assert cashback.points(Money("199.90", "RUB")) == 19990
    assert cashback.money(19990) == Money("199.90", "RUB")
    assert stamps.money(5) is None
    with pytest.raises(WrongCurrency, match="is RUB, not EUR"):
        cashback.points(Money("199.90", "EUR"))
    with pytest.raises(NotMoney, match="'stamps' is not money"):
        stamps.points(Money("5", "RUB"))
