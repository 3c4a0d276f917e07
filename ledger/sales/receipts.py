"""A receipt as a till tells it, and the basket that it is when the catalogue has completed it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from ledger.catalogue.completing import KnownGoods, KnownProduct
from ledger.catalogue.goods import PIECES, PRESETS, GoodsKind
from ledger.errors import PriceMissing, ReceiptRefused, TooManyLines, WrongCurrency
from ledger.limits import MOST_POINTS
from ledger.money import Money, decimals
from ledger.promotions.arithmetic import THOUSAND, price_of
from ledger.promotions.baskets import Basket, BasketLine

MOST_LINES = 1_000

Pays = int | Literal["most"]


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """A line as the till tells it. `quantity`: in thousandths; None: one, or what a weight code
    says. `listed`: what the whole line costs; it wins over quantity and price. `given`: what the
    till took off already. `floor_price`: the least that one may cost."""

    id: str
    sku: str | None = None
    barcode: str | None = None
    quantity: int | None = None
    price: Money | None = None
    listed: Money | None = None
    kind: GoodsKind | None = None
    given: Money | None = None
    closed: bool = False
    floor_price: Money | None = None
    marked: bool = False
    parent: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CardToPay:
    """A gift card that is to pay so much, or as much as it can."""

    card: str
    amount: Money | Literal["most"]


@dataclass(frozen=True, slots=True)
class TillReceipt:
    """A receipt as the till tells it. `store` and `till`: codes. `at`: None for now. `paid_by`:
    kinds of payment of what is due. `pays`: how many points are to pay, in the smallest pieces of
    the unit. `rewards`: how often the member wants those that cost points, by code."""

    lines: Sequence[ReceiptLine]
    store: str | None = None
    till: str | None = None
    channel: str | None = None
    at: datetime | None = None
    codes: Sequence[str] = ()
    paid_by: frozenset[str] = frozenset()
    pays: Pays | None = None
    rewards: Mapping[str, int] = field(default_factory=dict)
    gift_cards: Sequence[CardToPay] = ()

    def skus(self) -> list[str]:
        """The products that it names by SKU."""
        return [line.sku for line in self.lines if line.sku is not None]

    def scanned(self) -> list[str]:
        """The products that it names by barcode."""
        return [line.barcode for line in self.lines if line.barcode is not None]


def basket(receipt: TillReceipt, known: KnownGoods, usual_currency: str | None) -> Basket:
    """The receipt as promotions see it. A SKU that nobody knows is priced as the till says. Raises
    `TooManyLines`, `ReceiptRefused`, `PriceMissing`, `WrongCurrency`, `TooManyDecimals`,
    `AmountTooLarge`."""
    if len(receipt.lines) > MOST_LINES:
        raise TooManyLines(MOST_LINES)
    _require_own_ids(receipt.lines)
    products = [_product(line, known) for line in receipt.lines]
    currency = _currency(receipt.lines, (one for one, _ in products), usual_currency)
    lines = [
        _line(line, product, weighed, currency)
        for line, (product, weighed) in zip(receipt.lines, products, strict=True)
    ]
    if sum(line.full for line in lines) > MOST_POINTS:
        raise ReceiptRefused("lines", "they cost more than can be counted.")
    return Basket(lines, currency)


def _require_own_ids(lines: Sequence[ReceiptLine]) -> None:
    seen: set[str] = set()
    for line in lines:
        if line.id in seen:
            raise ReceiptRefused("id", "there are two lines '{id}'.", line.id, id=line.id)
        seen.add(line.id)
    for line in lines:
        if line.parent is not None and (line.parent not in seen or line.parent == line.id):
            raise ReceiptRefused("parent", "there is no line '{id}'.", line.id, id=line.parent)
    _require_roots(lines)


def _require_roots(lines: Sequence[ReceiptLine]) -> None:
    """Raises `ReceiptRefused` for lines that modify each other in a circle."""
    parents = {line.id: line.parent for line in lines}
    rooted: set[str] = set()
    for line in lines:
        way: set[str] = set()
        above: str | None = line.id
        while above is not None and above not in rooted:
            if above in way:
                raise ReceiptRefused("parent", "its parents go round in a circle.", line.id)
            way.add(above)
            above = parents[above]
        rooted |= way


def _product(line: ReceiptLine, known: KnownGoods) -> tuple[KnownProduct | None, int | None]:
    """What the catalogue knows of the line, and how much of it a weight code says there is."""
    if line.sku is not None:
        return known.by_sku.get(line.sku), None
    scanned = known.by_barcode.get(line.barcode or "")
    if scanned is None:
        raise ReceiptRefused(
            "barcode", "no product has the barcode '{code}'.", line.id, code=line.barcode or ""
        )
    weighed = None if scanned.quantity is None else int(scanned.quantity * THOUSAND)
    return scanned.product, weighed


def _currency(
    lines: Sequence[ReceiptLine],
    products: Iterable[KnownProduct | None],
    usual: str | None,
) -> str:
    """The one currency of the receipt: that of the programme, or else of what is told first."""
    told = list(_currencies(lines))
    known = [one.currency for one in products if one is not None and one.currency is not None]
    currency = next(iter([*([usual] if usual else []), *told, *known]), None)
    if currency is None:
        raise PriceMissing(lines[0].id)
    for other in told:
        if other != currency:
            raise WrongCurrency(other, currency)
    return currency


def _currencies(lines: Sequence[ReceiptLine]) -> Iterator[str]:
    for line in lines:
        for amount in (line.price, line.listed, line.given, line.floor_price):
            if amount is not None:
                yield amount.currency


def _line(
    line: ReceiptLine, product: KnownProduct | None, weighed: int | None, currency: str
) -> BasketLine:
    quantity = line.quantity or weighed or THOUSAND
    if line.marked and quantity != THOUSAND:
        raise ReceiptRefused("quantity", "of what is marked there is one on a line.", line.id)
    places = decimals(currency)
    listed = None if line.listed is None else line.listed.points(places)
    price = _price(line, product, currency, places)
    if price is None and listed is None:
        raise PriceMissing(line.id)
    full = listed if listed is not None else price_of(price or 0, quantity)
    if full > MOST_POINTS:
        raise ReceiptRefused("price", "it costs more than can be counted.", line.id)
    given = 0 if line.given is None else line.given.points(places)
    if given > full:
        raise ReceiptRefused("given", "more was taken off than it costs.", line.id)
    kind = line.kind or ("goods" if product is None else product.kind)
    treatment = PRESETS[kind] if line.kind or product is None else product.treatment
    return BasketLine(
        id=line.id,
        sku=line.sku or ("" if product is None else product.sku),
        quantity=quantity,
        price=price if price is not None else full * THOUSAND // quantity,
        full=full,
        floor=min(full - given, _floor(line, product, quantity, currency, places)),
        given=given,
        closed=line.closed,
        kind=kind,
        treatment=treatment,
        categories=() if product is None else product.category_path,
        brand=None if product is None else product.brand,
        model=None if product is None else product.model,
        properties={**(product.properties if product else {}), **line.properties},
        in_pieces=quantity % THOUSAND == 0 if product is None else product.unit == PIECES,
        marked=line.marked,
        parent=line.parent,
    )


def _price(
    line: ReceiptLine, product: KnownProduct | None, currency: str, places: int
) -> int | None:
    if line.price is not None:
        return line.price.points(places)
    if product is None or product.price is None:
        return None
    if product.currency != currency:
        raise WrongCurrency(product.currency or "", currency)
    return product.price


def _floor(
    line: ReceiptLine, product: KnownProduct | None, quantity: int, currency: str, places: int
) -> int:
    """The least that the line may cost: the higher of what the till and the catalogue say."""
    told = 0 if line.floor_price is None else line.floor_price.points(places)
    known = 0
    if product is not None and product.floor is not None and product.currency == currency:
        known = product.floor
    return price_of(max(told, known), quantity)


def key_of(receipt: TillReceipt, own: str | None, number: str | None, day: date) -> str:
    """What a receipt is recognised by for ever: the till's own id, or else store, till, business
    day and number. Raises `ReceiptRefused`."""
    if own is not None:
        return own
    if number is None:
        raise ReceiptRefused("id", "give an id, or a number.")
    return ":".join([receipt.store or "", receipt.till or "", day.isoformat(), number])
