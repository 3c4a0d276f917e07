"""Applying one part of an import of members: cards, postings, and what became of each row."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from ledger import enrolment
from ledger.book import accounts, batches, postings
from ledger.book.accounts import Account, AccountClosed, Holder
from ledger.book.batches import Credit, Debit, Deed, Made
from ledger.book.drafts import NewLot
from ledger.book.journal import Entry, Posting
from ledger.database import outbox
from ledger.errors import BalanceTooLarge, InsufficientPoints, Refusal
from ledger.events import MemberChanged, PointsAccrued, PointsRedeemed
from ledger.imports import store
from ledger.imports.checking import Aim, Judged, judge
from ledger.imports.columns import RowContent
from ledger.imports.headers import RowProblem
from ledger.imports.store import Import, ImportRow, Row
from ledger.people import cards, consents, members
from ledger.people.consents import Decision, Purpose
from ledger.people.persons import Profile
from ledger.points import causes
from ledger.points.accruals import Grant, term
from ledger.points.causes import Cause


@dataclass(slots=True)
class _Applied:
    row: Row
    member_id: int
    holder_id: int
    card_id: int | None
    posting_id: str | None = None


def apply(
    session: Session, import_: Import, aim: Aim, rows: Sequence[Row], now: datetime
) -> list[int]:
    """Apply these rows; returns the ids of new members, who have no pass yet.

    A row that was good when the file was checked and is not good any more is left out, with the
    reason."""
    judged = [_timely(aim, one, now) for one in judge(session, aim, rows, None, now)]
    left_out = [Row(one.row.number, one.row.wish, one.problems) for one in judged if one.problems]
    good = [one for one in judged if not one.problems]
    joined: list[int] = []
    if aim.kind == "members":
        applied, joined = _enrol(session, aim, good, now)
    else:
        applied = [_found(one) for one in good]
    refused = _post(session, aim, import_, applied, now)
    left_out += refused
    gone = {row.number for row in refused}
    _note(session, import_, [one for one in applied if one.row.number not in gone])
    store.add_problems(session, import_.id, left_out)
    import_.left_out += len(left_out)
    import_.joined += len(joined)
    return joined


def _timely(aim: Aim, one: Judged, now: datetime) -> Judged:
    """The last day of a row's points may have ended since the check: then the row has a problem
    now."""
    ends_at = _end_of(one.row.wish.expires, aim.programme.timezone)
    if one.problems or ends_at is None or ends_at > now:
        return one
    return Judged(one.row, [RowProblem("expires_out_of_range", "expires")])


def _found(one: Judged) -> _Applied:
    assert one.member is not None  # noqa: S101 - a judged row without problems means somebody
    return _Applied(one.row, one.member.id, one.member.holder_id, one.card_id)


def _enrol(
    session: Session, aim: Aim, good: Sequence[Judged], now: datetime
) -> tuple[list[_Applied], list[int]]:
    """New people join. People who are members already keep what is known of them, and get the
    card."""
    new = [one.row for one in good if one.member is None]
    joined = enrolment.join_all(
        session, aim.programme, [(_profile(row), row.wish.card) for row in new], now
    )
    found = [_found(one) for one in good if one.member is not None]
    to_card = {
        one.member_id: one.row.wish.card
        for one in found
        if one.card_id is None and one.row.wish.card is not None
    }
    # Who is erased at this moment gets no card that would name them again.
    locked = members.lock(session, [one.member_id for one in found])
    gone = members.erased(session, locked)
    carded = [(id_, number) for id_, number in to_card.items() if id_ not in gone]
    cards.issue_all(session, aim.programme.id, carded, now)
    outbox.append(session, [MemberChanged(member_id) for member_id, _ in carded], now)
    applied = [
        _Applied(row, member_id, member_id, None)
        for row, member_id in zip(new, joined, strict=True)
    ]
    applied = sorted([*applied, *found], key=lambda one: one.row.number)
    decisions = {
        one.member_id: decided
        for one in applied
        if one.member_id not in gone and (decided := _decisions(aim, one.row.wish, now))
    }
    if decisions:
        consents.record_all(session, decisions, "import", now)
    return applied, joined


def _decisions(aim: Aim, wish: RowContent, now: datetime) -> list[Decision]:
    """What the person of a row agreed to, or took back. A day without a time of day is its
    beginning: whatever the person decided on that day came after it."""
    at = wish.consent_date
    if at is not None:
        at = min(at.replace(tzinfo=ZoneInfo(aim.programme.timezone)).astimezone(UTC), now)
    answers: list[tuple[Purpose, bool | None]] = [
        ("marketing", wish.consent_marketing),
        ("personal_data", wish.consent_personal_data),
    ]
    return [
        Decision(purpose, given, None, at, wish.consent_source, undated=at is None)
        for purpose, given in answers
        if given is not None
    ]


def _profile(row: Row) -> Profile:
    wish = row.wish
    return Profile(
        name=wish.name,
        phone=wish.phone,
        email=wish.email,
        birthday=wish.birthday,
        external_id=wish.external_id,
    )


def _post(
    session: Session, aim: Aim, import_: Import, applied: Sequence[_Applied], now: datetime
) -> list[Row]:
    """Post the points of these rows; returns those that were refused."""
    wanted = [one for one in applied if one.row.wish.points]
    if not wanted:
        return []
    holders, before = _holders(session, aim, wanted, now)
    deeds = [_deed(aim, import_, one, holders[one.holder_id], now) for one in wanted]
    refused: list[Row] = []
    for one, outcome in zip(wanted, batches.post(session, deeds, now), strict=True):
        if isinstance(outcome, Made):
            one.posting_id = outcome.public_id
        else:
            refused.append(Row(one.row.number, one.row.wish, [_problem(outcome)]))
    import_.balances_moved += _owned(session, list(holders.values())) - before
    import_.points_posted += _entered(session, list(holders.values()), wanted)
    return refused


def _holders(
    session: Session, aim: Aim, wanted: Sequence[_Applied], now: datetime
) -> tuple[dict[int, Holder], int]:
    """The accounts that these members use, locked, by the holder's member id; and what is on all of
    them."""
    while True:
        wanted_ids = {one.holder_id for one in wanted}
        try:
            found = accounts.holders(session, aim.programme.id, aim.unit.id, wanted_ids)
            before = _settled(session, found, now)
        except AccountClosed:  # one of the members was merged or joined a household
            holder_ids = members.holders(session, [one.member_id for one in wanted])
            for one in wanted:
                one.holder_id = holder_ids[one.member_id]
            continue
        return {holder.member_id: holder for holder in found}, before


def _deed(aim: Aim, import_: Import, one: _Applied, holder: Holder, now: datetime) -> Deed:
    wish = one.row.wish
    points = wish.points or 0
    cause = Cause(reason=wish.reason or import_.reason, card_id=one.card_id)
    if aim.kind == "write_off":
        wanted = causes.header("redemption", aim.programme.id, cause, now)
        return Debit(holder, wanted, points, PointsRedeemed(one.holder_id))
    grant = Grant(points, cause, expires_at=_end_of(wish.expires, aim.programme.timezone))
    parcel_term = term(aim.programme.timezone, aim.unit, grant, now)
    parcel = NewLot(points, parcel_term)
    if aim.kind == "accrual":
        wanted = causes.header("accrual", aim.programme.id, cause, now)
        return Credit(holder, wanted, parcel, PointsAccrued(one.holder_id))
    wanted = causes.header("opening", aim.programme.id, cause, now)
    return Credit(holder, wanted, parcel, PointsAccrued(one.holder_id), "opening")


def _end_of(day: date | None, timezone: str) -> datetime | None:
    """The end of this day in the programme's zone: points live until then."""
    if day is None:
        return None
    midnight = datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(timezone))
    return midnight.astimezone(UTC)


