"""Points that come with a message: given in the transaction that writes the words on the card, or
not at all.

A gift is a posting of its own kind. So it never counts as a purchase or as a visit, and no other
message tells of it. Lock order: deliveries, balances, passes; so whoever gives calls `lock` before
the passes are locked."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.book import accounts
from ledger.book.accounts import AccountClosed
from ledger.book.journal import Posting
from ledger.errors import Refusal
from ledger.money import Amount
from ledger.people import members
from ledger.people.members import Member
from ledger.points import accruals
from ledger.points.accruals import Grant
from ledger.points.causes import Cause
from ledger.programmes import units
from ledger.programmes.programmes import Programme
from wallet.outreach import deliveries


@dataclass(frozen=True, slots=True)
class MessageGift:
    """`points` of the programme's main unit. They live as long as the unit's terms say, or so many
    days, or until a moment."""

    points: int
    live_days: int | None = None
    expires_at: datetime | None = None

    @classmethod
    def of(
        cls, points: int | None, live_days: int | None, expires_at: datetime | None = None
    ) -> "MessageGift | None":
        """The gift of these columns; None if there is none."""
        return None if points is None else cls(points, live_days, expires_at)


def amount(
    session: Session, programme: Programme, gift: MessageGift | None, times: int = 1
) -> Amount | None:
    """The gift as people are told of it: as money if the programme counts money."""
    if gift is None:
        return None
    return units.named(session, programme.id, None).amount(gift.points * times)


def lock(session: Session, programme: Programme, member_ids: Collection[int]) -> dict[int, Member]:
    """These members, with the accounts that they use locked in ascending order."""
    unit = units.named(session, programme.id, None)
    people = {one.id: one for one in members.by_ids(session, list(member_ids))}
    while True:
        holder_ids = sorted({one.holder_id for one in people.values()})
        try:
            holders = accounts.holders(session, programme.id, unit.id, holder_ids)
        except AccountClosed:  # a member was merged or joined a household: look again
            people = {id_: members.reread(session, one) for id_, one in people.items()}
            continue
        accounts.lock(session, [holder.account_id for holder in holders])
        return people


def give(
    session: Session,
    programme: Programme,
    gift: MessageGift,
    people: Mapping[int, Member],
    wanted: Mapping[int, int],
    promotion: str,
    now: datetime,
) -> set[int]:
    """Give the points for each of these deliveries (delivery -> member), of members whom `lock`
    returned. Returns the deliveries that got them: a member whose account has no room for more gets
    none. `promotion`: what statements name the reason by."""
    unit = units.named(session, programme.id, None)
    expires_at = gift.expires_at
    if gift.live_days is not None:
        expires_at = units.end_of_days(now, gift.live_days, programme.timezone)
    grant = Grant(gift.points, Cause(promotion=promotion), expires_at=expires_at, unit=unit.code)
    given: dict[int, int] = {}
    for delivery_id, member_id in wanted.items():
        try:
            with session.begin_nested():
                done = accruals.grant(session, people[member_id], grant, now, kind="gift")
        except Refusal:
            continue
        posting = select(Posting.id).where(Posting.public_id == done.posting_id)
        given[delivery_id] = session.scalars(posting).one()
    deliveries.came_with(session, given)
    return set(given)
