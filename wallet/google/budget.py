"""How often we may ask Google. All workers on all machines count together.

Google allows 20 requests a second for an issuer (Google Wallet, FAQ). A row holds the current
second and how many requests of it were taken; to take some is one conditional UPDATE."""

from datetime import datetime, timedelta

from sqlalchemy import String, case, literal, or_, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Instant, insert_or

A_SECOND = 20  # requests
SECOND = timedelta(seconds=1)
# If the row's second is ahead by more than this, the clock of a worker was wrong. Others must not
# wait until that moment.
WRONG_CLOCK = timedelta(minutes=1)


class Budget(Base):
    """The second in which requests of an issuer are counted, and how many of it were taken."""

    __tablename__ = "google_budget"

    issuer: Mapped[str] = mapped_column(String(40), primary_key=True)
    second: Mapped[datetime] = mapped_column(Instant)
    taken: Mapped[int]


def take(
    session: Session, issuer: str, now: datetime, most: int = A_SECOND, number: int = 1
) -> bool:
    """Take `number` requests of this second. False, and nothing is taken, if more than `most` would
    then be taken in all. If the clocks of two machines differ a little, both count in the later
    second."""
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
    """When the next second of this clock begins."""
    return now.replace(microsecond=0) + SECOND
