"""The same request asked twice has one effect and one answer.

There is a row for every answered request. Scope and key name it; the digest tells a repetition from
another request under the same key; the answer is the first one, byte for byte. The row is written
in the transaction of the effect, in one of two ways:

- `key_first` takes the key, carries out the effect, then stores the answer. If the same request is
  at work in another transaction, it waits for that one before it does anything. `claim_keys`,
  `store_answers` and `release_keys` are the same three steps for many requests that share a
  transaction.
- `key_last` carries out the effect, then writes key and answer as one row. That saves round trips
  to the database for a new request, and nearly all are new. A repeated request does its work in
  vain, waits for the first one at the end, and is rolled back (docs/decisions/0013).

Only successes are kept, for ever. A refusal leaves no row, so the same key may succeed later. When
a member is erased, the answers that name them are removed, but the rows stay: a late repetition
does not bring the member back."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar, cast

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
    """One request under the key that its sender chose. `body_hash` is the SHA-256 of what it says.
    `status` and `answer` are what it was answered; they are null only within the transaction that
    is at work on the request. An erasure of the member sets `body_hash` to `NOBODYS` and `answer`
    to null."""

    __tablename__ = "ledger_request"

    scope: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    body_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    status: Mapped[int | None]
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant)


_ADD_ANSWERED = Compiled(
    lambda insert: insert(Request).on_conflict_do_nothing().returning(Request.key),
    ["scope", "key", "body_hash", "status", "answer", "created_at"],
)
_CLAIM = Compiled(
    lambda insert: insert(Request).on_conflict_do_nothing().returning(Request.key),
    ["scope", "key", "body_hash", "created_at"],
)
_TABLE = cast(Table, Request.__table__)
_STORE_ANSWERS = (
    _TABLE.update()
    .where(_TABLE.c.scope == bindparam("of_scope"), _TABLE.c.key == bindparam("of_key"))
    .values(status=bindparam("new_status"), answer=bindparam("new_answer"))
)
_STORE_ANSWER = Compiled(_STORE_ANSWERS)

# Stands in `body_hash` after an erasure. The hash is removed too: a short body could be guessed
# from it.
NOBODYS = b""


class Repeated(Exception):
    """The key of this request was used before. The caller rolls back what it did and reads
    `first_answer`."""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An HTTP status and the exact bytes of the body. `replayed`: it was answered before."""

    status: int
    body: bytes
    replayed: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Repeatable:
    """What a request is recognised by when it is repeated. `scope` says who sent it or where it
    came in: the same key means another request in another scope. `digest` is made by `digest` of
    all that the request says."""

    scope: str
    key: str
    digest: bytes


EffectResult = TypeVar("EffectResult", bound=StoredAnswer | Refusal)


def digest(*lines: str | bytes) -> bytes:
    """SHA-256 of what a request says, in lines. Rows of earlier releases hold these digests: a
    caller must say the same as in earlier releases, byte for byte, or a request that is repeated
    after an upgrade is taken for another one."""
    as_bytes = (line.encode() if isinstance(line, str) else line for line in lines)
    return hashlib.sha256(b"\n".join(as_bytes)).digest()


def key_first(
    session: Session,
    request: Repeatable,
    effect: Callable[[Session, datetime], EffectResult],
    now: datetime,
) -> StoredAnswer | EffectResult:
    """The first answer to `request`. If the request is new, carry out `effect` and keep its answer.

    If `effect` returns a refusal, what it did is kept and the key is free again; if it raises, its
    work is rolled back together with the key. Raises `IdempotencyConflict` if the key answered
    another request, `MemberErased` if the answer was about a member who is erased."""
    while not _claim(session, request, now):
        # A new statement: the waiting INSERT's own snapshot does not see the row it waited for.
        first = first_answer(session, request)
        if first is not None:
            return first
        # The row in the way was deleted in between: the key is free, and must be taken.
    outcome = effect(session, now)
    if isinstance(outcome, StoredAnswer):
        _store_answer(session, request, outcome)
    else:
        release_keys(session, request.scope, [request.key])
    return outcome


def key_last(
    session: Session,
    request: Repeatable,
    effect: Callable[[Session, datetime], EffectResult],
    now: datetime,
) -> EffectResult:
    """Carry out `effect`, then write the key with its answer as one row. A refusal that `effect`
    returns is not kept.

    Raises `Repeated` if the key was used before: the caller must roll back this transaction and ask
    for `first_answer` in another one."""
    outcome = effect(session, now)
    if isinstance(outcome, StoredAnswer):
        added = _ADD_ANSWERED.execute(
            session,
            scope=request.scope,
            key=request.key,
            body_hash=request.digest,
            status=outcome.status,
            answer=outcome.body,
            created_at=now,
        )
        if not added:
            raise Repeated
    return outcome


