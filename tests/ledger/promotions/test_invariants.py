"""What holds for every receipt, whatever promotions meet."""

import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import promises
import random_sales
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_sales import Drawn, priced
from second_evaluator import Case

from ledger.catalogue.goods import PRESETS
from ledger.promotions.arithmetic import price_of
from ledger.promotions.baskets import BasketLine
from ledger.promotions.pieces import parted
from ledger.promotions.situations import SalePlace
from ledger.promotions.terms import PromotionTerms

RECEIPTS = int(os.environ.get("LEDGER_RECEIPTS", "40"))

# Kinds that take a share of whatever is there; they choose no units by what they cost, and have no
# threshold, so that a kopeck more or less before them is a kopeck more or less after them.
STEADY = ("percent", "amount", "amount_per_unit", "special_price", "set_total")
ALL: Drawn = {"lanes": [{"code": "one", "mode": "all"}]}

receipts = settings(
    max_examples=RECEIPTS,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
chances = st.randoms(use_true_random=False)


@receipts
@given(chances)
def test_nothing_is_lost_and_nobody_is_below_a_floor(random: Random) -> None:
    case = random_sales.sale(random)
    quote = priced(case)
    adds_to_given = any(one.get("adds_to_given") for one in case.promotions.values())
    terms = PromotionTerms.model_validate(case.terms)
    promises.check(case.lines, terms, quote, adds_to_given=adds_to_given)


def plain(random: Random, kinds: Sequence[str] = (), most: int = 1) -> dict[str, Drawn]:
    """Promotions, all in one lane, with no more rules than it takes to be one."""
    found = {}
    for code in "pqrst"[: random.randint(1, most)]:
        reward = random_sales.reward(random, full_price=False)
        while kinds and reward["kind"] not in kinds:
            reward = random_sales.reward(random, full_price=False)
        if kinds:
            reward.pop("pick", None)
        found[code] = {"name": code, "gives": [reward], "adds_to_given": True}
    return found


def told_apart(lines: Sequence[BasketLine]) -> list[BasketLine]:
    """The lines, of which no two cost as much: where they do, the order of the receipt decides."""
    return [
        replace(line, price=price, full=price_of(price, line.quantity), given=0, floor=0)
        for line, price in zip(lines, (1999, 10_007, 333, 49_999, 5_001), strict=False)
    ]


def without_ties(promotions: dict[str, Drawn]) -> dict[str, Drawn]:
    """Without what picks a line by its quantity: of lines with as much, the first one is picked."""
    for told in promotions.values():
        for reward in told["gives"]:
            if reward.get("pick", {}).get("sorted_by") == "quantity_down":
                del reward["pick"]
    return promotions


@receipts
@given(chances)
def test_the_order_of_the_lines_moves_no_more_than_odd_kopecks(random: Random) -> None:
    """One promotion takes off the same in all. Which line has the odd kopeck, and which of two
    units that cost the same is the cheaper one, is the order's."""
    lines = told_apart(random_sales.basket(random))
    case = Case(lines, without_ties(plain(random)), ALL)
    other = random.sample(lines, len(lines))
    first, second = priced(case), priced(replace(case, lines=other))
    assert first.total == second.total
    moved = {line.id: line.discount for line in second.lines}
    odd = [abs(line.discount - moved[line.id]) for line in first.lines]
    assert max(odd) <= 1 or case.promotions["p"]["gives"][0]["kind"] == "bundle"


@receipts
@given(chances)
def test_the_order_of_the_lines_adds_no_more_than_a_kopeck_a_line(random: Random) -> None:
    lines = told_apart(random_sales.basket(random))
    case = Case(lines, plain(random, STEADY, most=3), ALL)
    other = random.sample(lines, len(lines))
    moved = priced(case).total - priced(replace(case, lines=other)).total
    assert abs(moved) <= len(lines) * len(case.promotions)


def one_by_one(line: BasketLine) -> list[BasketLine]:
    """The same things on lines of their own."""
    if line.units == 1:
        return [line]
    return [
        replace(line, id=f"{line.id}.{place}", quantity=1000, full=line.price)
        for place in range(line.units)
    ]


def without_whole_lines(promotions: dict[str, Drawn]) -> dict[str, Drawn]:
    """Without what is said of lines, and not of units or money."""
    for told in promotions.values():
        for reward in told["gives"]:
            if reward["kind"] == "amount_per_line":
                reward["kind"] = "amount_per_unit"
            if not reward.get("pick", {}).keys() & {"cheapest", "dearest"}:
                reward.pop("pick", None)
    return promotions


@receipts
@given(chances)
def test_two_on_a_line_are_as_two_lines_of_one(random: Random) -> None:
    lines = [replace(line, floor=0, given=0) for line in random_sales.basket(random)]
    terms = {**ALL, "lowest_line": 0}
    case = Case(lines, without_whole_lines(plain(random)), terms)
    apart = [one for line in lines for one in one_by_one(line)]
    assert priced(case).total == priced(replace(case, lines=apart)).total
    several = replace(case, promotions=plain(random, STEADY, most=3))
    moved = priced(several).total - priced(replace(several, lines=apart)).total
    assert abs(moved) <= len(apart) * len(several.promotions)


@receipts
@given(chances)
def test_what_no_promotion_means_changes_no_other_line(random: Random) -> None:
    """In any lane, as long as no ceiling is on the receipt."""
    case = random_sales.sale(random)
    promotions = {code: with_goods_named(told) for code, told in case.promotions.items()}
    terms = {**case.terms, "ceilings": {"line": "50"}}
    case = replace(case, promotions=promotions, terms=terms, rates=None)
    stranger = BasketLine("stranger", "STRANGER", 1000, 7777, 7777, treatment=PRESETS["goods"])
    at = random.randint(0, len(case.lines))
    among = [*case.lines[:at], stranger, *case.lines[at:]]
    alone, beside = priced(case), priced(replace(case, lines=among))
    kept = [line.discount for line in beside.lines if line.id != "stranger"]
    assert kept == [line.discount for line in alone.lines]


def with_goods_named(told: Any) -> Any:
    """The document, in which all goods say which they are."""
    if isinstance(told, list):
        return [with_goods_named(one) for one in told]
    if not isinstance(told, dict):
        return told
    found = {name: with_goods_named(one) for name, one in told.items()}
    if found.get("kind") == "gift":
        found.setdefault("comes_with", {})
    if found.get("kind") in ("percent", "amount", "amount_per_unit", "amount_per_line", "ladder"):
        found.setdefault("goods", {})
    for name in ("goods", "comes_with", "get_goods"):
        if name in found:
            found[name] = {"skus": list(random_sales.SKUS), **found[name]}
    return found


@receipts
@given(chances)
def test_the_best_is_the_best(random: Random) -> None:
    case = random_sales.sale(random)
    promotions = {
        code: {name: one for name, one in told.items() if name not in ("lane", "alone")}
        for code, told in case.promotions.items()
    }
    case = replace(case, promotions=promotions)

    def taken_off(mode: str, by: str = "receipt", **more: Any) -> int:
        lanes = [{"code": "one", "mode": mode, "by": by}]
        return priced(replace(case, terms={**case.terms, "lanes": lanes}, **more)).discount

    each = [
        taken_off("all", promotions={code: told}, money_left=case.money_left)
        for code, told in promotions.items()
    ]
    assert taken_off("best") == max(each)
    assert taken_off("best_set") >= max([*each, taken_off("all"), taken_off("first")])
    excludes = any("not_with" in told for told in promotions.values())
    if not excludes and "receipt" not in case.terms.get("ceilings", {}):
        assert taken_off("best", by="line") >= max(each)


@receipts
@given(chances)
def test_whoever_is_not_looked_at_would_say_nothing(random: Random) -> None:
    """Of a thousand promotions only those are asked that a receipt can be told of."""
    case = random_sales.sale(random)
    promotions = {code: somewhere(random, told) for code, told in case.promotions.items()}
    case = replace(case, promotions=promotions)
    here: Drawn = {
        "place": SalePlace(store=random.choice((None, "centre")), group="Moscow"),
        "codes": random.choice(((), ("Spring",), ("TULIP", "spring"))),
    }
    asked, every = priced(case, **here), priced(case, **here, is_traced=True)
    told = [one for one in every.promotions if one.outcome not in ("not_met", "not_now")]
    assert [one for one in asked.promotions if one in told] == told
    assert replace(asked, promotions=()) == replace(every, promotions=())
    entered = {one.promotion for one in asked.codes}
    wanted = [one for one in every.promotions if one.promotion in entered]
    assert all(one in asked.promotions for one in wanted)


def somewhere(random: Random, told: Drawn) -> Drawn:
    """The promotion, which may want a code or a place too."""
    wanted: list[Drawn] = [
        {"kind": "always"},
        {"kind": "code", "codes": ["SPRING"]},
        {"kind": "code", "codes": ["Tulip", "rose"]},
        {"kind": "place", "stores": ["centre"]},
        {"kind": "place", "stores": ["north"], "groups": ["Moscow"]},
        {"kind": "place", "stores": ["north"]},
    ]
    kind = random.choice(("all", "all", "any", "none"))
    parts = [random.choice(wanted), told.get("when", {"kind": "always"})]
    return {**told, "when": {"kind": kind, "of": parts}}


def test_pieces_are_exact_and_as_few_as_can_be() -> None:
    quantities = [*range(1, 60), 333, 350, 999, 1000, 1001, 1250, 1500, 2000, 3000, 7000, 7500]
    for quantity, total in product(quantities, [*range(0, 120), 199_999, 666_667]):
        pieces = parted(quantity, total)
        assert sum(piece.quantity for piece in pieces) == quantity
        assert sum(piece.total for piece in pieces) == total
        assert all(price_of(one.price, one.quantity) == one.total for one in pieces)
        near = total * 1000 // quantity
        by_one = any(
            price_of(price, quantity) == total for price in range(max(0, near - 3), near + 4)
        )
        assert len(pieces) == (1 if by_one else 2)
        if quantity % 1000 == 0:
            assert all(piece.quantity % 1000 == 0 for piece in pieces)


def test_pieces_are_whole_units_and_round_quantities_where_they_can_be() -> None:
    """7 x 19.90 less 15 %; 7.500 m of fabric at 199.90 less 100.00."""
    told = [(one.quantity, one.price, one.total) for one in parted(7000, 11840)]
    assert told == [(3000, 1692, 5076), (4000, 1691, 6764)]
    told = [(one.quantity, one.price, one.total) for one in parted(7500, 139_925)]
    assert sum(total for _, _, total in told) == 139_925
    assert all(quantity % 500 == 0 for quantity, _, _ in told)
