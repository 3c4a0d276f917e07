"""What a receipt must have for a promotion to say anything of it: goods, a code, a place."""

from collections.abc import Iterable, Iterator, Sequence

from ledger.promotions.baskets import Basket
from ledger.promotions.conditions.all_of import AllConditions
from ledger.promotions.conditions.amount import AmountOfGoods
from ledger.promotions.conditions.code import CodeEntered
from ledger.promotions.conditions.contains import Contains
from ledger.promotions.conditions.place import AtPlace
from ledger.promotions.conditions.registry import Condition
from ledger.promotions.conditions.units import NumberOfUnits
from ledger.promotions.goods import GoodsKey, in_pieces, keys_of
from ledger.promotions.rewards.registry import OfGoods, Reward
from ledger.promotions.situations import SalePlace

Needed = frozenset[GoodsKey]  # one of these is enough


def had(basket: Basket, place: SalePlace, codes: Iterable[str]) -> set[GoodsKey]:
    """All that a receipt has; the codes are written as they are compared."""
    found = goods_had(basket)
    found.update(("codes", code) for code in codes)
    if place.store is not None:
        found.add(("stores", place.store))
    if place.group is not None:
        found.add(("groups", place.group))
    return found


def goods_had(basket: Basket) -> set[GoodsKey]:
    """What its goods are."""
    return {key for line in basket.lines for key in keys_of(line)}


def of_rewards(rewards: Sequence[Reward]) -> Needed | None:
    """Without any of these the rewards give nothing; None where any basket will do."""
    found: set[GoodsKey] = set()
    for reward in rewards:
        keys = reward.touches().key_set if isinstance(reward, OfGoods) else None
        if keys is None:
            return None
        found |= keys
    return frozenset(found)


def of_condition(when: Condition) -> Iterator[Needed]:
    """Without one of each, the condition is not met, and nobody is close to it."""
    match when:
        case AllConditions():
            for part in when.of:
                yield from of_condition(part)
        case CodeEntered():
            yield frozenset(("codes", key) for key in when.keys)
        case AtPlace() if when.stores or when.groups:
            stores = [("stores", store) for store in when.stores or ()]
            yield frozenset([*stores, *(("groups", group) for group in when.groups or ())])
        case Contains() | NumberOfUnits():
            if when.goods.key_set is not None:
                yield when.goods.key_set
        case AmountOfGoods() if _costs_anything(when):
            if when.goods.key_set is not None:
                yield when.goods.key_set


def _costs_anything(when: AmountOfGoods) -> bool:
    if when.more_than is not None:
        return True
    return when.at_least is not None and in_pieces(when.at_least) > 0
