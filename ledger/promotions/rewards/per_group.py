"""The kind `per_group`."""

from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from ledger.fields import Body
from ledger.promotions.deals import (
    PromotionReach,
    dearest_first,
    first_units,
    number,
    spread,
    worth,
)
from ledger.promotions.goods import Goods, GoodsMeant, PromotionMoney, UnitCount, in_pieces
from ledger.promotions.rewards.picks import AlikeBy, TimesAtMost, alike, alike_told, group_missing
from ledger.promotions.rewards.registry import changed
from ledger.promotions.situations import Unmet
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.promotions.worksheet import Deal
from ledger.words import N_


class PerGroup(Body):
    """So much off for each complete group of so many units of these goods.

    {"kind": "per_group", "units": 3, "amount": {"amount": "100", "currency": "RUB"},
     "goods": {"categories": ["socks"]}}"""

    WORDS: ClassVar = KindWords(
        N_("Amount off each full group"), N_("So much off for each so many units.")
    )

    kind: Literal["per_group"]
    units: Annotated[UnitCount, FieldWords("Units in a group", "units")]
    amount: Annotated[PromotionMoney, FieldWords("Amount off each group", "money")]
    goods: GoodsMeant
    identical: AlikeBy = None
    times: TimesAtMost = None

    @cached_property
    def _amount(self) -> int:
        return in_pieces(self.amount)

    def touches(self) -> Goods:
        """The goods it is of."""
        return self.goods

    def deal(self, reach: PromotionReach) -> Deal:
        """Shared by the units that make groups, the dearest first."""
        taken, groups = [], 0
        kinds = map(dearest_first, alike(reach, self.identical, reach.counted_runs(self.goods)))
        for runs in sorted(kinds, key=lambda runs: -runs[0].each):
            more = number(runs) // self.units
            if self.times is not None:
                more = min(more, self.times - groups)
            taken += first_units(runs, more * self.units)
            groups += more
        return spread(reach.sheet, taken, min(groups * self._amount, worth(taken)), elsewhere=True)

    def missing(self, reach: PromotionReach) -> Unmet | None:
        """Units of the group that is nearest to be full."""
        return group_missing(reach, self.goods, self.identical, self.units)

    def repeated(self, times: int) -> Self | None:
        """So many groups more; all that there are, where nobody says how many."""
        return None if self.times is None else changed(self, times=self.times * times)

    def told(self, say: Voice) -> str:
        """How much off for how many, of which goods, and how often."""
        goods = say.joined(
            [say.part(self.goods), alike_told(self.identical, say), say.times(self.times)]
        )
        return say(
            "{money} off for each {units}: {goods}",
            money=say.money(self.amount),
            units=say.units(self.units),
            goods=goods,
        )
