"""What a new member is welcomed with, by the base programme."""

from datetime import datetime

from sqlalchemy.orm import Session

from ledger.people.members import Member
from ledger.points import accruals
from ledger.points.accruals import Grant
from ledger.points.causes import Cause
from ledger.programmes import base_terms, programmes, units

PROMOTION = "welcome"  # what statements name the reason by


def welcome(session: Session, member: Member, now: datetime) -> None:
    """Give a member who joins in this transaction the points that the programme welcomes with, if
    it does. They are a gift: no purchase, and no visit."""
    terms = base_terms.of(session, member.programme_id)
    if terms is None or terms.welcome_gift is None:
        return
    expires_at = None
    if terms.welcome_live_days is not None:
        zone = programmes.by_id(session, member.programme_id).timezone
        expires_at = units.end_of_days(now, terms.welcome_live_days, zone)
    gift = Grant(terms.welcome_gift, Cause(promotion=PROMOTION), expires_at=expires_at)
    accruals.grant(session, member, gift, now, kind="gift")
