"""Balances told as they are: another system says what a member has, and the book is brought there.

That system knows the balance and not what made it. So the difference is posted, as an accrual or a
redemption. Its messages may overtake each other: one that is older than the last one that was heard
changes nothing."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.book import postings
from ledger.book.accounts import Balance
from ledger.book.drafts import NewLot
from ledger.book.journal import Posting
from ledger.book.postings import Posted
from ledger.database.tables import Base, Instant, insert_or
from ledger.errors import DateOutOfRange
from ledger.events import PointsAccrued, PointsRedeemed
from ledger.money import Amount
from ledger.people.members import Member
from ledger.points import accruals, causes, resolving
from ledger.points.accruals import Grant
from ledger.points.causes import NO_CAUSE, Cause
from ledger.points.resolving import Target, Whom
from ledger.programmes.units import Unit
from ledger.segments import conditions

# posted: there was a difference. unchanged: there was none. outdated: the source has told a newer
# balance before.
ToldOutcome = Literal["posted", "unchanged", "outdated"]


# The promotion of postings that bring a balance to what was told. They are no purchases, whatever
# made the balance what it is.
PROMOTION = "balance.is"
conditions.GIFTS.append(Posting.promotion.is_not_distinct_from(PROMOTION))


class ToldBalance(Base):
    """When the newest balance was true that a source told of a member account. The row stands under
    the lock of the account."""

    __tablename__ = "ledger_told_balance"

    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(String(60), primary_key=True)
    told_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class BalanceIs:
    """What a source says that a member has, and when that was true (`cause.occurred_at`, which is
    given). The member's points are those that can be spent and those that holds have set aside,
    less what they owe; points that are not active yet are not among them."""

    points: Amount
    source: str
    cause: Cause = NO_CAUSE


@dataclass(frozen=True, slots=True)
class Levelled:
    """What came of it. `difference`: how many points came in, or went out (negative) by the posting
    `posting_id`. `debt_paid`: how many of them paid a debt at once."""

    member: Member
    unit: Unit
    outcome: ToldOutcome
    balance: Balance
    difference: int = 0
    posting_id: str | None = None
    debt_paid: int = 0


def hear(session: Session, whom: Whom | Member, said: BalanceIs, now: datetime) -> Levelled:
    """Bring the balance in the programme's main unit to what is told, whatever was posted here
    since. Raises `InsufficientPoints` if holds have set aside what would have to go,
    `BalanceTooLarge`, `DatesOutOfOrder`, `DateOutOfRange`, what `resolving.with_target` raises, and
    for money what `Unit.points` raises."""
    told_at = said.cause.occurred_at
    if told_at is None:
        raise DateOutOfRange("occurred_at")
    causes.check_clock(told_at, now)

    def bring(target: Target) -> Levelled:
        unit, account_id = target.unit, target.holder.account_id
        wanted = unit.points(said.points)
        balance = postings.settle(session, target.holder, now)
        newest = session.scalar(
            select(ToldBalance.told_at).where(
                ToldBalance.account_id == account_id, ToldBalance.source == said.source
            )
        )
        if newest is not None and told_at < newest:
            return Levelled(target.member, unit, "outdated", balance)
        _note(session, account_id, said.source, told_at)
        difference = wanted - (balance.available + balance.held - balance.debt)
        if difference == 0:
            return Levelled(target.member, unit, "unchanged", balance)
        with unit.errors_in_money():
            posted = _post(session, target, said.cause, difference, now)
        return Levelled(
            target.member,
            unit,
            "posted",
            posted.balances[account_id],
            difference,
            posted.public_id,
            posted.debt_paid,
        )

    return resolving.with_target(session, whom, None, bring, now)


def _note(session: Session, account_id: int, source: str, told_at: datetime) -> None:
    session.execute(
        insert_or(session, ToldBalance)
        .values(account_id=account_id, source=source, told_at=told_at)
        .on_conflict_do_update(index_elements=["account_id", "source"], set_={"told_at": told_at})
    )


def _post(session: Session, target: Target, cause: Cause, difference: int, now: datetime) -> Posted:
    holder, why = target.holder, replace(cause.with_card(target.card_id), promotion=PROMOTION)
    if difference < 0:
        header = causes.header("redemption", holder.programme_id, why, now)
        news = [PointsRedeemed(holder.member_id)]
        return postings.debit(session, holder, header, -difference, news, now)
    lot = NewLot(difference, accruals.term(target.zone, target.unit, Grant(difference), now))
    header = causes.header("accrual", holder.programme_id, why, now)
    return postings.credit(session, holder, header, lot, [PointsAccrued(holder.member_id)], now)