def first_answer(session: Session, request: Repeatable) -> StoredAnswer | None:
    """What this request was answered before; None if its key is new. Raises `IdempotencyConflict`
    if the key answered another request, `MemberErased` if the answer was about a member who is
    erased."""
    row = session.execute(
        select(Request.body_hash, Request.status, Request.answer).where(
            Request.scope == request.scope, Request.key == request.key
        )
    ).first()
    if row is None:
        return None
    outcome = _first_outcome(row, request.digest)
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def _first_outcome(row: Any, request_digest: bytes) -> StoredAnswer | Refusal:
    """What a request with this digest is answered, by the row that is stored under its key."""
    if row.body_hash == NOBODYS:
        return MemberErased()
    if row.body_hash != request_digest:
        return IdempotencyConflict()
    return StoredAnswer(row.status, row.answer, replayed=True)


def _claim(session: Session, request: Repeatable, now: datetime) -> bool:
    """Take the key; False if another request has it. If that request is still at work, this waits
    for it."""
    claimed = _CLAIM.execute(
        session,
        scope=request.scope,
        key=request.key,
        body_hash=request.digest,
        created_at=now,
    )
    return bool(claimed)


def _store_answer(session: Session, request: Repeatable, answer: StoredAnswer) -> None:
    """Keep the answer to a request whose key this transaction has taken."""
    _STORE_ANSWER.execute(
        session,
        of_scope=request.scope,
        of_key=request.key,
        new_status=answer.status,
        new_answer=answer.body,
    )


def claim_keys(
    session: Session, scope: str, digests: Mapping[str, bytes], now: datetime
) -> dict[str, StoredAnswer | Refusal]:
    """Take many keys of one scope, each with the digest of its request. Returns the outcome of each
    key that was used before: its first answer, `IdempotencyConflict` if the key answered another
    request, `MemberErased` if the answer was about a member who is erased. All other keys belong to
    this transaction from now on: the caller must call `store_answers` or `release_keys` for each of
    them.

    Keys are taken in ascending order: two batches that have keys in common wait for each other, and
    no deadlock can arise."""
    outcomes: dict[str, StoredAnswer | Refusal] = {}
    missing = sorted(digests)
    while missing:  # more than once only if a row in the way was deleted in between
        claimed = _claim_some(session, scope, {key: digests[key] for key in missing}, now)
        taken = [key for key in missing if key not in claimed]
        for some_keys in batched(taken):
            # A new statement: the snapshot of the INSERT that waited does not see those rows.
            before = session.execute(
                select(Request.key, Request.body_hash, Request.status, Request.answer).where(
                    Request.scope == scope, Request.key.in_(some_keys)
                )
            )
            outcomes.update({row.key: _first_outcome(row, digests[row.key]) for row in before})
        missing = [key for key in taken if key not in outcomes]
    return outcomes


def _claim_some(
    session: Session, scope: str, digests: Mapping[str, bytes], now: datetime
) -> set[str]:
    """Those of the keys that this transaction has taken, in ascending order."""
    rows = [
        {"scope": scope, "key": key, "body_hash": digests[key], "created_at": now}
        for key in sorted(digests)
    ]
    claimed: set[str] = set()
    for some_rows in batched(rows):
        statement = insert_or(session, Request).values(some_rows).on_conflict_do_nothing()
        claimed.update(session.scalars(statement.returning(Request.key)))
    return claimed


def store_answers(session: Session, scope: str, answers: Mapping[str, StoredAnswer]) -> None:
    """Keep the answer to each of these keys, which this transaction has claimed. They are committed
    together with their effects."""
    if not answers:
        return
    session.connection().execute(
        _STORE_ANSWERS,
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


def release_keys(session: Session, scope: str, keys: Sequence[str]) -> None:
    """Give up keys that this transaction has claimed: their requests were refused and may succeed
    when they come again."""
    for some_keys in batched(keys):
        session.execute(delete(Request).where(Request.scope == scope, Request.key.in_(some_keys)))


def redact(session: Session, ids: Collection[str], words: Collection[str]) -> None:
    """Remove every answer that names one of these ids, and its digest. If the key of a row contains
    one of the words, the whole row is removed."""
    rows = session.execute(
        select(Request.scope, Request.key).where(or_(*(_names(session, id_) for id_ in ids)))
    ).all()
    for scope, key in rows:
        this = (Request.scope == scope) & (Request.key == key)
        if any(word in key for word in words):
            session.execute(delete(Request).where(this))
        else:
            session.execute(update(Request).where(this).values(body_hash=NOBODYS, answer=None))


def _names(session: Session, id_: str) -> ColumnElement[bool]:
    """Whether the answer has this id anywhere in its bytes."""
    sought = literal(id_.encode(), LargeBinary)
    if session.get_bind().dialect.name == "sqlite":
        return func.instr(Request.answer, sought) > 0
    return func.position(sought.op("IN")(Request.answer)) > 0
