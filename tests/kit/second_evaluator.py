"""A second till, which knows docs/promotions.md and not a line of the engine: slow, plain, and by
brute force. Every unit of every line is a thing of its own with an exact cost; shares are
fractions until they are rounded; of sets, every one is tried.

It reads promotions as documents, so the engine's rewards and conditions are judged as well."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain, combinations, islice
from math import ceil
from typing import Any

from ledger.programmes.earning import Rates
from ledger.promotions.baskets import BasketLine

Document = Mapping[str, Any]
Takes = dict[int, int]  # by unit: how much is taken off; 0 for one that only takes part

POINTS = ("points_percent", "points_for_money", "points_for_units", "points_fixed")


@dataclass(frozen=True)
class Case:
    """A receipt, and what it is priced by; promotions and terms as documents. `parts`: the lines
    that each line is made of, once those that modify others are priced with them."""

    lines: Sequence[BasketLine]
    promotions: Mapping[str, Document]
    terms: Document
    is_member: bool = False
    rates: Rates | None = None
    available: int = 0
    wish: int | str | None = None
    parts: Sequence[Sequence[BasketLine]] = ()
    rewards: Mapping[str, int] = field(default_factory=dict)
    money_left: Mapping[str, int] = field(default_factory=dict)
    points_left: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Answer:
    """What the receipt costs by line, and what became of each promotion."""

    discounts: list[int]
    given_by: dict[str, dict[int, int]]
    fates: dict[str, str]
    points: list[int]
    spent: int
    most: int
    earned: int


@dataclass
class Unit:
    """One thing on the counter."""

    line: int
    cost: int
    is_kept: bool = False


@dataclass
class Plan:
    """What a promotion would do: for each of its rewards, what it takes off which unit."""

    code: str
    steps: list[Takes]
    has_budget: bool = True

    @property
    def total(self) -> int:
        return sum(sum(step.values()) for step in self.steps)


def rounded(exact: Fraction) -> int:
    """To the nearest whole, a half upwards."""
    return int(exact + Fraction(1, 2))


def money(told: Document) -> int:
    """In kopecks."""
    return int(Fraction(told["amount"]) * 100)


def apportioned(total: int, weights: Sequence[int]) -> list[int]:
    """In proportion; odd pieces to the largest remainders, then in order."""
    if not sum(weights):
        return [0] * len(weights)
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    parts = [int(one) for one in exact]
    order = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in order[: total - sum(parts)]:
        parts[place] += 1
    return parts


def poured(total: int, weights: Sequence[int], rooms: Sequence[int]) -> list[int]:
    """The same, and what one has no room for is taken by the others."""
    fixed: dict[int, int] = {}
    while True:
        rest = [place for place in range(len(weights)) if place not in fixed]
        left = max(0, total - sum(fixed.values()))
        parts = dict(zip(rest, apportioned(left, [weights[n] for n in rest]), strict=True))
        over = {place: rooms[place] for place, part in parts.items() if part > rooms[place]}
        if not over:
            return [fixed.get(place, parts.get(place, 0)) for place in range(len(weights))]
        fixed |= over


def several(promotion: Document, times: int) -> Document | None:
    """The promotion, bought so many times; None if it can be had once."""
    gives = []
    for reward in promotion["gives"]:
        more = dict(reward)
        pick = dict(reward.get("pick", {}))
        match reward["kind"]:
            case "amount":
                kopecks = money(reward["amount"]) * times
                more["amount"] = {
                    **reward["amount"],
                    "amount": f"{kopecks // 100}.{kopecks % 100:02}",
                }
            case "gift":
                more["units"] = reward.get("units", 1) * times
            case "percent" | "amount_per_unit" if pick.keys() & {"cheapest", "dearest"}:
                more["pick"] = {name: number * times for name, number in pick.items()}
            case "bundle" | "nth_unit" | "free_units" | "per_group" if "times" in reward:
                more["times"] = reward["times"] * times
            case _:
                return None
        gives.append(more)
    return {**promotion, "gives": gives}


def together(case: Case) -> tuple[Case, list[list[int]]]:
    """The same with modifiers in their lines, and where the parts of each stand."""
    names = [line.id for line in case.lines]
    groups: dict[int, list[int]] = {}
    for place, line in enumerate(case.lines):
        root = place if line.parent is None else names.index(line.parent)
        if case.lines[root].treatment != line.treatment:
            root = place
        groups.setdefault(root, []).append(place)
    found = [sorted(of, key=lambda place: place != root) for root, of in groups.items()]
    parts = [[case.lines[place] for place in of] for of in found]
    lines = [
        replace(
            of[0],
            full=sum(one.full for one in of),
            given=sum(one.given for one in of),
            floor=sum(one.floor for one in of),
            closed=any(one.closed for one in of),
        )
        for of in parts
    ]
    return replace(case, lines=lines, parts=parts), found


class Counter:
    """The goods on the counter, with what they cost by now."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.lines = case.lines
        self.units = [
            Unit(place, cost)
            for place, line in enumerate(case.lines)
            for cost in apportioned(line.full - line.given, [1] * line.units)
        ]

    def copy(self) -> "Counter":
        other = Counter(self.case)
        other.units = [Unit(one.line, one.cost, one.is_kept) for one in self.units]
        return other

    def costs(self, line: int) -> int:
        return sum(one.cost for one in self.units if one.line == line)

    def off(self, line: int) -> int:
        told = self.lines[line]
        return told.full - told.given - self.costs(line)

    def _ceiling(self, name: str) -> Fraction | None:
        told = self.case.terms.get("ceilings", {}).get(name)
        return None if told is None else Fraction(told) / 100

    def _given(self, line: int) -> int:
        counts = self.case.terms.get("ceilings", {}).get("with_given")
        return self.lines[line].given if counts else 0

    def lowest(self, line: int) -> int:
        return sum(self.lowest_of(part) for part in self.case.parts[line])

    def lowest_of(self, told: BasketLine) -> int:
        asked = told.full - told.given
        return max(told.floor, min(self.case.terms.get("lowest_line", 1), asked))

    def surcharge(self, place: int) -> int:
        """What modifies one unit, to the next kopeck."""
        line = self.units[place].line
        extra = Fraction(sum(part.full for part in self.case.parts[line][1:]))
        return ceil(extra / self.lines[line].units)

    def ceiling_room(self, line: int) -> int | None:
        ceiling = self._ceiling("line")
        if ceiling is None:
            return None
        return int(self.lines[line].full * ceiling) - self.off(line) - self._given(line)

    def room(self, line: int) -> int:
        if not self.lines[line].treatment.discounted:
            return 0
        rooms = [self.costs(line) - self.lowest(line), self.ceiling_room(line)]
        return max(0, min(one for one in rooms if one is not None))

    def receipt_room(self) -> int | None:
        ceiling = self._ceiling("receipt")
        if ceiling is None:
            return None
        lines = range(len(self.lines))
        most = int(sum(line.full for line in self.lines) * ceiling)
        return max(0, most - sum(self.off(n) + self._given(n) for n in lines))

    def means(self, goods: Document | None, line: int) -> bool:
        """Whether the line is of these goods."""
        told, one = goods or {}, self.lines[line]
        price = one.price
        return all(
            (
                "skus" not in told or one.sku in told["skus"],
                "models" not in told or one.model in told["models"],
                "brands" not in told or one.brand in told["brands"],
                "categories" not in told or set(told["categories"]) & set(one.categories),
                "price_from" not in told or price >= money(told["price_from"]),
                "price_to" not in told or price <= money(told["price_to"]),
                not told.get("full_price") or not (self.off(line) or one.given),
                "but" not in told or not self.means(told["but"], line),
            )
        )

    def counted(self, goods: Document | None) -> list[int]:
        """Lines of these goods that conditions see."""
        lines = range(len(self.lines))
        return [n for n in lines if self.lines[n].treatment.counts and self.means(goods, n)]

    def take(self, step: Takes, *, keeps: bool) -> None:
        for place, off in step.items():
            self.units[place].cost -= off
            self.units[place].is_kept |= keeps


