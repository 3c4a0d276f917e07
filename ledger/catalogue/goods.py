"""Kinds of goods, and what each takes part in."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Final, Literal, get_args

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
CONTEXT = "kind of goods"  # in which the catalogue of texts names them
CONTEXT_OF_MEASURES = "measure of goods"
GOODS_KINDS: tuple[GoodsKind, ...] = get_args(GoodsKind)

# In what goods are counted. What is not in pieces is weighed or measured: a line of it is one thing
# for whoever counts things, however much it is.
Measure = Literal["pcs", "kg", "g", "l", "ml", "m", "m2", "m3", "h"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
PIECES: Final[Measure] = "pcs"
KILOGRAMS: Final[Measure] = "kg"


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

FLAGS: tuple[str, ...] = tuple(field.name for field in fields(Treatment))


def treatment(kind: GoodsKind, otherwise: Mapping[str, bool]) -> Treatment:
    """How goods of this kind are treated; `otherwise`: flags that are not those of the kind."""
    return replace(PRESETS[kind], **otherwise) if otherwise else PRESETS[kind]


def otherwise(kind: GoodsKind, wanted: Mapping[str, bool]) -> dict[str, bool]:
    """Of the wanted flags those that are not those of the kind: only they have to be kept."""
    usual = asdict(PRESETS[kind])
    return {flag: wanted[flag] for flag in FLAGS if wanted.get(flag, usual[flag]) != usual[flag]}
