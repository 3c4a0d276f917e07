"""What points and stored value pay of a receipt, and what is earned by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ledger.money import WHOLE, hundredths
from ledger.programmes.earning import Rates
from ledger.promotions.arithmetic import shared_within
from ledger.promotions.goods import in_pieces
from ledger.promotions.rewards.registry import Earnings
from ledger.promotions.situations import Situation
from ledger.promotions.stacking import NO_LIMIT, Allowance, Stacked
from ledger.promotions.worksheet import Worksheet

Wish = int | Literal["most"]  # how many points are to pay, in the smallest pieces of the unit


@dataclass(frozen=True, slots=True)
class PointsPaid:
    """What points pay. `points`: how many, and `most`: how many could, in the smallest pieces of
    the unit. `by_line`: what they pay of each line."""

    points: int
    most: int
    by_line: list[int]

    @property
    def money(self) -> int:
        """What they pay in all."""
        return sum(self.by_line)


@dataclass(frozen=True, slots=True)
class StoredValue:
    """Money that stands on a card and can pay: the account of this member in this unit. `has` and
    `wish`, in the smallest pieces of the currency. `step`: what is taken is a multiple of it."""

    card: str
    member_id: int
    unit_id: int
    has: int
    wish: Wish
    step: int = 1


@dataclass(frozen=True, slots=True)
class StoredPaid:
    """How much an account pays of what is due, and what is left on it then, in the smallest pieces
    of the currency."""

    card: str
    member_id: int
    unit_id: int
    amount: int
    left: int


@dataclass(frozen=True, slots=True)
class Earned:
    """What is earned. `base`: by the base programme; `by_promotion`: beside it, by code; all in the
    smallest pieces of the unit."""

    base: int
    by_promotion: dict[str, int]

    @property
    def total(self) -> int:
        """All of it."""
        return self.base + sum(self.by_promotion.values())


def pay(sheet: Worksheet, rates: Rates | None, available: int, wish: Wish | None) -> PointsPaid:
    """What points pay of what the receipt costs now, if so many are wished. They are spread over
    the lines that may be paid so, in proportion; no line falls below its floor."""
    rooms = [_room(sheet, line) for line in range(len(sheet.lines))]
    if rates is None:
        return PointsPaid(0, 0, [0] * len(rooms))
    most = _most(sheet, rates, available, rooms)
    points = 0 if wish is None else most if wish == "most" else _stepped(sheet, rates, wish, most)
    money = rates.pays(points)
    weights = [sheet.remaining[line] if rooms[line] else 0 for line in range(len(sheet.lines))]
    return PointsPaid(points, most, shared_within(money, weights, rooms))


def pay_stored(
    sheet: Worksheet, paid: PointsPaid, stored: Sequence[StoredValue]
) -> list[StoredPaid]:
    """What cards pay of what points leave, one after the other. What tops up a card is not paid
    from one."""
    due = sum(
        sheet.remaining[line] - paid.by_line[line]
        for line, told in enumerate(sheet.lines)
        if told.kind != "certificate"
    )
    found = []
    taken: dict[tuple[int, int], int] = {}  # two cards may be of one account
    for one in stored:
        account = (one.member_id, one.unit_id)
        has = one.has - taken.get(account, 0)
        wanted = due if one.wish == "most" else min(due, one.wish)
        amount = max(0, min(wanted, has)) // one.step * one.step
        found.append(StoredPaid(one.card, *account, amount, has - amount))
        taken[account] = taken.get(account, 0) + amount
        due -= amount
    return found


def _room(sheet: Worksheet, line: int) -> int:
    """How much of this line points may pay."""
    told, terms = sheet.lines[line], sheet.terms
    if not told.treatment.payable:
        return 0
    remaining = sheet.remaining[line]
    # A payment makes no line cheaper: only what the law or the maker says may not cost less.
    is_payment = terms.paying.points_are == "payment"
    lowest = told.floor if is_payment else sheet.lowest[line]
    room = min(remaining - lowest, remaining * hundredths(terms.paying.line) // WHOLE)
    if terms.ceilings.with_points and terms.ceilings.of_line is not None:
        taken = sheet.discounts[line] + (told.given if terms.ceilings.with_given else 0)
        room = min(room, told.full * terms.ceilings.of_line // WHOLE - taken)
    return max(0, room)


def _most(sheet: Worksheet, rates: Rates, available: int, rooms: list[int]) -> int:
    """The most points that may pay."""
    terms, total = sheet.terms, sum(sheet.remaining)
    money = sum(rooms)
    if terms.paying.stays is not None:
        money = min(money, total - in_pieces(terms.paying.stays))
    if terms.ceilings.with_points:
        left = sheet.room_of_all()
        money = money if left is None else min(money, left)
    pieces = int(10**rates.scale)
    points = min(max(0, money) * pieces // rates.worth, rates.most_points(total), available)
    return _stepped(sheet, rates, points, points)


def _stepped(sheet: Worksheet, rates: Rates, wish: int, most: int) -> int:
    """So many points, in whole steps; none if it is less than the least."""
    paying, pieces = sheet.terms.paying, int(10**rates.scale)
    step = paying.step * pieces if paying.step > 1 else 1
    points = max(0, min(wish, most)) // step * step
    return points if points >= paying.least * pieces else 0


def earn(
    situation: Situation,
    stacked: Stacked,
    rates: Rates | None,
    paid: PointsPaid,
    scale: int,
    left: Mapping[str, Allowance],
) -> Earned:
    """What the purchase earns, by what is paid for its lines in money. Each is rounded down once
    for the receipt. A promotion with less `left` than it would give gives no points."""
    sheet = stacked.sheet
    by_line = [_earning(sheet, line, paid.by_line[line]) for line in range(len(sheet.lines))]
    base = 0 if rates is None else rates.earned(sum(by_line))
    earnings = Earnings(situation, by_line, base, rates, scale)
    by_promotion: dict[str, int] = {}
    for code, standing in stacked.standings.items():
        if standing.fate != "applied":
            continue
        points = sum(one.points(earnings) for one in standing.promotion.rules.point_rewards)
        budget = left.get(code, NO_LIMIT).points
        if budget is not None and points > budget:
            if not standing.by_line and not standing.presents:
                standing.fate = "limit_reached"
        elif points:
            by_promotion[code] = points
    return Earned(base, by_promotion)


def _earning(sheet: Worksheet, line: int, by_points: int) -> int:
    """What is paid of this line and earns."""
    told, terms = sheet.lines[line], sheet.terms.earning
    if not told.treatment.earns:
        return 0
    if not terms.discounted and (sheet.discounts[line] or told.given):
        return 0
    return sheet.remaining[line] - (0 if terms.before_points else by_points)
