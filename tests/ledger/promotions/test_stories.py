"""Receipts as shops know them, with the pains that other systems gave them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from selling import FIVE_PERCENT, fates, line, promotion, quoted, rub, terms, totals

from ledger.promotions.situations import SalePlace, StoreClock

THREE_FOR_TWO = {"kind": "nth_unit", "every": 3}


def percent(size: str, **more: object) -> dict:
    return {"kind": "percent", "percent": size, **more}


def at_least(amount: str, **more: object) -> dict:
    return {"kind": "amount", "at_least": rub(amount), **more}


def test_the_one_receipt_of_the_documentation() -> None:
    socks = promotion("socks", {**THREE_FOR_TWO, "goods": {"skus": ["SOCKS"]}})
    lines = [
        line("SHOE-38", "4990.00"),
        line("SOCKS", "299.00", "3"),
        line("BAG", "15.00", kind="bag"),
    ]
    quote = quoted(lines, socks, rates=FIVE_PERCENT, available=500, wish="most")
    assert [(one.full, one.discount, one.points, one.total) for one in quote.lines] == [
        (499000, 0, 44649, 454351),
        (89700, 29900, 5351, 54449),
        (1500, 0, 0, 1500),
    ]
    assert [(one.quantity, one.price) for one in quote.lines[1].pieces] == [
        (2000, 18150),
        (1000, 18149),
    ]
    assert (quote.total, quote.earned, quote.spent, quote.most) == (510300, 254, 500, 500)


def test_a_bag_makes_no_second_item() -> None:
    two = {"kind": "units", "goods": {}, "at_least": 2}
    offer = promotion("two", percent("10"), when=two)
    shoes, bag = line("SHOE-38", "4990.00"), line("BAG", "15.00", kind="bag")
    assert totals(quoted([shoes, bag], offer)) == [499000, 1500]
    assert totals(quoted([shoes, shoes, bag], offer)) == [449100, 449100, 1500]


def test_twenty_percent_is_twenty_percent() -> None:
    lines = [line(f"S{n}", price) for n, price in enumerate(("19.90", "33.33", "7.77", "0.05"))]
    quote = quoted(lines, promotion("sale", percent("20")))
    assert (quote.full, quote.discount) == (6105, 1221)
    assert sum(totals(quote)) == 4884


def test_a_gift_does_not_stand_on_the_receipt_as_nothing() -> None:
    gift = promotion("gift", {"kind": "gift", "sku": "SOCKS", "comes_with": {"skus": ["SHOE-38"]}})
    shoes = line("SHOE-38", "4990.00")
    told = quoted([shoes], gift)
    assert [(one.present.sku, one.present.units) for one in told.presents] == [("SOCKS", 1)]
    assert totals(quoted([shoes, line("SOCKS", "300.00")], gift)) == [470701, 28299]


def test_vodka_stops_at_its_floor_and_the_rest_has_its_percent() -> None:
    lines = [
        line("VODKA", "449.00", kind="alcohol", floor=40900),
        line("JUICE", "100.00"),
    ]
    sale = promotion("sale", percent("20"))
    quote = quoted(lines, sale, rates=FIVE_PERCENT, available=1000, wish="most")
    assert [(one.discount, one.points) for one in quote.lines] == [(4000, 0), (2000, 7900)]
    assert "limited" in [reason.code for reason in quote.lines[0].reasons]


def test_cigarettes_do_not_count() -> None:
    lines = [line("CIGARETTES", "220.00", kind="tobacco"), line("MILK", "90.00")]
    quote = quoted(lines, promotion("from300", percent("10"), when=at_least("300")))
    assert (quote.discount, fates(quote)) == (0, {"from300": "not_met"})


def test_happy_hours_go_by_the_clock_of_the_store() -> None:
    happy = promotion(
        "happy", percent("10"), when={"kind": "hours", "from": "09:00", "until": "12:00"}
    )
    moment = datetime(2026, 12, 1, 0, tzinfo=UTC)
    there = [moment.astimezone(ZoneInfo(zone)) for zone in ("Asia/Vladivostok", "Europe/Moscow")]
    quotes = [
        quoted([line("TEA", "100.00")], happy, clock=StoreClock(at.date(), at, moment))
        for at in there
    ]
    assert [quote.discount for quote in quotes] == [1000, 0]


def test_three_that_meet_stop_at_the_ceiling() -> None:
    three = [
        promotion(code, percent(size)) for code, size in (("a", "50"), ("b", "60"), ("c", "50"))
    ]
    thing = [line("X", "1000.00")]
    assert quoted(thing, *three).total == 10000
    under = quoted(thing, *three, terms=terms(ceilings={"line": "50"}))
    assert under.total == 50000
    assert fates(under) == {"a": "applied", "b": "nothing_to_take", "c": "nothing_to_take"}


def test_what_the_till_gave_closes_a_line_but_to_those_that_add_to_it() -> None:
    thing = [line("X", "1000.00", given=10000)]
    assert quoted(thing, promotion("p", percent("5"))).discount == 0
    added = quoted(
        thing,
        promotion("p", percent("5"), adds_to_given=True),
        rates=FIVE_PERCENT,
        available=200,
        wish="most",
    )
    assert (added.discount, added.total) == (4500, 65500)


def test_points_are_rounded_once_for_the_receipt() -> None:
    lines = [line(f"S{n}", "199.90") for n in range(3)]
    assert quoted(lines, rates=FIVE_PERCENT).earned == 29


def test_a_kind_that_counts_takes_weighed_goods_as_one() -> None:
    three = promotion("three", percent("10"), when={"kind": "units", "goods": {}, "at_least": 3})
    lines = [line("APPLES", "120.00", "1.250"), line("MILK", "90.00"), line("BREAD", "50.00")]
    assert quoted(lines, three).discount == 2900
    assert quoted(lines[:2], three).discount == 0
    assert fates(quoted(lines[:2], three)) == {"three": "close"}


def test_the_place_decides() -> None:
    here = promotion("here", percent("10"), when={"kind": "place", "groups": ["Moscow"]})
    thing = [line("X", "100.00")]
    assert quoted(thing, here, place=SalePlace("centre", "Moscow")).discount == 1000
    assert quoted(thing, here, place=SalePlace("centre", "Kazan")).discount == 0
