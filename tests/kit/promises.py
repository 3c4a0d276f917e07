"""What holds for every receipt that is priced, whatever promotions meet: docs/promotions.md, "What
never happens"."""

from collections.abc import Sequence
from dataclasses import replace

from ledger.promotions.arithmetic import price_of
from ledger.promotions.baskets import Basket, BasketLine
from ledger.promotions.modifiers import JoinedBasket
from ledger.promotions.quotes import Quote, QuoteLine
from ledger.promotions.terms import PromotionTerms


def check(
    lines: Sequence[BasketLine], terms: PromotionTerms, quote: Quote, *, adds_to_given: bool
) -> None:
    """All of it. `adds_to_given`: some promotion may touch what the till made cheaper. Points are a
    discount."""
    for line, told in zip(lines, quote.lines, strict=True):
        assert told.full - told.given - told.discount - told.points == told.total
        assert told.discount >= 0 <= told.points
        if told.discount or told.points:
            lowest = min(terms.lowest_line, line.full - line.given)
            assert told.total >= max(line.floor, lowest)
        if not line.treatment.discounted or (line.is_closed and not adds_to_given):
            assert told.discount == 0
        if not line.treatment.payable:
            assert told.points == 0
        assert sum(reason.amount for reason in told.reasons) == told.discount
        check_pieces(line.quantity, told)
    check_sums(quote)
    check_ceilings(terms, quote, joined(lines, quote))


def check_pieces(quantity: int, line: QuoteLine) -> None:
    """They are exactly the line, as a fiscal device counts them."""
    assert sum(piece.quantity for piece in line.pieces) == quantity
    assert sum(piece.total for piece in line.pieces) == line.total
    for piece in line.pieces:
        assert piece.quantity > 0 <= piece.price
        assert price_of(piece.price, piece.quantity) == piece.total


def check_sums(quote: Quote) -> None:
    """The lines add up to the receipt, and what promotions gave to what was taken off."""
    lines = quote.lines
    assert quote.full == sum(line.full for line in lines)
    assert quote.given == sum(line.given for line in lines)
    assert quote.discount == sum(line.discount for line in lines)
    assert quote.points_paid == sum(line.points for line in lines)
    assert quote.total == quote.due == sum(line.total for line in lines)
    assert quote.discount == sum(one.amount for one in quote.promotions)
    assert quote.earned == sum(reason.points for reason in quote.points_reasons)
    assert 0 <= quote.spent <= quote.most


def joined(lines: Sequence[BasketLine], quote: Quote) -> list[QuoteLine]:
    """The lines, each with what modifies it: a ceiling is for all of it."""
    whole = JoinedBasket(Basket(list(lines), quote.currency))
    found = []
    for line in range(len(whole.basket.lines)):
        first, *others = (quote.lines[place] for place in whole.places(line))
        for other in others:
            sums = {
                name: getattr(first, name) + getattr(other, name)
                for name in ("full", "given", "discount", "points", "total")
            }
            first = replace(first, **sums)
        found.append(first)
    return found


def check_ceilings(terms: PromotionTerms, quote: Quote, lines: Sequence[QuoteLine]) -> None:
    """No line and no receipt has more off than its ceiling says. `lines`: each with what modifies
    it."""
    ceilings = terms.ceilings

    def taken(line: QuoteLine) -> int:
        points = line.points if ceilings.with_points else 0
        return line.discount + points + (line.given if ceilings.with_given else 0)

    def untouched(line: QuoteLine) -> bool:
        """What the till gave is not taken back."""
        return line.discount == 0 and (line.points == 0 or not ceilings.with_points)

    if ceilings.of_line is not None:
        for line in lines:
            assert taken(line) * 10_000 <= line.full * ceilings.of_line or untouched(line)
    if ceilings.of_receipt is not None:
        in_all = sum(map(taken, lines))
        assert in_all * 10_000 <= quote.full * ceilings.of_receipt or all(map(untouched, lines))
