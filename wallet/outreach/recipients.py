"""Who gets a message. Members become candidates when their passes are locked, and those of them who
get the message become recipients when the facts of their cards are read. Both happen once in a
transaction; the code that fills the words and the code that renders the cards get the same
values."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.people import cards
from ledger.people.members import Member
from ledger.programmes.programmes import Programme
from wallet.apple.devices import Registration
from wallet.google.mirror import GoogleObject
from wallet.passes import issued, showing
from wallet.passes.content import Facts
from wallet.passes.issued import Pass

# Who may be told: `given`, members who agreed to be written to; `not_refused`, also those who were
# never asked; `any`, everybody, which is for what is no advertising.
ConsentRule = Literal["given", "not_refused", "any"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member who may get a message: their pass, locked, and the wallets that it is in."""

    pass_: Pass
    on_apple: bool
    on_google: bool

    @property
    def member_id(self) -> int:
        return self.pass_.member_id

    @property
    def in_phone(self) -> bool:
        """Whether any wallet has the pass, as far as Apple's phones and Google have told."""
        return self.on_apple or self.on_google


@dataclass(frozen=True, slots=True)
class Recipient:
    """A candidate who gets the message. `facts`: what their card may show, read after the pass was
    locked, so that it is newer than every version of the pass."""

    candidate: Candidate
    facts: Facts


def may_be_told(rule: ConsentRule, *, agreed: bool | None) -> bool:
    """Whether a member may be told under this rule. `agreed` is None if they were never asked
    whether they want news."""
    return rule == "any" or agreed is True or (rule == "not_refused" and agreed is None)


def lock(session: Session, member_ids: Sequence[int]) -> dict[int, Candidate]:
    """Lock the passes of these members, and return the candidates by member. Members who were
    erased or merged into another, who have no pass, or whose card is blocked, are left out."""
    passes = issued.lock_cards(session, member_ids)
    pass_ids = [pass_.id for pass_ in passes]
    apple = set(
        session.scalars(select(Registration.pass_id).where(Registration.pass_id.in_(pass_ids)))
    )
    google = set(
        session.scalars(
            select(GoogleObject.pass_id).where(
                GoogleObject.pass_id.in_(pass_ids), GoogleObject.saved.is_(True)
            )
        )
    )
    gone = set(
        session.scalars(
            select(Member.id).where(
                Member.id.in_(member_ids),
                Member.erased_at.is_not(None) | Member.merged_into_id.is_not(None),
            )
        )
    )
    gone |= cards.blocked_of(session, member_ids)  # their cards show nothing to whoever has them
    return {
        pass_.member_id: Candidate(pass_, pass_.id in apple, pass_.id in google)
        for pass_ in passes
        if pass_.member_id not in gone
    }


def read(
    session: Session, programme: Programme, candidates: Collection[Candidate], now: datetime
) -> dict[int, Recipient]:
    """These candidates as recipients, by member."""
    if not candidates:
        return {}
    by_member = {candidate.member_id: candidate for candidate in candidates}
    facts = showing.facts(session, programme, list(by_member), now)
    return {
        member_id: Recipient(candidate, facts[member_id])
        for member_id, candidate in by_member.items()
    }
