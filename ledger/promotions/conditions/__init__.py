"""When a promotion gives something: the kinds of conditions, each in a file of its own. A new kind
is a file here and a name in the list below, or comes from an installed package: see
docs/promotions.md."""

from ledger.promotions.conditions.all_of import AllConditions
from ledger.promotions.conditions.always import Always
from ledger.promotions.conditions.amount import AmountOfGoods
from ledger.promotions.conditions.any_of import AnyOfConditions
from ledger.promotions.conditions.audience import MemberOfAudience
from ledger.promotions.conditions.birthday import NearBirthday
from ledger.promotions.conditions.code import CodeEntered
from ledger.promotions.conditions.contains import Contains
from ledger.promotions.conditions.dates import OnDates
from ledger.promotions.conditions.hours import AtHours
from ledger.promotions.conditions.member import MemberBuys
from ledger.promotions.conditions.none_of import NoneConditions
from ledger.promotions.conditions.payment import PaidBy
from ledger.promotions.conditions.place import AtPlace
from ledger.promotions.conditions.purchase_number import PurchaseNumber
from ledger.promotions.conditions.registry import CONDITIONS
from ledger.promotions.conditions.units import NumberOfUnits

CONDITIONS.register(
    Always,
    AmountOfGoods,
    NumberOfUnits,
    Contains,
    MemberBuys,
    MemberOfAudience,
    PurchaseNumber,
    NearBirthday,
    AtPlace,
    AtHours,
    OnDates,
    CodeEntered,
    PaidBy,
    AllConditions,
    AnyOfConditions,
    NoneConditions,
)
