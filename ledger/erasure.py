"""Erasing a person. What tells who a member was is deleted. What they had and did stays in the
book, under an id that stands for nobody any more, so that no total changes.

All of it is one transaction: a person is erased entirely or not at all. An erasure may be repeated;
the second time also removes what a till wrote at the moment of the first.

Lock order: waiting imports, members, then stored answers, then balances; see
docs/architecture.md."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, String, cast, delete, func, literal, select, update
from sqlalchemy.orm import Session

from ledger.book import accounts, holds, lots, postings
from ledger.book.accounts import Account
from ledger.book.drafts import Leg, MemberLeg, PostingDraft, PostingHeader, ProgrammeLeg
from ledger.book.holds import OPEN, Hold
from ledger.book.journal import Entry, Posting
from ledger.database import idempotency, outbox
from ledger.database.tables import Instant
from ledger.errors import HouseholdNotEmpty
from ledger.events import MemberChanged, PersonErased
from ledger.imports import forgetting
from ledger.offers import offers
from ledger.offers.offers import OfferMember
from ledger.people import consents, members, persons
from ledger.people.cards import Card
from ledger.people.members import Member
from ledger.people.persons import Person
from ledger.people.search_words import SearchWord
from ledger.points import households
from ledger.sales import records
from ledger.segments.lists import ListEntry

# Rows with one of these columns are deleted with the member that the column names. A new table of
# personal data needs a line here.
# Words follow their person: who changes one waits for the lock of the other.
ROWS_OF_A_MEMBER = (
    Person.member_id,
    SearchWord.member_id,
    OfferMember.member_id,
    ListEntry.member_id,
)

SHORTEST_WORD = 3  # characters; shorter words stand in texts that are not about the person at all


@dataclass(frozen=True, slots=True)
class Erased:
    """A person who is erased, and since when. `id` is the public id of the member who stood for
    them, `public_ids` and `member_ids` are all members they were, merged ones included. `points`
    were written off. `is_repeated`: they were erased before."""

    id: str
    erased_at: datetime
    public_ids: tuple[str, ...]
    member_ids: tuple[int, ...]
    points: int = 0
    is_repeated: bool = False


def erase(session: Session, public_id: str, now: datetime, *, write_off: bool = False) -> Erased:
    """Erase the person behind this member; it does no harm if they are erased already. Their points
    stay until they run out, unless `write_off` is set. Raises `UnknownMember`,
    `HouseholdNotEmpty`."""
    asked = members.by_public_id(session, public_id, include_erased=True)
    waiting = forgetting.lock_waiting(session, asked.programme_id)
    member, group = members.lock_person(session, asked)
    ids = [one.id for one in group]
    words = _words(session, ids)
    numbers = session.scalars(select(Card.number).where(Card.member_id.in_(ids))).all()
    forgetting.take_out(session, waiting, _names(session, ids, numbers))
    idempotency.redact(session, [*(one.public_id for one in group), *numbers], words)
    accounts.lock(session, _accounts(session, ids))
    _require_alone(session, ids)
    holder_id = member.holder_id
    _free_holds(session, ids, now)
    _take_words_off(session, ids, holder_id, words)
    points = _write_off(session, ids, now) if write_off else 0
    for column in ROWS_OF_A_MEMBER:
        session.execute(delete(column.class_).where(column.in_(ids)))
    offers.forget(session, ids, now)
    records.forget(session, ids)
    consents.forget_origins(session, ids)
    _take_cards(session, ids, now)
    erased_at = member.erased_at or now
    fresh = [one.id for one in group if one.erased_at is None]
    session.execute(
        update(Member)
        .where(Member.id.in_(ids))
        .values(erased_at=func.coalesce(Member.erased_at, literal(erased_at, Instant)))
        .execution_options(synchronize_session=False)
    )
    households.dissolve(session, member)
    gone = [PersonErased(id_) for id_ in fresh]
    changed = [] if holder_id in ids else [MemberChanged(holder_id)]
    outbox.append(session, [*gone, *changed], now)
    public_ids = tuple(one.public_id for one in group)
    return Erased(member.public_id, erased_at, public_ids, tuple(ids), points, not fresh)


def take_late_words(session: Session, member_ids: Sequence[int]) -> None:
    """Remove the reasons from what was posted to erased members while they were being erased."""
    gone = sorted(members.erased(session, member_ids))
    if gone:
        accounts.lock(session, _accounts(session, gone))
        _take_words_off(session, gone, gone[0], ())


def _require_alone(session: Session, ids: Sequence[int]) -> None:
    """Raises `HouseholdNotEmpty` if others use the accounts: then the points still need an
    owner."""
    others = session.scalar(
        select(func.count())
        .select_from(Member)
        .where(
            Member.household_id.in_(ids),
            Member.id.not_in(ids),
            Member.merged_into_id.is_(None),
            Member.erased_at.is_(None),
        )
    )
    if others:
        raise HouseholdNotEmpty(others)


def _words(session: Session, ids: Sequence[int]) -> list[str]:
    """What the person told about themselves, in the forms in which others may have written it
    down."""
    found: set[str] = set()
    for id_ in ids:
        told = persons.profile_of(session, id_)
        phone = told.phone or ""
        day = told.birthday.isoformat() if told.birthday else ""
        found |= {told.name or "", phone, phone.lstrip("+"), told.email or "", day}
        found |= {*(told.name or "").split(), told.external_id or ""}
    return sorted(word for word in found if len(word) >= SHORTEST_WORD)


def _names(
    session: Session, ids: Sequence[int], numbers: Collection[str]
) -> Mapping[str, Collection[str]]:
    """What a file may name the person by."""
    people = [persons.profile_of(session, id_) for id_ in ids]
    return {
        "card": numbers,
        "phone": [one.phone for one in people if one.phone],
        "email": [one.email for one in people if one.email],
        "external_id": [one.external_id for one in people if one.external_id],
    }


def _accounts(session: Session, ids: Sequence[int]) -> Sequence[int]:
    return session.scalars(select(Account.id).where(Account.member_id.in_(ids))).all()


def _free_holds(session: Session, ids: Sequence[int], now: datetime) -> None:
    """Release the open holds of the person: these sales will not be finished."""
    opened = session.scalars(
        select(Hold)
        .where(Hold.account_id.in_(_accounts(session, ids)), Hold.state == OPEN)
        .order_by(Hold.id)
    ).all()
    for hold in opened:
        holds.release(session, accounts.holder_of(session, hold.account_id), hold, now)


def _take_words_off(
    session: Session, ids: Sequence[int], holder_id: int, words: Collection[str]
) -> None:
    """Remove the reasons of postings and holds on the person's accounts, and of those made with the
    person's cards on any account. On the accounts of a household, also of those that contain one of
    the `words`."""
    cards = select(Card.id).where(Card.member_id.in_(ids))
    theirs = _accounts(session, ids)
    # Only entries with a balance after them are in the index. Entries on debts have none; but a
    # debt comes from a reversal, and that names the posting that it reverses.
    posted = select(Entry.posting_id).where(
        Entry.account_id.in_(theirs), Entry.balance_after.is_not(None)
    )
    for which in (
        Posting.id.in_(posted),
        Posting.reverses_id.in_(posted),
        Posting.card_id.in_(cards),
    ):
        _silence(session, which)
    session.execute(
        update(Hold)
        .where(Hold.account_id.in_(theirs) | Hold.card_id.in_(cards), Hold.reason.is_not(None))
        .values(reason=None)
        .execution_options(synchronize_session=False)
    )
    if holder_id not in ids:
        _take_names_off(session, _accounts(session, [holder_id]), words)


def _take_names_off(session: Session, shared: Sequence[int], words: Collection[str]) -> None:
    sought = [word.casefold() for word in words]
    said = select(Posting.id, Posting.reason).where(
        Posting.reason.is_not(None),
        Posting.id.in_(select(Entry.posting_id).where(Entry.account_id.in_(shared))),
    )
    for posting_id, reason in session.execute(said).all():
        if _speaks_of(reason or "", sought):
            _silence(session, Posting.id == posting_id)
    set_aside = select(Hold).where(Hold.account_id.in_(shared), Hold.reason.is_not(None))
    for hold in session.scalars(set_aside):
        if _speaks_of(hold.reason or "", sought):
            hold.reason = None


def _speaks_of(reason: str, sought: Collection[str]) -> bool:
    return any(word in reason.casefold() for word in sought)


def _silence(session: Session, which: ColumnElement[bool]) -> None:
    session.execute(
        update(Posting)
        .where(which, Posting.reason.is_not(None))
        .values(reason=None)
        .execution_options(synchronize_session=False)
    )


def _write_off(session: Session, ids: Sequence[int], now: datetime) -> int:
    """Let all points of the person run out today. Returns how many those were."""
    gone = 0
    for account_id in _accounts_of_kind(session, ids):
        holder = accounts.holder_of(session, account_id)
        postings.settle(session, holder, now, even_closed=True)
        withdrawals = [
            lot.withdraw(lot.free) for lot in lots.open_in(session, [account_id])[account_id]
        ]
        if not withdrawals:
            continue
        points = sum(one.amount for one in withdrawals)
        legs: list[Leg] = [
            MemberLeg(account_id, withdrawals=withdrawals),
            ProgrammeLeg(accounts.programme_account(session, holder, "expired"), points),
        ]
        header = PostingHeader(holder.programme_id, "expiry", occurred_at=now)
        postings.put(session, [PostingDraft(header, legs)], (), now)
        gone += points
    return gone


def _accounts_of_kind(session: Session, ids: Sequence[int]) -> Sequence[int]:
    return session.scalars(
        select(Account.id)
        .where(Account.member_id.in_(ids), Account.kind == accounts.MEMBER)
        .order_by(Account.id)
    ).all()


def _take_cards(session: Session, ids: Sequence[int], now: datetime) -> None:
    """Replace the card numbers and block the cards. The number stands on receipts, and a person who
    has a receipt could look up the rest by it."""
    session.execute(
        update(Card)
        .where(Card.member_id.in_(ids))
        .values(
            number=literal("erased-").concat(cast(Card.id, String)),
            blocked_at=func.coalesce(Card.blocked_at, literal(now, Instant)),
            blocked_for=func.coalesce(Card.blocked_for, "replaced"),
        )
        .execution_options(synchronize_session=False)
    )
