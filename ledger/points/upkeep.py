"""What time alone changes: points become active or run out, holds time out, offers begin and end.
Done in bounded batches, which may run late, twice, or on several machines at once."""

from datetime import datetime

from sqlalchemy.orm import Session

from ledger.book import accounts, holds, postings
from ledger.database import outbox
from ledger.errors import HoldClosed
from ledger.events import PointsHeld, PointsTurned
from ledger.offers import audiences, offers


def turn(session: Session, now: datetime, limit: int = 200) -> bool:
    """One batch: settle accounts on which something is due, and tell of offers that began or ended.
    True if there may be more."""
    due = sorted(accounts.due(session, now, limit))
    accounts.lock(session, due)
    for account_id in due:
        holder = accounts.holder_of(session, account_id)
        postings.settle(session, holder, now, even_closed=True)
        outbox.append(session, [PointsTurned(holder.member_id)], now)
    turned = offers.turn_due(session, now, limit)
    return len(due) == limit or turned == limit


def write_audiences(session: Session, now: datetime) -> bool:
    """One step at the audience of an offer that has begun. True if there may be more."""
    return audiences.write_down(session, now)


def release_stale_holds(session: Session, now: datetime, limit: int = 200) -> bool:
    """Release one batch of holds whose time is over. True if there may be more."""
    stale = sorted(holds.stale(session, now, limit), key=lambda hold: hold.account_id)
    accounts.lock(session, {hold.account_id for hold in stale})
    for hold in stale:
        holder = accounts.holder_of(session, hold.account_id)
        try:
            holds.release(session, holder, hold, now, state="timed_out")
        except HoldClosed:  # it ended while we waited for the account
            continue
        outbox.append(session, [PointsHeld(holder.member_id)], now)
    return len(stale) == limit
