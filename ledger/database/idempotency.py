"""The same request asked twice has one effect and one answer.

(scope, key) -> hash of the body and the answer, written in the transaction of the effect. A request
that comes while its twin is at work waits for it at the unique key: before its effect, where the
key is claimed; after it, where the answer is kept at once, and then all it did is rolled back. Only
successes are kept, for ever: a refusal rolls its row back, so the same key may succeed later. What
is told of a member goes when they are erased; the row stays, so that a late repetition does not
bring them back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    String,
    Table,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.compiled import Compiled
from ledger.database.tables import Base, Instant, batched, insert_or
from ledger.errors import IdempotencyConflict, MemberErased, Refusal


class Request(Base):
    __tablename__ = "ledger_request"

    scope: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    body_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    status: Mapped[int | None]
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant)


_KEEP = Compiled(
    lambda insert: insert(Request).on_conflict_do_nothing().returning(Request.key),
    ["scope", "key", "body_hash", "status", "answer", "created_at"],
)
_CLAIM = Compiled(
    lambda insert: insert(Request).on_conflict_do_nothing().returning(Request.key),
    ["scope", "key", "body_hash", "created_at"],
)
_TABLE = cast(Table, Request.__table__)
_REMEMBER = (
    _TABLE.update()
    .where(_TABLE.c.scope == bindparam("of_scope"), _TABLE.c.key == bindparam("of_key"))
    .values(status=bindparam("new_status"), answer=bindparam("new_answer"))
)
_REMEMBER_ONE = Compiled(_REMEMBER)


class Repeated(Exception):
    """What was done had been done before: `recall` finds the answer."""


NOBODYS = b""  # no SHA-256: the hash of a body that was short enough to guess goes as well


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An HTTP status and the exact bytes of the body."""

    status: int
    body: bytes


def keep(
    session: Session, scope: str, key: str, body_hash: bytes, answer: StoredAnswer, now: datetime
) -> None:
    """The last act of a request that has not claimed its key: one row, written once. Raises
    `Repeated` if the key was used before, and then all of the request is to be undone."""
    kept = _KEEP.execute(
        session,
        scope=scope,
        key=key,
        body_hash=body_hash,
        status=answer.status,
        answer=answer.body,
        created_at=now,
    )
    if not kept:
        raise Repeated


def recall(session: Session, scope: str, key: str, body_hash: bytes) -> StoredAnswer | None:
    """The answer that this request had before, if it had one. Raises `IdempotencyConflict` if that
    answered another body, `MemberErased` if it told of somebody who is erased."""
    first = session.execute(
        select(Request.body_hash, Request.status, Request.answer).where(
            Request.scope == scope, Request.key == key
        )
    ).first()
    if first is None:
        return None
    if first.body_hash == NOBODYS:
        raise MemberErased
    if first.body_hash != body_hash:
        raise IdempotencyConflict
    return StoredAnswer(first.status, first.answer)


def claim(
    session: Session, scope: str, key: str, body_hash: bytes, now: datetime
) -> StoredAnswer | None:
    """None: the request is new and this transaction now owns its key. Otherwise as `recall`."""
    if _CLAIM.execute(session, scope=scope, key=key, body_hash=body_hash, created_at=now):
        return None
    # A new statement: the waiting INSERT's own snapshot does not see the row it waited for.
    return recall(session, scope, key, body_hash)


def claim_all(
    session: Session, scope: str, body_hashes: Mapping[str, bytes], now: datetime
) -> dict[str, StoredAnswer | Refusal]:
    """As `claim`, for many keys: the outcome of those that were used before. The others are this
    transaction's own from now on. Keys are taken in ascending order, so that two batches that share
    some wait for each other and do not lock each other out."""
    keys = sorted(body_hashes)
    rows = [
        {"scope": scope, "key": key, "body_hash": body_hashes[key], "created_at": now}
        for key in keys
    ]
    fresh: set[str] = set()
    for part in batched(rows):
        statement = insert_or(session, Request).values(part).on_conflict_do_nothing()
        fresh.update(session.scalars(statement.returning(Request.key)))
    found: dict[str, StoredAnswer | Refusal] = {}
    for part_of_keys in batched([key for key in keys if key not in fresh]):
        # A new statement: the waiting INSERT's own snapshot does not see the rows it waited for.
        before = session.execute(
            select(Request.key, Request.body_hash, Request.status, Request.answer).where(
                Request.scope == scope, Request.key.in_(part_of_keys)
            )
        )
        for row in before:
            if row.body_hash == NOBODYS:
                found[row.key] = MemberErased()
            elif row.body_hash == body_hashes[row.key]:
                found[row.key] = StoredAnswer(row.status, row.answer)
            else:
                found[row.key] = IdempotencyConflict()
    return found


def remember_all(session: Session, scope: str, answers: Mapping[str, StoredAnswer]) -> None:
    """As `remember`, for many keys."""
    if not answers:
        return
    session.connection().execute(
        _REMEMBER,
        [
            {
                "of_scope": scope,
                "of_key": key,
                "new_status": answer.status,
                "new_answer": answer.body,
            }
            for key, answer in answers.items()
        ],
    )


def let_go(session: Session, scope: str, keys: Sequence[str]) -> None:
    """Claimed keys whose requests were refused: they may succeed later."""
    for part in batched(keys):
        session.execute(delete(Request).where(Request.scope == scope, Request.key.in_(part)))


def remember(session: Session, scope: str, key: str, answer: StoredAnswer) -> None:
    """Keep the answer beside its effect; they are committed together."""
    _REMEMBER_ONE.execute(
        session, of_scope=scope, of_key=key, new_status=answer.status, new_answer=answer.body
    )


def redact(session: Session, ids: Collection[str], words: Collection[str]) -> None:
    """Take out every answer that tells of one of these ids. A row whose key itself holds one of the
    words goes altogether."""
    rows = session.execute(
        select(Request.scope, Request.key).where(or_(*(_tells_of(session, id_) for id_ in ids)))
    ).all()
    for scope, key in rows:
        this = (Request.scope == scope) & (Request.key == key)
        if any(word in key for word in words):
            session.execute(delete(Request).where(this))
        else:
            session.execute(update(Request).where(this).values(body_hash=NOBODYS, answer=None))


def _tells_of(session: Session, id_: str) -> ColumnElement[bool]:
    sought = literal(id_.encode(), LargeBinary)
    if session.get_bind().dialect.name == "sqlite":
        return func.instr(Request.answer, sought) > 0
    return func.position(sought.op("IN")(Request.answer)) > 0
