"""Accounts and balances. A member's account has a balance row. The programme's own accounts
(issued, redeemed, expired, opening) have none: every posting would update the same row, which would
cost four fifths of the rate, so their balance is the sum of their entries.

What a member owes stands on an account of its own kind (`DEBT`), so that no balance is ever
negative. The amount is repeated in the balance row of the member's account, where every posting
sees it under the same lock.

A member of a household uses the accounts of its head; a merged member uses those of the member they
were merged into. The accounts they had before are closed, and the balance row says so. A caller
that looked up the accounts before they were closed finds this out under the lock (`AccountClosed`)
and looks them up again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ColumnElement,
    SQLColumnExpression,
    String,
    UniqueConstraint,
    bindparam,
    cast,
    false,
    func,
    insert,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.compiled import Compiled
from ledger.database.tables import Base, Identifier, Instant, batched, insert_or
from ledger.limits import MOST_POINTS, NEVER
from ledger.people.members import Member

ProgrammeAccountKind = Literal["issued", "redeemed", "expired", "opening"]
MEMBER = "member"
DEBT = "debt"
# The `member_id` of the programme's own accounts. Not null, since SQLite has no unique key in which
# nulls are equal; member ids begin at 1.
NO_OWNER = 0


class AccountClosed(Exception):
    """The owner of the account now uses the accounts of another member. Raised under the lock,
    before anything is written. The caller looks up again whose accounts are meant. It never leaves
    the ledger."""


class Account(Base):
    """One account: of a member in one unit (`kind` is `MEMBER` or `DEBT`), or of the programme
    itself (`ProgrammeAccountKind`; then `member_id` is `NO_OWNER`). Rows are added when they are
    first needed and never changed."""

    __tablename__ = "ledger_account"
    __table_args__ = (UniqueConstraint("unit_id", "member_id", "kind"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int]
    unit_id: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))
    member_id: Mapped[int] = mapped_column(index=True)


class BalanceRow(Base):
    """What stands on one member account, in whole points: `available` can be spent, `pending` is
    not active yet, `held` is set aside by holds, `debt` is owed (as a positive number).

    The row is the mutex of the account. Nothing of the account is due before `next_change_at` (see
    `Balance`). `closed`: the owner uses the accounts of another member. Only a member's account of
    kind `MEMBER` has such a row."""

    __tablename__ = "ledger_balance"
    __table_args__ = (
        CheckConstraint(f"available >= 0 AND available <= {MOST_POINTS}", name="available"),
        CheckConstraint(f"pending >= 0 AND pending <= {MOST_POINTS}", name="pending"),
        CheckConstraint(f"held >= 0 AND held <= {MOST_POINTS}", name="held"),
        CheckConstraint(f"debt >= 0 AND debt <= {MOST_POINTS}", name="debt"),
    )

    account_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    available: Mapped[int] = mapped_column(default=0)
    pending: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)
    debt: Mapped[int] = mapped_column(default=0, server_default="0")
    next_change_at: Mapped[datetime] = mapped_column(Instant, index=True)
    closed: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())


_COLUMNS = BalanceRow.__table__.c

# Built once: to build a query costs as much as to have it answered.
_CHARTS = select(Account.id, Account.kind, Account.member_id).where(
    Account.unit_id == bindparam("unit"),
    Account.member_id.in_(bindparam("members", expanding=True)),
)
_LOCKED = (
    select(*_COLUMNS)
    .where(_COLUMNS.account_id.in_(bindparam("accounts", expanding=True)))
    .order_by(_COLUMNS.account_id)
    .with_for_update()
)


class Balance(NamedTuple):
    """Points of one member account: free to spend, not yet active, set aside by holds; and what the
    member owes (`debt`, a positive number).

    `next_change_at` is not later than the next moment at which a lot becomes active or runs out;
    `NEVER` if there is none. `closed`: the owner uses the accounts of another member."""

    account_id: int
    available: int
    pending: int
    held: int
    debt: int = 0
    next_change_at: datetime = NEVER
    closed: bool = False

    @property
    def total(self) -> int:
        """What the entries of the account sum to. A debt is not in it: it stands on another
        account."""
        return self.available + self.pending + self.held


@dataclass(frozen=True, slots=True)
class Holder:
    """The accounts between which a member's postings in one unit run. `account_id` is the member's
    own account; `others` has the programme's accounts and the member's debt, by kind, as far as
    they were opened: each is opened when it is first needed."""

    programme_id: int
    unit_id: int
    member_id: int
    account_id: int
    others: Mapping[str, int]


def open_for(session: Session, programme_id: int, unit_id: int, member_id: int) -> int:
    """Open an empty account for a member who uses their own accounts. Returns its id; an account
    that is there already stays as it is. Raises `AccountClosed` if the member uses those of
    another."""
    # Merges and households take this lock as well. So either they close this account too, or we
    # see here that the member does not use it.
    household = select(Member.household_id).where(Member.id == member_id)
    if session.execute(household.with_for_update(read=True)).scalar_one() is not None:
        raise AccountClosed
    account_id = _open(session, programme_id, unit_id, MEMBER, member_id)
    session.execute(
        insert_or(session, BalanceRow)
        .values(
            account_id=account_id,
            available=0,
            pending=0,
            held=0,
            debt=0,
            next_change_at=NEVER,
            closed=False,
        )
        .on_conflict_do_nothing()
    )
    return account_id


def open_all(session: Session, programme_id: int, unit_id: int, member_ids: Sequence[int]) -> None:
    """Open empty accounts for members who have none in this unit. The caller knows that they have
    none: an account that is there already breaks the unique key."""
    for part in batched(member_ids):
        opened = session.scalars(
            insert(Account).returning(Account.id),
            [
                {
                    "programme_id": programme_id,
                    "unit_id": unit_id,
                    "kind": MEMBER,
                    "member_id": member_id,
                }
                for member_id in part
            ],
        ).all()
        session.execute(
            insert(BalanceRow),
            [
                {
                    "account_id": account_id,
                    "available": 0,
                    "pending": 0,
                    "held": 0,
                    "debt": 0,
                    "next_change_at": NEVER,
                    "closed": False,
                }
                for account_id in opened
            ],
        )


def close(session: Session, member_ids: Sequence[int]) -> None:
    """These members use the accounts of another member from now on. The caller has locked the
    members and has moved what they had."""
    _mark(session, member_ids, closed=True)


def reopen(session: Session, member_id: int) -> None:
    """The member uses their own accounts again, which are open from now on. The caller has locked
    the member."""
    _mark(session, [member_id], closed=False)


def _mark(session: Session, member_ids: Sequence[int], *, closed: bool) -> None:
    owned = select(Account.id).where(Account.member_id.in_(member_ids), Account.kind == MEMBER)
    session.execute(
        update(BalanceRow)
        .where(BalanceRow.account_id.in_(owned))
        .values(closed=closed)
        .execution_options(synchronize_session=False)
    )


def as_text(
    unit_id: SQLColumnExpression[int], member_id: SQLColumnExpression[int]
) -> ColumnElement[str]:
    """All accounts of a member and of the programme in this unit, as one column of a query that may
    ask for more. `from_text` reads the value.

    The two owners are asked for in two subqueries: with one for both, PostgreSQL would read all
    accounts as long as it has no statistics."""
    named = Account.kind.concat(":").concat(cast(Account.id, String))
    comma: Any = literal_column("','")  # a parameter would be bound anew at each execution
    programme_account, theirs = (
        select(func.aggregate_strings(named, comma))
        .where(Account.unit_id == unit_id, Account.member_id == owner)
        .scalar_subquery()
        for owner in (literal(NO_OWNER), member_id)
    )
    return func.coalesce(programme_account, "").concat(",").concat(func.coalesce(theirs, ""))


def from_text(
    session: Session, programme_id: int, unit_id: int, member_id: int, as_text: str
) -> Holder:
    """The holder that a value of `as_text` describes. A member who never had any of the unit gets
    an account now. Raises `AccountClosed`."""
    named = (one.partition(":") for one in as_text.split(",") if one)
    kinds = {kind: int(account_id) for kind, _, account_id in named}
    account_id = kinds.pop(MEMBER, None)
    if account_id is None:
        account_id = open_for(session, programme_id, unit_id, member_id)
    return Holder(programme_id, unit_id, member_id, account_id, kinds)


_CHART = Compiled(
    select(as_text(bindparam("unit", type_=Identifier), bindparam("member", type_=Identifier)))
)


def holder(session: Session, programme_id: int, unit_id: int, member_id: int) -> Holder:
    """All accounts of a member and of the programme in this unit, read in one query. `member_id` is
    the member whose accounts are used (`Member.holder_id`). A member who never had any of the unit
    gets an account now. Raises `AccountClosed`."""
    [[told]] = _CHART.execute(session, unit=unit_id, member=member_id)
    return from_text(session, programme_id, unit_id, member_id, told)


def holders(
    session: Session, programme_id: int, unit_id: int, member_ids: Iterable[int]
) -> list[Holder]:
    """The holders of many members of one programme, by ascending member id. All accounts of the
    programme are opened here, so that each holder has them. Raises `AccountClosed`."""
    wanted = {"unit": unit_id, "members": (NO_OWNER, *member_ids)}
    kinds: dict[int, dict[str, int]] = {}
    for row in session.connection().execute(_CHARTS, wanted):
        kinds.setdefault(row.member_id, {})[row.kind] = row.id
    owns = kinds.pop(NO_OWNER, {})
    for kind in get_args(ProgrammeAccountKind):
        if kind not in owns:
            owns[kind] = _open(session, programme_id, unit_id, kind, NO_OWNER)
    found = []
    for member_id in sorted(member_ids):
        theirs = kinds.get(member_id, {})
        account_id = theirs.pop(MEMBER, None)
        if account_id is None:
            account_id = open_for(session, programme_id, unit_id, member_id)
        found.append(Holder(programme_id, unit_id, member_id, account_id, {**theirs, **owns}))
    return found


def programme_account(session: Session, holder: Holder, kind: ProgrammeAccountKind) -> int:
    """The id of the programme's own account of this kind; it is opened if it is not there yet."""
    found = holder.others.get(kind)
    if found is not None:
        return found
    return _open(session, holder.programme_id, holder.unit_id, kind, NO_OWNER)


