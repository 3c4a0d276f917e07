"""What a promotion gives: the kinds of rewards. A new kind is a class here and a name in the list
below, or comes from an installed package: see docs/promotions.md."""

from ledger.promotions.rewards.amount import AmountOff, AmountOffEach, AmountOffLine
from ledger.promotions.rewards.bundle import Bundle
from ledger.promotions.rewards.gift import GiftProduct
from ledger.promotions.rewards.ladder import FirstAndFurther, Ladder, PerGroup
from ledger.promotions.rewards.nth_unit import FreeUnits, NthUnit
from ledger.promotions.rewards.percent import PercentOff
from ledger.promotions.rewards.points import (
    PointsFixed,
    PointsForMoney,
    PointsForUnits,
    PointsForVisit,
    PointsMultiplied,
    PointsPercent,
)
from ledger.promotions.rewards.registry import REWARDS
from ledger.promotions.rewards.set_total import SetTotal
from ledger.promotions.rewards.special_price import PriceList, SpecialPrice

REWARDS.register(
    PercentOff,
    AmountOff,
    AmountOffEach,
    AmountOffLine,
    SpecialPrice,
    PriceList,
    SetTotal,
    Bundle,
    NthUnit,
    FreeUnits,
    Ladder,
    FirstAndFurther,
    PerGroup,
    GiftProduct,
    PointsPercent,
    PointsForMoney,
    PointsForUnits,
    PointsFixed,
    PointsForVisit,
    PointsMultiplied,
)
