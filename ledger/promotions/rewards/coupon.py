"""The kind `coupon`."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from ledger.fields import Body, Code, LiveDays, NotEmpty
from ledger.promotions.rewards.registry import Coupon, changed
from ledger.promotions.situations import Situation
from ledger.promotions.telling import FieldWords, KindWords, Voice
from ledger.words import N_

MOST_COUPONS = 100


class CouponForLater(Body):
    """A coupon of this `series` for a later visit. `units`: how many. `active_after_days`: when it
    can be used first, counted from the day of the purchase; `live_days`: how long from then on;
    without it as long as the series says.

    {"kind": "coupon", "series": "spring", "active_after_days": 1, "live_days": 30}"""

    WORDS: ClassVar = KindWords(
        N_("Coupon for a later visit"), N_("The member gets a coupon of a series.")
    )

    kind: Literal["coupon"]
    series: Annotated[Code, NotEmpty, FieldWords("Series of coupons")]
    units: Annotated[int, Field(ge=1, le=MOST_COUPONS), FieldWords("How many", "units")] = 1
    active_after_days: Annotated[
        int, Field(ge=0, le=3650), FieldWords("Can be used after", "days")
    ] = 0
    live_days: Annotated[LiveDays | None, FieldWords("Lives for", "days")] = None

    def coupon(self, situation: Situation) -> Coupon:
        """From which day until which day, by the business day of the store."""
        begins = situation.clock.day + timedelta(days=self.active_after_days)
        ends = None if self.live_days is None else begins + timedelta(days=self.live_days)
        return Coupon(self.series, self.units, begins, ends)

    def repeated(self, times: int) -> Self | None:
        """So many more."""
        return changed(self, units=self.units * times)

    def told(self, say: Voice) -> str:
        """Of which series, how many, and when they can be used."""
        name, units = say.name(self.series), say.units(self.units)
        parts = [say("coupon {name} ({units}) for a later visit", name=name, units=units)]
        if self.active_after_days:
            days = say.days(self.active_after_days)
            parts.append(say("it can be used after {days}", days=days))
        if self.live_days is not None:
            parts.append(say("it lives for {days}", days=say.days(self.live_days)))
        return say.joined(parts)
