"""The table of days: what happened in each hour of each day of a programme, by its own clock.

`turn` keeps it, a few seconds late, and each of its transactions moves sums and places together:

- *Postings and purchases* are followed by the numbers of their seals. Seals are given in the order
  of commits, so whoever stands at a number has seen all up to it: each is counted once.
- *Members and fetches* stay as rows with an indexed moment, whose ids are no order of commits. The
  time since shortly before the last look is counted again each time, and the difference is added:
  what was committed late is found, and nothing is counted twice.
- *Cards and pushes* leave no rows behind: they are tallied where they happen (see `tallies`).

The day of a posting is that on which it was written into the book (`posted_at`), not the one it is
dated to: so a day that was told does not change afterwards, and what members hold at its end is
what the book held. One turn works at a time, whatever the number of workers."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    String,
    cast,
    delete,
    extract,
    func,
    insert,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.book.accounts import Account
from ledger.book.journal import PURCHASE, Entry, Posting
from ledger.book.purchases import PurchaseRow
from ledger.database.index_only import by_index
from ledger.database.tables import EPOCH, Base, Identifier, dialect_of, insert_or
from ledger.people.members import Member
from ledger.programmes import programmes
from ledger.programmes.units import Unit
from ledger.reports import tallies
from ledger.reports.figures import (
    MADE_ANEW,
    QUARTER_S,
    Amounts,
    DayHour,
    FigureOf,
    RecountedFigure,
    hour_of,
    of_book,
)
from ledger.seals.sealing import Chain, Seal

PUMP = "days"
BATCH = 5000  # postings, and tallies, in one transaction
LOOK_EVERY = timedelta(seconds=30)  # at what is counted again
LATE = timedelta(minutes=10)  # after its moment, within which a row is committed

# Places are kept by source: a posting's by its seal, within its programme; of what is counted again
# the second of the last look. `TURN` is the row whose lock is the turn.
TURN, SEALS = "turn", "seals"
ALL = 0


class DayRow(Base):
    """What was added to a figure in one hour of one day of the programme's calendar. `of`: the
    code of a unit, a currency, a wallet, or empty."""

    __tablename__ = "ledger_day"

    programme_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    hour: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    figure: Mapped[str] = mapped_column(String(20), primary_key=True)
    of: Mapped[str] = mapped_column(String(40), primary_key=True)
    amount: Mapped[int]


class DaySum(Base):
    """The sum of a figure over all days so far."""

    __tablename__ = "ledger_day_sum"

    programme_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    figure: Mapped[str] = mapped_column(String(20), primary_key=True)
    of: Mapped[str] = mapped_column(String(40), primary_key=True)
    amount: Mapped[int]


class DayPlace(Base):
    """How far a source was counted, of one programme or of `ALL`."""

    __tablename__ = "ledger_day_place"

    source: Mapped[str] = mapped_column(String(20), primary_key=True)
    programme_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    place: Mapped[int]


class DayCounted(Base):
    """How many rows of a source were counted in a quarter of an hour since 1970 that will be
    counted again."""

    __tablename__ = "ledger_day_counted"

    source: Mapped[str] = mapped_column(String(20), primary_key=True)
    programme_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    quarter: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    amount: Mapped[int]


class CountedAgain(Protocol):
    """A source of rows that stay, each with an indexed moment."""

    @property
    def figure(self) -> RecountedFigure: ...

    def quarters(
        self, session: Session, programme_ids: Collection[int], since: datetime
    ) -> Iterable[tuple[int, int, int]]:
        """How many rows there are since this moment: programme, quarter of an hour since 1970,
        number."""
        ...


@dataclass(frozen=True, slots=True)
class MembersByDay:
    """Members, by when they joined; those count who were merged or erased since."""

    figure: RecountedFigure = "joined"

    def quarters(
        self, session: Session, programme_ids: Collection[int], since: datetime
    ) -> Iterable[tuple[int, int, int]]:
        """See `CountedAgain`."""
        at = quarter(session, Member.created_at)
        rows = session.execute(
            select(Member.programme_id, at, func.count())
            .where(Member.programme_id.in_(programme_ids), Member.created_at >= since)
            .group_by(Member.programme_id, at)
        )
        return [(row[0], row[1], row[2]) for row in rows]


# --- Keeping it -------------------------------------------------------------------------------


def turn(
    session: Session,
    again: Sequence[CountedAgain],
    now: datetime,
    limit: int = BATCH,
    *,
    wait: bool = False,
) -> bool:
    """Count what has come since the last turn, up to `limit` postings and tallies; True if there
    may be more. If another worker has the turn, nothing is done, or with `wait` it is waited
    for."""
    if not _take_turn(session, wait=wait):
        return False
    sums = _Sums(session)
    more = _follow_seals(session, sums, limit)
    taken = tallies.take(session, limit)
    for programme_id, counted, at, amount in taken:
        sums.add(programme_id, counted, int(at.timestamp()) // QUARTER_S, amount)
    for source in again:
        _count_again(session, source, sums, now)
    sums.write()
    return more or len(taken) == limit


def begin_anew(session: Session) -> None:
    """Forget what can be counted anew, so that the next turns count it from the beginning, by the
    calendar that programmes have now. Tallies stay as they were counted."""
    _take_turn(session, wait=True)
    for table in (DayRow, DaySum):
        session.execute(delete(table).where(table.figure.in_(MADE_ANEW)))
    session.execute(delete(DayPlace).where(DayPlace.source != TURN))
    session.execute(delete(DayCounted))


def waiting(session: Session, programme_id: int | None = None) -> int:
    """How many sealed postings were not counted yet, of a programme or of all."""
    place = (
        select(DayPlace.place)
        .where(DayPlace.source == SEALS, DayPlace.programme_id == Chain.programme_id)
        .scalar_subquery()
    )
    query = select(func.coalesce(func.sum(Chain.number - func.coalesce(place, 0)), 0))
    if programme_id is not None:
        query = query.where(Chain.programme_id == programme_id)
    return int(session.scalars(query).one())


def _take_turn(session: Session, *, wait: bool) -> bool:
    row = select(DayPlace.place).where(DayPlace.source == TURN, DayPlace.programme_id == ALL)
    return session.execute(row.with_for_update(skip_locked=not wait)).first() is not None


class _Sums:
    """What one turn adds, until it is written."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.zones = {one.id: ZoneInfo(one.timezone) for one in programmes.every(session)}
        self._added: dict[tuple[int, DayHour, FigureOf], int] = defaultdict(int)

    def add(self, programme_id: int, counted: FigureOf, quarter: int, amount: int) -> None:
        slot = hour_of(quarter, self.zones[programme_id])
        self._added[programme_id, slot, counted] += amount

    def write(self) -> None:
        """Add it to the table, and to the sums over all days."""
        hours = []
        sums: dict[tuple[int, FigureOf], int] = defaultdict(int)
        for (programme_id, slot, counted), amount in sorted(self._added.items()):
            if amount:
                key = {"programme_id": programme_id, **counted._asdict()}
                hours.append({**key, **slot._asdict(), "amount": amount})
                sums[programme_id, counted] += amount
        _add(self._session, DayRow, hours)
        _add(
            self._session,
            DaySum,
            [
                {"programme_id": programme_id, **counted._asdict(), "amount": amount}
                for (programme_id, counted), amount in sums.items()
            ],
        )


