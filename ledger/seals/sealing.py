"""Seals: every posting gets a number, a hash, and a place in its programme's chain; every day of a
programme gets a signed root. A later change of the book, even by an administrator of the database,
breaks a chain whose roots other people hold.

`turn` seals postings after they were committed; postings themselves know nothing of it. It finds
unsealed postings by their ids: up to the id `mark` there is nothing more to find. The mark is not
simply the largest id that was sealed, because a transaction with a smaller id may not be committed
yet. On PostgreSQL a writer has its transaction id before its posting has an id (the journal changes
the balance first). So the largest id that an earlier turn saw becomes the mark as soon as all
transactions have ended that have a smaller transaction id than the turn after it. SQLite has one
writer at a time: there, all ids that were given are committed.

One turn works at a time, under the lock of the row of `Sealing`."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import Date, ForeignKey, LargeBinary, String, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from ledger.book.accounts import Account, ProgrammeAccountKind
from ledger.book.journal import Entry, Posting
from ledger.database.tables import Base, Identifier, Instant, dialect_of, insert_or
from ledger.limits import NEVER
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from ledger.seals import hashes
from ledger.seals.hashes import HASH_BYTES, EntryFacts, MerkleTree, Record

PUMP = "seals"
BATCH = 500  # postings sealed in one transaction
WINDOW = 2000  # ids looked through in one query
SALT_BYTES = 16
SEALING = 1  # there is one row
OWN_KINDS = frozenset(get_args(ProgrammeAccountKind))

TOO_LONG = timedelta(minutes=10)  # if a posting waits longer for its seal, an operator must look


class Signatures(Protocol):
    """What signs roots and verifies its own signatures. The ledger itself has no keys."""

    @property
    def key(self) -> str:
        """The name of the key that signs now."""
        ...

    def sign(self, message: bytes) -> bytes: ...

    def is_good(self, key: str, message: bytes, signature: bytes) -> bool:
        """Whether this is the signature of that key; False for an unknown key, too."""
        ...


class Seal(Base):
    """The seal of one posting. `number` counts the postings of a programme from 1. `leaf` is the
    hash of the posting, `chain` the head of the chain after it. `public_id` is repeated here so
    that a posting that was deleted can be named. An erasure deletes the salt together with the
    words of the posting: then `note_hash` tells nothing of them."""

    __tablename__ = "ledger_seal"
    __table_args__ = (UniqueConstraint("programme_id", "number"),)

    posting_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    programme_id: Mapped[int]
    number: Mapped[int]
    public_id: Mapped[str] = mapped_column(String(36))
    leaf: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
    chain: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
    note_salt: Mapped[bytes | None] = mapped_column(LargeBinary(SALT_BYTES))
    note_hash: Mapped[bytes | None] = mapped_column(LargeBinary(HASH_BYTES))


class Chain(Base):
    """A programme's chain: its last number and head; and the day that is open: the first number of
    it (`first`), the tree of its leaves so far (`peaks`), and when it ends. `day` is null if
    nothing was sealed since the last day was closed. Up to the number `verified` it was walked and
    found whole."""

    __tablename__ = "ledger_chain"

    programme_id: Mapped[int] = mapped_column(
        Identifier, ForeignKey("ledger_programme.id"), primary_key=True, autoincrement=False
    )
    number: Mapped[int]
    head: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
    first: Mapped[int]
    peaks: Mapped[bytes] = mapped_column(LargeBinary)
    day: Mapped[date | None] = mapped_column(Date)
    closes_at: Mapped[datetime | None] = mapped_column(Instant)
    verified: Mapped[int]


class Sealing(Base):
    """How far the search for unsealed postings has come (see the head of this module); there is one
    row. `seen` is the largest id seen. `horizon` is the id that becomes the mark once all
    transactions before `horizon_xid` have ended."""

    __tablename__ = "ledger_sealing"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    mark: Mapped[int]
    horizon: Mapped[int]
    horizon_xid: Mapped[int]
    seen: Mapped[int]


class Root(Base):
    """The root of a closed day, signed. Its postings have the numbers `first` to `last`. Rows are
    never changed."""

    __tablename__ = "ledger_root"

    programme_id: Mapped[int] = mapped_column(
        Identifier, ForeignKey("ledger_programme.id"), primary_key=True, autoincrement=False
    )
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    first: Mapped[int]
    last: Mapped[int]
    head: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
    merkle: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
    previous: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
    root: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
    key: Mapped[str] = mapped_column(String(16))
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))
    closed_at: Mapped[datetime] = mapped_column(Instant)

    @property
    def message(self) -> bytes:
        """The bytes that are signed."""
        return hashes.SIGNED + self.root


class Block(Base):
    """The hash of a whole subtree of `hashes.BLOCK` leaves of a day, by the number of the first
    one."""

    __tablename__ = "ledger_block"

    programme_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    first: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))


class Rollup(Base):
    """What the sealed postings of a day (that of `posted_at`, in the programme's zone) did to one
    of the programme's own accounts: the sum of their entries, and how many those are."""

    __tablename__ = "ledger_rollup"

    account_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    amount: Mapped[int]
    count: Mapped[int]


# --- Sealing ----------------------------------------------------------------------------------


def turn(session: Session, signatures: Signatures, now: datetime, limit: int = BATCH) -> bool:
    """Close days that are over, then seal one batch of postings; True if there may be more."""
    # While we wait for this lock we have no transaction id yet (a test checks that). So ours is
    # larger than the id of every transaction that wrote before the turn before this one looked.
    sealing = session.scalars(select(Sealing).where(Sealing.id == SEALING).with_for_update()).one()
    _close_days(session, signatures, now)
    xid, settled = _transactions(session, sealing)
    since = sealing.mark if settled else sealing.seen
    found = _unsealed(session, since, limit)
    _seal(session, found, now)
    if settled and (len(found) < limit or found[-1] >= sealing.horizon):
        sealing.mark = sealing.horizon
        if sealing.horizon != sealing.seen:
            sealing.horizon, sealing.horizon_xid = sealing.seen, xid
    if found:
        sealing.seen = max(sealing.seen, found[-1])
    return len(found) == limit


def oldest_unsealed(session: Session) -> datetime | None:
    """When the oldest posting was made that still waits for its seal; None if none waits."""
    mark = session.scalars(select(Sealing.mark)).one()
    waiting = _unsealed(session, mark, 1)
    return session.scalar(select(Posting.posted_at).where(Posting.id.in_(waiting)))


def _transactions(session: Session, sealing: Sealing) -> tuple[int, bool]:
    """The id of our own transaction, and whether all transactions have ended for which the horizon
    waits."""
    if dialect_of(session) == "sqlite":
        return 0, True
    # Asked after the lock and before the search: the search sees all that has ended by now.
    xid, oldest = session.execute(
        text(
            "SELECT pg_current_xact_id()::text::bigint,"
            " pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        )
    ).one()
    if sealing.horizon_xid > xid:
        # The database was restored into another cluster, whose transaction ids are smaller.
        sealing.horizon, sealing.horizon_xid = sealing.seen, xid
    return xid, oldest >= sealing.horizon_xid


# The limit stands in the text: as a parameter, the server might plan to read the whole table.
_WINDOW = text(
    f"""
    SELECT p.id, s.posting_id IS NULL
    FROM (SELECT id FROM ledger_posting WHERE id > :since ORDER BY id LIMIT {WINDOW}) p
    LEFT JOIN ledger_seal s ON s.posting_id = p.id ORDER BY p.id"""  # noqa: S608 - our own number
)


def _unsealed(session: Session, since: int, limit: int) -> list[int]:
    """The ids of the first postings without a seal after `since`, ascending."""
    found: list[int] = []
    while True:
        window = session.execute(_WINDOW, {"since": since}).all()
        found += [posting_id for posting_id, unsealed in window if unsealed]
        if len(found) >= limit or len(window) < WINDOW:
            return found[:limit]
        since = window[-1][0]


def _seal(session: Session, posting_ids: Sequence[int], now: datetime) -> None:
    if not posting_ids:
        return
    records = load(session, posting_ids)
    ledgers: dict[int, _Ledger] = {}
    rollups: dict[tuple[int, date], list[int]] = {}
    seals: list[tuple[Any, ...]] = []
    for posting_id in posting_ids:
        record = records[posting_id]
        ledger = ledgers.get(record.programme_id)
        if ledger is None:
            ledger = ledgers[record.programme_id] = _Ledger(session, record.programme_id, now)
        seals.append(ledger.seal(record))
        day = record.posted_at.astimezone(ledger.zone).date()
        for one in record.lines:
            if one.kind in OWN_KINDS:
                sums = rollups.setdefault((one.account, day), [0, 0])
                sums[0] += one.amount
                sums[1] += 1
    for ledger in ledgers.values():
        ledger.write()
    _write_seals(session, seals)
    _write_rollups(session, rollups)


class _Ledger:
    """A programme's chain while a batch of postings is added to it."""

    def __init__(self, session: Session, programme_id: int, now: datetime) -> None:
        self.session = session
        programme = session.get_one(Programme, programme_id)
        self.zone = ZoneInfo(programme.timezone)
        self.chain = session.get(Chain, programme_id) or _begun(session, programme_id)
        if self.chain.day is None:
            self._open_day(now)
        self.number, self.head = self.chain.number, self.chain.head
        self.tree = MerkleTree(self.number + 1 - self.chain.first, self.chain.peaks)
        self.blocks: list[dict[str, Any]] = []

    def _open_day(self, now: datetime) -> None:
        """Open the day of `now`. If the clock was put back, a closed day is not opened again: the
        day after the last closed one is."""
        last = _last_root(self.session, self.chain.programme_id)
        day = now.astimezone(self.zone).date()
        if last is not None:
            day = max(day, last.day + timedelta(days=1))
        midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), self.zone)
        self.chain.day = day
        self.chain.closes_at = midnight.astimezone(NEVER.tzinfo)
        self.chain.first, self.chain.peaks = self.chain.number + 1, b""

    def seal(self, record: Record) -> tuple[Any, ...]:
        """Seal one more posting. Returns the row of its seal."""
        salt = None if record.reason is None else secrets.token_bytes(SALT_BYTES)
        note = None
        if salt is not None and record.reason is not None:
            note = hashes.note(salt, record.reason)
        leaf = hashes.leaf(hashes.facts(record, note))
        self.number += 1
        self.head = hashes.link(self.head, leaf)
        block = self.tree.add(leaf)
        if block is not None:
            first = self.number + 1 - hashes.BLOCK
            self.blocks.append({"programme_id": record.programme_id, "first": first, "hash": block})
        return (
            record.id,
            record.programme_id,
            self.number,
            record.public_id,
            leaf,
            self.head,
            salt,
            note,
        )

    def write(self) -> None:
        self.chain.number, self.chain.head = self.number, self.head
        self.chain.peaks = self.tree.peaks
        if self.blocks:
            self.session.execute(insert_or(self.session, Block), self.blocks)


