"""How much is usual for one card at the counters of a programme. More is not refused: the guest may
be right, and the cashier cannot know. It is marked, and those who run the programme are told."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Identifier, insert_or
from ledger.errors import TermsRefused
from ledger.limits import MOST_POINTS

MOST_A_DAY = 1000

# What is odd about a deed: more purchases of one card in a day, more money in a day, or one card
# with one cashier more often in a day, than the programme finds usual.
CounterOddity = Literal["many_purchases", "much_money", "same_cashier"]


class CounterLimits(Base):
    """From how much on deeds of a programme are marked. `purchases`: of one card in a day.
    `same_cashier`: of one card with one cashier in a day. `amount`: paid with one card in a day, in
    the smallest pieces of the currency of purchases. Null: never."""

    __tablename__ = "wallet_counter_limits"
    __table_args__ = (
        CheckConstraint("purchases > 0", name="purchases"),
        CheckConstraint("same_cashier > 0", name="same_cashier"),
        CheckConstraint("amount > 0", name="amount"),
    )

    programme_id: Mapped[int] = mapped_column(
        Identifier, ForeignKey("ledger_programme.id"), primary_key=True, autoincrement=False
    )
    purchases: Mapped[int | None]
    same_cashier: Mapped[int | None]
    amount: Mapped[int | None]


@dataclass(frozen=True, slots=True)
class UsualAtCounter:
    """The same as it is wanted, and what holds where nobody has said anything."""

    purchases: int | None = 4
    same_cashier: int | None = 2
    amount: int | None = None

    def oddities(self, purchases: int, same_cashier: int, amount: int) -> list[CounterOddity]:
        """What is odd about a day with so much for one card."""
        found: list[CounterOddity] = []
        if self.purchases is not None and purchases > self.purchases:
            found.append("many_purchases")
        if self.amount is not None and amount > self.amount:
            found.append("much_money")
        if self.same_cashier is not None and same_cashier > self.same_cashier:
            found.append("same_cashier")
        return found


def of(session: Session, programme_id: int) -> UsualAtCounter:
    """What is usual in this programme."""
    row = session.get(CounterLimits, programme_id, populate_existing=True)
    if row is None:
        return UsualAtCounter()
    return UsualAtCounter(row.purchases, row.same_cashier, row.amount)


def put(session: Session, programme_id: int, wanted: UsualAtCounter) -> CounterLimits:
    """Say what is usual from now on. The caller has locked the programme. Raises `TermsRefused`."""
    for name, most in (("purchases", MOST_A_DAY), ("same_cashier", MOST_A_DAY)):
        if (number := getattr(wanted, name)) is not None and not 1 <= number <= most:
            raise TermsRefused(name, "from {least} to {most}.", least=1, most=most)
    if wanted.amount is not None and not 1 <= wanted.amount <= MOST_POINTS:
        raise TermsRefused("amount", "more than 0.")
    values = {
        "purchases": wanted.purchases,
        "same_cashier": wanted.same_cashier,
        "amount": wanted.amount,
    }
    session.execute(
        insert_or(session, CounterLimits)
        .values(programme_id=programme_id, **values)
        .on_conflict_do_update(index_elements=["programme_id"], set_=values)
    )
    return session.get_one(CounterLimits, programme_id, populate_existing=True)
