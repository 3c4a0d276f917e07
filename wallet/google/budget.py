"""How often we may ask Google, counted together by all workers on all machines.

Google allows 20 requests a second for an issuer (Google Wallet, FAQ). A row holds the second that
is being counted and what was taken of it; taking is one conditional UPDATE."""

from datetime import datetime, timedelta

from sqlalchemy import String, case, literal, or_, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Instant, insert_or

A_SECOND = 20
SECOND = timedelta(seconds=1)
# A clock that is ahead by more than this was wrong, and must not stop everybody until then.
WRONG_CLOCK = timedelta(minutes=1)


class Budget(Base):
    __tablename__ = "google_budget"

    issuer: Mapped[str] = mapped_column(String(40), primary_key=True)
    second: Mapped[datetime] = mapped_column(Instant)
    taken: Mapped[int]


def take(
    session: Session, issuer: str, now: datetime, most: int = A_SECOND, number: int = 1
) -> bool:
    """So many requests of this second's, if that makes no more than `most`; else False and none.
    Machines whose clocks differ a little count in the later one's second."""
    second = now.replace(microsecond=0)
    session.execute(
        insert_or(session, Budget)
        .values(issuer=issuer, second=second, taken=0)
        .on_conflict_do_nothing()
    )
    over = or_(Budget.second < second, Budget.second > second + WRONG_CLOCK)
    granted = session.execute(
        update(Budget)
        .where(Budget.issuer == issuer, or_(over, Budget.taken <= most - number))
        .values(
            second=case((over, literal(second, Instant)), else_=Budget.second),
            taken=case((over, number), else_=Budget.taken + number),
        )
        .returning(Budget.taken)
    ).first()
    return granted is not None


def next_second(now: datetime) -> datetime:
    return now.replace(microsecond=0) + SECOND
