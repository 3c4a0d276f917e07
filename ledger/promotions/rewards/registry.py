"""What a reward is, and `AnyReward`, the type of one of any kind.

A discount takes something off while the receipt is priced; points are counted when it is known what
is paid; a present is told to the till."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol, Self, TypeVar, cast, runtime_checkable

from ledger.fields import Body
from ledger.programmes.earning import Rates
from ledger.promotions.deals import PromotionReach
from ledger.promotions.goods import Goods
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.telling import KindWords, Voice
from ledger.promotions.worksheet import Deal
from ledger.segments.registry import Registry

BodyT = TypeVar("BodyT", bound=Body)


def changed(document: BodyT, **changes: Any) -> BodyT:
    """The document with other values. It is made anew: what it has reckoned of itself goes."""
    told = {name: getattr(document, name) for name in type(document).model_fields} | changes
    return type(document).model_construct(
        _fields_set=document.model_fields_set | changes.keys(), **told
    )


class Reward(Protocol):
    """What a promotion gives: a document as people wrote it, and the rule in it. `WORDS`: what its
    kind is called."""

    WORDS: ClassVar[KindWords]

    @property
    def kind(self) -> str:
        """The word that stands for this kind in documents."""

    def told(self, say: Voice) -> str:
        """It in words, as the beginning of a sentence."""


@runtime_checkable
class OfGoods(Protocol):
    """A reward that gives nothing unless something of some goods is bought."""

    def touches(self) -> Goods:
        """Of which."""


@runtime_checkable
class Discount(Protocol):
    """A reward that makes the purchase cheaper."""

    def deal(self, reach: PromotionReach) -> Deal:
        """What is to be taken off; nothing where nothing of it is bought."""

    def touches(self) -> Goods:
        """The goods of which something must be bought for it to give anything."""


@runtime_checkable
class CountingDiscount(Protocol):
    """A discount that gives nothing until there is enough of something."""

    def missing(self, reach: PromotionReach) -> Unmet | None:
        """What is missing until it gives anything; None where there is enough."""


@runtime_checkable
class RepeatableReward(Protocol):
    """A reward that may be had several times on one receipt."""

    def repeated(self, times: int) -> Self | None:
        """It, so many times; None if it is as much as there can be."""


@dataclass(frozen=True, slots=True)
class Earnings:
    """What points are counted from. `paid`: by line, what is paid of it and earns. `base`: what the
    base programme gives, by line it is of. `rates`: None where no point has a worth."""

    situation: Situation
    paid: list[int]
    base: int
    rates: Rates | None
    scale: int

    def lines(self, goods: Goods) -> list[int]:
        """The lines that these goods are, of those that earn."""
        lines = self.situation.worksheet.lines
        return [n for n in self.situation.worksheet.meant(goods) if lines[n].treatment.earns]

    def amount(self, goods: Goods) -> int:
        """What is paid for these goods and earns."""
        return sum(self.paid[n] for n in self.lines(goods))

    @property
    def pieces(self) -> int:
        """How many pieces one whole point has."""
        return int(10**self.scale)


@runtime_checkable
class PointsReward(Protocol):
    """A reward of points."""

    def points(self, earnings: Earnings) -> int:
        """How many, in the smallest pieces of the unit."""


@dataclass(frozen=True, slots=True)
class Present:
    """Something that comes with the purchase and is not on the receipt yet."""

    sku: str
    units: int


@runtime_checkable
class PresentReward(Protocol):
    """A reward that the till has to hand out."""

    def present(self, situation: Situation) -> Present | None:
        """What is still to be added to the receipt; None if it is there."""


def kind_of(reward: Discount | PointsReward | PresentReward) -> str:
    """The word that stands for the kind of this reward in documents. It is no part of the protocols
    above, which classes are asked for: those have methods alone."""
    return cast(Reward, reward).kind


REWARDS: Registry[Reward] = Registry("rewards")

AnyReward = Annotated[Reward, REWARDS]
