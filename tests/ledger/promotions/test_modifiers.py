"""What modifies a line is one thing with it: a coffee with its syrup."""

from selling import FIVE_PERCENT, fates, line, promotion, quoted, rub, terms, totals

COFFEE = {"skus": ["LATTE"]}
LATTE = line("LATTE", "200.00")


def syrup(price: str = "50.00", **more: object):
    return line("SYRUP", price, parent="LATTE", **more)


def percent(size: str, **more: object) -> dict:
    return {"kind": "percent", "percent": size, **more}


def test_a_percent_of_the_coffee_is_of_its_syrup_too() -> None:
    quote = quoted(
        [LATTE, syrup(), line("BUN", "90.00")], promotion("p", percent("10", goods=COFFEE))
    )
    assert totals(quote) == [18000, 4500, 9000]
    assert [[one.amount for one in told.reasons] for told in quote.lines] == [[2000], [500], []]
    of_syrup = promotion("p", percent("10", goods={"skus": ["SYRUP"]}))
    assert quoted([LATTE, syrup()], of_syrup).discount == 0


def test_a_syrup_is_no_unit_but_its_money_counts() -> None:
    units = {"kind": "units", "goods": {}, "at_least": 2}
    amount = {"kind": "amount", "goods": COFFEE, "at_least": rub("250")}
    lines = [syrup(), LATTE]  # in whichever order
    quote = quoted(
        lines,
        promotion("units", percent("10"), when=units),
        promotion("amount", percent("10"), when=amount),
    )
    assert fates(quote) == {"units": "close", "amount": "applied"}


def test_the_free_coffee_of_three_comes_with_its_syrup() -> None:
    lines = [LATTE, line("B", "300.00"), line("C", "300.00"), syrup()]
    three = promotion("p", {"kind": "nth_unit", "every": 3, "goods": {}})
    assert quoted(lines, three).discount == 25000


def test_what_is_added_to_a_set_for_one_price_is_paid_on_top() -> None:
    bun = line("BUN", "90.00")
    slots = [{"goods": COFFEE}, {"goods": {"skus": ["BUN"]}}]
    for gives, cost in (
        ({"kind": "bundle", "price": rub("230"), "slots": slots}, 23000 + 5000),
        ({"kind": "set_total", "total": rub("230"), "goods": {}}, 23000 + 5000),
        ({"kind": "special_price", "price": rub("150"), "goods": COFFEE}, 15000 + 5000 + 9000),
        (
            {"kind": "price_list", "prices": [{"sku": "LATTE", "price": rub("150")}]},
            15000 + 5000 + 9000,
        ),
    ):
        assert quoted([LATTE, syrup(), bun], promotion("p", gives)).total == cost, gives


def test_a_modifier_of_a_modifier_belongs_to_the_coffee() -> None:
    shot = line("SHOT", "40.00", parent="SYRUP")
    quote = quoted([LATTE, shot, syrup()], promotion("p", percent("50", goods=COFFEE)))
    assert totals(quote) == [10000, 2000, 2500]


def test_what_is_treated_otherwise_is_priced_by_itself() -> None:
    deposit = line("CUP", "30.00", kind="deposit", parent="LATTE")
    quote = quoted([LATTE, deposit], promotion("p", percent("50")))
    assert totals(quote) == [10000, 3000]


def test_no_part_falls_below_its_floor_and_points_are_parted_too() -> None:
    quote = quoted(
        [LATTE, syrup(floor=4900), line("FREE", "0.00", parent="LATTE")],
        promotion("p", percent("50", goods=COFFEE)),
        rates=FIVE_PERCENT,
        available=30,
        wish="most",
    )
    assert quote.discount == 12500
    assert totals(quote) == [20000 - 12400 - 3000, 4900, 0]


def test_a_percent_under_the_ceiling_is_parted_to_the_kopeck() -> None:
    lines = [line("LATTE", "0.33", "3"), syrup("0.10"), line("X", "0.21", parent="LATTE")]
    quote = quoted(lines, promotion("p", percent("90")), terms=terms(ceilings={"line": "50"}))
    assert quote.total == 130 - 65
    assert all(told.total >= 1 for told in quote.lines)
