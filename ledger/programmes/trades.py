"""Trades: what a shop of each kind usually begins with, and what its people call a member. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Trade = Literal["coffee", "restaurant", "shop", "beauty", "fuel", "other"]
TRADES: tuple[Trade, ...] = get_args(Trade)

# What a member is called where people of the staff read of one.
Called = Literal["client", "guest", "buyer"]
CALLED: tuple[Called, ...] = get_args(Called)


@dataclass(frozen=True, slots=True)
class UsualTerms:
    """What most shops of a trade begin with: `back` and `payable` in hundredths of a percent, how
    many days points live, and what a member is called."""

    back: int
    payable: int
    live_days: int
    called: Called


# Nobody begins with points that pay a whole receipt: a shop that takes no money for what it sells
# stops its own programme within months. A part of each purchase is paid with them: half where
# margins are high and receipts small (coffee), less where they are not. Where one comes every day,
# points that live half a year are time enough, and the debt stays small.
USUAL: Mapping[Trade, UsualTerms] = {
    "coffee": UsualTerms(500, 5_000, 180, "guest"),
    "restaurant": UsualTerms(500, 3_000, 365, "guest"),
    "shop": UsualTerms(300, 3_000, 365, "buyer"),
    "beauty": UsualTerms(500, 3_000, 365, "client"),
    "fuel": UsualTerms(150, 5_000, 180, "client"),
    "other": UsualTerms(500, 3_000, 365, "client"),
}
