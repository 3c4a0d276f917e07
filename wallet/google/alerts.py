"""How often a card may make its phone speak up: Google shows three alerts of one object in 24 hours
(Google Wallet, "Trigger push notifications") and swallows what comes after. We count for ourselves,
so that no alert is asked for that would not be shown, and so that it can be seen why a phone was
silent. The change itself is written at any time.

An alert belongs to a version of the card: asking for it again, because an answer was lost, is no
second one."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Identifier, Instant, insert_or
from wallet.google.mirror import GoogleObject

MOST = 3
SPAN = timedelta(hours=24)


class Alert(Base):
    """An alert that Google was asked for. Those that no longer count go with the card's next."""

    __tablename__ = "google_alert"

    pass_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(Instant)


def take(session: Session, pass_id: int, version: int, now: datetime) -> bool:
    """An alert for this version; False if none is left, which is noted at the card. Whoever asks
    holds the card's lease, so nobody else counts meanwhile."""
    session.execute(delete(Alert).where(Alert.pass_id == pass_id, Alert.asked_at <= now - SPAN))
    others = select(func.count()).where(Alert.pass_id == pass_id, Alert.version != version)
    if session.scalars(others).one() >= MOST:
        silenced(session, pass_id, now)
        return False
    session.execute(
        insert_or(session, Alert)
        .values(pass_id=pass_id, version=version, asked_at=now)
        .on_conflict_do_update(index_elements=["pass_id", "version"], set_={"asked_at": now})
    )
    return True


def give_back(session: Session, pass_id: int, version: int) -> None:
    """Google has certainly not taken the change, so nobody heard of it."""
    session.execute(delete(Alert).where(Alert.pass_id == pass_id, Alert.version == version))


def silenced(session: Session, pass_id: int, now: datetime) -> None:
    """A change is written without a word, for the allowance is spent."""
    session.execute(
        update(GoogleObject).where(GoogleObject.pass_id == pass_id).values(silenced_at=now)
    )


def used(session: Session, pass_id: int, now: datetime) -> int:
    """How many of the three are spent at this moment."""
    counted = select(func.count()).where(Alert.pass_id == pass_id, Alert.asked_at > now - SPAN)
    return session.scalars(counted).one()