def debt_account(session: Session, holder: Holder) -> int:
    """The id of the account that has what the member owes; it is opened if it is not there yet."""
    found = holder.others.get(DEBT)
    if found is not None:
        return found
    return _open(session, holder.programme_id, holder.unit_id, DEBT, holder.member_id)


def holder_of(session: Session, account_id: int) -> Holder:
    """The holder to whom this member account belongs."""
    account = session.execute(
        select(Account.programme_id, Account.unit_id, Account.member_id).where(
            Account.id == account_id
        )
    ).one()
    return holder(session, *account)


def account_id_of(session: Session, unit_id: int, member_id: int) -> int | None:
    """The member's account in this unit; None if they never had any of it."""
    return session.scalar(
        select(Account.id).where(
            Account.unit_id == unit_id, Account.member_id == member_id, Account.kind == MEMBER
        )
    )


def lock(session: Session, account_ids: Iterable[int]) -> dict[int, Balance]:
    """Balances by account id, as they were last settled. The rows are locked in ascending order
    until the transaction ends."""
    rows = session.connection().execute(_LOCKED, {"accounts": sorted(account_ids)})
    return {row.account_id: Balance(*row) for row in rows}


def change(
    session: Session,
    account_id: int,
    *,
    available: int = 0,
    pending: int = 0,
    held: int = 0,
    next_change_at: datetime | None = None,
) -> Balance:
    """Move a locked balance by these amounts of points, and set `next_change_at` if one is given.
    Returns the new balance. The checks of the table refuse a result below zero."""
    moved = (
        update(BalanceRow)
        .where(BalanceRow.account_id == account_id)
        .values(
            available=BalanceRow.available + available,
            pending=BalanceRow.pending + pending,
            held=BalanceRow.held + held,
            **({} if next_change_at is None else {"next_change_at": next_change_at}),
        )
        .returning(*_COLUMNS)
        .execution_options(synchronize_session=False)
    )
    return Balance(*session.execute(moved).one())


def due(session: Session, now: datetime, limit: int) -> Sequence[int]:
    """Member accounts on which a lot became active or ran out by now and that were not settled
    since, those that wait longest first."""
    return session.scalars(
        select(BalanceRow.account_id)
        .where(BalanceRow.next_change_at <= now)
        .order_by(BalanceRow.next_change_at)
        .limit(limit)
    ).all()


def _open(session: Session, programme_id: int, unit_id: int, kind: str, member_id: int) -> int:
    """Two transactions may open the same account at once: the unique key decides, and both get the
    row that is there."""
    session.execute(
        insert_or(session, Account)
        .values(programme_id=programme_id, unit_id=unit_id, kind=kind, member_id=member_id)
        .on_conflict_do_nothing()
    )
    return session.execute(
        select(Account.id).where(
            Account.unit_id == unit_id, Account.member_id == member_id, Account.kind == kind
        )
    ).scalar_one()
