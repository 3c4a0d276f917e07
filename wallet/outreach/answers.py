"""Messages that answer at once what a member did: points accrued, points spent.

They are written in the relay's own transaction, before it renders the card. So points and words
come in one version, and the phone announces both at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ledger.book import statements
from ledger.book.journal import Posting
from ledger.book.statements import AccountPosting
from ledger.events import Event, PointsAccrued, PointsRedeemed
from ledger.people import members
from ledger.people.members import Member
from ledger.programmes import programmes, units
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from wallet.outreach import deliveries, gifts, messages, recipients, terms
from wallet.outreach.deliveries import ANSWERS, Delivery, Occasion
from wallet.outreach.messages import Message, WrittenMessage
from wallet.outreach.recipients import Candidate
from wallet.outreach.terms import MessageTerms
from wallet.outreach.wording import Known
from wallet.passes import issued, versioning

POSTED = {"accrual": "accrued", "redemption": "spent"}
# Older postings get no message: it would come too late for an answer.
FRESH = timedelta(hours=24)
MOST_POSTINGS = 20  # of one holder, in one answer


def hear(
    session: Session, events: Sequence[Event], pass_ids: Sequence[int], now: datetime
) -> list[WrittenMessage]:
    """Write the messages that these events call for, in programmes that have switched them on. The
    caller then renders the cards, and calls `settle`. `pass_ids`: all passes that the events
    concern."""
    holder_ids = sorted(
        {event.member_id for event in events if isinstance(event, PointsAccrued | PointsRedeemed)}
    )
    switched_on = {
        (answer.programme_id, answer.kind): answer for answer in terms.switched_on(session, ANSWERS)
    }
    if not holder_ids or not switched_on:
        return []
    grouped = _by_programme(session, holder_ids)
    for programme_id, member_ids in grouped.items():
        theirs = [one for (of, _), one in switched_on.items() if of == programme_id]
        if any(one.present is not None for one in theirs):  # balances are locked before passes
            gifts.lock(session, programmes.by_id(session, programme_id), member_ids)
    issued.lock(session, pass_ids)  # all of them in one order, before those of the recipients
    written: list[WrittenMessage] = []
    for programme_id, member_ids in grouped.items():
        for kind in ANSWERS:
            if (programme_id, kind) in switched_on:
                # One sale, one message: of one that brought points, that is told.
                beside = switched_on.get((programme_id, "spent")) if kind == "accrued" else None
                answer = switched_on[programme_id, kind]
                written += _answer(session, answer, beside, member_ids, now)
    return written


def settle(session: Session, written: Sequence[WrittenMessage], now: datetime) -> None:
    """Settle the deliveries of these messages, once the cards have been rendered."""
    if written:
        versions = versioning.versions(session, [each.candidate.pass_.id for each in written])
        messages.settle(session, written, versions, now)


def _by_programme(session: Session, member_ids: Sequence[int]) -> dict[int, list[int]]:
    """These members by their programmes, in ascending order."""
    grouped: dict[int, list[int]] = {}
    rows = session.execute(
        select(Member.programme_id, Member.id)
        .where(Member.id.in_(member_ids))
        .order_by(Member.programme_id, Member.id)
    )
    for programme_id, member_id in rows:
        grouped.setdefault(programme_id, []).append(member_id)
    return grouped


def _answer(
    session: Session,
    answer: MessageTerms,
    beside: MessageTerms | None,
    holder_ids: Sequence[int],
    now: datetime,
) -> list[WrittenMessage]:
    """A message to each member whose postings have had no answer yet; several postings of one
    member are one message, with the sum. It also answers what `beside` would tell of the same
    sales."""
    programme = programmes.by_id(session, answer.programme_id)
    unit = units.named(session, programme.id, None)
    postings = _unanswered(session, answer, unit, holder_ids, now)
    if not postings:
        return []
    candidates = recipients.lock(session, [posting.member_id for posting in postings])
    delivery_ids = _note(session, answer, postings, candidates, now)
    by_member = _to_answer(postings, delivery_ids, candidates)
    if answer.present is not None:
        by_member = _with_gifts(session, programme, answer, by_member, delivery_ids, now)
    besides: dict[int, list[int]] = {}
    if beside is not None:
        unanswered = _unanswered(session, beside, unit, holder_ids, now)
        besides = _note_besides(session, beside, unanswered, by_member, candidates, now)
    readers = recipients.read(
        session, programme, [candidates[member_id] for member_id in by_member], now
    )
    batch = [
        Message(
            readers[member_id],
            [
                *(delivery_ids[posting.posting_id] for posting in theirs),
                *besides.get(member_id, ()),
            ],
            answer.texts,
            _about(session, programme, answer, unit, theirs),
            states_balance=True,
        )
        for member_id, theirs in sorted(by_member.items())
    ]
    return messages.write(session, programme, batch, now)


def _note_besides(
    session: Session,
    beside: MessageTerms,
    unanswered: Sequence[AccountPosting],
    by_member: Mapping[int, Sequence[AccountPosting]],
    candidates: Mapping[int, Candidate],
    now: datetime,
) -> dict[int, list[int]]:
    """Make deliveries for those of the `unanswered` postings that were made in the same sales as
    these; returns their ids by member."""
    sales = {_sale(one) for theirs in by_member.values() for one in theirs} - {None}
    same = [one for one in unanswered if _sale(one) in sales]
    noted = _note(session, beside, same, candidates, now)
    found: dict[int, list[int]] = {}
    for one in same:
        if one.posting_id in noted:
            found.setdefault(one.member_id, []).append(noted[one.posting_id])
    return found


def _sale(posting: AccountPosting) -> tuple[int, str, datetime] | None:
    """By what postings of one sale are known; None for one of none."""
    if posting.receipt is None:
        return None
    return posting.member_id, posting.receipt, posting.posted_at


def _unanswered(
    session: Session,
    answer: MessageTerms,
    unit: Unit,
    holder_ids: Sequence[int],
    now: datetime,
) -> list[AccountPosting]:
    """The newest postings that this kind of message tells of and that no message has told of yet.
    (The birthday message has told of its gift.) The message goes to the member who presented the
    card, even where the account is a household's."""
    return statements.newest(
        session,
        unit.id,
        holder_ids,
        [kind for kind, answered_by in POSTED.items() if answered_by == answer.kind],
        max(answer.since, now - FRESH),
        MOST_POSTINGS * len(holder_ids),
        unless=exists(select(Delivery.id).where(Delivery.posting_id == Posting.id)),
    )


