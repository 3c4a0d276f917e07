"""Messages that answer at once to what a member did: points accrued, points spent.

They are said in the relay's own transaction, before it renders the card: points and words come in
one version, and the phone speaks once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ledger.book import accounts
from ledger.book.accounts import Account
from ledger.book.journal import Entry, Posting
from ledger.events import Event, PointsAccrued, PointsRedeemed
from ledger.people.cards import Card
from ledger.people.members import Member
from ledger.programmes import programmes, units
from wallet.outreach import deliveries, terms, wording
from wallet.outreach.deliveries import ANSWERS, Delivery, Occasion, Reach, Saying
from wallet.outreach.terms import MessageTerms
from wallet.passes import issuing

POSTED = {"accrual": "accrued", "redemption": "spent"}
# News that is older comes too late to be any.
FRESH = timedelta(hours=24)
MOST = 20


@dataclass(frozen=True, slots=True)
class Said:
    """What was said and waits for the cards to be rendered: reach and text by delivery."""

    told: dict[int, Reach] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Untold:
    """A posting nobody was told of yet, and whom it is to be told."""

    id: int
    public_id: str
    kind: str
    member_id: int
    points: int


def hear(session: Session, events: Sequence[Event], pass_ids: Sequence[int], now: datetime) -> Said:
    """Say what these events call for, where the programme wants it said. `pass_ids`: all passes
    that the events concern."""
    holders = sorted(
        {one.member_id for one in events if isinstance(one, PointsAccrued | PointsRedeemed)}
    )
    wanted = {(one.programme_id, one.kind): one for one in terms.switched_on(session, ANSWERS)}
    if not holders or not wanted:
        return Said()
    issuing.lock(session, pass_ids)  # all in their order, before those of the recipients
    said = Said()
    members = session.scalars(select(Member).where(Member.id.in_(holders))).all()
    for programme_id in sorted({one.programme_id for one in members}):
        theirs = [one.id for one in members if one.programme_id == programme_id]
        for kind in ANSWERS:
            if (programme_id, kind) in wanted:
                _answer(session, wanted[programme_id, kind], theirs, said, now)
    return said


def settle(session: Session, said: Said, now: datetime) -> None:
    """The cards have been rendered."""
    deliveries.settle(session, said.told, said.texts, now)


def _answer(
    session: Session, wanted: MessageTerms, holders: Sequence[int], said: Said, now: datetime
) -> None:
    found = _untold(session, wanted, holders, now)
    programme = programmes.by_id(session, wanted.programme_id)
    unit = units.named(session, programme.id, None)
    reached = deliveries.reach(session, [one.member_id for one in found])
    ids = deliveries.note(
        session,
        programme.id,
        [
            Occasion(
                one.member_id,
                wanted.kind,
                _occasion(one),
                state="waiting" if _has_card(reached.get(one.member_id)) else "no_card",
                posting_id=one.id,
            )
            for one in found
        ],
        now,
    )
    sayings = []
    for member_id in sorted({one.member_id for one in found}):
        reach = reached.get(member_id)
        fresh = [
            ids[key]
            for one in found
            if (key := (one.member_id, _occasion(one))) in ids and one.member_id == member_id
        ]
        if reach is None or not _has_card(reach) or not fresh:
            continue
        # Several at once are one message, with the sum.
        points = sum(one.points for one in found if one.member_id == member_id)
        about = {
            language: {wanted.kind: wording.amount(unit.amount(points), language)}
            for language in wording.LANGUAGES
        }
        sayings.append(Saying(max(fresh), member_id, wanted.texts, about, tells_points=True))
        said.told.update(dict.fromkeys(fresh, reach))
    texts = deliveries.say(session, programme, sayings, now)
    for one in sayings:
        for id_, reach in said.told.items():
            if reach.member_id == one.member_id and id_ not in said.texts:
                said.texts[id_] = texts[one.delivery_id]


def _untold(
    session: Session, wanted: MessageTerms, holders: Sequence[int], now: datetime
) -> list[Untold]:
    """Of the newest postings on these members' accounts, those that this kind of message tells of
    and that no message has told of: the gift that came with a birthday's message is told already.
    The member is who showed the card; the account may be a household's."""
    unit = units.named(session, wanted.programme_id, None)
    kinds = [kind for kind, told_by in POSTED.items() if told_by == wanted.kind]
    rows = session.execute(
        select(
            Posting.id,
            Posting.public_id,
            Posting.kind,
            Entry.amount,
            Account.member_id,
            Card.member_id.label("shown_by"),
        )
        .join(Entry, Entry.posting_id == Posting.id)
        .join(Account, Account.id == Entry.account_id)
        .outerjoin(Card, Card.id == Posting.card_id)
        .where(
            Account.unit_id == unit.id,
            Account.kind == accounts.MEMBER,
            Account.member_id.in_(holders),
            Entry.balance_after.is_not(None),
            Posting.kind.in_(kinds),
            Posting.posted_at >= max(wanted.since, now - FRESH),
            ~exists(select(Delivery.id).where(Delivery.posting_id == Posting.id)),
        )
        .order_by(Posting.id.desc())
        .limit(MOST * len(holders))
    ).all()
    return [
        Untold(row.id, row.public_id, row.kind, row.shown_by or row.member_id, abs(row.amount))
        for row in rows
    ]


def _occasion(one: Untold) -> str:
    return f"{POSTED[one.kind]}:{one.public_id}"


def _has_card(reach: Reach | None) -> bool:
    return reach is not None and (reach.apple or reach.google)
