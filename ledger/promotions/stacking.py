"""How promotions stand together: lane after lane, and in each as it says. See docs/promotions.md.

Within a lane, conditions see the receipt as the lanes before left it. So what a promotion of the
lane does never decides whether another of the same lane is met."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ledger.programmes.earning import Rates
from ledger.promotions.arithmetic import shared
from ledger.promotions.deals import PromotionReach
from ledger.promotions.goods import Goods
from ledger.promotions.promotions import Promotion
from ledger.promotions.rewards.bundle import Bundle
from ledger.promotions.rewards.free_units import FreeUnits
from ledger.promotions.rewards.registry import Discount, Earnings, Present, kind_of
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.terms import Lane
from ledger.promotions.worksheet import Deal, Limit, Takes, Worksheet

# Up to so many promotions the best set is found by trying all that can be it; of more, one after
# the other is added that takes off most.
MOST_EXACT = 12

# Kinds that take off no more after other promotions than before them: all that are of whatever is
# there, and those that sort it, where it makes no difference on which line a unit is.
STEADY_KINDS = frozenset(
    (
        "percent",
        "amount",
        "amount_per_unit",
        "amount_per_line",
        "special_price",
        "price_list",
        "set_total",
    )
)
SORTING_KINDS = frozenset(("nth_unit", "first_and_further", "per_group", "free_units", "bundle"))
GOODS_ARE_NAMED = STEADY_KINDS | SORTING_KINDS | {"ladder"}

Fate = Literal["applied", "lost", "close", "limit_reached", "not_met", "not_now", "nothing_to_take"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much of a promotion is left: uses, money in the smallest pieces, points in the smallest
    pieces. None where there is no limit."""

    uses: int | None = None
    money: int | None = None
    points: int | None = None


NO_LIMIT = Allowance()


