"""Two cards of one person become one, by the link that was sent to the owner of the first.

Who opens it shows that they have the address; that the second card is theirs too, they say."""

from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from ledger.people import members
from wallet.access.changes import Author
from wallet.configuration.keyring import KeyRing
from wallet.finding import second_cards
from wallet.finding.second_cards import SecondCard
from wallet.people import deeds

# two: they can be made one. one: they are. gone: the second card has another address by now, or
# became one with a third, or is nobody's.
CardsStanding = Literal["two", "one", "gone"]


def standing(session: Session, keys: KeyRing, cards: SecondCard) -> CardsStanding:
    """What became of the two cards."""
    first, second = (
        members.resolve_merged(session, members.reread(session, one))
        for one in (cards.owner, cards.joined)
    )
    if first.id == second.id:
        return "one"
    is_there = first.erased_at is None and second_cards.is_apart(session, keys, cards, cards.joined)
    return "two" if is_there else "gone"


def make_one(session: Session, keys: KeyRing, cards: SecondCard, now: datetime) -> CardsStanding:
    """All that is on the second card goes to the first, and either means the first from now on.
    Returns what became of them: `one` also where they were that already, so of two who do this at
    once the second changes nothing. Raises `HoldsOpen`, `PooledMember`, `SameMember` for two who
    collect together, `BalanceTooLarge`."""
    first, second = members.lock_people(session, cards.owner, cards.joined)
    before = standing(session, keys, cards)
    if before != "two":
        return before
    deeds.merge(session, second, first, Author("member", first.public_id), now)
    return "one"
