"""A quote as it is written out, for whoever reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ledger.money import Money, decimals, percent
from ledger.promotions import wording
from ledger.promotions.arithmetic import quantity_text
from ledger.promotions.quotes import PromotionOutcome, Quote, QuoteLine
from ledger.promotions.wording import Purse, TillReader
from wallet.api.bodies.amounts import MoneyOut
from wallet.api.bodies.receipts import (
    BoughtRewardOut,
    EnteredCodeOut,
    LaneOut,
    LineReasonOut,
    PaidByOut,
    PieceOut,
    PointsReasonOut,
    PresentOut,
    PromotionOutcomeOut,
    QuoteLineOut,
    QuoteOut,
    QuotePointsOut,
    TraceOut,
)


@dataclass(frozen=True, slots=True)
class WrittenQuote:
    """A quote and its reader. `purse`: of whoever buys; `spend_needs`: what they must say to
    spend."""

    quote: Quote
    reader: TillReader
    purse: Purse | None
    spend_needs: Literal["code"] | None = None

    def quote_out(self) -> QuoteOut:
        """What the receipt costs and earns."""
        quote = self.quote
        return QuoteOut(
            lines=[self._line(line) for line in quote.lines],
            list=self._money(quote.full),
            given=self._money(quote.given),
            discount=self._money(quote.discount),
            points=self._points(),
            total=self._money(quote.total),
            due=self._money(quote.due),
            paid_by=self._paid_by(),
            gifts=[
                PresentOut(sku=one.present.sku, quantity=one.present.units, promotion=one.promotion)
                for one in quote.presents
            ],
            codes=[
                EnteredCodeOut(
                    code=one.code,
                    state=one.state,
                    text=wording.entered_code(one, quote.promotions, self.reader),
                )
                for one in quote.codes
            ],
            promotions=self._outcomes(_shown(quote)),
            rounding=None if quote.rounding is None else self._money(quote.rounding),
            slip=wording.slip(quote, self.purse, self.reader),
            rules=quote.rules,
        )

    def trace_out(self, facts: Mapping[str, int], unreadable: Sequence[str]) -> TraceOut:
        """How that comes about. `facts`: what was asked about the buyer, and the answers;
        `unreadable`: promotions that name a kind that is not installed."""
        quote = self.quote
        return TraceOut(
            promotions=self._outcomes(quote.promotions),
            lanes=[
                LaneOut(
                    lane=one.lane,
                    mode=one.mode,
                    taken_off=self._money(one.taken_off),
                    exact=one.exact,
                )
                for one in quote.lanes
            ],
            facts=dict(facts),
            unreadable=unreadable,
        )

    def _paid_by(self) -> list[PaidByOut]:
        quote = self.quote
        by_points = quote.paid_by_points
        found = [PaidByOut(kind="points", amount=self._money(by_points))] if by_points else []
        by_card: dict[str, int] = {}
        for one in quote.stored:
            by_card[one.card] = by_card.get(one.card, 0) + one.amount
        return found + [
            PaidByOut(kind="gift_card", amount=self._money(amount), card=card)
            for card, amount in by_card.items()
        ]

    def _points(self) -> QuotePointsOut:
        quote = self.quote
        return QuotePointsOut(
            earned=quote.earned,
            spent=quote.spent,
            most=quote.most,
            paid=self._money(quote.points_paid),
            spend_needs=self.spend_needs,
            rewards=[
                BoughtRewardOut(promotion=one.promotion, times=one.times, points=one.points)
                for one in quote.bought
            ],
            reasons=[
                PointsReasonOut(
                    promotion=one.promotion,
                    points=one.points,
                    text=wording.points_reason(one, self.reader),
                )
                for one in quote.points_reasons
            ],
        )

    def _outcomes(self, outcomes: Sequence[PromotionOutcome]) -> list[PromotionOutcomeOut]:
        return [
            PromotionOutcomeOut(
                promotion=one.promotion,
                version=one.version,
                outcome=one.outcome,
                lost_to=one.lost_to,
                amount=self._money(one.amount),
                text=wording.outcome(one, self.reader),
            )
            for one in outcomes
        ]

    def _line(self, line: QuoteLine) -> QuoteLineOut:
        return QuoteLineOut(
            id=line.id,
            list=self._money(line.full),
            given=self._money(line.given),
            discount=self._money(line.discount),
            points=self._money(line.points),
            total=self._money(line.total),
            percent=percent(line.percent),
            pieces=[
                PieceOut(
                    quantity=quantity_text(piece.quantity),
                    price=self._money(piece.price),
                    total=self._money(piece.total),
                )
                for piece in line.pieces
            ],
            reasons=[
                LineReasonOut(
                    promotion=reason.promotion,
                    amount=self._money(reason.amount),
                    text=wording.line_reason(reason, self.reader),
                )
                for reason in line.reasons
            ],
        )

    def _money(self, pieces: int) -> MoneyOut:
        currency = self.quote.currency
        return MoneyOut.model_validate(Money.of(pieces, decimals(currency), currency))


# What only a check shows of promotions, unless somebody entered their code.
NOT_SHOWN = ("not_met", "not_now", "nothing_to_take")


def _shown(quote: Quote) -> Sequence[PromotionOutcome]:
    """The outcomes that concern a till: what applied, lost or was close, and what was asked for by
    its code."""
    asked = {one.promotion for one in quote.codes}
    return [
        one for one in quote.promotions if one.outcome not in NOT_SHOWN or one.promotion in asked
    ]
