"""The journal: balanced, immutable postings, written together with all that belongs to them.

`write` takes drafts in which every number is decided, and writes posting, entries, lots, what left
which lot, balances and events. Each database has its own way to do it (`journal_postgres`,
`journal_sqlite`). Nothing else writes these tables, and nothing changes or deletes a posting, an
entry or a move: the database refuses it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, and_
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.book import journal_postgres, journal_sqlite
from ledger.book.accounts import Balance
from ledger.book.drafts import PostingDraft
from ledger.book.journal_postgres import Guard
from ledger.book.purchases import PurchaseRow
from ledger.book.rows import PostingRows
from ledger.database import outbox
from ledger.database.compiled import driver_connection
from ledger.database.tables import Base, Identifier, Instant, dialect_of, only_where
from ledger.events import Event, to_row


class Posting(Base):
    """One balanced record: why points moved, and when. Its entries sum to zero. Rows are never
    changed, but for `reason`, which an erasure takes out. `occurred_at` is business time,
    `posted_at` is when it was written. `kind` is a `PostingKind`."""

    __tablename__ = "ledger_posting"
    __table_args__ = (
        Index("ix_ledger_posting_reverses", "reverses_id", **only_where("reverses_id IS NOT NULL")),
        # For the daybook: the last of a programme, and the last that one filter lets through. A
        # posting stands in those alone whose fact it has.
        Index("ix_ledger_posting_listed", "programme_id", "occurred_at", "id"),
        Index("ix_ledger_posting_kind", "programme_id", "kind", "occurred_at", "id"),
        *(
            Index(
                f"ix_ledger_posting_{column}",
                "programme_id",
                column,
                "occurred_at",
                "id",
                **only_where(f"{column} IS NOT NULL"),
            )
            for column in ("store", "promotion", "receipt", "reason")
        ),
        Index(
            "ix_ledger_posting_card",
            "card_id",
            "occurred_at",
            "id",
            **only_where("card_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    programme_id: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(300))
    receipt: Mapped[str | None] = mapped_column(String(100))
    store: Mapped[str | None] = mapped_column(String(100))
    promotion: Mapped[str | None] = mapped_column(String(100))
    card_id: Mapped[int | None]
    # Of a reversal: the posting that it undoes, and how many of its points.
    reverses_id: Mapped[int | None]
    undoes: Mapped[int | None]
    occurred_at: Mapped[datetime] = mapped_column(Instant)
    posted_at: Mapped[datetime] = mapped_column(Instant)


class Entry(Base):
    """One signed amount of a posting on one account, in whole points and never 0. `line` is its
    place within the posting. Rows are never changed."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount"),
        # For statements of members. Partial: half of all entries are on the programme's own
        # accounts, and no statement reads those.
        Index(
            "ix_ledger_entry_statement",
            "account_id",
            "posting_id",
            **only_where("balance_after IS NOT NULL"),
        ),
        # For the daybook: amounts of members that are large, or small.
        Index("ix_ledger_entry_amount", "amount", **only_where("balance_after IS NOT NULL")),
    )

    # No foreign key: only the journal writes here, nothing is ever deleted, and to check each row
    # would cost as much as to write it.
    posting_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[int]
    amount: Mapped[int]
    # What the member had in all after this entry; null on the programme's own accounts and debts.
    balance_after: Mapped[int | None]


# How a posting finds what was paid in it: by both columns, since there is an index of both alone.
PURCHASE = and_(
    PurchaseRow.programme_id == Posting.programme_id, PurchaseRow.posting_id == Posting.id
)


def write(
    session: Session,
    drafts: Sequence[PostingDraft],
    events: Iterable[Event],
    now: datetime,
    *,
    unless_due: bool = False,
    unless_changed: str | None = None,
) -> dict[int, Balance] | None:
    """Write postings, in this order, with their events. Returns the balances of all member accounts
    that were touched, after the last posting.

    Without a guard the caller has locked the balances and knows that they suffice. A guard makes
    the lock needless; it is for one posting to one member account. If the guard does not hold,
    nothing is written and the answer is None:

    - `unless_due`: the account must be open, have nothing due by now, owe nothing, and not grow
      beyond `MOST_POINTS`.
    - `unless_changed`, the version of the account that `lots.look` read: no other transaction may
      have changed the account since. SQLite has one writer and no version; there it is None."""
    rows = PostingRows(drafts, now)
    news = [to_row(event) for event in events]
    if dialect_of(session) == "sqlite":
        connection = session.connection()
        balances = journal_sqlite.write(connection, rows, news, unless_due=unless_due)
    else:
        guard = Guard(unless_due, unless_changed)
        balances = journal_postgres.write(driver_connection(session), rows, news, guard)
    if not balances and (unless_due or unless_changed is not None):
        return None
    if news:
        outbox.announce(session)
    return balances