class Reckoning:
    """One promotion at the counter: its rewards, on the lines that it may touch."""

    def __init__(self, counter: Counter, lines: Iterable[int]) -> None:
        self.counter = counter
        self.open = set(lines)
        self.rounding = counter.case.terms.get("rounding", "total")

    def step(self, reward: Document) -> Takes:
        rule: Callable[[Document], Takes] = getattr(self, "_" + reward["kind"])
        return rule(reward)

    # Which units

    def _units(self, goods: Document | None, *, counted: bool = False) -> list[int]:
        counter = self.counter
        return [
            place
            for place, unit in enumerate(counter.units)
            if unit.line in self.open
            and not unit.is_kept
            and counter.means(goods, unit.line)
            and (not counted or counter.lines[unit.line].treatment.counts)
        ]

    def _cost(self, units: Iterable[int]) -> int:
        return sum(self.counter.units[place].cost for place in units)

    def _dear(self, units: Iterable[int]) -> list[int]:
        return sorted(units, key=lambda place: (-self.counter.units[place].cost, place))

    def _cheap(self, units: Iterable[int]) -> list[int]:
        return sorted(units, key=lambda place: (self.counter.units[place].cost, place))

    def _by_line(self, units: Iterable[int]) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for place in sorted(units):
            found.setdefault(self.counter.units[place].line, []).append(place)
        return found

    def _alike(self, reward: Document, units: Iterable[int]) -> list[list[int]]:
        found: dict[object, list[int]] = {}
        for place in units:
            line = self.counter.lines[self.counter.units[place].line]
            likeness = {
                "sku": line.sku,
                "model": line.model or line.sku,
                "price": line.price,
                "category": line.categories[-1] if line.categories else "",
            }
            found.setdefault(likeness.get(reward.get("identical", "")), []).append(place)
        return list(found.values())

    def _picked(self, reward: Document) -> list[int]:
        units, pick = self._units(reward.get("goods")), reward.get("pick")
        if pick is None:
            return units
        if "cheapest" in pick:
            return self._cheap(units)[: pick["cheapest"]]
        if "dearest" in pick:
            return self._dear(units)[: pick["dearest"]]
        lines = self._by_line(units)
        if "per_line" in pick:
            return [one for of in lines.values() for one in self._dear(of)[: pick["per_line"]]]
        what, _, way = pick["sorted_by"].partition("_")
        size = {
            "price": lambda n: self.counter.lines[n].price,
            "quantity": lambda n: self.counter.lines[n].quantity,
            "amount": self.counter.costs,
        }[what]
        ordered = sorted(lines, key=lambda n: (size(n) if way == "up" else -size(n), n))
        return lines[ordered[pick["line"] - 1]] if pick["line"] <= len(ordered) else []

    # How it is shared

    def _within_lines(self, wanted: Takes) -> Takes:
        """As much of this as the lines and the receipt have room for."""
        lines = self._by_line(wanted)
        parts = {n: sum(wanted[place] for place in of) for n, of in lines.items()}
        parts = {n: min(part, self.counter.room(n)) for n, part in parts.items()}
        most = self.counter.receipt_room()
        if most is not None and sum(parts.values()) > most:
            parts = dict(zip(parts, apportioned(most, list(parts.values())), strict=True))
        step = {}
        for n, of in lines.items():
            shares = apportioned(parts[n], [wanted[place] for place in of])
            step |= dict(zip(of, shares, strict=True))
        return step

    def _shared(self, units: Sequence[int], total: int, *, elsewhere: bool) -> Takes:
        """A total off these units: by line, and in the line by unit, as they cost."""
        lines = self._by_line(units)
        costs = [self._cost(of) for of in lines.values()]
        if elsewhere:
            most = self.counter.receipt_room()
            total = total if most is None else min(total, most)
            rooms = [min(self.counter.room(n), cost) for n, cost in zip(lines, costs, strict=True)]
            parts = poured(total, costs, rooms)
        else:
            parts = apportioned(total, costs)
        wanted: Takes = {}
        for of, part in zip(lines.values(), parts, strict=True):
            wanted |= dict(
                zip(
                    of,
                    apportioned(part, [self.counter.units[place].cost for place in of]),
                    strict=True,
                )
            )
        return self._within_lines(wanted)

    def _percent_off(self, units: Sequence[int], percent: str, most: int | None = None) -> Takes:
        size = Fraction(percent) / 100
        if self.rounding == "unit":
            wanted = {one: rounded(self._cost([one]) * size) for one in units}
        elif self.rounding == "line":
            wanted = {}
            for of in self._by_line(units).values():
                part = rounded(self._cost(of) * size)
                shares = apportioned(part, [self._cost([one]) for one in of])
                wanted |= dict(zip(of, shares, strict=True))
        else:
            total = rounded(self._cost(units) * size)
            step = self._shared(units, total, elsewhere=False)
            if most is None or sum(step.values()) <= most:
                return step
            return self._shared(units, most, elsewhere=True)
        step = self._within_lines(wanted)
        if most is None or sum(step.values()) <= most:
            return step
        return self._shared(units, most, elsewhere=True)

    # The kinds

    def _percent(self, reward: Document) -> Takes:
        most = money(reward["most"]) if "most" in reward else None
        return self._percent_off(self._picked(reward), reward["percent"], most)

    def _amount(self, reward: Document) -> Takes:
        return self._shared(self._picked(reward), money(reward["amount"]), elsewhere=True)

    def _amount_per_unit(self, reward: Document) -> Takes:
        size = money(reward["amount"])
        return self._within_lines(
            {one: min(size, self._cost([one])) for one in self._picked(reward)}
        )

    def _amount_per_line(self, reward: Document) -> Takes:
        step: Takes = {}
        for of in self._by_line(self._units(reward.get("goods"))).values():
            part = min(money(reward["amount"]), self._cost(of))
            shares = apportioned(part, [self._cost([one]) for one in of])
            step |= dict(zip(of, shares, strict=True))
        return self._within_lines(step)

    def _special_price(self, reward: Document) -> Takes:
        step = {}
        for one in self._units(reward["goods"]):
            line = self.counter.lines[self.counter.units[one].line]
            of_one = 1 if line.units > 1 else Fraction(line.quantity, 1000)
            price = rounded(money(reward["price"]) * of_one) + self.counter.surcharge(one)
            step[one] = max(0, self._cost([one]) - price)
        return self._within_lines(step)

    def _set_total(self, reward: Document) -> Takes:
        units = self._units(reward["goods"])
        total = money(reward["total"]) + sum(map(self.counter.surcharge, units))
        off = max(0, self._cost(units) - total)
        return self._shared(units, off, elsewhere=True)

    def _bundle(self, reward: Document) -> Takes:
        """Bundle after bundle; for each place the dearest that are left, as long as the other
        places can be filled too."""
        wanted: Takes = {}
        made = 0
        while made < reward.get("times", 10**9):
            places = [
                slot["goods"] for slot in reward["slots"] for _ in range(slot.get("units", 1))
            ]
            bundle = self._filled(places, set(wanted))
            price = money(reward["price"]) + sum(map(self.counter.surcharge, bundle))
            off = self._cost(bundle) - price
            if not bundle or off <= 0:
                break
            lines = self._by_line(bundle)
            parts = apportioned(off, [self._cost(of) for of in lines.values()])
            for of, part in zip(lines.values(), parts, strict=True):
                shares = apportioned(part, [self._cost([one]) for one in of])
                wanted |= dict(zip(of, shares, strict=True))
            made += 1
        return self._within_lines(wanted)

    def _filled(self, places: Sequence[Document], used: set[int]) -> list[int]:
        """Units for all places, the dearest first by place; empty if they cannot all be filled."""
        if not places:
            return []
        for one in self._dear(self._units(places[0], counted=True)):
            if one not in used:
                rest = self._filled(places[1:], used | {one})
                if len(rest) == len(places) - 1:
                    return [one, *rest]
        return []

    def _nth_unit(self, reward: Document) -> Takes:
        every, percent = reward["every"], reward.get("percent", "100")
        groups: list[list[int]] = []
        for alike in self._alike(reward, self._units(reward["goods"], counted=True)):
            dear = self._dear(alike)
            whole = len(dear) // every * every
            groups += [dear[begin : begin + every] for begin in range(0, whole, every)]
        if "times" in reward:
            groups.sort(key=lambda group: -self._cost(group[-1:]))
        groups = list(islice(groups, reward.get("times")))
        cheap = [group[-1] for group in groups]
        taken = [one for group in groups for one in group]
        if Fraction(percent) < 100:
            return dict.fromkeys(taken, 0) | self._percent_off(cheap, percent)
        return self._shared(taken, self._cost(cheap), elsewhere=True)

    def _free_units(self, reward: Document) -> Takes:
        buy, get = reward["buy"], reward.get("get", 1)
        times = reward.get("times", 10**9)
        bought = self._dear(self._units(reward["goods"], counted=True))
        if reward.get("get_goods") is None:
            size = buy + get
            groups = [bought[at : at + size] for at in range(0, len(bought), size)]
            groups = [group for group in groups if len(group) > buy][:times]
            gone = [one for group in groups for one in group[buy:]]
            taken = [one for group in groups for one in group]
        else:
            free = self._cheap(self._units(reward["get_goods"], counted=True))
            bought = [one for one in bought if one not in free] + [
                one for one in bought if one in free
            ]
            taken, gone = [], []
            for sets in range(1, min(len(bought) // buy, times) + 1):
                left = [one for one in free if one not in bought[: sets * buy]]
                if len(left) > (sets - 1) * get:
                    gone = left[: sets * get]
                    taken = bought[: sets * buy] + gone
        return self._shared(taken, self._cost(gone), elsewhere=True)

    def _ladder(self, reward: Document) -> Takes:
        units = self._units(reward.get("goods"), counted=True)
        cost = self._cost(units)
        reached = [
            step
            for step in reward["steps"]
            if (len(units) >= step["units"] if "units" in step else cost >= money(step["amount"]))
        ]
        if not reached:
            return {}
        step = reached[-1]
        if "percent" in step:
            return self._percent_off(units, step["percent"])
        return self._shared(units, money(step["off"]), elsewhere=True)

    def _first_and_further(self, reward: Document) -> Takes:
        wanted: Takes = {}
        for alike in self._alike(reward, self._units(reward["goods"], counted=True)):
            for place, one in enumerate(self._dear(alike)):
                size = reward["further"] if place else reward["first"]
                wanted[one] = rounded(self._cost([one]) * Fraction(size) / 100)
        return self._within_lines(wanted)

    def _per_group(self, reward: Document) -> Takes:
        taken: list[int] = []
        groups, times = 0, reward.get("times", 10**9)
        kinds = self._alike(reward, self._units(reward["goods"], counted=True))
        for alike in sorted(kinds, key=lambda of: -self._cost(self._dear(of)[:1])):
            more = min(len(alike) // reward["units"], times - groups)
            taken += self._dear(alike)[: more * reward["units"]]
            groups += more
        off = min(groups * money(reward["amount"]), self._cost(taken))
        return self._shared(taken, off, elsewhere=True)

    def _gift(self, reward: Document) -> Takes:
        gift = self._cheap(self._units({"skus": [reward["sku"]]}))[: reward.get("units", 1)]
        bought = [
            one
            for one in self._units(reward.get("comes_with"), counted=True)
            if self.counter.lines[self.counter.units[one].line].sku != reward["sku"]
        ]
        if not gift or not bought:
            return {}
        return self._shared(bought + gift, self._cost(gift), elsewhere=True)


class SecondTill:
    """The whole receipt."""

    def __init__(self, case: Case) -> None:
        self.receipt = case.lines
        case, self.places = together(case)
        self.case = case
        self.counter = Counter(case)
        self.given_by: dict[str, dict[int, int]] = {}
        self.fates: dict[str, str] = {}
        self.order = sorted(
            filter(self._is_there, case.promotions),
            key=lambda code: (-case.promotions[code].get("priority", 0), code),
        )

    def answer(self) -> Answer:
        bought = self._bought()
        lanes = self.case.terms["lanes"]
        codes = self._with_those_alone()
        names = [lane["code"] for lane in lanes]
        for lane in lanes:
            here = [code for code in codes if self._lane_of(code, names) == lane["code"]]
            self._decide(lane, here)
        on_rewards = sum(points for code, points in bought.items() if code in self._applied())
        points, spent, most = self._pay(self.case.available - on_rewards)
        spent, most = spent + on_rewards, most + on_rewards
        earned = self._earned(points)
        costs = [line.full - line.given for line in self.receipt]
        given_by = {code: self._parted(costs, by_line) for code, by_line in self.given_by.items()}
        discounts = [sum(of.get(n, 0) for of in given_by.values()) for n in range(len(costs))]
        by_points = self._parted(costs, dict(enumerate(points)))
        points = [by_points.get(n, 0) for n in range(len(costs))]
        return Answer(discounts, given_by, self.fates, points, spent, most, earned)

    def _parted(self, costs: list[int], by_line: Mapping[int, int]) -> dict[int, int]:
        """What is taken off each line, parted among its parts, which cost less then."""
        found: dict[int, int] = {}
        for n, off in by_line.items():
            places = self.places[n]
            weights = [costs[place] for place in places]
            lowest = [self.counter.lowest_of(self.receipt[place]) for place in places]
            rooms = [max(0, cost - low) for cost, low in zip(weights, lowest, strict=True)]
            for place, part in zip(places, poured(off, weights, rooms), strict=True):
                costs[place] -= part
                if part:
                    found[place] = part
        return found

    def _lane_of(self, code: str, names: Sequence[str]) -> str:
        told = self.case.promotions[code].get("lane")
        return told if told in names else names[0]

    def _with_those_alone(self) -> list[str]:
        """The first that stands alone and gives anything; without one, those that do not."""
        for code in self.order:
            told = self.case.promotions[code]
            if told.get("alone") and self._would_give(code):
                for other in self.order:
                    if other != code and self._would_give(other):
                        self.fates[other] = "lost"
                return [code]
        return [one for one in self.order if not self.case.promotions[one].get("alone")]

    def _would_give(self, code: str) -> bool:
        if not self._is_met(code):
            return False
        plan = self._plan(code)
        self.fates[code] = "out" if plan.has_budget else "limit_reached"
        gives = plan.total or self._gives_points(code) or self._gift(code)
        return plan.has_budget and bool(gives)

    def _is_there(self, code: str) -> bool:
        """Whether anything is bought of the goods that it is for, by the names of these."""
        for reward in self.case.promotions[code]["gives"]:
            first = reward["slots"][0] if reward["kind"] == "bundle" else reward
            if self._has_named(first.get("goods", reward.get("comes_with", {}))):
                return True
        return False

    def _has_named(self, goods: Document) -> bool:
        for name in ("skus", "models", "categories", "brands"):
            if name in goods:
                return any(set(goods[name]) & self._names(name, one) for one in self.case.lines)
        return True

    @staticmethod
    def _names(name: str, line: BasketLine) -> set[str | None]:
        if name == "categories":
            return set(line.categories)
        return {{"skus": line.sku, "models": line.model, "brands": line.brand}[name]}

    # Rewards for points

    def _bought(self) -> dict[str, int]:
        """Points for each reward that is taken; those that are not compete no more."""
        told = dict(self.case.promotions)
        left, found = self.case.available, dict[str, int]()
        for code in list(self.order):
            costs = told[code].get("costs")
            if costs is None:
                continue
            most = costs.get("times", 100)
            wanted = min(most, self.case.rewards.get(code, most if costs.get("at_once") else 0))
            affordable = left // costs["points"]
            gives = self._gives_of(told[code])
            unmet = self._unmet(told[code].get("when", {"kind": "always"}))
            if unmet is None and not affordable:
                unmet = "not_met"
            if unmet is None and not any(gives):
                unmet = "out"
            if unmet is None and not wanted:
                unmet = "close"
            if unmet is not None:
                self.fates[code] = unmet
                self.order.remove(code)
                continue
            times = 1
            while times < min(wanted, affordable):
                more = several(told[code], times + 1)
                if more is None or self._gives_of(more) == gives:
                    break
                times, gives = times + 1, self._gives_of(more)
            if times > 1:
                told[code] = several(told[code], times) or told[code]
            found[code] = times * costs["points"]
            left -= found[code]
        self.case = replace(self.case, promotions=told)
        return found

    def _gives_of(self, promotion: Document) -> tuple[int, int]:
        """What it takes off, whatever its budget is, and how many things are handed out."""
        till = copy(self)
        promotions = {**self.case.promotions, "?": promotion}
        till.case = replace(self.case, promotions=promotions, money_left={})
        return till._plan("?").total, till._handed_out("?")

    # Conditions

    def _is_met(self, code: str) -> bool:
        unmet = self._unmet(self.case.promotions[code].get("when", {"kind": "always"}))
        if unmet is not None:
            self.fates[code] = unmet
        return unmet is None

    def _unmet(self, when: Document) -> str | None:
        match when["kind"]:
            case "always":
                return None
            case "member":
                return None if self.case.is_member else "not_met"
            case "contains":
                return None if self.counter.counted(when["goods"]) else "not_met"
            case "units":
                lines = self.counter.counted(when["goods"])
                return self._in_bounds(sum(self.case.lines[n].units for n in lines), when)
            case "amount":
                lines = self.counter.counted(when.get("goods"))
                is_full = when.get("measure", "full") == "full"
                cost = sum(
                    self.case.lines[n].full if is_full else self.counter.costs(n) for n in lines
                )
                return self._in_bounds(cost, when)
        parts = [self._unmet(part) for part in when["of"]]
        missing = [part for part in parts if part is not None]
        match when["kind"]:
            case "all":
                hard = [part for part in missing if part != "close"]
                return next(iter(hard + missing), None)
            case "any":
                if len(missing) < len(parts):
                    return None
                return "close" if "close" in missing else missing[0]
        return None if len(missing) == len(parts) else "not_met"

    @staticmethod
    def _in_bounds(found: int, when: Document) -> str | None:
        def bound(name: str) -> int | None:
            told = when.get(name)
            return money(told) if isinstance(told, dict) else told

        least = [bound("at_least"), bound("more_than")]
        if least[1] is not None:
            least[1] += 1
        needed = max((one for one in least if one is not None), default=0)
        most, below = bound("at_most"), bound("less_than")
        if (most is not None and found > most) or (below is not None and found >= below):
            return "not_met"
        if found >= needed:
            return None
        return "close" if found and 2 * found >= needed else "not_met"

    # What one gives

    def _discounts(self, code: str) -> list[Document]:
        gives = self.case.promotions[code]["gives"]
        return [one for one in gives if one["kind"] not in POINTS]

    def _gives_points(self, code: str) -> bool:
        return any(one["kind"] in POINTS for one in self.case.promotions[code]["gives"])

    def _gift(self, code: str) -> bool:
        """Whether something is to be handed out that is not on the receipt yet."""
        return self._handed_out(code) > 0

    def _handed_out(self, code: str) -> int:
        found = 0
        for reward in self.case.promotions[code]["gives"]:
            if reward["kind"] == "gift":
                lines = self.counter.counted(reward.get("comes_with"))
                has = [line.units for line in self.case.lines if line.sku == reward["sku"]]
                bought = [n for n in lines if self.case.lines[n].sku != reward["sku"]]
                if bought:
                    found += max(0, reward.get("units", 1) - sum(has))
        return found

    def _open(self, code: str) -> set[int]:
        adds = self.case.promotions[code].get("adds_to_given")
        return {
            n
            for n, line in enumerate(self.case.lines)
            if line.treatment.discounted and (adds or not (line.closed or line.given))
        }

    def _plan(self, code: str, counter: Counter | None = None, closed: Iterable[int] = ()) -> Plan:
        trial = (counter or self.counter).copy()
        steps = []
        for reward in self._discounts(code):
            step = Reckoning(trial, self._open(code) - set(closed)).step(reward)
            trial.take(step, keeps=False)
            steps.append(step)
        plan = Plan(code, steps)
        left = self.case.money_left.get(code)
        if left is not None and plan.total > left:
            return Plan(code, [], has_budget=False)
        return plan

    def _of_line(self, plan: Plan) -> dict[int, int]:
        found: dict[int, int] = {}
        for place, off in chain.from_iterable(step.items() for step in plan.steps):
            if off:
                line = self.counter.units[place].line
                found[line] = found.get(line, 0) + off
        return found

    def _apply(self, plan: Plan, lines: set[int] | None = None) -> bool:
        code, found = plan.code, {}
        keeps = bool(self.case.promotions[code].get("keeps_units"))
        if not plan.has_budget:
            self.fates[code] = "limit_reached"
            return False
        for whole in plan.steps if plan.total else ():
            units = self.counter.units
            step = {at: off for at, off in whole.items() if not lines or units[at].line in lines}
            step = self._under_ceiling(step)
            self.counter.take(step, keeps=keeps)
            for at, off in step.items():
                if off:
                    found[units[at].line] = found.get(units[at].line, 0) + off
        if not found and not self._gives_points(code) and not self._gift(code):
            self.fates[code] = "out"
            return False
        self.given_by[code] = found
        self.fates[code] = "applied"
        return True

    def _under_ceiling(self, step: Takes) -> Takes:
        most = self.counter.receipt_room()
        if most is None or sum(step.values()) <= most:
            return step
        places = sorted(step)
        lines: dict[int, list[int]] = {}
        for place in places:
            lines.setdefault(self.counter.units[place].line, []).append(place)
        parts = apportioned(most, [sum(step[at] for at in of) for of in lines.values()])
        cut: Takes = {}
        for of, part in zip(lines.values(), parts, strict=True):
            cut |= dict(zip(of, apportioned(part, [step[at] for at in of]), strict=True))
        return cut

    # Lanes

    def _stands_with(self, one: str, other: str) -> bool:
        told = self.case.promotions
        return other not in told[one].get("not_with", ()) and one not in told[other].get(
            "not_with", ()
        )

    def _applied(self) -> list[str]:
        return [code for code, fate in self.fates.items() if fate == "applied"]

    def _is_kept_out(self, code: str) -> bool:
        is_out = not all(self._stands_with(code, other) for other in self._applied())
        if is_out:
            self.fates[code] = "lost"
        return is_out

    def _decide(self, lane: Document, codes: Sequence[str]) -> None:
        met = [code for code in codes if self._is_met(code)]
        rivals = [code for code in met if self._discounts(code)]
        for code in met:
            self.fates[code] = "waiting"
        mode = lane["mode"]
        if mode == "best":
            mode += "_" + lane.get("by", "receipt")
        getattr(self, "_mode_" + mode)(rivals)
        self._points_alone(mode, [code for code in met if code not in rivals])
        for code in met:
            if self.fates[code] == "waiting":
                self.fates[code] = "out"

    def _mode_all(self, codes: Sequence[str]) -> None:
        for code in codes:
            if not self._is_kept_out(code):
                self._apply(self._plan(code))

    def _mode_first(self, codes: Sequence[str]) -> None:
        idle = []
        for place, code in enumerate(codes):
            if self._is_kept_out(code):
                continue
            plan = self._plan(code)
            if plan.has_budget and (plan.total or self._gift(code)):
                self._apply(plan)
                for other in codes[place + 1 :]:
                    self.fates[other] = "lost"
                self._note_budgets(idle)
                return
            idle.append(plan)
        self._apply_one_of(idle)

    def _note_budgets(self, plans: Iterable[Plan]) -> None:
        for plan in plans:
            if not plan.has_budget:
                self.fates[plan.code] = "limit_reached"

    def _apply_one_of(self, plans: Iterable[Plan]) -> None:
        """The first that comes to something."""
        plans = list(plans)
        self._note_budgets(plans)
        for plan in plans:
            if self._apply(plan):
                return

    def _mode_exclusive(self, codes: Sequence[str]) -> None:
        taken: set[int] = set()
        for code in codes:
            if self._is_kept_out(code):
                continue
            self._apply(self._plan(code, closed=taken))
            taken |= set(self.given_by.get(code, ()))

    def _mode_best_receipt(self, codes: Sequence[str]) -> None:
        plans = [self._plan(code) for code in codes if not self._is_kept_out(code)]
        self._note_budgets(plans)
        best = max(plans, key=lambda plan: plan.total, default=None)
        if best is not None and best.total:
            self._apply(best)
            return
        self._apply_one_of(sorted(plans, key=lambda plan: not self._gift(plan.code)))

    def _mode_best_line(self, codes: Sequence[str]) -> None:
        free = [code for code in codes if not self._is_kept_out(code)]
        plans = {code: self._plan(code) for code in free if self._would_give(code)}
        while True:
            admitted, excluded = self._admitted(plans)
            offs = {code: self._of_line(plans[code]) for code in codes if code in admitted}
            winners = self._line_winners(offs)
            empty = {code for code in admitted if offs[code] and code not in winners.values()}
            blocking = empty & set(excluded.values())
            if not blocking:
                break
            for code in blocking:
                del plans[code]
                self.fates[code] = "lost"
        for code in excluded:
            self.fates[code] = "lost"
        for code in offs:
            lines = {line for line, winner in winners.items() if winner == code}
            if lines or not offs[code]:
                self._apply(plans[code], lines)

    def _admitted(self, plans: Mapping[str, Plan]) -> tuple[list[str], dict[str, str]]:
        """Those that take off most, of those that may not stand together."""
        admitted: list[str] = []
        excluded: dict[str, str] = {}
        for code in sorted(plans, key=lambda one: (-plans[one].total, self.order.index(one))):
            rival = [one for one in admitted if not self._stands_with(one, code)]
            if rival:
                excluded[code] = rival[0]
            else:
                admitted.append(code)
        return admitted, excluded

    @staticmethod
    def _line_winners(offs: Mapping[str, Mapping[int, int]]) -> dict[int, str]:
        winners: dict[int, str] = {}
        for code, by_line in offs.items():
            for line, off in by_line.items():
                if line not in winners or off > offs[winners[line]][line]:
                    winners[line] = code
        return winners

    def _mode_best_set(self, codes: Sequence[str]) -> None:
        free = [code for code in codes if not self._is_kept_out(code)]
        best: tuple[int, tuple[str, ...]] = (0, ())
        sets = chain.from_iterable(combinations(free, n) for n in range(1, len(free) + 1))
        for chosen in sorted(sets, key=lambda one: [free.index(code) for code in one]):
            if all(self._stands_with(a, b) for a, b in combinations(chosen, 2)):
                total = self._total_of(chosen)
                if total is not None and total > best[0]:
                    best = (total, chosen)
        for code in best[1]:
            self._apply(self._plan(code))
        for code in free:  # those that hand something out take nothing off, and are in nobody's way
            if code not in best[1] and not self._plan(code).total and not self._is_kept_out(code):
                self._apply(self._plan(code))

    def _total_of(self, codes: Sequence[str]) -> int | None:
        """What these take off together; None if one of them gives nothing."""
        counter, total = self.counter.copy(), 0
        for code in codes:
            plan = self._plan(code, counter)
            if not plan.total:
                return None
            keeps = bool(self.case.promotions[code].get("keeps_units"))
            for step in plan.steps:
                counter.take(step, keeps=keeps)
            total += plan.total
        return total

    def _points_alone(self, mode: str, codes: Sequence[str]) -> None:
        free = [code for code in codes if not self._is_kept_out(code)]
        if mode in ("first", "best_receipt"):
            costs = [self.counter.costs(n) for n in range(len(self.case.lines))]
            best = free[:1]
            if mode == "best_receipt" and free:
                best = [max(free, key=lambda code: self._points_of(code, costs))]
            for code in free:
                self.fates[code] = "applied" if code in best else "lost"
            return
        for code in free:
            if not self._is_kept_out(code):
                self.fates[code] = "applied"

    # Points

    def _pay(self, available: int) -> tuple[list[int], int, int]:
        lines, terms, rates = range(len(self.case.lines)), self.case.terms, self.case.rates
        nothing = [0] * len(lines)
        if rates is None:
            return nothing, 0, 0
        paying, ceilings = terms.get("paying", {}), terms.get("ceilings", {})
        costs = [self.counter.costs(n) for n in lines]
        rooms = []
        for n in lines:
            room = costs[n] - self.counter.lowest(n)
            room = min(room, int(costs[n] * Fraction(paying.get("line", "100")) / 100))
            if ceilings.get("with_points"):
                under = self.counter.ceiling_room(n)
                room = room if under is None else min(room, under)
            rooms.append(max(0, room) if self.case.lines[n].treatment.payable else 0)
        payable = [sum(rooms)]
        if "stays" in paying:
            payable.append(sum(costs) - money(paying["stays"]))
        receipt = self.counter.receipt_room()
        if ceilings.get("with_points") and receipt is not None:
            payable.append(receipt)
        worth = Fraction(rates.worth)
        most = min(
            int(max(0, min(payable)) / worth),
            int(sum(costs) * Fraction(rates.payable, 10000) / worth),
            available,
        )

        def stepped(points: int) -> int:
            step = paying.get("step", 1)
            points -= points % step
            return points if points >= paying.get("least", 0) else 0

        most = stepped(most)
        wish = self.case.wish
        spent = 0 if wish is None else most if wish == "most" else stepped(min(int(wish), most))
        weights = [costs[n] if rooms[n] else 0 for n in lines]
        return poured(int(spent * worth), weights, rooms), spent, most

    def _earning(self, points: Sequence[int]) -> list[int]:
        """What is paid of each line and earns."""
        told = self.case.terms.get("earning", {})
        found = []
        for n, line in enumerate(self.case.lines):
            cheaper = self.counter.off(n) or line.given
            earns = line.treatment.earns and (told.get("discounted", True) or not cheaper)
            by_points = 0 if told.get("before_points") else points[n]
            found.append(self.counter.costs(n) - by_points if earns else 0)
        return found

    def _points_of(self, code: str, paid: Sequence[int]) -> int:
        rates, total = self.case.rates, 0
        for reward in self.case.promotions[code]["gives"]:
            goods = reward.get("goods")
            lines = [
                n
                for n, line in enumerate(self.case.lines)
                if line.treatment.earns and self.counter.means(goods, n)
            ]
            base = sum(paid[n] for n in lines)
            match reward["kind"]:
                case "points_percent" if rates is not None:
                    total += int(base * Fraction(reward["percent"]) / 100 / rates.worth)
                case "points_for_money":
                    total += base // money(reward["each"]) * reward["points"]
                case "points_for_units":
                    total += sum(self.case.lines[n].units for n in lines) * reward["points"]
                case "points_fixed":
                    total += reward["points"]
        return total

    def _earned(self, points: Sequence[int]) -> int:
        rates, paid = self.case.rates, self._earning(points)
        base = 0
        if rates is not None:
            base = int(sum(paid) * Fraction(rates.back, 10000) / rates.worth)
        return base + sum(self._within_points(code, paid) for code in self._applied())

    def _within_points(self, code: str, paid: Sequence[int]) -> int:
        """Its points; none if its budget has fewer."""
        points = self._points_of(code, paid)
        if points <= self.case.points_left.get(code, points):
            return points
        if not self.given_by.get(code) and not self._gift(code):
            self.fates[code] = "limit_reached"
        return 0
