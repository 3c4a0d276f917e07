"""A supermarket with more promotions than anybody can overlook, for figures and golden receipts:
twenty lines, and promotions of all kinds, of which three in four have something to say."""

from random import Random
from typing import Any

from selling import line, rub

from ledger.promotions.baskets import BasketLine
from ledger.promotions.promotions import Promotion, PromotionRules

Drawn = dict[str, Any]

LINES = 20
BRANDS = 7
SHELVES = 12
MODES = ("best", "all", "first", "best_set")
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def product(number: int) -> Drawn:
    """What the catalogue knows of a product, as the API takes it. The first twenty are bought."""
    return {
        "sku": f"S{number}",
        "name": {"ru": f"Товар {number}", "en": f"Product {number}"},
        "category": f"shelf-{number % SHELVES}",
        "brand": f"Brand {number % BRANDS}",
        "price": rub(f"{(number * 37) % 890 + 10}.90"),
    }


def basket(lines: int = LINES) -> list[BasketLine]:
    """So many of these products: one, two or three of each, one weighed."""
    return [_line(number, product(number)) for number in range(lines)]


def _line(number: int, told: Drawn) -> BasketLine:
    return line(
        told["sku"],
        told["price"]["amount"],
        quantity(number),
        categories=("food", told["category"]),
        brand=told["brand"],
    )


def quantity(number: int) -> str:
    """How much of this product is bought."""
    return "0.750" if number == 7 else str(number % 3 + 1)


def goods(random: Random) -> Drawn:
    """What promotions are usually of: a product, a shelf, a brand; seldom everything."""
    return random.choice(
        (
            {},
            {"skus": [f"S{random.randrange(2 * LINES)}"]},
            {"skus": [f"S{random.randrange(2 * LINES)}" for _ in range(4)]},
            {"categories": [f"shelf-{random.randrange(SHELVES + 6)}"]},
            {"categories": [f"shelf-{random.randrange(SHELVES)}"], "price_from": rub("100.00")},
            {"brands": [f"Brand {random.randrange(BRANDS + 2)}"]},
        )
    )


def reward(random: Random, number: int) -> Drawn:
    """One kind after the other."""
    some, other = goods(random), goods(random)
    shelf = {"categories": [f"shelf-{random.randrange(SHELVES)}"]}
    listed = [{"sku": f"S{n}", "price": rub("49.00")} for n in random.sample(range(LINES), 8)]
    steps = [{"units": 2, "percent": "3"}, {"units": 5, "percent": "7"}]
    kinds: tuple[Drawn, ...] = (
        {"kind": "percent", "percent": "10", "goods": some},
        {"kind": "amount", "amount": rub("50.00"), "goods": some},
        {"kind": "amount_per_unit", "amount": rub("5.00"), "goods": some},
        {"kind": "amount_per_line", "amount": rub("7.00"), "goods": some},
        {"kind": "special_price", "price": rub("99.00"), "goods": some},
        {"kind": "price_list", "prices": listed},
        {"kind": "set_total", "total": rub("900.00"), "goods": shelf},
        {"kind": "bundle", "price": rub("299.00"), "slots": [{"goods": some}, {"goods": other}]},
        {"kind": "nth_unit", "every": 2, "percent": "50", "goods": some},
        {"kind": "nth_unit", "every": 3, "goods": some, "identical": "sku"},
        {"kind": "free_units", "buy": 2, "goods": some},
        {"kind": "ladder", "goods": some, "steps": steps},
        {"kind": "first_and_further", "first": "0", "further": "20", "goods": some},
        {"kind": "per_group", "units": 3, "amount": rub("30.00"), "goods": some},
        {"kind": "gift", "sku": f"S{number % 30}", "comes_with": some},
        {"kind": "points_percent", "percent": "3", "goods": some},
        {"kind": "points_for_money", "points": 1, "each": rub("50.00"), "goods": some},
        {"kind": "points_for_units", "points": 2, "goods": some},
        {"kind": "points_multiplied", "times": 2, "goods": some},
        {"kind": "points_fixed", "points": 20},
        {"kind": "points_for_visit", "points": 5},
    )
    return kinds[number % len(kinds)]


def condition(random: Random, number: int) -> Drawn:
    """One kind after the other, most of them met."""
    some = goods(random)
    kinds: tuple[Drawn, ...] = (
        {"kind": "always"},
        {"kind": "amount", "at_least": rub("1000.00")},
        {"kind": "amount", "at_least": rub("200.00"), "goods": some, "measure": "remaining"},
        {"kind": "units", "goods": some, "at_least": 2},
        {"kind": "contains", "goods": some},
        {"kind": "member"},
        {"kind": "audience", "segment": {"kind": "purchase", "days": 30}},
        {"kind": "purchase_number", "at_least": 2},
        {"kind": "birthday", "before": 3, "after": 7},
        {"kind": "place", "stores": ["centre"]},
        {"kind": "hours", "weekdays": WEEKDAYS, "from": "09:00", "until": "18:00"},
        {"kind": "dates", "from": "2026-01-01", "until": "2036-12-31"},
        {"kind": "code", "codes": ["SPRING"]},
        {"kind": "all", "of": [{"kind": "member"}, {"kind": "contains", "goods": some}]},
        {"kind": "any", "of": [{"kind": "code", "codes": ["AUTUMN"]}, {"kind": "member"}]},
        {"kind": "none", "of": [{"kind": "payment", "kinds": ["cash"]}]},
    )
    return kinds[number % len(kinds)]


def promotions(many: int) -> dict[str, Drawn]:
    """So many promotions, by code."""
    random = Random(many)  # noqa: S311
    return {
        f"p{number}": {
            "name": f"Promotion {number}",
            "when": condition(random, number),
            "gives": [reward(random, number)],
            "priority": number % 5,
        }
        for number in range(many)
    }


def elsewhere(many: int) -> dict[str, Drawn]:
    """So many promotions of the same kinds that have nothing to say of this basket: they are for
    other goods, or want other goods or a code."""
    random, found = Random(many), {}  # noqa: S311
    for number in range(many):
        stranger = {"skus": [f"X{number}", f"Y{number}"]}
        given = of_others(reward(random, number), stranger)
        when = condition(random, number)
        if "goods" not in given:  # so it is the condition that keeps it out
            code = {"kind": "code", "codes": [f"CODE{number}"]}
            rare = code if number % 2 else {"kind": "contains", "goods": stranger}
            when = {"kind": "all", "of": [rare, when]}
        found[f"x{number}"] = {"name": f"Other {number}", "when": when, "gives": [given]}
    return found


def of_others(told: Drawn, stranger: Drawn) -> Drawn:
    """The reward, for other goods."""
    if told["kind"] == "bundle":
        return {**told, "slots": [{"goods": stranger}, *told["slots"][1:]]}
    if told["kind"] == "price_list":
        return {**told, "prices": [{"sku": stranger["skus"][0], "price": rub("49.00")}]}
    name = "comes_with" if told["kind"] == "gift" else "goods"
    return {**told, name: stranger} if name in told else told


def read(told: dict[str, Drawn]) -> list[Promotion]:
    """The promotions of these documents."""
    return [
        Promotion(code, 1, PromotionRules.model_validate(rules)) for code, rules in told.items()
    ]
