"""Receipts, promotions and terms as chance has it, small enough to read when one of them fails."""

from dataclasses import replace
from random import Random
from typing import Any

from second_evaluator import Case
from selling import CLOCK, FIVE_PERCENT, line, rub

from ledger.catalogue.goods import Treatment
from ledger.promotions.baskets import Basket, BasketLine
from ledger.promotions.pricing import PricedSale, price
from ledger.promotions.promotions import Promotion, PromotionRules, Shelf
from ledger.promotions.quotes import Quote
from ledger.promotions.situations import SalePlace
from ledger.promotions.stacking import Allowance
from ledger.promotions.terms import PromotionTerms

Drawn = dict[str, Any]

SKUS = {  # sku: categories, brand, model
    "A": (("shoes", "boots"), "Lelia", "M1"),
    "B": (("shoes",), "Lelia", "M1"),
    "C": (("socks",), "Nord", "M2"),
    "D": (("socks", "wool"), "Nord", None),
    "E": ((), None, None),
}
PRICES = ("10.00", "10.00", "3.33", "19.90", "7.77", "100.00", "0.05", "0.01", "0.50")
KINDS = (
    "percent",
    "percent",
    "amount",
    "amount_per_unit",
    "amount_per_line",
    "special_price",
    "set_total",
    "bundle",
    "nth_unit",
    "nth_unit",
    "free_units",
    "ladder",
    "per_group",
    "first_and_further",
    "gift",
)
PERCENTS = ("5", "10", "33.33", "50", "99", "100")
AMOUNTS = ("0.01", "1.00", "2.50", "10.00", "33.33", "200.00")
MODES: tuple[Drawn, ...] = (
    {"mode": "all"},
    {"mode": "first"},
    {"mode": "exclusive"},
    {"mode": "best"},
    {"mode": "best", "by": "line"},
    {"mode": "best_set"},
)
# Bags and deliveries are in nothing; what a catalogue says of its own goods may be anything.
TREATMENTS = (
    Treatment(counts=False),
    Treatment(discounted=False),
    Treatment(payable=False),
    Treatment(earns=False),
)


def chance(random: Random, of: int) -> bool:
    """One of so many times; never in the simplest case."""
    return random.randint(0, of - 1) == of - 1


def basket(random: Random, most: int = 5) -> list[BasketLine]:
    """Up to so many lines."""
    return [_line(random, place) for place in range(random.randint(1, most))]


def _line(random: Random, place: int) -> BasketLine:
    sku = random.choice(list(SKUS))
    categories, brand, model = SKUS[sku]
    quantity = random.choice(("1", "1", "2", "3", "4", "0.350", "1.250"))
    found = line(
        sku,
        random.choice(PRICES),
        quantity,
        "bag" if chance(random, 12) else "goods",
        categories=categories,
        brand=brand,
        model=model,
    )
    more: Drawn = {"id": str(place)}
    if chance(random, 8):
        more["floor"] = random.randint(0, found.full)
    if chance(random, 10):
        more["given"] = random.randint(0, found.full)
    if chance(random, 12):
        more["closed"] = True
    if chance(random, 8):
        more["treatment"] = random.choice(TREATMENTS)
    values = {name: getattr(found, name) for name in BasketLine.__slots__}
    return BasketLine(**(values | more))


def modified(random: Random, lines: list[BasketLine]) -> list[BasketLine]:
    """Some of the lines modify one that stands before or after them."""
    roots = [place for place in range(len(lines)) if not chance(random, 5)]
    return [
        line
        if place in roots or not roots
        else replace(line, parent=lines[random.choice(roots)].id)
        for place, line in enumerate(lines)
    ]


def goods(random: Random, *, full_price: bool = True) -> Drawn:
    """Some of the goods that there are, or all."""
    found: Drawn = random.choice(
        (
            {},
            {},
            {"skus": [random.choice(list(SKUS))]},
            {"skus": random.sample(list(SKUS), 3)},
            {"categories": [random.choice(("shoes", "socks", "wool"))]},
            {"brands": ["Lelia"]},
            {"price_from": rub("5.00")},
            {"price_to": rub("10.00")},
        )
    )
    if full_price and chance(random, 10):
        found = {**found, "full_price": True}
    if chance(random, 10):
        but = {"full_price": True} if full_price and chance(random, 4) else {}
        found = {**found, "but": {"skus": [random.choice(list(SKUS))], **but}}
    return found