def _note(
    session: Session,
    answer: MessageTerms,
    postings: Sequence[AccountPosting],
    candidates: Mapping[int, Candidate],
    now: datetime,
) -> dict[int, int]:
    """Make a delivery for each posting that has none; returns their ids by posting."""
    occasions = {
        posting.posting_id: Occasion(
            posting.member_id,
            answer.kind,
            f"{answer.kind}:{posting.id}",
            state="waiting" if _in_phone(candidates, posting.member_id) else "no_card",
            posting_id=posting.posting_id,
        )
        for posting in postings
    }
    noted = deliveries.note(session, answer.programme_id, list(occasions.values()), now)
    return {
        posting_id: noted[occasion.member_id, occasion.occasion]
        for posting_id, occasion in occasions.items()
        if (occasion.member_id, occasion.occasion) in noted
    }


def _to_answer(
    postings: Sequence[AccountPosting],
    delivery_ids: Mapping[int, int],
    candidates: Mapping[int, Candidate],
) -> dict[int, list[AccountPosting]]:
    """The postings that were noted just now, by member, of members with their card in a phone."""
    grouped: dict[int, list[AccountPosting]] = {}
    for posting in postings:
        if posting.posting_id in delivery_ids and _in_phone(candidates, posting.member_id):
            grouped.setdefault(posting.member_id, []).append(posting)
    return grouped


def _with_gifts(
    session: Session,
    programme: Programme,
    answer: MessageTerms,
    by_member: Mapping[int, list[AccountPosting]],
    delivery_ids: Mapping[int, int],
    now: datetime,
) -> dict[int, list[AccountPosting]]:
    """Those of these postings, by member, with which points could be given: one gift for each,
    however many of them one message tells of. The deliveries of the others are ended."""
    if answer.present is None:
        return dict(by_member)
    of = {
        delivery_ids[posting.posting_id]: member_id
        for member_id, theirs in by_member.items()
        for posting in theirs
    }
    people = {one.id: one for one in members.by_ids(session, list(by_member))}
    given = gifts.give(session, programme, answer.present, people, of, answer.kind, now)
    deliveries.end(session, {"refused": [id_ for id_ in of if id_ not in given]})
    answered = {
        member_id: [one for one in theirs if delivery_ids[one.posting_id] in given]
        for member_id, theirs in by_member.items()
    }
    return {member_id: theirs for member_id, theirs in answered.items() if theirs}


def _about(
    session: Session,
    programme: Programme,
    answer: MessageTerms,
    unit: Unit,
    postings: Sequence[AccountPosting],
) -> Known:
    return {
        answer.kind: unit.amount(sum(posting.points for posting in postings)),
        "gift": gifts.amount(session, programme, answer.present, len(postings)),
    }


def _in_phone(candidates: Mapping[int, Candidate], member_id: int) -> bool:
    return member_id in candidates and candidates[member_id].in_phone