def _begun(session: Session, programme_id: int) -> Chain:
    chain = Chain(
        programme_id=programme_id, number=0, head=hashes.NOTHING, first=1, peaks=b"", verified=0
    )
    session.add(chain)
    return chain


def _write_seals(session: Session, seals: Sequence[tuple[Any, ...]]) -> None:
    connection = session.connection()
    names = "posting_id, programme_id, number, public_id, leaf, chain, note_salt, note_hash"
    if dialect_of(session) == "sqlite":
        marks = ", ".join("?" * len(names.split(", ")))
        connection.exec_driver_sql(
            f"INSERT INTO ledger_seal ({names}) VALUES ({marks})",  # noqa: S608 - our own names
            list(seals),
        )
        return
    connection.exec_driver_sql(
        f"INSERT INTO ledger_seal ({names})"  # noqa: S608 - our own names
        " SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::bytea[],"
        " %s::bytea[], %s::bytea[], %s::bytea[])",
        tuple(map(list, zip(*seals, strict=True))),
    )


def _write_rollups(session: Session, rollups: Mapping[tuple[int, date], Sequence[int]]) -> None:
    rows = [
        {"account_id": account_id, "day": day, "amount": amount, "count": count}
        for (account_id, day), (amount, count) in sorted(rollups.items())
    ]
    if rows:
        added = insert_or(session, Rollup)
        session.execute(
            added.on_conflict_do_update(
                index_elements=["account_id", "day"],
                set_={
                    "amount": Rollup.amount + added.excluded.amount,
                    "count": Rollup.count + added.excluded.count,
                },
            ),
            rows,
        )


