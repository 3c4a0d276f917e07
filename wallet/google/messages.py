"""Messages at Google: which of them the object of a card was given.

`addMessage` is the one call that must not be repeated blindly, since a second call makes a second
message and a second alert. So it is noted before it is made. If a call was noted and its answer
never came, the message is looked up at Google first."""

from datetime import datetime

from sqlalchemy import ColumnElement, String, delete, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Identifier, Instant, insert_or


class GoogleMessage(Base):
    """A message that Google was asked to add to a card. `aloud`: with an alert, not only as a text
    on the card. `accepted_at` is null until Google confirmed it."""

    __tablename__ = "google_message"

    pass_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    message: Mapped[str] = mapped_column(String(40), primary_key=True)
    aloud: Mapped[bool] = mapped_column(default=False)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)


def known(session: Session, pass_id: int, message: str) -> GoogleMessage | None:
    """What is noted about the message; None if Google was never asked."""
    return session.get(GoogleMessage, (pass_id, message))


def begin(session: Session, pass_id: int, message: str, now: datetime, *, aloud: bool) -> None:
    """Note that Google is about to be asked, for the first time or again."""
    session.execute(
        insert_or(session, GoogleMessage)
        .values(pass_id=pass_id, message=message, aloud=aloud, asked_at=now)
        .on_conflict_do_update(index_elements=["pass_id", "message"], set_={"aloud": aloud})
    )


def taken(session: Session, pass_id: int, message: str, now: datetime) -> None:
    """Google has the message for certain."""
    session.execute(update(GoogleMessage).where(_this(pass_id, message)).values(accepted_at=now))


def undo(session: Session, pass_id: int, message: str) -> None:
    """Google has certainly not added the message: delete the note."""
    session.execute(delete(GoogleMessage).where(_this(pass_id, message)))


def _this(pass_id: int, message: str) -> ColumnElement[bool]:
    return (GoogleMessage.pass_id == pass_id) & (GoogleMessage.message == message)
