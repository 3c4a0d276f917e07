"""What conditions are asked about: a receipt, by whom, where and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from ledger.money import Money, decimals
from ledger.promotions.facts import BuyerFacts
from ledger.promotions.goods import Goods
from ledger.promotions.worksheet import Worksheet

UnmetAs = Literal["not_met", "not_now", "close"]


@dataclass(frozen=True, slots=True)
class SalePlace:
    """Where something is sold, by codes. `group`: of the store. `channel`: how, such as `web`."""

    store: str | None = None
    group: str | None = None
    till: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class StoreClock:
    """When something is sold. `day`: the business day of the store, which may end after midnight.
    `at`: date and time as its clock shows them. `moment`: the same everywhere."""

    day: date
    at: datetime
    moment: datetime


@dataclass(frozen=True, slots=True)
class Unmet:
    """Why a condition is not met: a code and facts, made a sentence when somebody reads it.
    `missing`: what is short, where more of the same would do."""

    outcome: UnmetAs
    code: str
    facts: Mapping[str, object] = field(default_factory=dict)


def too_few(found: int, needed: int) -> Unmet:
    """There are so many units, and so many are needed. Who has some, and at least half, is
    close."""
    is_close = found > 0 and 2 * found >= needed
    missing = {"number": needed - found}
    return Unmet("close" if is_close else "not_met", "too_few_units", missing)


def too_cheap(found: int, needed: int, currency: str) -> Unmet:
    """It costs so much, and so much is needed. Who has at least half is close."""
    missing = Money.of(needed - found, decimals(currency), currency)
    is_close = 2 * found >= needed
    return Unmet("close" if is_close else "not_met", "costs_too_little", {"missing": missing})


@dataclass(frozen=True, slots=True)
class Situation:
    """A receipt as a promotion finds it. `paid_by`: the kinds of payment of all that is due; empty
    if nobody said it. `codes`: those that were typed or scanned, as they are compared."""

    worksheet: Worksheet
    facts: BuyerFacts
    place: SalePlace
    clock: StoreClock
    codes: frozenset[str] = frozenset()
    paid_by: frozenset[str] = frozenset()

    def counted(self, goods: Goods) -> Sequence[int]:
        """The lines that these goods are, of those that count in conditions."""
        lines = self.worksheet.lines
        return [n for n in self.worksheet.meant(goods) if lines[n].treatment.counts]

    def units(self, goods: Goods) -> int:
        """How many things these are."""
        lines = self.worksheet.lines
        return sum(lines[n].units for n in self.counted(goods))