def load(session: Session, posting_ids: Sequence[int]) -> dict[int, Record]:
    """Postings as they stand in the tables, by id. Ids of postings that do not exist are left
    out."""
    reversed_ = aliased(Posting)
    lines: dict[int, list[EntryFacts]] = {posting_id: [] for posting_id in posting_ids}
    entries: Iterable[Sequence[Any]] = session.execute(
        select(
            Entry.posting_id,
            Entry.line,
            Entry.account_id,
            Account.kind,
            Unit.code,
            Entry.amount,
            Entry.balance_after,
        )
        .outerjoin(Account, Account.id == Entry.account_id)
        .outerjoin(Unit, Unit.id == Account.unit_id)
        .where(Entry.posting_id.in_(posting_ids))
        .order_by(Entry.posting_id, Entry.line)
    )
    for entry in entries:
        lines[entry[0]].append(EntryFacts(*entry[1:]))
    rows: Iterable[Sequence[Any]] = session.execute(
        select(
            Posting.id,
            Posting.public_id,
            Posting.programme_id,
            Programme.code,
            Posting.kind,
            Posting.reason,
            Posting.receipt,
            Posting.store,
            Posting.promotion,
            Posting.card_id,
            reversed_.public_id,
            Posting.undoes,
            Posting.occurred_at,
            Posting.posted_at,
        )
        .join(Programme, Programme.id == Posting.programme_id)
        .outerjoin(reversed_, reversed_.id == Posting.reverses_id)
        .where(Posting.id.in_(posting_ids))
    )
    return {row[0]: Record(*(*row, lines[row[0]])) for row in rows}


