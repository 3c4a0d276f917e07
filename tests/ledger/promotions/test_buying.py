"""Rewards that points buy."""

import pytest
from selling import FIVE_PERCENT, fates, line, promotion, quoted, rub, terms, totals

from ledger.promotions.promotions import Promotion
from ledger.promotions.quotes import Quote
from ledger.promotions.stacking import Allowance

COFFEE = line("COFFEE", "200.00", "3")
BUN = line("BUN", "90.00")


def free_coffee(**costs: object) -> Promotion:
    gives = {"kind": "percent", "percent": "100", "goods": {"skus": ["COFFEE"]}}
    pick = {"pick": {"cheapest": 1}}
    return promotion("coffee", gives | pick, costs={"points": 100, **costs})


def bought(quote: Quote) -> dict[str, tuple[int, int]]:
    return {one.promotion: (one.times, one.points) for one in quote.bought}


def sold(*promotions: Promotion, **more: object) -> Quote:
    return quoted([COFFEE, BUN], *promotions, rates=FIVE_PERCENT, **more)


def test_nobody_buys_what_the_guest_did_not_choose() -> None:
    quote = sold(free_coffee(), available=150)
    assert (quote.discount, quote.spent, fates(quote)) == (0, 0, {"coffee": "close"})
    (outcome,) = quote.promotions
    assert (outcome.code, outcome.facts) == ("for_points", {"number": 100})


@pytest.mark.parametrize(
    ("available", "wished", "times"), [(99, 1, 0), (100, 2, 1), (250, 2, 2), (1000, 9, 3)]
)
def test_as_often_as_wished_as_there_are_points_and_as_there_is_use(
    available: int, wished: int, times: int
) -> None:
    """Three coffees can be free, no more; and each line keeps its kopeck."""
    quote = sold(free_coffee(), available=available, rewards={"coffee": wished})
    assert quote.discount == max(0, min(times * 20000, 60000 - 1))
    assert (quote.spent, bought(quote)) == (times * 100, {"coffee": (times, times * 100)})


def test_at_once_needs_no_choice_and_a_limit_of_times_holds() -> None:
    assert bought(sold(free_coffee(at_once=True), available=250)) == {"coffee": (2, 200)}
    once = free_coffee(at_once=True, times=1)
    assert bought(sold(once, available=250)) == {"coffee": (1, 100)}
    assert bought(sold(once, available=250, rewards={"coffee": 2})) == {"coffee": (1, 100)}


def test_rewards_come_before_points_that_pay() -> None:
    quote = sold(free_coffee(), available=250, rewards={"coffee": 1}, wish="most")
    assert (quote.spent, quote.most, quote.points_paid) == (250, 250, 15000)
    assert quote.total == 60000 + 9000 - 20000 - 15000


def test_who_loses_costs_nothing() -> None:
    best = terms({"code": "main", "mode": "best"})
    half = promotion("half", {"kind": "percent", "percent": "90"})
    quote = sold(free_coffee(), half, terms=best, available=100, rewards={"coffee": 1})
    assert (quote.spent, bought(quote)) == (0, {"coffee": (0, 0)})
    assert fates(quote) == {"half": "applied", "coffee": "lost"}


def test_two_rewards_share_the_points_by_priority() -> None:
    bun = promotion(
        "bun",
        {"kind": "gift", "sku": "BUN"},
        costs={"points": 80, "at_once": True, "times": 1},
        priority=1,
    )
    quote = sold(free_coffee(at_once=True), bun, available=170)
    assert bought(quote) == {"bun": (1, 80)}
    (outcome,) = [one for one in quote.promotions if one.promotion == "coffee"]
    assert (outcome.code, outcome.facts) == ("too_few_points", {"number": 10})


def test_gifts_are_handed_out_as_often_as_they_are_bought() -> None:
    mug = promotion("mug", {"kind": "gift", "sku": "MUG"}, costs={"points": 50})
    quote = sold(mug, available=120, rewards={"mug": 5})
    assert [(one.present.sku, one.present.units) for one in quote.presents] == [("MUG", 2)]
    assert bought(quote) == {"mug": (2, 100)}


@pytest.mark.parametrize(
    ("gives", "off"),
    [
        ({"kind": "amount", "amount": rub("50")}, 10000),
        ({"kind": "percent", "percent": "10"}, 6900),  # all of it, so once
        (
            {"kind": "amount_per_unit", "amount": rub("50"), "pick": {"dearest": 1}},
            10000,
        ),
        ({"kind": "per_group", "units": 1, "amount": rub("5"), "goods": {}, "times": 1}, 1000),
        ({"kind": "nth_unit", "every": 2, "percent": "50", "goods": {}, "times": 1}, 14500),
        ({"kind": "free_units", "buy": 1, "goods": {}, "times": 1}, 29000),
        (
            {"kind": "bundle", "price": rub("150"), "slots": [{"goods": {}}], "times": 1},
            10000,
        ),
        ({"kind": "special_price", "price": rub("190"), "goods": {}}, 3000),
    ],
)
def test_twice_of_each_kind(gives: dict, off: int) -> None:
    told = promotion("p", gives, costs={"points": 10})
    assert sold(told, available=20, rewards={"p": 2}).discount == off


def test_conditions_limits_and_nobody() -> None:
    member = promotion(
        "p", {"kind": "percent", "percent": "10"}, when={"kind": "member"}, costs={"points": 1}
    )
    assert fates(sold(member, rewards={"p": 1})) == {"p": "not_met"}
    quote = sold(
        free_coffee(),
        rewards={"coffee": 1, "gone": 1},
        available=100,
        left={"coffee": Allowance(uses=0)},
    )
    assert fates(quote) == {"coffee": "limit_reached"}
    assert bought(quote) == {"coffee": (0, 0), "gone": (0, 0)}


def test_what_is_not_on_the_receipt_is_no_offer() -> None:
    quote = quoted([BUN], free_coffee(at_once=True), available=500)
    assert (quote.spent, fates(quote)) == (0, {})
    assert totals(quote) == [9000]
