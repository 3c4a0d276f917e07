"""Messages at Google: which the object of a card was given.

`addMessage` is the one call that must not be repeated blindly (it would be a second message, and a
second alert), so that it is noted before it is made. What was noted and never confirmed is looked
up at Google first."""

from datetime import datetime

from sqlalchemy import ColumnElement, String, delete, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Identifier, Instant, insert_or


class GoogleMessage(Base):
    """`aloud`: Google was asked to tell the phone's owner, and not only to write the text."""

    __tablename__ = "google_message"

    pass_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    message: Mapped[str] = mapped_column(String(40), primary_key=True)
    aloud: Mapped[bool] = mapped_column(default=False)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)


def known(session: Session, pass_id: int, message: str) -> GoogleMessage | None:
    """What became of the message so far; None if Google was never asked."""
    return session.get(GoogleMessage, (pass_id, message))


def begin(session: Session, pass_id: int, message: str, now: datetime, *, aloud: bool) -> None:
    """Google is about to be asked, perhaps once more."""
    session.execute(
        insert_or(session, GoogleMessage)
        .values(pass_id=pass_id, message=message, aloud=aloud, asked_at=now)
        .on_conflict_do_update(index_elements=["pass_id", "message"], set_={"aloud": aloud})
    )


def taken(session: Session, pass_id: int, message: str, now: datetime) -> None:
    """Google has it for certain."""
    session.execute(update(GoogleMessage).where(_this(pass_id, message)).values(accepted_at=now))


def undo(session: Session, pass_id: int, message: str) -> None:
    """Google has certainly not taken it."""
    session.execute(delete(GoogleMessage).where(_this(pass_id, message)))


def _this(pass_id: int, message: str) -> ColumnElement[bool]:
    return (GoogleMessage.pass_id == pass_id) & (GoogleMessage.message == message)
