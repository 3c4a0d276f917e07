"""What time alone brings, each in bounded batches: points become active or run out, offers begin
and end. Safe to run late, twice, or on several machines at once."""

from datetime import datetime

from sqlalchemy.orm import Session

from ledger import offers, outbox
from ledger.book import accounts, postings
from ledger.events import PointsTurned


def turn(session: Session, now: datetime, limit: int = 200) -> bool:
    """One batch; True if there may be more."""
    due = accounts.due(session, now, limit)
    for account_id in sorted(due):
        programme_id, member_id = accounts.owner(session, account_id)
        postings.settle(session, programme_id, account_id, now)
        outbox.append(session, [PointsTurned(member_id)], now)
    turned = offers.turn_due(session, now, limit)
    return len(due) == limit or turned == limit
