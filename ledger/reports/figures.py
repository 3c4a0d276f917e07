"""Figures: what is counted by day, and which day and hour a moment belongs to. Pure.

Sources are summed up by the quarter of an hour, since every zone differs from UTC by whole
quarters: so a database that knows no zones can add up, and the calendar comes afterwards."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

# Points, by unit. issued: they came in by accruals and gifts; brought: from another system; spent;
# expired: their time was over, or their owner was erased. taken_back and given_back: what was
# undone of points that had come in, and of points that had been spent. owed: by how much more
# members hold than before; debt: by how much more they owe.
FigureOfPoints = Literal[
    "issued", "brought", "spent", "expired", "taken_back", "given_back", "owed", "debt"
]
# By currency: how many purchases were told, what was paid in them, what was taken back of that.
FigureOfPurchases = Literal["purchases", "paid", "returned"]
# Members who joined, and versions of cards that phones fetched.
RecountedFigure = Literal["joined", "fetched"]
# By wallet: cards that came to one and left it; changes that the vendor accepted, refused for good,
# and asked to be sent again.
TalliedFigure = Literal[
    "card_added", "card_removed", "push_accepted", "push_failed", "push_deferred"
]
Figure = FigureOfPoints | FigureOfPurchases | RecountedFigure | TalliedFigure

OF_POINTS: tuple[FigureOfPoints, ...] = get_args(FigureOfPoints)
OF_PURCHASES: tuple[FigureOfPurchases, ...] = get_args(FigureOfPurchases)
RECOUNTED: tuple[RecountedFigure, ...] = get_args(RecountedFigure)
# Those of which everything that was counted is still there.
MADE_ANEW: tuple[str, ...] = (*OF_POINTS, *OF_PURCHASES, *RECOUNTED)

QUARTER_S = 900


class FigureOf(NamedTuple):
    """One figure: which one, and of what: the code of a unit, a currency, a wallet, or nothing."""

    figure: str
    of: str = ""


class DayHour(NamedTuple):
    """An hour of a calendar day. Where clocks are put back it has two hours."""

    day: date
    hour: int


Amounts = Mapping[FigureOf, int]


def hour_of(quarter: int, zone: ZoneInfo) -> DayHour:
    """The hour to which this quarter of an hour since 1970 belongs."""
    local = datetime.fromtimestamp(quarter * QUARTER_S, zone)
    return DayHour(local.date(), local.hour)


def of_book(account: str, *, undoes: bool, amount: int) -> list[tuple[FigureOfPoints, int]]:
    """What an entry of so many points on an account of this kind adds to which figures; `undoes`:
    it belongs to a reversal."""
    match account:
        case "member":
            return [("owed", amount)]
        case "debt":
            return [("debt", -amount)]
        case "issued" | "opening" if undoes:
            return [("taken_back", amount)]
        case "issued":
            return [("issued", -amount)]
        case "opening":
            return [("brought", -amount)]
        case "redeemed" if undoes:
            return [("given_back", -amount)]
        case "redeemed":
            return [("spent", amount)]
    return [("expired", amount)]
