"""A person joins a programme: member, card and an empty account, at once."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from ledger import members, outbox
from ledger.book import accounts
from ledger.events import MemberJoined
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
    accounts.open_for(session, programme.id, member.id)
    outbox.append(session, [MemberJoined(member.id)], now)
    return Joined(member, card)
