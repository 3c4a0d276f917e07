"""A person joins a programme: member, card and an empty account, at once."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from ledger import members, outbox, units
from ledger.book import accounts
from ledger.events import MemberChanged, MemberJoined
from ledger.members import Card, Member, Profile
from ledger.programmes import Programme


@dataclass(frozen=True, slots=True)
class Joined:
    member: Member
    card: Card


def join(
    session: Session,
    programme: Programme,
    profile: Profile,
    now: datetime,
    *,
    checked: bool = True,
) -> Joined:
    """`checked`: a shop vouches for the phone number and the address, so one of another member is
    refused; otherwise it is only marked, see `members.add_unchecked`. Raises `ExternalIdTaken`,
    `PhoneTaken`, `EmailTaken`."""
    add = members.add if checked else members.add_unchecked
    member = add(session, programme.id, profile, now)
    card = members.give_card(session, member, now)
    unit = units.named(session, programme.id, None)
    accounts.open_for(session, programme.id, unit.id, member.id)
    outbox.append(session, [MemberJoined(member.id)], now)
    return Joined(member, card)


def replace_card(session: Session, member: Member, now: datetime) -> Card:
    """Another card for a member who lost theirs; the old number is refused from now on."""
    card = members.replace_card(session, member, now)
    outbox.append(session, [MemberChanged(member.id)], now)
    return card
