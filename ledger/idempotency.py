"""The same request asked twice has one effect and one answer.

(scope, key) -> hash of the body and the answer, written in the transaction of the effect. A request
that comes while its twin is at work waits for it at the unique key. Only successes are kept, for
ever: a refusal rolls its row back, so the same key may succeed later."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import LargeBinary, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database import Base, Instant, insert_or
from ledger.errors import IdempotencyConflict


class Request(Base):
    __tablename__ = "ledger_request"

    scope: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    body_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    status: Mapped[int | None]
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and the exact bytes of the body."""

    status: int
    body: bytes


def claim(session: Session, scope: str, key: str, body_hash: bytes, now: datetime) -> Answer | None:
    """None: the request is new and this transaction now owns its key. Otherwise the first answer;
    raises `IdempotencyConflict` if that answered another body."""
    fresh = session.execute(
        insert_or(session, Request)
        .values(scope=scope, key=key, body_hash=body_hash, created_at=now)
        .on_conflict_do_nothing()
        .returning(Request.key)
    ).first()
    if fresh is not None:
        return None
    # A new statement: the waiting INSERT's own snapshot does not see the row it waited for.
    first = session.execute(
        select(Request.body_hash, Request.status, Request.answer).where(
            Request.scope == scope, Request.key == key
        )
    ).one()
    if first.body_hash != body_hash:
        raise IdempotencyConflict
    return Answer(first.status, first.answer)


def remember(session: Session, scope: str, key: str, answer: Answer) -> None:
    """Keep the answer beside its effect; they are committed together."""
    session.execute(
        update(Request)
        .where(Request.scope == scope, Request.key == key)
        .values(status=answer.status, answer=answer.body)
    )
