"""For whom an offer is: its audience is written down once, when it begins.

In bounded steps, each under the offer's own lock, so that two workers cannot do it twice. A list
that is not complete shows nothing to anybody. See docs/decisions/0026."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from ledger.limits import NEVER
from ledger.offers import offers
from ledger.offers.offers import Offer
from ledger.people import members
from ledger.people.members import Member
from ledger.programmes import programmes
from ledger.segments import conditions, documents, membership, named, scope

MEMBERS_AT_ONCE = 500


def write_down(session: Session, now: datetime, limit: int = MEMBERS_AT_ONCE) -> bool:
    """One step at the audience that waited longest; False if there is none. Who joins after the
    begin is not in it."""
    offer = session.scalar(
        select(Offer)
        .where(Offer.turns_at <= now, Offer.audience.is_not(None), Offer.frozen_at.is_(None))
        .order_by(Offer.turns_at)
        .limit(1)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    )
    if offer is None:
        return False
    if offer.ends_at <= now:  # it was over before anybody was shown it
        offer.turns_at = NEVER
        return True
    if offer.begun_at is None:
        offer.begun_at, offer.last_id = now, _newest_member(session, offer.programme_id)
        named.hold(session, offer.programme_id, offer.audience or {})
        meant = named.meaning(session, offer.programme_id, offer.audience or {})
        offer.audience = documents.stored(meant)
    found = _meant(session, offer, offer.begun_at, limit)
    members.lock(session, found)
    offers.write_down(session, offer.id, _present(found))
    if len(found) < limit:
        offers.frozen(session, offer, now)
    else:
        offer.after_id = found[-1]
    session.flush()
    return True


def _meant(session: Session, offer: Offer, begun_at: datetime, limit: int) -> Sequence[int]:
    """The next members of the audience, as it was at the begin."""
    programme = programmes.by_id(session, offer.programme_id)
    in_scope = scope.in_main_unit(session, programme, begun_at)
    wanted = membership.condition(documents.read(offer.audience), in_scope)
    page = membership.page(session, wanted, offer.after_id, offer.last_id, limit)
    return [member.id for member in page]


def _present(member_ids: Sequence[int]) -> Select[int]:
    """Those of these who still stand for a person. They are locked, so a merge or an erasure at
    this moment either sees what is written down, or is seen."""
    return select(Member.id).where(Member.id.in_(member_ids), conditions.is_active())


def _newest_member(session: Session, programme_id: int) -> int:
    newest = select(func.max(Member.id)).where(Member.programme_id == programme_id)
    return session.scalar(newest) or 0
