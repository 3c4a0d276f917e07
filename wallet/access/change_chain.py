"""The chain of the record of changes: each line's hash covers the line before it.

Whoever notes a change waits for nobody: the line is written without a number. `turn` gives numbers
and hashes to lines that were committed, in the order of their ids, under the lock of the one row of
the chain; a line that is committed later gets a later number. The head of the chain is signed, so
that nobody who can write in the database alone can make another chain."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import LargeBinary, String, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger import words
from ledger.database.tables import Base, Identifier, Instant, insert_or
from ledger.people.members import Member
from ledger.seals import hashes
from ledger.seals.hashes import HASH_BYTES
from ledger.seals.sealing import Signatures
from wallet.access.changes import PersonalChange, RecordedChange, personal_hash

BATCH = 500  # lines chained in one transaction
STEP = 1000  # lines read at a time
FORM = 1  # the version of what is hashed; it is part of it
ONLY = 1  # there is one chain
SIGNED = b"kopilka record of changes\n"  # this, the last number and the head are what is signed
LONGEST_FAULT = 500  # characters
# What was checked once may be changed afterwards: all of the record is walked once a week. Nights
# are not exactly a day apart, so half a day is let go.
WHOLE_EVERY = timedelta(days=6, hours=12)


class ChangeChain(Base):
    """How far the chain goes: its last number, the hash of that line, and the signature of both by
    the key of this name. There is one row, from the first line on.

    `checked`: up to this number the nightly walks found it whole; all of it was last found whole at
    `walked_at`. The last walk ended at `checked_at`, and found `fault`, if anything."""

    __tablename__ = "wallet_change_chain"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    number: Mapped[int]
    head: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
    key: Mapped[str] = mapped_column(String(16))
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    checked: Mapped[int]
    checked_at: Mapped[datetime | None] = mapped_column(Instant)
    walked_at: Mapped[datetime | None] = mapped_column(Instant)
    fault: Mapped[str | None] = mapped_column(String(LONGEST_FAULT))

    @property
    def message(self) -> bytes:
        """The bytes that are signed."""
        return SIGNED + self.number.to_bytes(8, "big") + self.head


def turn(session: Session, signatures: Signatures, limit: int = BATCH) -> bool:
    """Chain one batch of the lines that wait; True if there may be more."""
    if not _waiting(session, 1):
        return False
    chain = _locked(session)
    # Asked again under the lock: another turn may have chained them.
    lines = _waiting(session, limit)
    for line in lines:
        chain.number += 1
        chain.head = linked(chain.head, line)
        line.number, line.hash = chain.number, chain.head
    chain.key, chain.signature = signatures.key, signatures.sign(chain.message)
    session.flush()
    return len(lines) == limit


def _waiting(session: Session, limit: int) -> Sequence[RecordedChange]:
    return session.scalars(
        select(RecordedChange)
        .where(RecordedChange.number.is_(None))
        .order_by(RecordedChange.id)
        .limit(limit)
    ).all()


def _locked(session: Session) -> ChangeChain:
    session.execute(
        insert_or(session, ChangeChain)
        .values(id=ONLY, number=0, head=hashes.NOTHING, key="", signature=b"", checked=0)
        .on_conflict_do_nothing()
    )
    return session.scalars(
        select(ChangeChain)
        .where(ChangeChain.id == ONLY)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def linked(previous: bytes, line: RecordedChange) -> bytes:
    """The hash of a line that follows the line with the hash `previous`: SHA-256 of that hash and
    of the canonical form (RFC 8785) of all that the line says."""
    said = {
        "at": words.timestamp(line.at),
        "author": [line.author_kind, line.author_name],
        "code": line.code,
        "fields": line.fields,
        "form": FORM,
        "id": line.id,
        "member": line.member_id,
        "of": [line.of_kind, line.of_id],
        "personal": None if line.personal_hash is None else line.personal_hash.hex(),
        "programme": line.programme_id,
    }
    return hashlib.sha256(previous + hashes.canonical(said)).digest()


def begin_after(session: Session, now: datetime) -> int:
    """Behind which number the walk of this night begins: the one up to which all was whole, or 0
    once a week, and for as long as something is wrong."""
    chain = state(session)
    if chain is None or chain.walked_at is None:
        return 0
    is_due = not timedelta() <= now - chain.walked_at < WHOLE_EVERY
    return 0 if is_due else chain.checked


def remember(session: Session, walk: "ChangeWalk", now: datetime) -> None:
    """Note what a walk found. After a fault the next one begins with the first line, so that what
    was found once is found each night, and not forgotten."""
    found: dict[str, Any] = {"checked_at": now, "fault": walk.fault and walk.fault[:LONGEST_FAULT]}
    if walk.fault is not None:
        found["walked_at"] = None
    else:
        found["checked"] = walk.number
        if walk.is_of_all:
            found["walked_at"] = now
    session.execute(
        update(ChangeChain)
        .where(ChangeChain.id == ONLY)
        .values(**found)
        .execution_options(synchronize_session=False)
    )


def state(session: Session) -> ChangeChain | None:
    """How far the chain goes, and what the last walk along it found; None before the first line."""
    return session.get(ChangeChain, ONLY)


class ChangeWalk:
    """A walk along the chain, in steps of bounded size, each of which may have a session of its
    own. `fault` says in a sentence what is first found wrong, and ends the walk; up to `number` all
    is whole; `lines` counts those that were walked.

    It begins behind line number `since`, whose hash it takes as it is: were it another than the one
    that was found whole, the walk would not arrive at the signed head."""

    def __init__(self, signatures: Signatures, since: int = 0) -> None:
        self.fault: str | None = None
        self.number = since
        self.is_of_all = since == 0
        self._since = since
        self._signatures = signatures
        self._head = hashes.NOTHING
        self._chain: ChangeChain | None = None
        self._next: Callable[[Session], bool] = self._begin

    @property
    def lines(self) -> int:
        """How many lines were walked."""
        return self.number - self._since

    def step(self, session: Session) -> bool:
        """Walk one batch further. True if there is more to walk."""
        return self._next(session) and self.fault is None

    def _begin(self, session: Session) -> bool:
        """Everything is compared with the end of the chain as it is at this moment."""
        self._chain = state(session)
        behind = session.scalar(
            select(func.min(RecordedChange.number)).where(
                RecordedChange.number
                > func.coalesce(
                    select(ChangeChain.number).where(ChangeChain.id == ONLY).scalar_subquery(), 0
                )
            )
        )
        if behind is not None:
            self.fault = f"Change number {behind} stands behind the end of the chain."
        elif self._since:
            self._skip(session)
        self._next = self._walk
        return self._chain is not None

    def _skip(self, session: Session) -> None:
        """Take up the hash of the line behind which the walk begins."""
        head = session.scalar(
            select(RecordedChange.hash).where(RecordedChange.number == self._since)
        )
        if head is None:
            self.fault = f"Change number {self._since} was removed."
        else:
            self._head = head

    def _walk(self, session: Session) -> bool:
        assert self._chain is not None  # noqa: S101 - or the walk was over
        page = session.execute(
            select(RecordedChange, PersonalChange.salt, PersonalChange.fields, Member.erased_at)
            .outerjoin(PersonalChange, PersonalChange.change_id == RecordedChange.id)
            .outerjoin(Member, Member.id == RecordedChange.member_id)
            .where(RecordedChange.number > self.number, RecordedChange.number <= self._chain.number)
            .order_by(RecordedChange.number)
            .limit(STEP)
        ).all()
        for line, salt, personal, erased_at in page:
            self.fault = self._judge(line, salt, personal, is_erased=erased_at is not None)
            if self.fault is not None:
                return False
            self.number, self._head = self.number + 1, line.hash
        if self.number < self._chain.number:
            if not page:
                self.fault = f"Change number {self.number + 1} was removed."
            return True
        self._arrive(self._chain)
        return False

    def _judge(
        self, line: RecordedChange, salt: bytes | None, personal: Any, *, is_erased: bool
    ) -> str | None:
        """What is wrong with a line; None if nothing is."""
        expected = self.number + 1
        if line.number != expected:
            return f"Change number {expected} was removed, or has another number."
        named = f"Change number {line.number} ({line.code}, {line.of_kind} {line.of_id})"
        if linked(self._head, line) != line.hash:
            return f"{named} is not what was noted there: it was changed, or put in another place."
        if line.personal_hash is None:
            return None if salt is None else f"{named} has a personal part that it never had."
        if salt is None:
            return None if is_erased else f"{named} lost its personal part, and nobody was erased."
        if personal_hash(salt, personal) != line.personal_hash:
            return f"{named} has another personal part than was noted."
        return None

    def _arrive(self, chain: ChangeChain) -> None:
        if self._head != chain.head:
            self.fault = f"The head of the chain, number {chain.number}, was changed."
        elif not self._signatures.is_good(chain.key, chain.message, chain.signature):
            self.fault = (
                f"The head of the chain, number {chain.number}, does not bear the signature of a"
                f" key that is known here; it names the key {chain.key}."
            )