def condition(random: Random, depth: int = 2) -> Drawn:
    """A tree of conditions."""
    kinds = ["always", "amount", "units", "contains", "member"]
    kind = random.choice(kinds + (["all", "any", "none"] if depth else []))
    match kind:
        case "amount":
            bound = random.choice(("at_least", "more_than", "at_most", "less_than"))
            found = {"kind": kind, bound: rub(random.choice(AMOUNTS)), "goods": goods(random)}
            if chance(random, 2):
                found["measure"] = "remaining"
            return found
        case "units":
            found = {"kind": kind, "goods": goods(random), "at_least": random.randint(1, 4)}
            if chance(random, 3):
                found["at_most"] = random.randint(2, 6)
            return found
        case "contains":
            return {"kind": kind, "goods": goods(random)}
        case "all" | "any" | "none":
            parts = [condition(random, depth - 1) for _ in range(random.randint(1, 3))]
            return {"kind": kind, "of": parts}
    return {"kind": kind}


def reward(random: Random, *, full_price: bool = True) -> Drawn:
    """Something that a promotion gives."""

    def some() -> Drawn:
        return goods(random, full_price=full_price)

    found: Drawn = {"kind": random.choice(KINDS)}
    kind = found["kind"]
    if kind not in ("bundle", "gift"):
        found["goods"] = some()
    found |= _sizes(random, kind, rub(random.choice(AMOUNTS)))
    if kind == "bundle":
        found["slots"] = [
            {"goods": some(), "units": random.randint(1, 2)} for _ in range(random.randint(1, 2))
        ]
    for name, of in (("get_goods", "free_units"), ("comes_with", "gift")):
        if kind == of and chance(random, 2):
            found[name] = some()
    if kind in ("nth_unit", "per_group", "first_and_further") and chance(random, 3):
        found["identical"] = random.choice(("sku", "model", "price", "category"))
    if kind in ("nth_unit", "per_group", "free_units", "bundle") and chance(random, 4):
        found["times"] = random.randint(1, 2)
    if kind in ("percent", "amount", "amount_per_unit") and chance(random, 3):
        found["pick"] = _pick(random)
    return found


def _sizes(random: Random, kind: str, money: Drawn) -> Drawn:
    percent = random.choice(PERCENTS)
    sizes: dict[str, Drawn] = {
        "percent": {"percent": percent, **({"most": money} if chance(random, 5) else {})},
        "amount": {"amount": money},
        "amount_per_unit": {"amount": money},
        "amount_per_line": {"amount": money},
        "special_price": {"price": money},
        "set_total": {"total": money},
        "bundle": {"price": money},
        "nth_unit": {"every": random.randint(2, 3), "percent": percent},
        "free_units": {"buy": random.randint(1, 2), "get": random.randint(1, 2)},
        "ladder": {"steps": _steps(random)},
        "per_group": {"units": random.randint(1, 3), "amount": money},
        "first_and_further": {"first": random.choice(("0", "5")), "further": percent},
        "gift": {"sku": random.choice(list(SKUS)), "units": random.randint(1, 2)},
    }
    return sizes[kind]


def _steps(random: Random) -> list[Drawn]:
    size = random.choice(("percent", "off"))
    begin = random.choice(("units", "amount"))
    begins: list[Any] = [1, 3] if begin == "units" else [rub("5.00"), rub("30.00")]
    sizes: list[Any] = ["10", "50"] if size == "percent" else [rub("1.00"), rub("7.77")]
    steps = [{begin: b, size: s} for b, s in zip(begins, sizes, strict=True)]
    return steps[: random.randint(1, 2)]


def _pick(random: Random) -> Drawn:
    ways: list[Drawn] = [
        {"cheapest": random.randint(1, 3)},
        {"dearest": random.randint(1, 3)},
        {"per_line": random.randint(1, 2)},
        {
            "line": random.randint(1, 2),
            "sorted_by": random.choice(("price_up", "quantity_down", "amount_up", "amount_down")),
        },
    ]
    return random.choice(ways)


def points_reward(random: Random) -> Drawn:
    """Points that a promotion gives."""
    return random.choice(
        (
            {"kind": "points_percent", "percent": "10"},
            {"kind": "points_fixed", "points": random.randint(1, 50)},
            {"kind": "points_for_units", "points": 3, "goods": goods(random)},
            {"kind": "points_for_money", "points": 2, "each": rub("5.00"), "goods": goods(random)},
        )
    )


def promotions(random: Random, most: int = 5) -> dict[str, Drawn]:
    """Up to so many promotions, by code."""
    codes = [chr(ord("p") + place) for place in range(random.randint(1, most))]
    return {
        code: {"name": code, "gives": _gives(random), **_rules(random, codes)} for code in codes
    }


