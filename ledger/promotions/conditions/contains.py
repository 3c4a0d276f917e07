"""The kind `contains`."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from ledger.fields import Body
from ledger.promotions.facts import FactAsked
from ledger.promotions.goods import GoodsMeant
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.telling import KindWords, Voice
from ledger.words import N_


class Contains(Body):
    """Something of these goods is bought. Turn it round with `none`.

    {"kind": "contains", "goods": {"skus": ["SHOE-38"]}}"""

    WORDS: ClassVar = KindWords(
        N_("Goods in the receipt"), N_("Something of these goods is bought.")
    )

    kind: Literal["contains"]
    goods: GoodsMeant

    def unmet(self, situation: Situation) -> Unmet | None:
        """Nobody is close who has none."""
        return None if situation.counted(self.goods) else Unmet("not_met", "goods_missing")

    def asks(self) -> Iterator[FactAsked]:
        """Nothing."""
        yield from ()

    def told(self, say: Voice) -> str:
        """Which goods."""
        return say("the receipt contains these goods ({goods})", goods=say.part(self.goods))
