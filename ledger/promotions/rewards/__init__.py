"""What a promotion gives: the kinds of rewards, each in a file of its own. A new kind is a file
here and a name in the list below, or comes from an installed package: see docs/promotions.md."""

from ledger.promotions.rewards.amount import AmountOff
from ledger.promotions.rewards.amount_per_line import AmountOffLine
from ledger.promotions.rewards.amount_per_unit import AmountOffEach
from ledger.promotions.rewards.bundle import Bundle
from ledger.promotions.rewards.first_and_further import FirstAndFurther
from ledger.promotions.rewards.free_units import FreeUnits
from ledger.promotions.rewards.gift import GiftProduct
from ledger.promotions.rewards.ladder import Ladder
from ledger.promotions.rewards.nth_unit import NthUnit
from ledger.promotions.rewards.per_group import PerGroup
from ledger.promotions.rewards.percent import PercentOff
from ledger.promotions.rewards.points_fixed import PointsFixed
from ledger.promotions.rewards.points_for_money import PointsForMoney
from ledger.promotions.rewards.points_for_units import PointsForUnits
from ledger.promotions.rewards.points_for_visit import PointsForVisit
from ledger.promotions.rewards.points_multiplied import PointsMultiplied
from ledger.promotions.rewards.points_percent import PointsPercent
from ledger.promotions.rewards.price_list import PriceList
from ledger.promotions.rewards.registry import REWARDS
from ledger.promotions.rewards.set_total import SetTotal
from ledger.promotions.rewards.special_price import SpecialPrice

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
