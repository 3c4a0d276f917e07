"""A person joins a programme: member, card and an empty account are made together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from ledger.book import accounts
from ledger.database import outbox
from ledger.errors import MemberErased
from ledger.events import MemberChanged, MemberJoined
from ledger.people import cards, members, persons
from ledger.people.cards import Card
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.programmes import units
from ledger.programmes.programmes import Programme


@dataclass(frozen=True, slots=True)
class Joined:
    """A new member and their first card."""

    member: Member
    card: Card


def join(
    session: Session,
    programme: Programme,
    profile: Profile,
    now: datetime,
    *,
    checked: bool = True,
    unconfirmed: bool = False,
) -> Joined:
    """A person joins the programme: member, card, and an empty account in the main unit.
    `unconfirmed`: somebody else says so, at a counter, and they spend nothing until
    `members.confirm`.

    `checked`: a shop vouches for the phone number and the address, so one that another member has
    is refused. Otherwise it is only marked as shared, see `persons.add_unchecked`. Raises
    `PersonalDataNotKept`, `ExternalIdTaken`, `PhoneTaken`, `EmailTaken`."""
    add = persons.add if checked else persons.add_unchecked
    member = add(session, programme.id, profile, now)
    member.unconfirmed = unconfirmed
    card = cards.issue(session, member, now)
    unit = units.named(session, programme.id, None)
    accounts.open_for(session, programme.id, unit.id, member.id)
    outbox.append(session, [MemberJoined(member.id)], now)
    return Joined(member, card)


def join_all(
    session: Session,
    programme: Programme,
    people: Sequence[tuple[Profile, str | None]],
    now: datetime,
) -> list[int]:
    """Many people join at once, each with the number of a card that they have already, or None.
    Returns the members' ids in the same order. The caller has checked that no phone number,
    address, external id or card of theirs is taken. If another transaction takes one meanwhile, the
    database refuses all of them."""
    member_ids = persons.add_all(session, programme.id, [profile for profile, _ in people], now)
    numbers = [number for _, number in people]
    cards.issue_all(session, programme.id, list(zip(member_ids, numbers, strict=True)), now)
    unit = units.named(session, programme.id, None)
    accounts.open_all(session, programme.id, unit.id, member_ids)
    outbox.append(session, [MemberJoined(member_id) for member_id in member_ids], now)
    return member_ids


def replace_card(session: Session, member: Member, now: datetime) -> Card:
    """Another card number for a member, whose old numbers are refused from now on. It is no help
    for who lost a phone: that shows the new number too, see `replace_lost_card`. Raises
    `MemberErased`, `CardBlocked`."""
    card = cards.replace(session, member, now)
    outbox.append(session, [MemberChanged(member.id)], now)
    return card


def replace_lost_card(session: Session, member: Member, now: datetime) -> Sequence[Member]:
    """The person lost what their card was on: refuse every number they ever had, for good, and give
    new ones. Points and all else stay. Returns the members whom this concerns, the one who stands
    for the person first; they are locked. Raises `MemberErased`."""
    person = _lock_living(session, member)
    cards.replace_lost(session, person, now)
    outbox.append(session, [MemberChanged(one.id) for one in person], now)
    return person


def block_cards(session: Session, member: Member, now: datetime) -> Sequence[Member]:
    """Refuse every number of the person until `unblock_cards`. Doing it again changes nothing.
    Returns as `replace_lost_card` does. Raises `MemberErased`."""
    person = _lock_living(session, member)
    cards.block(session, [one.id for one in person], now)
    outbox.append(session, [MemberChanged(one.id) for one in person], now)
    return person


def unblock_cards(session: Session, member: Member, now: datetime) -> Sequence[Member]:
    """Let the numbers count again that `block_cards` refused; it does no harm if there are none.
    Returns as `replace_lost_card` does. Raises `MemberErased`."""
    person = _lock_living(session, member)
    cards.unblock(session, [one.id for one in person])
    outbox.append(session, [MemberChanged(one.id) for one in person], now)
    return person


def _lock_living(session: Session, member: Member) -> Sequence[Member]:
    head, group = members.lock_person(session, member)
    if head.erased_at is not None:
        raise MemberErased
    return [head, *(one for one in group if one.id != head.id)]
