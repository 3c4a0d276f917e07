"""Cards in wrong hands: blocked until their owner comes, or lost and replaced.

A card is a number, a link and a pass in each wallet, and who has one of them soon has the others.
So they are locked out together, for all members that the person ever was, in one transaction. A
pass cannot be taken out of a phone (see `erasure`): it gets one more version, which says that it is
void and nothing of its member.

Lock order: members, the codes of their cards, passes; see docs/architecture.md."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from ledger import enrolment
from ledger.people.members import Member
from wallet.apple.signed_passes import SealedPass
from wallet.configuration.keyring import KeyRing
from wallet.delivery.refresh import MakeDue, refresh
from wallet.google import mirror
from wallet.passes import issued, issuing, renewal


def replace(
    session: Session,
    member: Member,
    keys: KeyRing,
    make_due: Sequence[MakeDue],
    now: datetime,
) -> Member:
    """The phone is lost: numbers, links and passes of the person are refused for good, and the
    person gets new ones. Coupons come along as they are, used ones used. Points, history, consents
    and offers stay. Returns the member who stands for the person. Raises `MemberErased`."""
    person = enrolment.replace_lost_card(session, member, now)
    ids = [one.id for one in person]
    for one in person:
        renewal.renew(session, keys, one.id, now)
    lost = issued.lock_out(session, issued.ids_of_members(session, ids))
    issuing.issue_again(session, lost, keys, now)
    _show(session, [pass_.id for pass_ in lost], make_due, now)
    return person[0]


def block(session: Session, member: Member, make_due: Sequence[MakeDue], now: datetime) -> Member:
    """Lock numbers, links and passes of the person out until `unblock`. Doing it again changes
    nothing. Returns as `replace` does. Raises `MemberErased`."""
    person = enrolment.block_cards(session, member, now)
    pass_ids = issued.ids_of_members(session, [one.id for one in person])
    issued.lock_out(session, pass_ids)
    _show(session, pass_ids, make_due, now)
    return person[0]


def unblock(session: Session, member: Member, make_due: Sequence[MakeDue], now: datetime) -> Member:
    """The owner has come: what `block` locked out is good again, as it was. Returns as `replace`
    does. Raises `MemberErased`."""
    person = enrolment.unblock_cards(session, member, now)
    _show(session, issued.ids_of_members(session, [one.id for one in person]), make_due, now)
    return person[0]


def _show(
    session: Session, pass_ids: Sequence[int], make_due: Sequence[MakeDue], now: datetime
) -> None:
    """Bring what has changed to the phones. Signed bytes of the versions before name the
    member."""
    refresh(session, pass_ids, make_due, now)
    session.execute(delete(SealedPass).where(SealedPass.pass_id.in_(pass_ids)))
    mirror.forget_words(session, pass_ids)
