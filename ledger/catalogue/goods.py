"""Kinds of goods, and what each takes part in."""

from dataclasses import dataclass
from typing import Final, Literal

GoodsKind = Literal[
    "goods",
    "service",
    "bag",
    "delivery",
    "deposit",
    "tip",
    "certificate",
    "tobacco",
    "alcohol",
    "prepayment",
]


@dataclass(frozen=True, slots=True)
class Treatment:
    """What a line of a receipt takes part in. `counts`: promotions count it in their conditions.
    `discounted`: it may become cheaper. `payable`: points may pay for it. `earns`: it earns points.
    `turnover`: it counts for levels."""

    counts: bool = True
    discounted: bool = True
    payable: bool = True
    earns: bool = True
    turnover: bool = True


_IN_EVERYTHING = Treatment()
_IN_NOTHING = Treatment(counts=False, discounted=False, payable=False, earns=False, turnover=False)

# What nobody buys for its own sake, and money for later, are in nothing. The law forbids discounts
# on tobacco (15-FZ, article 16), and points are another form of them. Alcohol has the lowest price
# of its own that the law sets, which is a floor of the catalogue.
PRESETS: Final[dict[GoodsKind, Treatment]] = {
    "goods": _IN_EVERYTHING,
    "service": _IN_EVERYTHING,
    "bag": _IN_NOTHING,
    "delivery": _IN_NOTHING,
    "deposit": _IN_NOTHING,
    "tip": _IN_NOTHING,
    "certificate": _IN_NOTHING,
    "tobacco": _IN_NOTHING,
    "alcohol": _IN_EVERYTHING,
    "prepayment": _IN_NOTHING,
}
