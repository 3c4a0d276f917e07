"""Purchases: what was paid when points came in or went out, as tills tell it, kept beside the
posting. The journal writes the rows.

Audiences and results ask them who bought, when, and for how much. They are no part of what is
sealed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Boolean, Index, ScalarSelect, String, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.book.drafts import Bought, Paid
from ledger.database.tables import Base, Identifier, Instant
from ledger.money import Money, decimals


class PurchaseRow(Base):
    """What was paid in the purchase that a posting belongs to, in whole pieces of the currency (see
    `money.decimals`), with whose, when and where it was, so that reports need not read the book.

    A reversal has a row too: minus what it takes back, on the account, at the moment and in the
    store of the purchase. So the sum of an account's rows is what was paid and kept. `stands`: it
    is a purchase, and it was not undone whole. Nothing else of a row is ever changed."""

    __tablename__ = "ledger_purchase"
    __table_args__ = (Index("ix_ledger_purchase_bought", "account_id", "occurred_at"),)

    # In this order: the first purchase of a programme is asked for by every audience of buyers.
    programme_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    posting_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    account_id: Mapped[int]
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    occurred_at: Mapped[datetime] = mapped_column(Instant)
    store: Mapped[str | None] = mapped_column(String(100))
    stands: Mapped[bool] = mapped_column(Boolean)


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What a reversal takes back of a purchase, and what is left of it, in whole pieces."""

    paid: Paid
    left: int

    @property
    def money(self) -> Money:
        """What is taken back."""
        return money(-self.paid.amount, self.paid.currency)

    @property
    def money_left(self) -> Money:
        """What is left."""
        return money(self.left, self.paid.currency)


def money(amount: int, currency: str) -> Money:
    """So many pieces as money."""
    return Money.of(amount, decimals(currency), currency)


def optional(amount: int | None, currency: str | None) -> Money | None:
    """The same of what an outer join brought; None where there is no purchase."""
    return None if amount is None or currency is None else money(amount, currency)


def first(programme_id: int) -> ScalarSelect[int | None]:
    """The posting of the programme's first purchase, as SQL; null if there was none yet."""
    return (
        select(func.min(PurchaseRow.posting_id))
        .where(PurchaseRow.programme_id == programme_id)
        .scalar_subquery()
    )


def take_back(
    session: Session, programme_id: int, posting_id: int, moved: int, undone: int, more: int
) -> TakenBack | None:
    """Take back of a purchase what belongs to `more` of the points that its posting `moved`, of
    which `undone` were undone before; None if the posting belongs to no purchase. The caller has
    locked the posting.

    It is in proportion to the points, and rounded in favour of what is left; of the whole, so that
    any parts end at exactly nothing. When the last point is undone, the purchase does not stand any
    more."""
    row = session.scalar(
        select(PurchaseRow).where(
            PurchaseRow.programme_id == programme_id, PurchaseRow.posting_id == posting_id
        )
    )
    if row is None:
        return None
    before, after = (row.amount * points // moved for points in (undone, undone + more))
    if undone + more == moved:
        session.execute(
            update(PurchaseRow)
            .where(PurchaseRow.programme_id == programme_id, PurchaseRow.posting_id == posting_id)
            .values(stands=False)
        )
    bought = Bought(row.account_id, row.occurred_at, row.store)
    return TakenBack(Paid(before - after, row.currency, bought), row.amount - after)
