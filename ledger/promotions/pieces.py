"""Pieces of a line as a fiscal device prints them: price x quantity, rounded half up, is exactly
the total of each. See docs/promotions.md."""

from collections.abc import Iterator
from dataclasses import dataclass

from ledger.promotions.arithmetic import THOUSAND, price_of

# How a quantity that is not in whole pieces is parted: in whole ones if it can be, or finer.
STEPS = (THOUSAND, 500, 100, 10, 1)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line. `quantity`: in thousandths. `price`: of one."""

    quantity: int
    price: int
    total: int


def parted(quantity: int, total: int) -> tuple[Piece, ...]:
    """The fewest pieces that are exactly this quantity, in thousandths, and this total; the dearer
    first."""
    price = total * THOUSAND // quantity
    for one in (price, price + 1):
        if price_of(one, quantity) == total:
            return (Piece(quantity, one, total),)
    for dearer in _dearer_quantities(quantity, total, price):
        rest = quantity - dearer
        first, second = price_of(price + 1, dearer), price_of(price, rest)
        if first + second == total:
            return (Piece(dearer, price + 1, first), Piece(rest, price, second))
    raise AssertionError(f"no pieces for {quantity} at {total}")  # make proofs looks for one


def _dearer_quantities(quantity: int, total: int, price: int) -> Iterator[int]:
    """How much may be a piece dearer, beginning with the best guess in whole units."""
    short = total * THOUSAND - price * quantity  # exactly so many thousandths are one piece dearer
    for step in STEPS:
        near = short // step * step
        for dearer in (near, near + step, near - step):
            if 0 < dearer < quantity:
                yield dearer