def _gives(random: Random) -> list[Drawn]:
    if chance(random, 10):
        return [points_reward(random)]
    gives = [reward(random)]
    if chance(random, 5):
        gives.append(reward(random))
    if chance(random, 8):
        gives.append(points_reward(random))
    return gives


def _rules(random: Random, codes: list[str]) -> Drawn:
    told: Drawn = {}
    if chance(random, 2):
        told["when"] = condition(random)
    if chance(random, 2):
        told["lane"] = random.choice(("one", "two"))
    if chance(random, 2):
        told["priority"] = random.randint(0, 2)
    if chance(random, 4):
        told["not_with"] = [random.choice(codes)]
    for name, of in (("alone", 15), ("adds_to_given", 4), ("keeps_units", 5)):
        if chance(random, of):
            told[name] = True
    return told


def lanes(random: Random) -> list[Drawn]:
    """One lane or two."""
    found = [{"code": "one", **random.choice(MODES)}]
    if chance(random, 2):
        found.append({"code": "two", **random.choice(MODES)})
    return found


def terms(random: Random) -> Drawn:
    """How promotions stand together."""
    told: Drawn = {"lanes": lanes(random)}
    if chance(random, 4):
        told["rounding"] = random.choice(("line", "unit"))
    if chance(random, 5):
        told["lowest_line"] = random.choice((0, 100))
    if chance(random, 3):
        told["ceilings"] = _ceilings(random)
    if chance(random, 3):
        told["paying"] = _paying(random)
    if chance(random, 3):
        told["earning"] = {
            "before_points": chance(random, 2),
            "discounted": chance(random, 2),
        }
    return told


def _ceilings(random: Random) -> Drawn:
    found: Drawn = {name: True for name in ("with_given", "with_points") if chance(random, 2)}
    if chance(random, 2):
        found["line"] = random.choice(("20", "33.33", "50"))
    if chance(random, 2):
        found["receipt"] = random.choice(("15", "33.33", "50"))
    return found


def _paying(random: Random) -> Drawn:
    found: Drawn = {"step": random.choice((1, 5)), "least": random.choice((0, 10))}
    if chance(random, 2):
        found["stays"] = rub(random.choice(AMOUNTS))
    if chance(random, 2):
        found["line"] = random.choice(("30", "50"))
    return found


def _priced(random: Random, promotions: dict[str, Drawn]) -> dict[str, int]:
    """Some of the promotions are bought with points; which of them are wished, and how often."""
    wished = {}
    for code, told in promotions.items():
        if any(one["kind"].startswith("points") for one in told["gives"]) or not chance(random, 5):
            continue
        told["costs"] = {"points": random.randint(1, 30)}
        if chance(random, 2):
            told["costs"]["at_once"] = True
        if chance(random, 3):
            told["costs"]["times"] = random.randint(1, 2)
        if chance(random, 2):
            wished[code] = random.randint(1, 3)
    return wished


def sale(random: Random) -> Case:
    """A whole sale."""
    told = promotions(random)
    wished = _priced(random, told)
    left = {code: random.randint(0, 3000) for code in told if chance(random, 10)}
    pays = chance(random, 2)
    return Case(
        lines=modified(random, basket(random)),
        promotions=told,
        terms=terms(random),
        is_member=chance(random, 2),
        rates=FIVE_PERCENT if pays else None,
        available=random.randint(0, 60) if pays else 0,
        wish=random.choice((None, "most", random.randint(1, 40))) if pays else None,
        rewards=wished,
        money_left=left,
        points_left={code: random.randint(0, 30) for code in told if chance(random, 10)},
    )


def priced(case: Case, **more: Any) -> Quote:
    """What the engine makes of it; `more` is known of the sale."""
    shelf = Shelf(
        Promotion(code, 1, PromotionRules.model_validate(told))
        for code, told in case.promotions.items()
    )
    sale = PricedSale(
        Basket(case.lines, "RUB"),
        PromotionTerms.model_validate(case.terms),
        SalePlace(),
        CLOCK,
        facts={"member": int(case.is_member)},
        rates=case.rates,
        available=case.available,
        wish=case.wish,  # type: ignore[arg-type]
        rewards=case.rewards,
        left={
            code: Allowance(money=case.money_left.get(code), points=case.points_left.get(code))
            for code in case.promotions
        },
    )
    return price(replace(sale, **more), shelf)
