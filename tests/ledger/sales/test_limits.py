"""What a limit or a budget may come to."""

from datetime import date

from marketers import percent

from ledger.promotions.promotions import Promotion
from ledger.sales import limits
from ledger.sales.limits import CounterBounds, Whose


def test_a_budget_in_points_is_counted_in_the_pieces_of_the_unit() -> None:
    promotion = Promotion("p", 1, percent(10, budget={"points": 100}))
    whole, parts = (Whose(None, date(2026, 12, 1), scale=scale) for scale in (0, 2))
    assert limits.scopes(promotion, whole) == {"all": CounterBounds(None, None, 100)}
    assert limits.scopes(promotion, parts) == {"all": CounterBounds(None, None, 10_000)}
