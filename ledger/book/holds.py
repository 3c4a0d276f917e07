"""Holds: points set aside for a sale that is not finished. A hold is placed, and then captured in
whole or in part, released, or timed out. It ends only once.

No points move while they are held: a hold writes no posting. The balance and the lots say how many
of them are not free. A lot that runs out under a hold stays usable for that hold alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import CheckConstraint, Index, String, insert, select, tuple_, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from ledger.book import accounts, lots, postings
from ledger.book.accounts import MEMBER, Account, Balance, Holder
from ledger.book.drafts import PostingHeader, Withdrawal
from ledger.book.lots import Lot
from ledger.book.postings import Posted
from ledger.database.tables import Base, Identifier, Instant, only_where, placed
from ledger.errors import CaptureTooLarge, HoldClosed, HoldExpired, InsufficientPoints, UnknownHold
from ledger.events import Event
from ledger.people.members import Member

HoldState = Literal["open", "captured", "released", "timed_out"]
OPEN = "open"


class Hold(Base):
    """One hold, open or ended. `amount` is what was set aside, `captured` what was spent of it in
    the end. `reason`, `receipt`, `store`, `promotion` and `card_id` are kept for the posting of the
    capture; `posting_id` is the public id of that posting. A hold can be captured until
    `expires_at`; `closed_at` is when it ended."""

    __tablename__ = "ledger_hold"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("captured >= 0 AND captured <= amount", name="captured"),
        Index("ix_ledger_hold_open", "expires_at", **only_where("state = 'open'")),
        Index("ix_ledger_hold_account", "account_id", "id"),
        # For lists of a programme, all of it or those in one state, newest first.
        Index("ix_ledger_hold_listed", "programme_id", "placed_at", "id"),
        Index("ix_ledger_hold_state", "programme_id", "state", "placed_at", "id"),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    programme_id: Mapped[int]
    account_id: Mapped[int]
    amount: Mapped[int]
    captured: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(300))
    receipt: Mapped[str | None] = mapped_column(String(100))
    store: Mapped[str | None] = mapped_column(String(100))
    promotion: Mapped[str | None] = mapped_column(String(100))
    card_id: Mapped[int | None]
    posting_id: Mapped[str | None] = mapped_column(String(36))
    placed_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)


class HoldLot(Base):
    """How many points a hold has set aside in one lot. Rows stay when the hold has ended."""

    __tablename__ = "ledger_hold_lot"

    hold_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    lot_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    amount: Mapped[int]


@dataclass(frozen=True, slots=True)
class Placed:
    """A hold that was just placed, and the balance of its account right after it."""

    hold: Hold
    balance: Balance


def place(
    session: Session,
    holder: Holder,
    header: PostingHeader,
    amount: int,
    expires_at: datetime,
    now: datetime,
) -> Placed:
    """Set points aside, those that run out soonest first; `expires_at` is when the hold times out.
    Of `header` the hold keeps the facts for its capture. Raises `InsufficientPoints`,
    `AccountClosed`."""
    balance = postings.settle(session, holder, now)
    if balance.available < amount:
        raise InsufficientPoints(amount, balance.available)
    withdrawals = [
        lot.withdraw(part) for lot, part in lots.to_spend(session, holder.account_id, amount)
    ]
    lots.set_aside(session, withdrawals, 1)
    hold = Hold(
        public_id=str(uuid7()),
        programme_id=holder.programme_id,
        account_id=holder.account_id,
        amount=amount,
        captured=0,
        state=OPEN,
        reason=header.reason,
        receipt=header.receipt,
        store=header.store,
        promotion=header.promotion,
        card_id=header.card_id,
        placed_at=now,
        expires_at=expires_at,
    )
    session.add(hold)
    session.flush()
    session.execute(
        insert(HoldLot),
        [{"hold_id": hold.id, "lot_id": one.lot_id, "amount": one.amount} for one in withdrawals],
    )
    return Placed(hold, accounts.change(session, holder.account_id, available=-amount, held=amount))


def find(session: Session, public_id: str) -> Hold:
    """The hold with this public id. Raises `UnknownHold`."""
    hold = session.scalar(select(Hold).where(Hold.public_id == public_id))
    if hold is None:
        raise UnknownHold
    return hold


def of_account(
    session: Session, account_id: int, before_id: int | None, limit: int
) -> Sequence[Hold]:
    """Holds of an account, open or ended, newest first, from before hold `before_id`."""
    query = select(Hold).where(Hold.account_id == account_id).order_by(Hold.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(Hold.id < before_id)
    return session.scalars(query).all()


@dataclass(frozen=True, slots=True)
class ListedHold:
    """A hold, the public id of the member on whose account it is, and the unit of its points."""

    hold: Hold
    member: str
    unit_id: int


def listed(
    session: Session,
    programme_id: int,
    holder_id: int | None,
    state: HoldState | None,
    before: tuple[datetime, int] | None,
    limit: int,
) -> Sequence[ListedHold]:
    """Holds of a programme, newest first, from before the one that was placed then and has this id:
    those on the accounts of the member `holder_id`, if one is named; those in this state."""
    query = (
        select(Hold, Member.public_id, Account.unit_id)
        .join(Account, Account.id == Hold.account_id)
        .join(Member, Member.id == Account.member_id)
        .order_by(Hold.placed_at.desc(), Hold.id.desc())
        .limit(limit)
    )
    if holder_id is None:
        query = query.where(Hold.programme_id == programme_id)
    else:
        theirs = select(Account.id).where(Account.member_id == holder_id, Account.kind == MEMBER)
        query = query.where(Hold.account_id.in_(theirs))
    if state is not None:
        query = query.where(Hold.state == state)
    if before is not None:
        query = query.where(tuple_(Hold.placed_at, Hold.id) < placed(*before))
    return [ListedHold(*row) for row in session.execute(query)]


def capture(
    session: Session,
    holder: Holder,
    hold: Hold,
    header: PostingHeader,
    amount: int | None,
    events: Iterable[Event],
    now: datetime,
) -> Posted:
    """Spend what was set aside, or `amount` of it; the rest is free again. The account may be
    closed by now. Raises `CaptureTooLarge`, also for less than 1 point, `HoldClosed`,
    `HoldExpired`."""
    amount = hold.amount if amount is None else amount
    if not 0 < amount <= hold.amount:
        raise CaptureTooLarge(amount, hold.amount)
    postings.settle(session, holder, now, even_closed=True)
    session.refresh(hold)
    _require_open(hold, now)
    spent, rest = _split(session, hold, amount)
    if rest:
        _free(session, holder, rest)
    posted = postings.spend(session, holder, header, spent, events, now)
    _close(session, hold, "captured", now, captured=amount, posting_id=posted.public_id)
    balance = postings.settle(session, holder, now, even_closed=True)
    balance = postings.repay(session, holder, balance, now)
    return Posted(posted.public_id, {holder.account_id: balance})


def release(
    session: Session, holder: Holder, hold: Hold, now: datetime, *, state: HoldState = "released"
) -> Balance:
    """Make the points free again. Points that ran out meanwhile leave the account by an expiry. The
    hold ends as `state`. Raises `HoldClosed`."""
    postings.settle(session, holder, now, even_closed=True)
    session.refresh(hold)
    if hold.state != OPEN:
        raise HoldClosed(hold.state)
    _, rest = _split(session, hold, 0)
    _free(session, holder, rest)
    _close(session, hold, state, now)
    balance = postings.settle(session, holder, now, even_closed=True)
    return postings.repay(session, holder, balance, now)


def stale(session: Session, now: datetime, limit: int) -> Sequence[Hold]:
    """Open holds that have reached their end, the oldest first."""
    return session.scalars(
        select(Hold)
        .where(Hold.state == OPEN, Hold.expires_at <= now)
        .order_by(Hold.expires_at)
        .limit(limit)
    ).all()


def _require_open(hold: Hold, now: datetime) -> None:
    if hold.state != OPEN:
        raise HoldClosed(hold.state)
    if hold.expires_at <= now:
        raise HoldExpired


def _split(session: Session, hold: Hold, amount: int) -> tuple[list[Withdrawal], list[Withdrawal]]:
    """The first `amount` points of a hold in the order of spending, and the rest."""
    rows = session.execute(
        select(HoldLot.lot_id, HoldLot.amount)
        .join(Lot, Lot.id == HoldLot.lot_id)
        .where(HoldLot.hold_id == hold.id)
        .order_by(Lot.expires_at, Lot.id)
    )
    first: list[Withdrawal] = []
    rest: list[Withdrawal] = []
    for lot_id, size in rows:
        part = min(size, amount)
        amount -= part
        if part:
            first.append(Withdrawal(lot_id, part, "held"))
        if size > part:
            rest.append(Withdrawal(lot_id, size - part, "held"))
    return first, rest


def _free(session: Session, holder: Holder, withdrawals: Sequence[Withdrawal]) -> None:
    """Held points become available. Their lots may have run out by now, so the next change of the
    account is computed again."""
    lots.set_aside(session, withdrawals, -1)
    amount = sum(one.amount for one in withdrawals)
    accounts.change(
        session,
        holder.account_id,
        available=amount,
        held=-amount,
        next_change_at=lots.next_change(session, holder.account_id),
    )


def _close(
    session: Session,
    hold: Hold,
    state: HoldState,
    now: datetime,
    *,
    captured: int = 0,
    posting_id: str | None = None,
) -> None:
    """End the hold. Raises `HoldClosed`: the account is locked, so the state cannot differ from
    what the caller saw, but it is part of the condition all the same."""
    closed = session.execute(
        update(Hold)
        .where(Hold.id == hold.id, Hold.state == OPEN)
        .values(state=state, closed_at=now, captured=captured, posting_id=posting_id)
        .returning(Hold.id)
    ).first()
    if closed is None:
        raise HoldClosed(hold.state)
