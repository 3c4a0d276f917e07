"""What a card says to its member: the message that was last written for them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Instant, insert_or
from wallet.passes.content import LONGEST_MESSAGE, LastMessage


class News(Base):
    """The last message of one member. It is personal data: the words may name them."""

    __tablename__ = "wallet_news"

    member_id: Mapped[int] = mapped_column(
        ForeignKey("ledger_member.id"), primary_key=True, autoincrement=False
    )
    message: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(String(LONGEST_MESSAGE))
    # The balance of which the words speak, if they speak of one.
    points: Mapped[int | None]
    told_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Word:
    """A message for one member. `message` is its id and never changes."""

    member_id: int
    message: str
    text: str
    points: int | None = None


def say(session: Session, words: Sequence[Word], now: datetime) -> None:
    """From now on the cards of these members show this message. The caller has locked the passes
    and renders them anew."""
    if not words:
        return
    statement = insert_or(session, News)
    names = ("message", "text", "points", "told_at")
    replaced = {name: statement.excluded[name] for name in names}
    session.connection().execute(
        statement.on_conflict_do_update(index_elements=["member_id"], set_=replaced),
        [{**asdict(word), "told_at": now} for word in words],
    )


def of_members(session: Session, member_ids: Sequence[int]) -> dict[int, LastMessage]:
    """The last message of each of these members; members without one are left out."""
    rows = session.execute(
        select(News.member_id, News.message, News.text, News.points).where(
            News.member_id.in_(member_ids)
        )
    )
    return {row.member_id: LastMessage(row.message, row.text, row.points) for row in rows}


def forget(session: Session, member_ids: Sequence[int]) -> None:
    """Delete the last messages of these members."""
    session.execute(delete(News).where(News.member_id.in_(member_ids)))
