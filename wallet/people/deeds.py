"""What is done with a member, whoever does it: each deed with its line in the record of changes, in
one transaction. The API and the console do the same, here."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ledger import enrolment
from ledger.book.journal import Posting
from ledger.people import consents, members, persons
from ledger.people.consents import ConsentSource, Decision
from ledger.people.members import Member
from ledger.people.persons import Person, Profile
from ledger.points import corrections, households
from ledger.points.causes import Cause
from ledger.points.corrections import Reversal, Undone
from ledger.programmes.programmes import Programme
from ledger.sales import limits
from wallet.access import changes
from wallet.access.changes import Author, ChangedThing, RecordedFacts
from wallet.configuration.keyring import KeyRing
from wallet.delivery.refresh import MakeDue
from wallet.finding import codes
from wallet.finding.codes import ToldCode
from wallet.passes import issuing, renewal
from wallet.people import lost_cards


def changed_member(member: Member) -> ChangedThing:
    """A member as the record of changes names them."""
    return ChangedThing("member", member.public_id, member.programme_id, member.id)


def add(
    session: Session,
    programme: Programme,
    profile: Profile,
    decisions: Sequence[Decision],
    source: ConsentSource,
    pass_type: str,
    keys: KeyRing,
    by: Author,
    now: datetime,
    *,
    unconfirmed: bool = False,
) -> Member:
    """Add a member, for whom a shop vouches, with a card; `unconfirmed`, as a cashier at a counter
    does who typed what they were told. Raises `PersonalDataNotKept`,
    `PhoneTaken`, `EmailTaken`, `ExternalIdTaken`, and for decisions `DatesOutOfOrder`,
    `DateOutOfRange`."""
    pass_ = issuing.join(session, programme, profile, pass_type, keys, now, unconfirmed=unconfirmed)
    member = members.by_id(session, pass_.member_id)
    consents.record(session, member, decisions, source, now)
    changes.note(session, by, "member.added", changed_member(member), now)
    return member


def confirm(session: Session, member: Member, by: Author, now: datetime) -> bool:
    """The person has shown that they are the one for whom a cashier made the card; they may spend
    from now on. False where that was known already. Raises `MemberErased`."""
    head = members.confirm(session, member)
    if head is not None:
        told = {"unconfirmed": True}, {"unconfirmed": False}
        changes.note(session, by, "member.confirmed", changed_member(head), now, *told)
    return head is not None


def known(session: Session, member: Member) -> RecordedFacts:
    """What is known of the member, and what they agreed to by purpose."""
    return {**changes.facts(session.get(Person, member.id)), **_agreed(session, member)}


def held(session: Session, member: Member) -> RecordedFacts:
    """The same, read under the lock of the person, who is going to be corrected."""
    person = session.get(Person, member.id)
    return {**changes.held(session, person), **_agreed(session, member)}


def correct(
    session: Session,
    member: Member,
    corrections: Mapping[str, Any],
    decisions: Sequence[Decision],
    source: ConsentSource,
    by: Author,
    now: datetime,
    *,
    checked: bool = True,
) -> None:
    """Correct what is known of a member, by the names of `Profile`, and add decisions; for
    `checked` see `persons.change`. Raises what `persons.change` and `add` raise."""
    before = held(session, member)
    persons.change(session, member, corrections, now, checked=checked)
    consents.record(session, member, decisions, source, now)
    person = session.get(Person, member.id)
    after = {} if person is None else changes.reread(session, person)
    after = {**after, **_agreed(session, member)}
    changes.note(session, by, "member.changed", changed_member(member), now, before, after)


def replace_card(
    session: Session, member: Member, keys: KeyRing, by: Author, now: datetime
) -> None:
    """Give the member another card number; the card in the phone stays and shows it. Raises
    `MemberErased`, `CardBlocked`."""
    enrolment.replace_card(session, member, now)
    renewal.renew(session, keys, member.id, now)
    _note(session, by, "card.replaced", member, now)


def replace_lost_card(
    session: Session,
    member: Member,
    keys: KeyRing,
    make_due: Sequence[MakeDue],
    by: Author,
    now: datetime,
) -> None:
    """The phone is lost: number, link and passes are refused for good, and there are new ones.
    Raises `MemberErased`."""
    lost_cards.replace(session, member, keys, make_due, now)
    _note(session, by, "card.lost", member, now)


def block(
    session: Session, member: Member, make_due: Sequence[MakeDue], by: Author, now: datetime
) -> None:
    """Lock the card out until its owner comes. Raises `MemberErased`."""
    lost_cards.block(session, member, make_due, now)
    _note(session, by, "card.blocked", member, now)


def unblock(
    session: Session, member: Member, make_due: Sequence[MakeDue], by: Author, now: datetime
) -> None:
    """The owner has come. Raises `MemberErased`."""
    lost_cards.unblock(session, member, make_due, now)
    _note(session, by, "card.unblocked", member, now)


def tell_code(
    session: Session, keys: KeyRing, member: Member, by: Author, now: datetime
) -> ToldCode:
    """Make a code by which the member finds their card, for whoever reads it out to them: the
    record has who did, and not the code. Raises what `codes.tell` raises."""
    told = codes.tell(session, keys, member, now)
    _note(session, by, "card.code_told", member, now)
    return told


def undo(
    session: Session, member: Member, posting: Posting, reason: str, by: Author, now: datetime
) -> Undone:
    """Undo all that is left of a posting of this member. Raises what `corrections.reverse`
    raises."""
    undone = corrections.reverse(session, posting, Reversal(cause=Cause(reason or None)), now)
    told = {"points": undone.points, "reason": reason or None}
    changes.note(session, by, "posting.undone", changed_member(member), now, None, told)
    return undone


def merge(session: Session, member: Member, into: Member, by: Author, now: datetime) -> int:
    """Two members are one person: all of the first goes to the second. Returns how much of a debt
    was paid so. Raises what `households.merge` raises."""
    paid = households.merge(session, member, into, now)
    limits.hand_on(session, member.programme_id, member.id, into.id)
    _note(session, by, "member.merged", member, now, {"into": into.public_id})
    return paid


def join_household(
    session: Session, member: Member, head: Member, by: Author, now: datetime
) -> int:
    """The member uses the head's account from now on. Returns and raises as `merge`."""
    paid = households.join(session, member, head, now)
    _note(session, by, "member.household_joined", member, now, {"head": head.public_id})
    return paid


def leave_household(session: Session, member: Member, by: Author, now: datetime) -> None:
    """The member has an account of their own again. Raises `MemberErased`, `MemberMergedAway`."""
    households.leave(session, member, now)
    _note(session, by, "member.household_left", member, now)


def _note(
    session: Session,
    by: Author,
    code: str,
    member: Member,
    now: datetime,
    after: RecordedFacts | None = None,
) -> None:
    changes.note(session, by, code, changed_member(member), now, None, after)


def _agreed(session: Session, member: Member) -> dict[str, bool]:
    """What the member agreed to, or not, by purpose."""
    return {purpose: one.given for purpose, one in consents.current(session, member.id).items()}
