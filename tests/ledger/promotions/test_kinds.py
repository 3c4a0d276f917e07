"""Each kind by itself: a small basket in, totals out. The numbers were reckoned by hand."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from selling import CLOCK, FIVE_PERCENT, line, promotion, quoted, rub, totals

from ledger.promotions.facts import (
    IsListed,
    IsMember,
    IsNearBirthday,
    IsOneMember,
    PurchasesBefore,
    PurchasesToday,
)
from ledger.promotions.situations import SalePlace, StoreClock

A, AA, AAA = line("A", "100.00"), line("A", "100.00", "2"), line("A", "100.00", "3")
B, BB, C = line("B", "60.00"), line("B", "60.00", "2"), line("C", "80.00")
WEIGHED = line("W", "100.00", "1.500")
HALF = {"kind": "percent", "percent": "50"}
ALL: dict[str, Any] = {"goods": {}}


def sku(*names: str) -> dict[str, Any]:
    return {"skus": list(names)}


DISCOUNTS = (
    ({**HALF, "pick": {"dearest": 1}}, [A, B], [5000, 6000]),
    ({**HALF, "pick": {"cheapest": 1}}, [A, BB], [10000, 9000]),
    ({**HALF, "pick": {"per_line": 1}}, [AA, B], [15000, 3000]),
    ({**HALF, "pick": {"line": 2, "sorted_by": "price_down"}}, [A, B, C], [10000, 6000, 4000]),
    ({**HALF, "pick": {"line": 1, "sorted_by": "amount_up"}}, [AA, BB], [20000, 6000]),
    ({**HALF, "pick": {"line": 1, "sorted_by": "quantity_down"}}, [A, BB], [10000, 6000]),
    ({**HALF, "most": rub("20")}, [A], [8000]),
    ({"kind": "percent", "percent": "33.33"}, [A], [6667]),
    ({"kind": "percent", "percent": "100"}, [A], [1]),
    ({"kind": "amount", "amount": rub("30"), "pick": {"dearest": 1}}, [A, B], [7000, 6000]),
    ({"kind": "amount", "amount": rub("500")}, [A], [1]),
    ({"kind": "amount_per_unit", "amount": rub("70")}, [AA, B], [6000, 1]),
    ({"kind": "amount_per_unit", "amount": rub("10")}, [WEIGHED], [14000]),
    ({"kind": "amount_per_line", "amount": rub("30")}, [AA, WEIGHED], [17000, 12000]),
    ({"kind": "special_price", "price": rub("70"), **ALL}, [AA, B, WEIGHED], [14000, 6000, 10500]),
    (
        {
            "kind": "price_list",
            "prices": [{"sku": "A", "price": rub("90")}, {"sku": "B", "price": rub("65")}],
        },
        [AA, B, C],
        [18000, 6000, 8000],
    ),
    ({"kind": "set_total", "total": rub("100"), **ALL}, [A, B], [6250, 3750]),
    ({"kind": "set_total", "total": rub("500"), **ALL}, [A, B], [10000, 6000]),
    (
        {"kind": "bundle", "price": rub("200"), "slots": [{"goods": {}, "units": 3}]},
        [AA, B, C],
        [14286, 6000, 5714],
    ),
    (
        {"kind": "bundle", "price": rub("200"), "slots": [{"goods": {}, "units": 3}], "times": 1},
        [line("A", "100.00", "6")],
        [50000],
    ),
    (
        {
            "kind": "bundle",
            "price": rub("150"),
            "slots": [{"goods": sku("A")}, {"goods": sku("B")}],
        },
        [AA, B],
        [19375, 5625],
    ),
    ({"kind": "nth_unit", "every": 3, **ALL}, [AA, B], [15385, 4615]),
    ({**HALF, "kind": "nth_unit", "every": 2, **ALL, "identical": "sku"}, [A, BB], [10000, 9000]),
    (
        {**HALF, "kind": "nth_unit", "every": 2, **ALL, "times": 1},
        [line("A", "100.00", "4")],
        [35000],
    ),
    ({"kind": "free_units", "buy": 2, **ALL}, [AAA], [20000]),
    (
        {"kind": "free_units", "buy": 1, "goods": sku("A"), "get_goods": sku("B")},
        [AA, B],
        [16250, 3750],
    ),
    (
        {"kind": "free_units", "buy": 1, "goods": {}, "times": 1},
        [line("A", "100.00", "4")],
        [30000],
    ),
    *(
        (
            {
                "kind": "ladder",
                "steps": [{"units": 2, "percent": "5"}, {"units": 3, "off": rub("50")}],
            },
            [one],
            [total],
        )
        for one, total in ((A, 10000), (AA, 19000), (AAA, 25000))
    ),
    (
        {"kind": "first_and_further", "first": "10", "further": "20", **ALL},
        [AA, B],
        [17000, 4800],
    ),
    (
        {"kind": "first_and_further", "first": "10", "further": "20", **ALL, "identical": "sku"},
        [AA, B],
        [17000, 5400],
    ),
    ({"kind": "per_group", "units": 2, "amount": rub("30"), **ALL}, [AAA], [27000]),
    (
        {"kind": "per_group", "units": 2, "amount": rub("30"), **ALL, "times": 1},
        [line("A", "100.00", "5")],
        [47000],
    ),
    (
        {"kind": "per_group", "units": 2, "amount": rub("30"), **ALL, "identical": "sku"},
        [A, B],
        [10000, 6000],
    ),
    ({"kind": "gift", "sku": "B", "comes_with": sku("A")}, [A, B], [6250, 3750]),
)

# Of 200.00, of which the base programme gives 10.
POINTS = (
    ({"kind": "points_percent", "percent": "7"}, [AA], 24),
    ({"kind": "points_for_money", "points": 3, "each": rub("70")}, [AA], 16),
    ({"kind": "points_for_money", "points": 3, "each": rub("70"), "parts": True}, [AA], 18),
    ({"kind": "points_for_units", "points": 10, **ALL}, [AA], 30),
    ({"kind": "points_for_units", "points": 10, **ALL}, [WEIGHED], 17),
    ({"kind": "points_fixed", "points": 5}, [AA], 15),
    ({"kind": "points_for_visit", "points": 5}, [AA], 15),
    ({"kind": "points_multiplied", "times": 2}, [AA], 20),
    ({"kind": "points_multiplied", "times": 3, "goods": sku("B")}, [AA, B], 19),
)

MEMBER = {IsMember().key: 1, IsOneMember("7").key: 1, PurchasesBefore().key: 4}
IN_CENTRE = SalePlace("centre", "Moscow", "2", "web")
NIGHT = datetime(2026, 12, 2, 1, tzinfo=CLOCK.at.tzinfo)
AT_NIGHT = StoreClock(
    NIGHT.date() - timedelta(days=1), NIGHT, NIGHT
)  # still Tuesday's business day

# A condition, what is known beside two of A and one of B, and whether it is met.
CONDITIONS: tuple[tuple[dict[str, Any], dict[str, Any], bool], ...] = (
    ({"kind": "always"}, {}, True),
    ({"kind": "amount", "at_least": rub("260")}, {}, True),
    ({"kind": "amount", "more_than": rub("260")}, {}, False),
    ({"kind": "amount", "at_most": rub("260")}, {}, True),
    ({"kind": "amount", "less_than": rub("260")}, {}, False),
    ({"kind": "amount", "at_least": rub("200"), "goods": sku("B")}, {}, False),
    ({"kind": "units", "goods": {}, "at_least": 3, "at_most": 3}, {}, True),
    ({"kind": "units", "goods": {}, "at_most": 2}, {}, False),
    ({"kind": "contains", "goods": sku("B")}, {}, True),
    ({"kind": "contains", "goods": {"but": sku("A", "B")}}, {}, False),
    ({"kind": "member"}, {"facts": MEMBER}, True),
    ({"kind": "member"}, {}, False),
    ({"kind": "member", "id": "7"}, {"facts": MEMBER}, True),
    ({"kind": "member", "id": "8"}, {"facts": MEMBER}, False),
    ({"kind": "member", "list": "VIP"}, {"facts": {**MEMBER, IsListed("VIP").key: 1}}, True),
    ({"kind": "audience", "segment": {"kind": "consent"}}, {"facts": MEMBER}, False),
    ({"kind": "purchase_number", "is": 5}, {"facts": MEMBER}, True),
    ({"kind": "purchase_number", "at_least": 6}, {"facts": MEMBER}, False),
    ({"kind": "purchase_number", "every": 5}, {"facts": MEMBER}, True),
    ({"kind": "birthday"}, {"facts": {**MEMBER, IsNearBirthday(0, 0).key: 1}}, True),
    ({"kind": "birthday", "before": 3}, {"facts": MEMBER}, False),
    ({"kind": "place", "stores": ["mall", "centre"]}, {"place": IN_CENTRE}, True),
    ({"kind": "place", "groups": ["Moscow"], "tills": ["1"]}, {"place": IN_CENTRE}, False),
    ({"kind": "place", "channels": ["web"]}, {"place": IN_CENTRE}, True),
    ({"kind": "hours", "weekdays": ["tue"]}, {"clock": AT_NIGHT}, True),
    ({"kind": "hours", "weekdays": ["wed"]}, {"clock": AT_NIGHT}, False),
    ({"kind": "hours", "from": "22:00", "until": "02:00"}, {"clock": AT_NIGHT}, True),
    ({"kind": "hours", "from": "22:00", "until": "01:00"}, {"clock": AT_NIGHT}, False),
    ({"kind": "dates", "from": "2026-12-01", "until": "2026-12-01"}, {"clock": AT_NIGHT}, True),
    ({"kind": "dates", "from": "2026-12-02"}, {"clock": AT_NIGHT}, False),
    ({"kind": "code", "codes": ["SPRING"]}, {"codes": ["spr ing"]}, True),
    ({"kind": "code", "codes": ["SPRING"]}, {"codes": ["SPRING1"]}, False),
    ({"kind": "payment", "kinds": ["sbp", "cash"]}, {"paid_by": frozenset({"sbp"})}, True),
    ({"kind": "payment", "kinds": ["sbp"]}, {"paid_by": frozenset({"sbp", "card"})}, False),
    ({"kind": "payment", "kinds": ["sbp"]}, {}, False),
    ({"kind": "all", "of": [{"kind": "always"}, {"kind": "member"}]}, {}, False),
    ({"kind": "any", "of": [{"kind": "member"}, {"kind": "always"}]}, {}, True),
    ({"kind": "none", "of": [{"kind": "member"}]}, {}, True),
    ({"kind": "none", "of": [{"kind": "member"}, {"kind": "always"}]}, {}, False),
)


@pytest.mark.parametrize(("reward", "lines", "becomes"), DISCOUNTS)
def test_a_discount(reward: dict[str, Any], lines: list[Any], becomes: list[int]) -> None:
    assert totals(quoted(named(lines), promotion("p", reward))) == becomes


@pytest.mark.parametrize(("reward", "lines", "earned"), POINTS)
def test_points(reward: dict[str, Any], lines: list[Any], earned: int) -> None:
    assert quoted(named(lines), promotion("p", reward), rates=FIVE_PERCENT).earned == earned


def test_a_second_visit_of_a_day_earns_nothing_more() -> None:
    visit = promotion("p", {"kind": "points_for_visit", "points": 5})
    facts = {PurchasesToday().key: 1}
    assert quoted([AA], visit, rates=FIVE_PERCENT, facts=facts).earned == 10


@pytest.mark.parametrize(("condition", "known", "is_met"), CONDITIONS)
def test_a_condition(condition: dict[str, Any], known: dict[str, Any], *, is_met: bool) -> None:
    quote = quoted([AA, B], promotion("p", HALF, when=condition), **known)
    assert totals(quote) == ([10000, 3000] if is_met else [20000, 6000])


def test_a_sum_after_discounts_is_less_than_by_the_shelf() -> None:
    given = [line("A", "100.00", given=5000)]
    more = {"kind": "amount", "at_least": rub("60")}
    for measure, discount in (("full", 2500), ("remaining", 0)):
        when = {**more, "measure": measure}
        assert (
            quoted(given, promotion("p", HALF, when=when, adds_to_given=True)).discount == discount
        )


def named(lines: list[Any]) -> list[Any]:
    """The same lines, each with an id of its own."""
    return [replace(one, id=str(number)) for number, one in enumerate(lines)]