def _problem(refusal: Refusal) -> RowProblem:
    match refusal:
        case InsufficientPoints():
            return RowProblem("insufficient_points", "points", {"available": refusal.available})
        case BalanceTooLarge():
            return RowProblem("balance_too_large", "points")
    raise refusal


def _settled(session: Session, holders: Sequence[Holder], now: datetime) -> int:
    """Lock these accounts and settle them, so that until the commit only the import moves them.
    Returns what they hold then, less what they owe. Raises `AccountClosed`."""
    locked = postings.lock_open(session, [holder.account_id for holder in holders])
    for holder in holders:
        if locked[holder.account_id].next_change_at <= now:
            postings.settle(session, holder, now)
    return _owned(session, holders)


def _owned(session: Session, holders: Sequence[Holder]) -> int:
    """What these members hold less what they owe. A posting changes it by exactly its amount."""
    found = accounts.lock(session, [holder.account_id for holder in holders])
    return sum(balance.total - balance.debt for balance in found.values())


def _entered(session: Session, holders: Sequence[Holder], posted: Sequence[_Applied]) -> int:
    """How many points the book has for these postings on these accounts, read back from the
    entries."""
    ids = [one.posting_id for one in posted if one.posting_id is not None]
    amount = session.scalar(
        select(func.sum(Entry.amount))
        .join(Posting, Posting.id == Entry.posting_id)
        .join(Account, Account.id == Entry.account_id)
        .where(
            Posting.public_id.in_(ids),
            Entry.account_id.in_([holder.account_id for holder in holders]),
        )
    )
    return int(amount or 0)


def _note(session: Session, import_: Import, applied: Sequence[_Applied]) -> None:
    """Write what became of the rows, and continue the digest over all rows so far."""
    if not applied:
        return
    session.execute(
        insert(ImportRow),
        [
            {
                "import_id": import_.id,
                "row": one.row.number,
                "member_id": one.member_id,
                "posting_id": one.posting_id,
                "points": (one.row.wish.points or 0) if one.posting_id else 0,
            }
            for one in applied
        ],
    )
    names = {
        one.id: one.public_id for one in members.by_ids(session, [a.member_id for a in applied])
    }
    for one in applied:
        points = (one.row.wish.points or 0) if one.posting_id else 0
        import_.rows_digest = chained(
            import_.rows_digest, one.row.number, names[one.member_id], one.posting_id, points
        )
        import_.applied += 1
        import_.postings += one.posting_id is not None
        import_.points_applied += points


def chained(digest: str, row: int, member: str, posting: str | None, points: int) -> str:
    """The digest (SHA-256 in hex) over the rows so far and this one; of no rows it is an empty
    text. `member` and `posting` are public ids."""
    line = f"{digest}\n{row}\t{member}\t{posting or ''}\t{points}\n"
    return hashlib.sha256(line.encode()).hexdigest()
