"""Why lines cost what they do, and what became of promotions: what gave how much, what lost and to
which, what was close. Codes and facts; `wording.py` makes sentences of them."""

from collections.abc import Iterable, Mapping, Sequence

from ledger.promotions.deals import PromotionReach
from ledger.promotions.goods import ALL
from ledger.promotions.quotes import LineReason, PromotionOutcome
from ledger.promotions.rewards.registry import CountingDiscount
from ledger.promotions.situations import Situation, Unmet
from ledger.promotions.stacking import PromotionStanding, Stacked
from ledger.promotions.worksheet import Limit, Worksheet

# A line says no more of what lost on it, and of what was close; the receipt names all.
MOST_OTHERS = 3


class Reasons:
    """What there is to say of a receipt whose lanes are decided."""

    def __init__(self, stacked: Stacked, situation: Situation) -> None:
        self._sheet, self._standings = stacked.sheet, stacked.standings
        self._stacked, self._situation = stacked, situation
        self._near = {
            code: near
            for code, standing in stacked.standings.items()
            if (near := self._missing(standing)) is not None
        }

    def of_lines(self) -> list[list[LineReason]]:
        """Why each line costs what it does: what was given, in the order in which it was, then what
        lost on it, then what was close."""
        found: list[list[LineReason]] = [[] for _ in self._sheet.lines]
        lost: list[list[LineReason]] = [[] for _ in found]
        close: list[list[LineReason]] = [[] for _ in found]
        for code, standing in self._standings.items():
            self._gave(standing, found)
            for line, winner in self._lost_on(standing).items():
                lost[line].append(LineReason("lost", code, 0, {"to": winner}))
            if code in self._near:
                near = self._near[code]
                for line in self._meant_by_name(standing):
                    close[line].append(
                        LineReason("close", code, 0, {"code": near.code, **near.facts})
                    )
        for line, reasons in enumerate(found):
            reasons += lost[line][:MOST_OTHERS] + close[line][:MOST_OTHERS]
        return found

    def outcomes(self) -> list[PromotionOutcome]:
        """What became of each promotion."""
        return [self._outcome(standing) for standing in self._standings.values()]

    def _gave(self, standing: PromotionStanding, found: Sequence[list[LineReason]]) -> None:
        code, limit = standing.promotion.code, standing.limited_by
        for line, off in standing.by_line.items():
            found[line].append(LineReason("gave", code, off))
            if limit is not None:
                facts = {"limit": limit, **_limit_facts(limit, self._sheet)}
                found[line].append(LineReason("limited", code, 0, facts))
            if odd := standing.deviations.get(line):
                found[line].append(LineReason("deviates", code, 0, {"off": odd}))

    def _lost_on(self, standing: PromotionStanding) -> Mapping[int, str]:
        """Lines that another has. Who was kept out before it was reckoned has lost those of its
        goods that the other made cheaper."""
        winner = self._standings.get(standing.lost_to or "")
        if standing.lost_on or winner is None:
            return standing.lost_on
        lines = [line for line in self._meant(standing) if line in winner.by_line]
        return dict.fromkeys(lines, winner.promotion.code)

    def _meant(self, standing: PromotionStanding) -> Iterable[int]:
        """The lines that it could make cheaper, in the order of the receipt."""
        reach = self._reach(standing)
        rules = standing.promotion.rules
        return sorted({n for one in rules.discounts for n in reach.lines(one.touches())})

    def _meant_by_name(self, standing: PromotionStanding) -> Iterable[int]:
        """The same, of goods that it names: what is of the whole receipt is said of the receipt."""
        if any(one.touches() == ALL for one in standing.promotion.rules.discounts):
            return ()
        return self._meant(standing)

    def _missing(self, standing: PromotionStanding) -> Unmet | None:
        """What is missing, of one that gives nothing and is close."""
        if standing.fate == "close":
            return standing.unmet
        if standing.fate != "nothing_to_take":
            return None
        reach = self._reach(standing)
        for reward in standing.promotion.rules.discounts:
            if isinstance(reward, CountingDiscount):
                missing = reward.missing(reach)
                if missing is not None and missing.outcome == "close":
                    return missing
        return None

    def _reach(self, standing: PromotionStanding) -> PromotionReach:
        adds = standing.promotion.rules.adds_to_given
        lines = self._stacked.touchable if adds else self._stacked.open
        return PromotionReach(self._situation, self._sheet, lines)

    def _outcome(self, standing: PromotionStanding) -> PromotionOutcome:
        code = standing.promotion.code
        unmet = self._near.get(code, standing.unmet)
        return PromotionOutcome(
            promotion=code,
            version=standing.promotion.version,
            outcome="close" if code in self._near else standing.fate,
            amount=standing.total,
            lost_to=standing.lost_to,
            code=standing.limited_by if unmet is None else unmet.code,
            facts=_limit_facts(standing.limited_by, self._sheet) if unmet is None else unmet.facts,
        )


def _limit_facts(limit: Limit | None, sheet: Worksheet) -> dict[str, object]:
    """How high the ceiling is that was reached, in hundredths of a percent."""
    ceilings = sheet.ceilings
    match limit:
        case "line_ceiling":
            return {"percent": ceilings.of_line}
        case "receipt_ceiling":
            return {"percent": ceilings.of_receipt}
    return {}
