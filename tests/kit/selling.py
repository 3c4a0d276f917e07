"""Baskets and promotions for tests, in a few words."""

from collections.abc import Sequence
from datetime import UTC, datetime

from ledger.catalogue.goods import PRESETS, GoodsKind
from ledger.programmes.earning import Rates
from ledger.promotions.arithmetic import price_of
from ledger.promotions.baskets import Basket, BasketLine
from ledger.promotions.pricing import PricedSale, price
from ledger.promotions.promotions import Promotion, PromotionRules, Shelf
from ledger.promotions.quotes import Quote
from ledger.promotions.situations import SalePlace, StoreClock
from ledger.promotions.terms import PromotionTerms

TUESDAY = datetime(2026, 12, 1, 12, tzinfo=UTC)
CLOCK = StoreClock(TUESDAY.date(), TUESDAY, TUESDAY)
FIVE_PERCENT = Rates(back=500, payable=10000, worth=100, currency="RUB")


def rub(amount: str) -> dict[str, str]:
    """Money as documents write it."""
    return {"amount": amount, "currency": "RUB"}


def line(
    sku: str, price: str, quantity: str = "1", kind: GoodsKind = "goods", **more: object
) -> BasketLine:
    """A line of a receipt: `price` of one in roubles, and how many."""
    each, thousandths = _scaled(price, 2), _scaled(quantity, 3)
    told = {
        "full": price_of(each, thousandths),
        "treatment": PRESETS[kind],
        "in_pieces": "." not in quantity,
        **more,
    }
    return BasketLine(sku, sku, thousandths, each, kind=kind, **told)  # type: ignore[arg-type]


def promotion(code: str, *gives: dict, **rules: object) -> Promotion:
    """A promotion that gives these rewards."""
    document = {"name": code, "gives": list(gives), **rules}
    return Promotion(code, 1, PromotionRules.model_validate(document))


def terms(*lanes: dict, **more: object) -> PromotionTerms:
    """Terms with these lanes; one in which all apply, if none is told."""
    told = list(lanes) or [{"code": "main", "mode": "all"}]
    return PromotionTerms.model_validate({"lanes": told, **more})


def quoted(
    lines: Sequence[BasketLine],
    *promotions: Promotion,
    terms: PromotionTerms = terms(),  # noqa: B008
    place: SalePlace = SalePlace(),  # noqa: B008
    clock: StoreClock = CLOCK,
    **more: object,
) -> Quote:
    """The receipt, priced."""
    basket = Basket(lines, "RUB")
    sale = PricedSale(basket, terms, place, clock, **more)  # type: ignore[arg-type]
    return price(sale, Shelf(promotions))


def totals(quote: Quote) -> list[int]:
    """What each line costs, in kopecks."""
    return [line.total for line in quote.lines]


def fates(quote: Quote) -> dict[str, str]:
    """What became of each promotion."""
    return {one.promotion: one.outcome for one in quote.promotions}


def _scaled(text: str, places: int) -> int:
    whole, _, decimals = text.partition(".")
    return int(whole + decimals.ljust(places, "0"))