# --- Days -------------------------------------------------------------------------------------


def _close_days(session: Session, signatures: Signatures, now: datetime) -> None:
    """Sign the roots of days that are over. Only turns seal, and the next one opens a later day, so
    no posting can be added to a closed day."""
    over = session.scalars(
        select(Chain).where(Chain.closes_at <= now).order_by(Chain.programme_id)
    ).all()
    for chain in over:
        assert chain.day is not None  # noqa: S101 - it has an end
        code = session.get_one(Programme, chain.programme_id).code
        last = _last_root(session, chain.programme_id)
        previous = hashes.NOTHING if last is None else last.root
        merkle = MerkleTree(chain.number + 1 - chain.first, chain.peaks).root()
        root = Root(
            programme_id=chain.programme_id,
            day=chain.day,
            first=chain.first,
            last=chain.number,
            head=chain.head,
            merkle=merkle,
            previous=previous,
            root=hashes.root_of(
                code, chain.day, chain.first, chain.number, chain.head, merkle, previous
            ),
            key=signatures.key,
            closed_at=now,
        )
        root.signature = signatures.sign(root.message)
        session.add(root)
        chain.day = chain.closes_at = None
        chain.first, chain.peaks = chain.number + 1, b""
    session.flush()


def _last_root(session: Session, programme_id: int) -> Root | None:
    return session.scalar(
        select(Root).where(Root.programme_id == programme_id).order_by(Root.day.desc()).limit(1)
    )


# --- Balances of the programme's own accounts -------------------------------------------------

_OWN_BALANCE = text(
    """
    SELECT coalesce((SELECT sum(amount) FROM ledger_rollup WHERE account_id = :account), 0)
         + coalesce((
             SELECT sum(e.amount) FROM ledger_entry e
             WHERE e.account_id = :account AND e.posting_id > :mark AND NOT EXISTS (
                 SELECT 1 FROM ledger_seal s WHERE s.posting_id = e.posting_id)), 0)"""
)


def own_balance(session: Session, account_id: int) -> int:
    """The balance of one of the programme's own accounts: the days that are added up already, and
    the postings that wait for their seal. Both come from one statement, so that no posting is
    counted twice."""
    # If the mark grows before the next statement, that one only reads more rows than it must.
    mark = session.scalars(select(Sealing.mark)).one()
    return int(session.scalars(_OWN_BALANCE, {"account": account_id, "mark": mark}).one())
