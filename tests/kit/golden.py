"""Golden receipts: what receipts cost by an arithmetic, once and for all. A file holds a sale, the
promotions it was priced by, and the quote; the folder's name is the number of the arithmetic.

`make golden` adds the quote to each file that has none yet, by today's arithmetic. A file with a
quote is never written again: purchases of that day are returned and exchanged by it."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import supermarket
from pydantic import TypeAdapter

from ledger.promotions.pricing import RULES, PricedSale, price
from ledger.promotions.promotions import Shelf
from ledger.promotions.quotes import Quote, QuoteLine

FOLDER = Path(__file__).parents[1] / "ledger" / "promotions" / "golden"

WIDTH = 100

Document = dict[str, Any]

_SALES = TypeAdapter(PricedSale)


def files(rules: int = RULES) -> Iterator[Path]:
    """The receipts of this arithmetic."""
    yield from sorted((FOLDER / str(rules)).glob("*.json"))


def stored(sale: PricedSale, promotions: Document) -> Document:
    """A receipt to be priced, as its file begins."""
    told = _SALES.dump_python(sale, mode="json", by_alias=True, exclude_defaults=True)
    return {"sale": told, "promotions": promotions}


def priced(told: Document, rules: int = RULES) -> Document:
    """What it costs by this arithmetic: all that is money or points, and who gave it."""
    sale = _SALES.validate_python(told["sale"])
    return _written(price(sale, Shelf(supermarket.read(told["promotions"])), rules))


def _written(quote: Quote) -> Document:
    sums = ("full", "given", "discount", "points_paid", "total", "due", "earned", "spent", "most")
    return {
        "lines": [_line(line) for line in quote.lines],
        **{name: getattr(quote, name) for name in sums},
        "points_by": {one.promotion or "": one.points for one in quote.points_reasons},
        "presents": [[one.present.sku, one.present.units, one.promotion] for one in quote.presents],
        "codes": {one.code: one.state for one in quote.codes},
        "applied": {
            one.promotion: one.amount for one in quote.promotions if one.outcome == "applied"
        },
        "lost": {one.promotion: one.lost_to for one in quote.promotions if one.outcome == "lost"},
        "exact": {one.lane: one.exact for one in quote.lanes},
    }


def _line(line: QuoteLine) -> Document:
    gave: dict[str, int] = {}
    for reason in line.reasons:
        if reason.amount and reason.promotion is not None:
            gave[reason.promotion] = gave.get(reason.promotion, 0) + reason.amount
    return {
        "id": line.id,
        "discount": line.discount,
        "points": line.points,
        "total": line.total,
        "pieces": [[one.quantity, one.price, one.total] for one in line.pieces],
        "gave": gave,
    }


def text(told: object, indent: str = "") -> str:
    """A document as people compare it with its next version: what is short stands on one line."""
    whole = json.dumps(told, ensure_ascii=False)
    if len(indent) + len(whole) <= WIDTH or not isinstance(told, dict | list):
        return whole
    deeper = indent + " "
    if isinstance(told, list):
        parts = [deeper + text(one, deeper) for one in told]
        return "[\n" + ",\n".join(parts) + f"\n{indent}]"
    parts = [f"{deeper}{json.dumps(name)}: {text(one, deeper)}" for name, one in told.items()]
    return "{\n" + ",\n".join(parts) + f"\n{indent}}}"


def main() -> None:
    """Add the quotes that are missing."""
    for file in files():
        told = json.loads(file.read_text())
        if "quote" not in told:
            file.write_text(text({**told, "quote": priced(told)}) + "\n")
            sys.stdout.write(f"{file.name}\n")


if __name__ == "__main__":
    main()
