"""Stored value pays what is due; it is no discount."""

from selling import FIVE_PERCENT, line, promotion, quoted, terms

from ledger.promotions.paying import StoredValue, Wish
from ledger.promotions.quotes import Quote

LINES = [line("SHOE", "100.00"), line("CERT", "500.00", kind="certificate")]


def card(number: str, has: int, wish: Wish = "most", **more: int) -> StoredValue:
    account = {"member_id": int(number), "unit_id": 7, **more}
    return StoredValue(number, has=has, wish=wish, **account)


def paid(quote: Quote) -> list[tuple[str, int, int]]:
    return [(one.card, one.amount, one.left) for one in quote.stored]


def test_cards_pay_one_after_the_other_and_no_certificate() -> None:
    quote = quoted(LINES, stored=[card("1", 3000), card("2", 9000)])
    assert paid(quote) == [("1", 3000, 0), ("2", 7000, 2000)]
    assert (quote.total, quote.due) == (60000, 50000)
    assert [told.total for told in quote.lines] == [10000, 50000]
    assert paid(quoted(LINES[1:], stored=[card("1", 3000)])) == [("1", 0, 3000)]


def test_no_more_than_is_wished_or_there() -> None:
    quote = quoted(LINES, stored=[card("1", 3000, 1000), card("2", 500, 2000)])
    assert paid(quote) == [("1", 1000, 2000), ("2", 500, 0)]
    assert (quote.due, quote.discount) == (60000 - 1500, 0)


def test_two_cards_of_one_account_do_not_pay_twice() -> None:
    twice = [card("1", 3000, member_id=5), card("2", 3000, member_id=5)]
    assert paid(quoted(LINES, stored=twice)) == [("1", 3000, 0), ("2", 0, 0)]


def test_whole_pieces_of_the_unit_alone() -> None:
    """A unit that counts whole roubles pays no kopecks."""
    cheap = [line("X", "10.50")]
    quote = quoted(cheap, stored=[card("1", 5000, step=100)])
    assert (paid(quote), quote.due) == ([("1", 1000, 4000)], 50)


def test_points_pay_first_and_a_card_earns_as_money() -> None:
    quote = quoted(
        LINES[:1],
        promotion("p", {"kind": "percent", "percent": "10"}),
        rates=FIVE_PERCENT,
        available=40,
        wish="most",
        stored=[card("1", 9000)],
        terms=terms(paying={"points_are": "payment"}),
    )
    assert (quote.total, quote.paid_by_points, paid(quote)) == (9000, 4000, [("1", 5000, 4000)])
    assert (quote.due, quote.earned) == (0, 2)
