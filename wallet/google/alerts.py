"""How often a card may make its phone alert. Google shows three alerts of one object in 24 hours
(Google Wallet, "Trigger push notifications") and swallows any after them. We count them ourselves:
so no alert is asked for that would not be shown, and an operator can see why a phone was silent.
The change itself is written at any time.

An alert belongs to a version of the card. To ask for it again, because an answer was lost, is not a
second alert."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Identifier, Instant, insert_or
from wallet.google.mirror import GoogleObject

MOST = 3  # alerts of one card within `SPAN`
SPAN = timedelta(hours=24)


class Alert(Base):
    """An alert that Google was asked for. Alerts older than `SPAN` are deleted when the card takes
    its next one."""

    __tablename__ = "google_alert"

    pass_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(Instant)


def take(session: Session, pass_id: int, version: int, now: datetime) -> bool:
    """Take an alert for this version. False if none is left; then the silence is noted at the card.
    The caller holds the lease of the card, so no other worker counts at the same time."""
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
    """Give the alert back: Google has certainly not made the change, so the phone showed
    nothing."""
    session.execute(delete(Alert).where(Alert.pass_id == pass_id, Alert.version == version))


def silenced(session: Session, pass_id: int, now: datetime) -> None:
    """Note that a change is written without an alert, since none is left."""
    session.execute(
        update(GoogleObject).where(GoogleObject.pass_id == pass_id).values(silenced_at=now)
    )


def used(session: Session, pass_id: int, now: datetime) -> int:
    """How many of the `MOST` alerts are used at this moment."""
    counted = select(func.count()).where(Alert.pass_id == pass_id, Alert.asked_at > now - SPAN)
    return session.scalars(counted).one()
