"""A balance is put right by hand: people of the shop give points or take them away, with a reason.
It is no purchase, whichever way the points go."""

from datetime import datetime

from sqlalchemy.orm import Session

from ledger.book.journal import Posting
from ledger.people.members import Member
from ledger.points import accruals, redemptions
from ledger.points.accruals import Grant
from ledger.points.causes import Cause, Movement
from ledger.points.redemptions import Spend
from ledger.segments import conditions

# The promotion of such postings, by which lists and exports tell them from others.
PROMOTION = "points.adjusted"
conditions.GIFTS.append(Posting.promotion.is_not_distinct_from(PROMOTION))


def adjust(session: Session, member: Member, points: int, reason: str, now: datetime) -> Movement:
    """Give the member so many points of the programme's main unit, or take them away where the
    number is negative. Given points live as long as the unit's terms say. Raises
    `InsufficientPoints`, `BalanceTooLarge`."""
    cause = Cause(reason, promotion=PROMOTION)
    if points < 0:
        return redemptions.redeem(session, member, Spend(-points, cause, by_shop=True), now)
    return accruals.grant(session, member, Grant(points, cause), now)
