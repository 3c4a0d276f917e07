"""What people complained of to other shops' software, as receipts of ours. Each names the public
report it is taken from."""

from selling import FIVE_PERCENT, fates, line, promotion, quoted, rub, terms, totals

FIRST = terms({"code": "main", "mode": "first"})


def percent(size: str, **more: object) -> dict:
    return {"kind": "percent", "percent": size, **more}


def test_more_goods_in_the_basket_make_no_smaller_discount() -> None:
    """solidusio/solidus#2582: an amount was shared by all lines, and given on some of them."""
    ten = promotion("ten", {"kind": "amount", "amount": rub("10"), "goods": {"skus": ["ON-SALE"]}})
    sale, other = line("ON-SALE", "22.99"), line("OTHER", "15.99")
    assert totals(quoted([sale, other], ten)) == [1299, 1599]


def test_everything_and_then_some_is_not_below_nothing() -> None:
    """vendurehq/vendure#2385, solidusio/solidus#2741: 100 % and 15 % made the shop pay."""
    whole, more = promotion("a", percent("100")), promotion("b", percent("15"))
    amount = promotion("c", {"kind": "amount", "amount": rub("500")})
    assert totals(quoted([line("X", "20.00")], whole, more, amount)) == [1]


def test_an_amount_is_no_more_than_the_goods() -> None:
    """vendurehq/vendure#1717: 500 off 100 was -400."""
    amount = promotion("a", {"kind": "amount", "amount": rub("500")})
    lines = [line("X", "60.00"), line("Y", "40.00"), line("BAG", "15.00", kind="bag")]
    assert totals(quoted(lines, amount)) == [1, 1, 1500]


def test_the_cheapest_is_not_a_pack_of_gum() -> None:
    """odoo/odoo#212528: half off the cheapest of two was 0.49 with gum in the basket, and seven
    times more than the gum costs in a large one; who paid in two parts had 30.00 off."""
    half = promotion("half", {"kind": "nth_unit", "every": 2, "percent": "50", "goods": {}})
    desk, chair, gum = line("DESK", "950"), line("CHAIR", "60"), line("GUM", "0.99")
    assert quoted([desk, chair, gum], half).discount == 3000
    many = [line("DESK", "950", "3"), line("CHAIR", "60", "11"), gum]
    assert quoted(many, half).discount == 47500 + 6 * 3000


def test_who_has_some_of_the_free_ones_gets_those() -> None:
    """odoo/odoo#211087: ten and three free; one of the three was free, and the second was not."""
    ten = promotion("ten", {"kind": "free_units", "buy": 10, "get": 3, "goods": {}})
    off = [quoted([line("X", "1.00", str(n))], ten).discount for n in (10, 11, 12, 13, 14, 24)]
    assert off == [0, 100, 200, 300, 300, 400]


def test_who_excludes_a_promotion_does_not_go_before_it() -> None:
    """shopware/shopware#13674: the one of low priority, which may not be combined, won. Here the
    priority decides, whichever of the two says it; only `alone` goes before all, and says so."""
    a = promotion("a", percent("10"), priority=10)
    b = promotion("b", percent("20"), priority=1, not_with=["a"])
    assert fates(quoted([line("X", "10.00")], a, b)) == {"a": "applied", "b": "lost"}
    alone = promotion("b", percent("20"), priority=1, alone=True)
    assert fates(quoted([line("X", "10.00")], a, alone)) == {"a": "lost", "b": "applied"}


def test_points_are_earned_on_what_is_paid() -> None:
    """odoo/odoo#164723: 70.00 with 10 % off earned as 70.00."""
    quote = quoted([line("CHAIR", "7000")], promotion("code", percent("10")), rates=FIVE_PERCENT)
    assert (quote.total, quote.earned) == (630000, 315)


def test_a_discount_does_not_take_its_own_ground_away() -> None:
    """reactioncommerce/reaction#6456: 10 off from 100; with 90 left to pay, it stays."""
    amount = {"kind": "amount", "amount": rub("10")}
    for measure in ("full", "remaining"):
        when = {"kind": "amount", "measure": measure, "at_least": rub("100")}
        each = [promotion(code, amount, when=when) for code in ("a", "b")]
        assert quoted([line("X", "100.00")], *each).total == 8000


def test_what_is_cheaper_already_does_not_shut_the_others_out() -> None:
    """woocommerce/woocommerce#19062, PrestaShop/PrestaShop#19090: a percent of what is not on sale
    was of nothing, or of everything, when something on sale was in the basket."""
    sale = promotion("a", percent("50", goods={"skus": ["SWEATER"]}))
    rest = promotion("b", percent("10", goods={"full_price": True}))
    lines = [line("SWEATER", "40.00"), line("MUG", "10.00"), line("OLD", "8.00", given=100)]
    assert totals(quoted(lines, sale, rest)) == [2000, 900, 700]


def test_the_same_basket_is_the_same_receipt() -> None:
    """medusajs/medusa#11725: which line became cheaper was up to chance."""
    once = promotion("a", percent("50", pick={"dearest": 1}))
    lines = [line(sku, "10.00") for sku in ("X", "Y", "Z")]
    assert [totals(quoted(lines, once)) for _ in range(5)] == [[500, 1000, 1000]] * 5


def test_a_gift_goes_when_its_ground_goes() -> None:
    """saleor/saleor#15323: the gift stayed when its promotion did not hold any more."""
    when = {"kind": "amount", "at_least": rub("50"), "goods": {"but": {"skus": ["MUG"]}}}
    gift = promotion("gift", {"kind": "gift", "sku": "MUG"}, when=when)
    mug = line("MUG", "5.00")
    assert quoted([line("X", "50.00"), mug], gift).discount == 500
    assert quoted([line("X", "49.00"), mug], gift).discount == 0


def test_all_of_it_is_all_of_it() -> None:
    """odoo/odoo#271032: 100 % off left a cent, by rounding. Here a line keeps a kopeck, since a
    fiscal device refuses a line of nothing; who does not need that sets `lowest_line` to 0."""
    whole = promotion("a", percent("100"))
    lines = [line("X", "13.23"), line("Y", "13.22")]
    assert quoted(lines, whole).total == 2
    assert quoted(lines, whole, terms=terms(lowest_line=0)).total == 0


def test_a_gift_card_is_not_sold_for_less() -> None:
    """odoo/odoo#120579: with half off, a card for 50 was sold for 25, and what it was worth was
    everybody's guess."""
    half = promotion("half", percent("50"))
    lines = [line("CARD", "50.00", kind="certificate"), line("COFFEE", "10.00")]
    quote = quoted(lines, half, rates=FIVE_PERCENT, available=100, wish="most")
    assert [(one.discount, one.points) for one in quote.lines] == [(0, 0), (500, 400)]
