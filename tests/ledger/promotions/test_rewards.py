"""What rewards take off, and which units take part in them."""

from selling import fates, line, promotion, quoted, rub, terms, totals

from ledger.catalogue.goods import Treatment

SHOES = {"categories": ["shoes"]}
HALF_OF_SECOND = {"kind": "nth_unit", "every": 2, "percent": "50", "goods": SHOES}


def shoes(price: str, quantity: str = "1", sku: str = "SHOE") -> object:
    return line(sku, price, quantity, categories=("shoes",))


def test_no_gift_without_what_it_comes_with() -> None:
    gift = promotion("gift", {"kind": "gift", "sku": "SOCKS"})
    assert totals(quoted([line("SOCKS", "300.00")], gift)) == [30000]
    assert quoted([line("SOCKS", "300.00")], gift).presents == []
    to_shoes = promotion(
        "gift", {"kind": "gift", "sku": "SOCKS", "comes_with": {"price_from": rub("1000")}}
    )
    assert quoted([line("MILK", "90.00")], to_shoes).presents == []


def test_whoever_made_a_group_with_the_cheap_unit_takes_part_too() -> None:
    first = promotion("a", HALF_OF_SECOND, keeps_units=True)
    second = promotion("b", HALF_OF_SECOND)
    pairs = [shoes(price) for price in ("100.00", "90.00", "80.00", "70.00")]
    assert totals(quoted(pairs, first, second)) == [10000, 4500, 8000, 3500]


def test_units_of_a_line_stay_told_apart() -> None:
    """The second is half price; of both, the cheaper one then costs as much as on a line of its
    own."""
    second = promotion("a", HALF_OF_SECOND)
    cheapest = promotion("b", {"kind": "percent", "percent": "100", "pick": {"cheapest": 1}})
    together = quoted([shoes("100.00", "2")], second, cheapest)
    apart = quoted([shoes("100.00"), shoes("100.00")], second, cheapest, terms=terms(lowest_line=0))
    assert together.total == apart.total == 10000
    further = promotion(
        "a", {"kind": "first_and_further", "first": "0", "further": "20", "goods": SHOES}
    )
    together = quoted([shoes("100.00", "3")], further, cheapest)
    assert totals(together) == [18000]


def test_units_that_are_kept_stay_kept() -> None:
    """Also those that a second reward of the same promotion parts once more."""
    two = promotion(
        "a",
        {"kind": "percent", "percent": "10", "goods": SHOES},
        {"kind": "percent", "percent": "10", "goods": SHOES, "pick": {"dearest": 1}},
        keeps_units=True,
    )
    rest = promotion("b", {"kind": "percent", "percent": "50"})
    assert totals(quoted([shoes("100.00", "3")], two, rest)) == [26100]


def test_a_bundle_is_found_if_there_is_one() -> None:
    """The dearest for the first place would leave nothing for the second."""
    lunch = promotion(
        "lunch",
        {
            "kind": "bundle",
            "price": rub("399"),
            "slots": [{"goods": {"categories": ["food"]}}, {"goods": {"skus": ["STEAK"]}}],
        },
    )
    lines = [
        line("STEAK", "600.00", categories=("food",)),
        line("SOUP", "200.00", categories=("food",)),
    ]
    assert quoted(lines, lunch).total == 39900
    assert quoted(lines[:1], lunch).total == 60000


def test_what_is_bought_may_also_be_what_is_free() -> None:
    """Two of anything, and one pair of socks is free: the socks need not be what was bought."""
    any_two = promotion(
        "two", {"kind": "free_units", "buy": 2, "goods": {}, "get_goods": {"skus": ["SOCKS"]}}
    )
    lines = [line("SHOE", "5000.00"), line("HAT", "900.00"), line("SOCKS", "300.00")]
    assert quoted(lines, any_two).discount == 30000
    assert quoted(lines[1:], any_two).discount == 0
    socks = line("SOCKS", "300.00", "3")
    assert quoted([socks], any_two).discount == 30000


def test_of_many_groups_those_count_that_bring_most() -> None:
    once = promotion("once", {**HALF_OF_SECOND, "identical": "sku", "times": 1})
    cheap, dear = shoes("100.00", "2", "CHEAP"), shoes("900.00", "2", "DEAR")
    assert quoted([cheap, dear], once).discount == quoted([dear, cheap], once).discount == 45000


def test_what_has_no_room_does_not_lower_the_most_that_others_may_have() -> None:
    vodka = line("VODKA", "449.00", kind="alcohol", floor=44900)
    half = promotion("half", {"kind": "percent", "percent": "50", "most": rub("100")})
    assert totals(quoted([vodka, line("JUICE", "1000.00")], half)) == [44900, 90000]


def test_odd_kopecks_go_where_the_remainder_is_largest() -> None:
    """Whoever has just as much room as its part is not full, and the others share as before."""
    lines = [
        line("A", "0.02"),
        line("B", "30.00", floor=2826),
        line("C", "0.15"),
        line("D", "23.31"),
    ]
    some = promotion("some", {"kind": "amount", "amount": rub("18")})
    assert [one.discount for one in quoted(lines, some).lines] == [1, 174, 11, 1614]


def test_a_promotion_that_takes_nothing_keeps_nothing() -> None:
    nothing = promotion("a", {"kind": "percent", "percent": "0"}, keeps_units=True)
    ten = promotion("b", {"kind": "percent", "percent": "10"})
    told = quoted([shoes("100.00")], nothing, ten)
    assert (told.discount, fates(told)) == (1000, {"a": "nothing_to_take", "b": "applied"})


def test_what_one_has_no_room_for_goes_on_until_somebody_has() -> None:
    lines = [
        line("A", "100.00", floor=9000),
        line("B", "100.00", floor=6000),
        line("C", "100.00"),
    ]
    some = promotion("some", {"kind": "amount", "amount": rub("105")})
    assert [one.discount for one in quoted(lines, some).lines] == [1000, 4000, 5500]


def test_what_is_cheaper_already_may_become_cheaper_still() -> None:
    sale = promotion("a", {"kind": "percent", "percent": "50", "goods": {"skus": ["SWEATER"]}})
    extra = promotion(
        "b", {"kind": "percent", "percent": "10", "goods": {"but": {"full_price": True}}}
    )
    lines = [line("SWEATER", "40.00"), line("MUG", "10.00")]
    assert totals(quoted(lines, sale, extra)) == [1800, 1000]


def test_what_does_not_count_makes_no_group() -> None:
    wrap = line("WRAP", "1.00", treatment=Treatment(counts=False))
    three = promotion("three", {"kind": "nth_unit", "every": 3, "goods": {}})
    two = [line("A", "10.00"), line("B", "10.00")]
    assert quoted([*two, wrap], three).discount == 0
    assert quoted([*two, line("C", "10.00"), wrap], three).discount == 1000


def test_of_those_that_cost_the_same_the_earlier_line_goes_first() -> None:
    lines = [line(sku, "10.00") for sku in "XYZ"]
    for pick in ("cheapest", "dearest"):
        one = promotion("one", {"kind": "percent", "percent": "50", "pick": {pick: 1}})
        assert totals(quoted(lines, one)) == [500, 1000, 1000]
    second = promotion("second", {"kind": "nth_unit", "every": 2, "percent": "50", "goods": {}})
    assert totals(quoted(lines, second)) == [1000, 500, 1000]