@dataclass(slots=True)
class PromotionStanding:
    """What became of a promotion. `by_line`: what it takes off each line. `lost_to`: the promotion
    that kept it out. `unmet`: why it was not met. `presents`: what the till hands out. `lost_on`:
    by line of which it would have taken something off, the promotion that has it. `deviations`: by
    line, how much more it takes off than an exact percent of all its goods would."""

    promotion: Promotion
    fate: Fate
    by_line: dict[int, int] = field(default_factory=dict)
    limited_by: Limit | None = None
    lost_to: str | None = None
    unmet: Unmet | None = None
    presents: Sequence[Present] = ()
    lost_on: dict[int, str] = field(default_factory=dict)
    deviations: dict[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How much it takes off the receipt."""
        return sum(self.by_line.values())


@dataclass(frozen=True, slots=True)
class LaneTrace:
    """How a lane was decided. `exact`: whether every set was tried, where the best set was looked
    for."""

    lane: str
    mode: str
    taken_off: int
    exact: bool = True


@dataclass(slots=True)
class Stacked:
    """All lanes, decided: the receipt afterwards, and what became of each promotion. `touchable`:
    the lines that promotions may make cheaper; `open`: those that the till left open to all."""

    sheet: Worksheet
    standings: dict[str, PromotionStanding]
    lanes: list[LaneTrace]
    touchable: frozenset[int]
    open: frozenset[int]


@dataclass(slots=True)
class Proposal:
    """What a promotion would do to a worksheet: its deals, one on what the other leaves.
    `is_affordable`: its budget has as much left. `total`: how much it would take off, and of each
    line `by_line`."""

    promotion: Promotion
    deals: Sequence[Deal]
    is_affordable: bool = True
    by_line: dict[int, int] = field(init=False)
    total: int = field(init=False)

    def __post_init__(self) -> None:
        first, *others = self.deals or [Deal()]
        self.by_line = first.by_line()
        for deal in others:
            for line, off in deal.by_line().items():
                self.by_line[line] = self.by_line.get(line, 0) + off
        self.total = sum(self.by_line.values())

    def of_lines(self, lines: frozenset[int]) -> "Proposal":
        """Only what it would do to these lines."""
        return Proposal(self.promotion, [deal.of_lines(lines) for deal in self.deals])


class Stacking:
    """Decides the lanes of one receipt."""

    def __init__(
        self,
        situation: Situation,
        promotions: Sequence[Promotion],
        left: Mapping[str, Allowance],
        rates: Rates | None = None,
        scale: int = 0,
    ) -> None:
        self._situation = situation
        self._sheet = situation.worksheet
        self._promotions = promotions
        self._left = left
        self._rates, self._scale = rates, scale
        self._standings: dict[str, PromotionStanding] = {}
        self._traces: list[LaneTrace] = []
        self._applied: list[Promotion] = []
        self._any_excludes = any(one.rules.not_with for one in promotions)
        lines = self._sheet.lines
        self._touchable = frozenset(n for n, one in enumerate(lines) if one.treatment.discounted)
        self._open = frozenset(n for n in self._touchable if not lines[n].is_closed)

    def decide(self) -> Stacked:
        """All lanes in their order, but for promotions that one which stands alone keeps out."""
        lanes = self._sheet.terms.lanes
        first = lanes[0].code
        by_lane: dict[str, list[Promotion]] = {lane.code: [] for lane in lanes}
        for promotion in self._without_all_but_one(self._promotions):
            by_lane.get(promotion.rules.lane or first, by_lane[first]).append(promotion)
        for lane in lanes:
            self._lane(lane, by_lane[lane.code])
        return Stacked(self._sheet, self._standings, self._traces, self._touchable, self._open)

    def _without_all_but_one(self, promotions: Sequence[Promotion]) -> Sequence[Promotion]:
        """The first promotion that stands alone and gives something. If none does, those that do
        not stand alone: what one of them leaves is not what another was asked about."""
        for promotion in promotions:
            if promotion.rules.alone and self._would_give(promotion):
                for other in promotions:
                    if other is not promotion and self._would_give(other):
                        self._lose(other, promotion.code)
                return [promotion]
        return [promotion for promotion in promotions if not promotion.rules.alone]

    def _would_give(self, promotion: Promotion) -> bool:
        """Whether it gives something for the receipt as it is now; if not, it is noted why."""
        if not self._is_met(promotion):
            return False
        return self._comes_to_something(self._weigh(promotion))

    def _comes_to_something(self, proposal: Proposal) -> bool:
        """Whether it takes something off, or has points or a gift to give; if not, why is noted."""
        promotion = proposal.promotion
        if proposal.is_affordable and (
            proposal.total or promotion.rules.point_rewards or self._presents(promotion)
        ):
            return True
        self._lose_or_note(proposal, None)
        return False

    def _lane(self, lane: Lane, promotions: Sequence[Promotion]) -> None:
        met = [promotion for promotion in promotions if self._is_met(promotion)]
        before, exact = sum(self._sheet.discounts), True
        rivals = [one for one in met if one.rules.discounts]
        others = [one for one in met if not one.rules.discounts]
        match lane.mode:
            case "all":
                self._all(rivals)
            case "first":
                self._first(rivals)
            case "exclusive":
                self._exclusive(rivals)
            case "best" if lane.by == "line":
                self._best_of_each_line(rivals)
            case "best":
                self._best(rivals)
            case "best_set":
                exact = self._best_set(rivals)
        self._points(lane, others)
        after = sum(self._sheet.discounts)
        self._traces.append(LaneTrace(lane.code, lane.mode, after - before, exact))

    def _is_met(self, promotion: Promotion) -> bool:
        unmet = promotion.rules.when.unmet(self._situation)
        if promotion.rules.currency not in (None, self._sheet.basket.currency):
            unmet = Unmet("not_met", "other_currency")
        uses = self._left.get(promotion.code, NO_LIMIT).uses
        if uses is not None and uses <= 0 and (unmet is None or unmet.outcome == "close"):
            self._standings[promotion.code] = PromotionStanding(promotion, "limit_reached")
            return False
        if unmet is None:
            return True
        self._standings[promotion.code] = PromotionStanding(promotion, unmet.outcome, unmet=unmet)
        return False

    def _all(self, promotions: Sequence[Promotion]) -> None:
        for promotion in promotions:
            if not self._is_kept_out(promotion):
                self._apply(self._weigh(promotion))

    def _first(self, promotions: Sequence[Promotion]) -> None:
        winner, idle = None, []
        for promotion in promotions:
            if winner is not None:
                self._lose(promotion, winner)
            elif not self._is_kept_out(promotion):
                proposal = self._weigh(promotion)
                if not proposal.total and not self._presents(promotion):
                    idle.append(proposal)
                elif self._apply(proposal):
                    winner = promotion.code
        self._apply_first(idle, winner)

    def _apply_first(self, proposals: Sequence[Proposal], winner: str | None = None) -> None:
        """The first that comes to something, unless there is a winner already."""
        for proposal in proposals:
            if winner is None and self._apply(proposal):
                winner = proposal.promotion.code
            elif winner is not None:
                self._lose_or_note(proposal, winner)

    def _exclusive(self, promotions: Sequence[Promotion]) -> None:
        owners: dict[int, str] = {}
        for promotion in promotions:
            if self._is_kept_out(promotion):
                continue
            proposal = self._weigh(promotion, frozenset(owners))
            if self._apply(proposal):
                owners |= dict.fromkeys(proposal.by_line, promotion.code)
            elif wanted := self._weigh(promotion).by_line.keys() & owners.keys():
                self._lose(promotion, owners[min(wanted)])

    def _best(self, promotions: Sequence[Promotion]) -> None:
        proposals = [self._weigh(one) for one in promotions if not self._is_kept_out(one)]
        if not proposals:
            return
        best = max(proposals, key=lambda one: one.total)  # the first of those that are as large
        if best.total == 0:  # once its product is on the receipt, one gift wins, so it wins now
            self._apply_first(sorted(proposals, key=lambda one: not self._presents(one.promotion)))
            return
        self._apply(best)
        for proposal in proposals:
            if proposal is not best:
                self._lose_or_note(proposal, best.promotion.code)

    def _best_of_each_line(self, promotions: Sequence[Promotion]) -> None:
        weighed = [self._weigh(one) for one in promotions if not self._is_kept_out(one)]
        pool = [one for one in weighed if self._comes_to_something(one)]
        while True:
            admitted, kept_out = _admitted(pool)
            winners = _winners(admitted)
            won = {one.promotion.code for one in winners.values()}
            # Who wins no line does not stand on the receipt, and so keeps nobody out.
            idle = {one.promotion.code for one in admitted if one.total} - won
            freed = idle.intersection(kept_out.values())
            if not freed:
                break
            for proposal in pool:
                if proposal.promotion.code in freed:
                    self._lose_lines(proposal, winners)
            pool = [one for one in pool if one.promotion.code not in freed]
        for proposal in pool:
            if proposal.promotion.code in kept_out:
                rival = kept_out[proposal.promotion.code]
                self._lose(proposal.promotion, rival, proposal.by_line)
        for proposal in admitted:
            wanted = proposal.by_line
            mine = frozenset(line for line in wanted if winners[line] is proposal)
            if mine or not wanted:
                self._apply(proposal.of_lines(mine) if mine else proposal)
                lost_on = _others_lines(proposal, winners)
                self._standings[proposal.promotion.code].lost_on |= lost_on
            else:
                self._lose_lines(proposal, winners)

    def _best_set(self, promotions: Sequence[Promotion]) -> bool:
        free = [one for one in promotions if not self._is_kept_out(one)]
        exact = len(free) <= MOST_EXACT
        chosen = self._best_of_all_sets(free) if exact else self._added_one_by_one(free)
        codes = {one.code for one in chosen}
        for promotion in free:
            if promotion.code in codes:
                self._apply(self._weigh(promotion))
        for promotion in free:
            if promotion.code in codes or self._is_kept_out(promotion):
                continue
            proposal = self._weigh(promotion)
            if proposal.total:
                self._lose_or_note(proposal, chosen[0].code if chosen else None)
            else:  # it takes nothing from anybody, and may have points or a present to give
                self._apply(proposal)
        return exact

    def _best_of_all_sets(self, promotions: Sequence[Promotion]) -> Sequence[Promotion]:
        """By branch and bound: a set that cannot become the largest any more is left."""
        most_each = [self._most_after_others(one) for one in promotions]
        reach_each = [self._reach(one) for one in promotions]
        places = range(len(promotions) + 1)
        bounds = [sum(most_each[place:]) for place in places]
        reaches = [frozenset[int]().union(*reach_each[place:]) for place in places]
        best: list[Promotion] = []
        most = 0

        def look(place: int, sheet: Worksheet, chosen: list[Promotion], taken_off: int) -> None:
            nonlocal best, most
            if taken_off > most:
                best, most = list(chosen), taken_off
            room = sum(sheet.rooms[line] for line in reaches[place])
            if taken_off + min(room, bounds[place]) <= most:
                return
            promotion = promotions[place]
            if all(promotion.may_stand_with(one) for one in chosen):
                further = sheet.fork()
                proposal = self._weigh_on(further, promotion)
                _try(further, proposal)
                if proposal.total:
                    look(place + 1, further, [*chosen, promotion], taken_off + proposal.total)
            look(place + 1, sheet, chosen, taken_off)

        look(0, self._sheet, [], 0)
        return best

    def _most_after_others(self, promotion: Promotion) -> int:
        """The most that it can take off after others. By most kinds that is what it takes off by
        itself, and a piece a line for rounding. But where units are chosen by what they cost, or a
        budget was too small, it may be more: as much as there is room."""
        is_limited = self._left.get(promotion.code, NO_LIMIT).money is not None
        room = sum(self._sheet.rooms[line] for line in self._reach(promotion))
        if is_limited or not all(map(self._is_steady, promotion.rules.discounts)):
            return room
        return min(room, self._weigh(promotion).total + len(self._touchable))

    def _reach(self, promotion: Promotion) -> frozenset[int]:
        """The lines that it can make cheaper."""
        rules = promotion.rules
        lines = self._touchable if rules.adds_to_given else self._open
        if all(kind_of(one) in GOODS_ARE_NAMED for one in rules.discounts):
            goods = (some for one in rules.discounts for some in _goods_of(one))
            lines &= {n for some in goods for n in self._sheet.meant(some)}
        return lines

    def _is_steady(self, reward: Discount) -> bool:
        """Whether it takes off no more after others than before them."""
        kind = kind_of(reward)
        if kind in SORTING_KINDS:
            has_floors = any(line.floor for line in self._sheet.lines)
            return not has_floors and self._sheet.ceilings.line is None and _is_of_one(reward)
        return kind in STEADY_KINDS and getattr(reward, "pick", None) is None

    def _added_one_by_one(self, promotions: Sequence[Promotion]) -> Sequence[Promotion]:
        chosen: list[Promotion] = []
        most = 0
        while True:
            found = None
            for promotion in promotions:
                if promotion in chosen or not all(map(promotion.may_stand_with, chosen)):
                    continue
                tried = [one for one in promotions if one in chosen or one is promotion]
                total = self._total_of(tried)
                if total > most:
                    most, found = total, promotion
            if found is None:
                return [one for one in promotions if one in chosen]
            chosen.append(found)

    def _total_of(self, promotions: Iterable[Promotion]) -> int:
        sheet, total = self._sheet.fork(), 0
        for promotion in promotions:
            proposal = self._weigh_on(sheet, promotion)
            _try(sheet, proposal)
            total += proposal.total
        return total

    def _points(self, lane: Lane, promotions: Sequence[Promotion]) -> None:
        """Promotions that take nothing off do not compete with those that do, but in lanes of one
        winner with each other."""
        free = [one for one in promotions if not self._is_kept_out(one)]
        if not free:
            return
        if lane.mode == "first" or (lane.mode == "best" and lane.by == "receipt"):
            winner = free[0] if lane.mode == "first" else max(free, key=self._points_now)
            self._stand(winner)
            for promotion in free:
                if promotion is not winner:
                    self._lose(promotion, winner.code)
            return
        for promotion in free:
            if not self._is_kept_out(promotion):
                self._stand(promotion)

    def _points_now(self, promotion: Promotion) -> int:
        """What it would give if all were paid as it stands now."""
        remaining = list(self._sheet.remaining)
        earnings = Earnings(self._situation, remaining, 0, self._rates, self._scale)
        return sum(reward.points(earnings) for reward in promotion.rules.point_rewards)

    def _weigh(self, promotion: Promotion, without: frozenset[int] = frozenset()) -> Proposal:
        return self._weigh_on(self._sheet, promotion, without)

    def _weigh_on(
        self, sheet: Worksheet, promotion: Promotion, without: frozenset[int] = frozenset()
    ) -> Proposal:
        """What it would do to this worksheet, which stays as it is."""
        rules = promotion.rules
        open_lines = self._touchable if rules.adds_to_given else self._open
        if without:
            open_lines -= without
        if len(rules.discounts) == 1:
            deal = rules.discounts[0].deal(PromotionReach(self._situation, sheet, open_lines))
            return self._within_budget(Proposal(promotion, [deal]))
        deals, further = [], sheet.fork()
        for discount in rules.discounts:
            deal = discount.deal(PromotionReach(self._situation, further, open_lines))
            further.apply(deal, is_one_of_many=True)
            deals.append(deal)
        return self._within_budget(Proposal(promotion, deals))

    def _within_budget(self, proposal: Proposal) -> Proposal:
        """Nothing of it if the budget is less: a part of a promised percent is a broken promise."""
        if not self._left:
            return proposal
        money = self._left.get(proposal.promotion.code, NO_LIMIT).money
        if money is None or proposal.total <= money:
            return proposal
        return Proposal(proposal.promotion, [], is_affordable=False)

    def _apply(self, proposal: Proposal) -> bool:
        """Do it; False if it comes to nothing."""
        promotion, total = proposal.promotion, 0
        if not proposal.is_affordable:
            self._lose_or_note(proposal, None)
            return False
        standing = PromotionStanding(promotion, "applied", presents=self._presents(promotion))
        for deal in proposal.deals if proposal.total else ():  # else nobody takes part
            fitted = _fitted(self._sheet, deal)
            many = len(proposal.deals) > 1
            self._sheet.apply(fitted, keeps=promotion.rules.keeps_units, is_one_of_many=many)
            for line, off in fitted.by_line().items():
                standing.by_line[line] = standing.by_line.get(line, 0) + off
            for line, odd in fitted.deviations.items():
                standing.deviations[line] = standing.deviations.get(line, 0) + odd
            standing.limited_by = standing.limited_by or fitted.limited_by
            total += fitted.total
        if not total and not standing.presents and not promotion.rules.point_rewards:
            self._lose_or_note(proposal, None, standing.limited_by)
            return False
        self._standings[promotion.code] = standing
        self._applied.append(promotion)
        return True

    def _stand(self, promotion: Promotion) -> None:
        """One that takes nothing off applies."""
        self._standings[promotion.code] = PromotionStanding(
            promotion, "applied", presents=self._presents(promotion)
        )
        self._applied.append(promotion)

    def _presents(self, promotion: Promotion) -> Sequence[Present]:
        found = [reward.present(self._situation) for reward in promotion.rules.presents]
        return [present for present in found if present is not None]

    def _is_kept_out(self, promotion: Promotion) -> bool:
        """Whether one that applied already excludes it; then it has lost."""
        if not self._any_excludes:
            return False
        rival = next((one for one in self._applied if not one.may_stand_with(promotion)), None)
        if rival is not None:
            self._lose(promotion, rival.code)
        return rival is not None

    def _lose(self, promotion: Promotion, winner: str, lines: Iterable[int] = ()) -> None:
        """`lines`: those of which it would have taken something off, where that is known."""
        self._standings[promotion.code] = PromotionStanding(
            promotion, "lost", lost_to=winner, lost_on=dict.fromkeys(lines, winner)
        )

    def _lose_lines(self, proposal: Proposal, winners: Mapping[int, Proposal]) -> None:
        """Each line that it would have made cheaper is another's."""
        self._lose(proposal.promotion, _winner_over(proposal, winners))
        self._standings[proposal.promotion.code].lost_on |= _others_lines(proposal, winners)

    def _lose_or_note(
        self, proposal: Proposal, winner: str | None, limited_by: Limit | None = None
    ) -> None:
        """It lost if it would have given something, or if nothing was in its way but its budget."""
        promotion = proposal.promotion
        if not proposal.is_affordable:
            fate: Fate = "limit_reached"
        else:
            fate = "lost" if proposal.total and winner else "nothing_to_take"
        limited_by = limited_by or next(
            (deal.limited_by for deal in proposal.deals if deal.limited_by), None
        )
        if fate == "lost" and winner:
            self._lose(promotion, winner, proposal.by_line)
            return
        self._standings[promotion.code] = PromotionStanding(promotion, fate, limited_by=limited_by)


def _is_of_one(reward: Discount) -> bool:
    """Whether all its units are of one sort of goods, so that those are cheaper that it sorts, and
    no others come to stand in their places."""
    return len(_goods_of(reward)) == 1


def _goods_of(reward: Discount) -> Sequence[Goods]:
    """All goods that a reward of ours makes cheaper."""
    if isinstance(reward, Bundle):
        return [slot.goods for slot in reward.slots]
    if isinstance(reward, FreeUnits) and reward.get_goods is not None:
        return [reward.goods, reward.get_goods]
    return [reward.touches()]


def _try(sheet: Worksheet, proposal: Proposal) -> None:
    """Do it on a copy."""
    keeps, many = proposal.promotion.rules.keeps_units, len(proposal.deals) > 1
    for deal in proposal.deals:
        sheet.apply(deal, keeps=keeps, is_one_of_many=many)


def _admitted(proposals: Sequence[Proposal]) -> tuple[list[Proposal], dict[str, str]]:
    """Of those that may not stand together, the ones that take off most, in the order that all had;
    and, by the code of each other, the code of the one that keeps it out."""
    if not any(one.promotion.rules.not_with for one in proposals):
        return list(proposals), {}
    chosen: list[Proposal] = []
    kept_out: dict[str, str] = {}
    for proposal in sorted(proposals, key=lambda one: -one.total):
        promotion = proposal.promotion
        rival = next((o for o in chosen if not o.promotion.may_stand_with(promotion)), None)
        if rival is None:
            chosen.append(proposal)
        else:
            kept_out[promotion.code] = rival.promotion.code
    return [one for one in proposals if one.promotion.code not in kept_out], kept_out


def _winners(proposals: Sequence[Proposal]) -> dict[int, Proposal]:
    """By line, who takes off most of it; the first of those that take off as much."""
    most: dict[int, int] = {}
    winners: dict[int, Proposal] = {}
    for proposal in proposals:
        for line, off in proposal.by_line.items():
            if off > most.get(line, 0):
                most[line], winners[line] = off, proposal
    return winners


def _others_lines(proposal: Proposal, winners: Mapping[int, Proposal]) -> dict[int, str]:
    """The lines that it would have made cheaper and others have, with who has them."""
    return {
        line: winners[line].promotion.code
        for line in proposal.by_line
        if winners[line] is not proposal
    }


def _winner_over(loser: Proposal, winners: Mapping[int, Proposal]) -> str:
    """Who has the line of which this one would have taken off most."""
    wanted = loser.by_line
    return winners[max(wanted, key=lambda line: wanted[line])].promotion.code


def _fitted(sheet: Worksheet, deal: Deal) -> Deal:
    """The deal, if the ceiling of the receipt has room for it; as much of it as there is room."""
    most = sheet.room_of_all()
    if most is None or deal.total <= most:
        return deal
    lines = sorted(deal.by_line())
    parts = dict(zip(lines, shared(most, [deal.parts[line] for line in lines]), strict=True))
    takes = deal.takes()

    def share(line: int) -> Takes:
        of_line = {place: take for place, take in takes.items() if place[0] == line}
        offs = shared(parts[line], [take.off for take in of_line.values()])
        return {
            place: take._replace(off=off)
            for (place, take), off in zip(of_line.items(), offs, strict=True)
        }

    return Deal(parts, "receipt_ceiling", share)
