"""Rewards that points buy: a promotion at a price in points, as often as the points allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ledger.promotions.deals import PromotionReach
from ledger.promotions.promotions import MOST_TIMES, Promotion, PromotionRules
from ledger.promotions.situations import Situation, Unmet


@dataclass(slots=True)
class RewardChoice:
    """Which promotions compete for the receipt. `times`: how often those are bought that cost
    points, by code. `refused`: why others are not, by code; None for what gives nothing here."""

    promotions: list[Promotion] = field(default_factory=list)
    times: dict[str, int] = field(default_factory=dict)
    refused: list[tuple[Promotion, Unmet | None]] = field(default_factory=list)


def chosen(
    situation: Situation,
    promotions: Sequence[Promotion],
    wished: Mapping[str, int],
    available: int,
    scale: int,
) -> RewardChoice:
    """Those without a price, and of the others what is wished or bought at once, in their order,
    as long as there are points. What would give no more if it were bought once more is not.
    `available`: in the smallest pieces of the unit."""
    found = RewardChoice()
    for promotion in promotions:
        costs = promotion.rules.costs
        if costs is None:
            found.promotions.append(promotion)
            continue
        price = costs.points * int(10**scale)
        usual = costs.times or MOST_TIMES if costs.at_once else 0
        wanted = min(wished.get(promotion.code, usual), costs.times or MOST_TIMES)
        unmet = promotion.rules.when.unmet(situation)
        if unmet is None and available < price:
            missing = -(-(price - available) // int(10**scale))
            unmet = Unmet("not_met", "too_few_points", {"number": missing})
        if unmet is None and not any(_gives(situation, promotion.rules)):
            found.refused.append((promotion, None))
            continue
        if unmet is None and not wanted:
            unmet = Unmet("close", "for_points", {"number": costs.points})
        if unmet is not None:
            found.refused.append((promotion, unmet))
            continue
        times, rules = _useful(situation, promotion.rules, min(wanted, available // price))
        available -= times * price
        found.times[promotion.code] = times
        found.promotions.append(replace(promotion, rules=rules))
    return found


def _useful(situation: Situation, rules: PromotionRules, most: int) -> tuple[int, PromotionRules]:
    """How often it is bought, and what it is then."""
    times, found, gives = 1, rules, _gives(situation, rules)
    while times < most:
        more = rules.repeated(times + 1)
        if more is None or (would := _gives(situation, more)) == gives:
            break
        times, found, gives = times + 1, more, would
    return times, found


def _gives(situation: Situation, rules: PromotionRules) -> tuple[int, int]:
    """What it would take off the receipt as it is, hand out, and promise."""
    sheet, off = situation.worksheet.fork(), 0
    lines = frozenset(
        n
        for n, line in enumerate(sheet.lines)
        if line.treatment.discounted and (rules.adds_to_given or not line.is_closed)
    )
    for discount in rules.discounts:
        deal = discount.deal(PromotionReach(situation, sheet, lines))
        sheet.apply(deal, is_one_of_many=True)
        off += deal.total
    presents = [one.present(situation) for one in rules.presents]
    return off, sum(one.units for one in presents if one is not None)
