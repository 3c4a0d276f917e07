"""A receipt is priced: promotions, then points that pay, then points that are earned."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ledger.money import WHOLE
from ledger.programmes.earning import Rates
from ledger.promotions import buying, paying
from ledger.promotions.arithmetic import half_up
from ledger.promotions.baskets import Basket, BasketLine
from ledger.promotions.buying import RewardChoice
from ledger.promotions.conditions.code import folded
from ledger.promotions.facts import BuyerFacts
from ledger.promotions.modifiers import JoinedBasket, shares
from ledger.promotions.paying import Earned, StoredValue, Wish
from ledger.promotions.pieces import parted
from ledger.promotions.promotions import Promotion, Shelf
from ledger.promotions.quotes import (
    BoughtReward,
    EnteredCode,
    LineReason,
    PointsReason,
    PromisedPresent,
    Quote,
    QuoteLine,
)
from ledger.promotions.reasons import Reasons
from ledger.promotions.situations import SalePlace, Situation, StoreClock
from ledger.promotions.stacking import Allowance, PromotionStanding, Stacked, Stacking
from ledger.promotions.terms import PromotionTerms
from ledger.promotions.worksheet import Worksheet

# A change that alters any result gets a number of its own; the older ones stay callable, since
# purchases are returned and exchanged by the arithmetic of their day.
RULES = 1


@dataclass(frozen=True, slots=True)
class PricedSale:
    """A receipt with everything that decides its price. `available`: points that the member can
    spend, and `wish`: how many are to pay, in the smallest pieces of the unit. `rewards`: how often
    the member wants those that cost points, by code. `stored`: cards that are to pay. `left`: what
    is left of promotions with limits. `scale`: decimal places of a point. `is_traced`: it is told
    of all promotions for these goods what kept them out, such as a store or a code."""

    basket: Basket
    terms: PromotionTerms
    place: SalePlace
    clock: StoreClock
    facts: BuyerFacts = field(default_factory=dict)
    codes: Sequence[str] = ()
    paid_by: frozenset[str] = frozenset()
    rates: Rates | None = None
    scale: int = 0
    available: int = 0
    wish: Wish | None = None
    rewards: Mapping[str, int] = field(default_factory=dict)
    stored: Sequence[StoredValue] = ()
    left: Mapping[str, Allowance] = field(default_factory=dict)
    is_traced: bool = False


def price(sale: PricedSale, shelf: Shelf, rules: int = RULES) -> Quote:
    """The quote of a sale by these promotions. Raises KeyError for an arithmetic that there never
    was."""
    return ARITHMETIC[rules](sale, shelf)


def near(sale: PricedSale, basket: Basket, shelf: Shelf) -> list[Promotion]:
    """The promotions that are asked about this sale; `basket`: its own, as promotions see it."""
    traced = sale.is_traced
    found = shelf.touching(basket) if traced else shelf.near(basket, sale.place, sale.codes)
    return [one for one in found if one.is_on(sale.clock.moment)]


def _price_by_1(sale: PricedSale, shelf: Shelf) -> Quote:
    joined = JoinedBasket(sale.basket)
    sheet = Worksheet(joined.basket, sale.terms)
    entered = frozenset(map(folded, sale.codes))
    situation = Situation(sheet, sale.facts, sale.place, sale.clock, entered, sale.paid_by)
    asked = near(sale, joined.basket, shelf)
    choice = buying.chosen(situation, asked, sale.rewards, sale.available, sale.scale)
    stacked = Stacking(situation, choice.promotions, sale.left, sale.rates, sale.scale).decide()
    _note_refused(choice, stacked)
    bought = _bought(choice, stacked, sale)
    on_rewards = sum(one.points for one in bought)
    paid = paying.pay(sheet, sale.rates, sale.available - on_rewards, sale.wish)
    stored = paying.pay_stored(sheet, paid, sale.stored)
    earned = paying.earn(situation, stacked, sale.rates, paid, sale.scale, sale.left)
    is_discount = sale.terms.paying.points_are == "discount"
    by_points = paid.by_line if is_discount else [0] * len(sheet.lines)
    reasons = Reasons(stacked, situation)
    lines = _lines(joined, sheet, by_points, reasons.of_lines())
    total = sum(line.total for line in lines)
    by_payment = 0 if is_discount else paid.money
    return Quote(
        rules=1,
        currency=sale.basket.currency,
        lines=lines,
        full=sum(line.full for line in lines),
        given=sum(line.given for line in lines),
        discount=sum(line.discount for line in lines),
        points_paid=paid.money,
        total=total,
        due=total - by_payment - sum(one.amount for one in stored),
        paid_by_points=by_payment,
        stored=stored,
        earned=earned.total,
        spent=paid.points + on_rewards,
        most=paid.most + on_rewards,
        bought=bought,
        points_reasons=_points_reasons(earned),
        presents=[
            PromisedPresent(present, code)
            for code, standing in stacked.standings.items()
            if standing.fate == "applied"
            for present in standing.presents
        ],
        codes=[_entered(code, shelf, stacked) for code in sale.codes],
        promotions=reasons.outcomes(),
        lanes=stacked.lanes,
        rounding=None if sale.terms.rounding == "total" else _deviation(stacked),
    )


ARITHMETIC: Mapping[int, Callable[[PricedSale, Shelf], Quote]] = {1: _price_by_1}


def _lines(
    joined: JoinedBasket,
    sheet: Worksheet,
    by_points: Sequence[int],
    reasons: Sequence[Sequence[LineReason]],
) -> list[QuoteLine]:
    """The lines of the receipt; what was priced together is parted again."""
    found: dict[int, QuoteLine] = {}
    for n, line in enumerate(sheet.lines):
        places = joined.places(n)
        if not line.parts:
            found[places[0]] = _line(line, sheet.discounts[n], by_points[n], reasons[n])
            continue
        offs = [reason.amount for reason in reasons[n]]
        *of_reasons, of_points = shares(line, [*offs, by_points[n]], sheet.terms.lowest_line)
        for part, place in enumerate(places):
            said = [
                replace(reason, amount=parts[part])
                for reason, parts in zip(reasons[n], of_reasons, strict=True)
                if parts[part] or (part == 0 and not reason.amount)
            ]
            off = sum(parts[part] for parts in of_reasons)
            found[place] = _line(line.parts[part], off, of_points[part], said)
    return [found[place] for place in range(len(found))]


def _line(line: BasketLine, discount: int, points: int, reasons: Sequence[LineReason]) -> QuoteLine:
    asked = line.full - line.given
    total = asked - discount - points
    return QuoteLine(
        id=line.id,
        full=line.full,
        given=line.given,
        discount=discount,
        points=points,
        total=total,
        percent=half_up(discount * WHOLE, asked) if asked else 0,
        pieces=parted(line.quantity, total),
        reasons=reasons,
    )


def _note_refused(choice: RewardChoice, stacked: Stacked) -> None:
    """What became of rewards that points could buy, and do not."""
    for promotion, unmet in choice.refused:
        fate = "nothing_to_take" if unmet is None else unmet.outcome
        stacked.standings[promotion.code] = PromotionStanding(promotion, fate, unmet=unmet)


def _bought(choice: RewardChoice, stacked: Stacked, sale: PricedSale) -> list[BoughtReward]:
    """What points buy of that which was wished or is bought at once: what applies."""
    found = []
    for code in dict.fromkeys([*choice.times, *sale.rewards]):
        standing = stacked.standings.get(code)
        times = choice.times.get(code, 0)
        costs = None if standing is None else standing.promotion.rules.costs
        if standing is None or costs is None or standing.fate != "applied":
            if code in sale.rewards:
                found.append(BoughtReward(code, 0, 0))
            continue
        found.append(BoughtReward(code, times, times * costs.points * int(10**sale.scale)))
    return found


def _deviation(stacked: Stacked) -> int:
    """How much more was taken off than percents of all their goods would."""
    return sum(sum(one.deviations.values()) for one in stacked.standings.values())


def _points_reasons(earned: Earned) -> list[PointsReason]:
    found = [PointsReason(code, points) for code, points in earned.by_promotion.items()]
    return [PointsReason(None, earned.base), *found] if earned.base else found


def _entered(code: str, shelf: Shelf, stacked: Stacked) -> EnteredCode:
    promotions = shelf.asking_for(code)
    for promotion in promotions:
        standing = stacked.standings.get(promotion.code)
        if standing is not None and standing.fate == "applied":
            return EnteredCode(code, "applied", promotion.code)
    if promotions:
        return EnteredCode(code, "unused", promotions[0].code)
    return EnteredCode(code, "unknown")