def _add(session: Session, table: type[DayRow] | type[DaySum], rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    added = insert_or(session, table)
    session.execute(
        added.on_conflict_do_update(
            index_elements=[one.name for one in table.__table__.primary_key],
            set_={"amount": table.amount + added.excluded.amount},
        ),
        rows,
    )


def _remember(session: Session, source: str, programme_id: int, place: int) -> None:
    session.execute(
        insert_or(session, DayPlace)
        .values(source=source, programme_id=programme_id, place=place)
        .on_conflict_do_update(index_elements=["source", "programme_id"], set_={"place": place})
    )


# --- Postings ---------------------------------------------------------------------------------


def _follow_seals(session: Session, sums: _Sums, limit: int) -> bool:
    """Count the next postings, programme by programme; True if there may be more."""
    ahead = session.execute(
        select(Chain.programme_id, Chain.number, DayPlace.place)
        .outerjoin(
            DayPlace,
            (DayPlace.source == SEALS) & (DayPlace.programme_id == Chain.programme_id),
        )
        .where(Chain.number > func.coalesce(DayPlace.place, 0))
        .order_by(Chain.programme_id)
    ).all()
    for programme_id, newest, place in ahead:
        since = place or 0
        until = min(newest, since + limit)
        if until > since:
            with by_index(session):
                _count_entries(session, sums, programme_id, since, until)
                _count_purchases(session, sums, programme_id, since, until)
            _remember(session, SEALS, programme_id, until)
            limit -= until - since
    return limit == 0


def _sealed(programme_id: int, since: int, until: int) -> tuple[ColumnElement[bool], ...]:
    return Seal.programme_id == programme_id, Seal.number > since, Seal.number <= until


def _count_entries(
    session: Session, sums: _Sums, programme_id: int, since: int, until: int
) -> None:
    at = quarter(session, Posting.posted_at)
    undoes = Posting.reverses_id.is_not(None)
    rows = session.execute(
        select(at, undoes, Account.kind, Unit.code, func.sum(Entry.amount))
        .select_from(Seal)
        .join(Posting, Posting.id == Seal.posting_id)
        .join(Entry, Entry.posting_id == Posting.id)
        .join(Account, Account.id == Entry.account_id)
        .join(Unit, Unit.id == Account.unit_id)
        .where(*_sealed(programme_id, since, until))
        .group_by(at, undoes, Account.kind, Unit.code)
    )
    for moment, is_reversal, kind, unit, amount in rows:
        for figure, more in of_book(kind, undoes=bool(is_reversal), amount=int(amount)):
            sums.add(programme_id, FigureOf(figure, unit), moment, more)


def _count_purchases(
    session: Session, sums: _Sums, programme_id: int, since: int, until: int
) -> None:
    """Purchases as they were told: a reversal counts as money that was taken back, on the day of
    the reversal."""
    at = quarter(session, Posting.posted_at)
    undoes = Posting.reverses_id.is_not(None)
    rows = session.execute(
        select(at, undoes, PurchaseRow.currency, func.count(), func.sum(PurchaseRow.amount))
        .select_from(Seal)
        .join(Posting, Posting.id == Seal.posting_id)
        .join(PurchaseRow, PURCHASE)
        .where(*_sealed(programme_id, since, until))
        .group_by(at, undoes, PurchaseRow.currency)
    )
    for moment, is_reversal, currency, number, amount in rows:
        if is_reversal:
            sums.add(programme_id, FigureOf("returned", currency), moment, -int(amount))
        else:
            sums.add(programme_id, FigureOf("purchases", currency), moment, number)
            sums.add(programme_id, FigureOf("paid", currency), moment, int(amount))


# --- What is counted again --------------------------------------------------------------------


def _count_again(session: Session, source: CountedAgain, sums: _Sums, now: datetime) -> None:
    """Compare quarters of an hour, and not hours of days: those are of the zone in which they were
    counted, and a programme may have got another since."""
    last = session.scalar(
        select(DayPlace.place).where(DayPlace.source == source.figure, DayPlace.programme_id == ALL)
    )
    moment = int(now.timestamp())
    if last is not None and moment < last + LOOK_EVERY.total_seconds():
        return
    first = 0 if last is None else _first_open(last)
    programme_ids = list(sums.zones)
    since = EPOCH + timedelta(seconds=first * QUARTER_S)
    counts = source.quarters(session, programme_ids, since)
    found = {(programme_id, at): number for programme_id, at, number in counts}
    theirs = DayCounted.source == source.figure, DayCounted.quarter >= first
    known = {
        (row.programme_id, row.quarter): row.amount
        for row in session.scalars(select(DayCounted).where(*theirs))
    }
    counted = FigureOf(source.figure)
    for programme_id, at in found.keys() | known.keys():
        more = found.get((programme_id, at), 0) - known.get((programme_id, at), 0)
        sums.add(programme_id, counted, at, more)
    _remember_counts(session, source.figure, found, _first_open(moment))
    _remember(session, source.figure, ALL, moment)


def _first_open(second: int) -> int:
    """The first quarter of an hour in which something may be committed after this second."""
    return int(second - LATE.total_seconds()) // QUARTER_S


def _remember_counts(
    session: Session, source: str, found: Mapping[tuple[int, int], int], since: int
) -> None:
    """Keep what was counted of the quarters that will be counted again."""
    session.execute(delete(DayCounted).where(DayCounted.source == source))
    rows = [
        {"source": source, "programme_id": programme_id, "quarter": at, "amount": number}
        for (programme_id, at), number in found.items()
        if at >= since
    ]
    if rows:
        session.execute(insert(DayCounted), rows)


def quarter(session: Session, moment: Any) -> ColumnElement[int]:
    """The quarter of an hour since 1970 in which this column's moment lies, as SQL."""
    if dialect_of(session) == "sqlite":
        micros: Any = literal_column(f"{QUARTER_S}000000", BigInteger)
        found: ColumnElement[int] = type_coerce(moment, BigInteger) // micros
        return found
    # Not a parameter: two of them would be two expressions, of which rows are grouped by one.
    seconds: Any = literal_column(str(QUARTER_S))
    return cast(func.floor(extract("epoch", moment) / seconds), BigInteger)


# --- Reading it -------------------------------------------------------------------------------


def of_days(
    session: Session,
    programme_id: int,
    days: Collection[date],
    *,
    before_hour: int = 24,
    figures: Collection[str] = (),
) -> dict[date, dict[FigureOf, int]]:
    """What the figures were on each of these days, as far as they are not 0: all, or those named;
    in the hours before `before_hour` of the clock."""
    query = (
        select(DayRow.day, DayRow.figure, DayRow.of, func.sum(DayRow.amount))
        .where(DayRow.programme_id == programme_id, DayRow.day.in_(days))
        .group_by(DayRow.day, DayRow.figure, DayRow.of)
    )
    return _by_day(session, _narrowed(query, before_hour, figures))


def between(
    session: Session, programme_id: int, first: date, last: date, figures: Collection[str] = ()
) -> dict[date, dict[FigureOf, int]]:
    """The same for all days from `first` to `last`."""
    query = (
        select(DayRow.day, DayRow.figure, DayRow.of, func.sum(DayRow.amount))
        .where(DayRow.programme_id == programme_id, DayRow.day >= first, DayRow.day <= last)
        .group_by(DayRow.day, DayRow.figure, DayRow.of)
    )
    return _by_day(session, _narrowed(query, 24, figures))


def _narrowed(query: Any, before_hour: int, figures: Collection[str]) -> Any:
    if before_hour < 24:
        query = query.where(DayRow.hour < before_hour)
    return query.where(DayRow.figure.in_(figures)) if figures else query


def _by_day(session: Session, query: Any) -> dict[date, dict[FigureOf, int]]:
    found: dict[date, dict[FigureOf, int]] = defaultdict(dict)
    for day, figure, of, amount in session.execute(query):
        found[day][FigureOf(figure, of)] = int(amount)
    return dict(found)


def sums(session: Session, programme_id: int) -> Amounts:
    """The figures, each over all days so far: of `owed`, what members hold now; of `card_added`
    without `card_removed`, how many cards are in a wallet now."""
    rows = session.execute(
        select(DaySum.figure, DaySum.of, DaySum.amount).where(DaySum.programme_id == programme_id)
    )
    return {FigureOf(row[0], row[1]): row[2] for row in rows}


def first_day(session: Session, programme_id: int) -> date | None:
    """The first day of which anything is known."""
    return session.scalar(select(func.min(DayRow.day)).where(DayRow.programme_id == programme_id))


def at_the_end(
    now_standing: int, by_day: Mapping[date, Mapping[FigureOf, int]], counted: FigureOf, day: date
) -> int:
    """What a figure that adds up stood at when `day` was over: what it stands at now, without what
    came on the later days, which must all be in `by_day`."""
    return now_standing - sum(
        amounts.get(counted, 0) for later, amounts in by_day.items() if later > day
    )
