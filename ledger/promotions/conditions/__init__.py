"""When a promotion gives something: the kinds of conditions. A new kind is a class here and a name
in the list below, or comes from an installed package: see docs/promotions.md."""

from ledger.promotions.conditions.always import Always
from ledger.promotions.conditions.amount import AmountOfGoods
from ledger.promotions.conditions.buyers import (
    MemberBuys,
    MemberOfAudience,
    NearBirthday,
    PurchaseNumber,
)
from ledger.promotions.conditions.circumstances import (
    AtHours,
    AtPlace,
    CodeEntered,
    OnDates,
    PaidBy,
)
from ledger.promotions.conditions.joined import AllConditions, AnyOfConditions, NoneConditions
from ledger.promotions.conditions.registry import CONDITIONS
from ledger.promotions.conditions.units import Contains, NumberOfUnits

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
